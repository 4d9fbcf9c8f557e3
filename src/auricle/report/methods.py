"""The chapter of methods: the networks, and why they are built so."""

from collections.abc import Iterator
from typing import Any

from auricle.network.texture import GROUP, LEVELS, TOGETHER
from auricle.report import architectures
from auricle.report.document import (
    Block,
    Bullets,
    Column,
    Figure,
    Heading,
    Paragraph,
    Table,
    code,
    plain,
)
from auricle.report.formulas import formula
from auricle.report.groups import with_owners
from auricle.report.headlines import networks, textured
from auricle.report.procedure import training
from auricle.report.scores import Configuration, Layer
from auricle.report.study_files import Study
from auricle.report.wording import configurations, count, figures, listed, plural, worded


def methods(study: Study) -> Iterator[Block]:
    """All of the chapter."""
    first = study.recipe(study.configurations[0].name).get("network", {})
    yield Heading("Methods", 1, "methods")
    yield Paragraph(_overview(study))
    groups = on_one_base(study)
    shared = [each.name for group in groups for each in group]
    if len(groups) > 1:
        of = "" if len(shared) == len(study.configurations) else f" of {configurations(shared)}"
        yield Figure(
            "overview",
            architectures.overview(groups),
            f"One base, several heads: the parts of the networks{of} with what leaves them and the "
            "parameters that training moves.",
            "Diagram: the wave goes through the front-end and the base, which "
            f"{listed(shared) if of else 'all configurations'} share, and then into one of the "
            "heads: "
            + "; ".join(listed([each.name for each in group]) for group in groups)
            + "."
            + (
                " Beside them the texture hears the same wave, and what either head and the "
                "texture say is averaged."
                if textured(study)
                else ""
            ),
        )
    if "frontend" in first:
        yield from frontend(first["frontend"])
    if "base" in first:
        yield from base(first["base"])
    yield from heads(study)
    if textured(study):
        yield from texture(study)
    yield from diagrams_and_parameters(study)
    yield from training(study)


def on_one_base(study: Study) -> list[list[Configuration]]:
    """Of the configurations grouped by network those on the base that the first one has."""
    found = networks(study)
    return [group for group in found if _trunk(group[0]) == _trunk(study.configurations[0])]


def _trunk(each: Configuration) -> tuple[Layer, ...]:
    return tuple(layer for layer in each.layers if layer.part != "head")


def _overview(study: Study) -> str:
    parts = "four" if textured(study) else "three"
    text = (
        f"A network takes the waveform and gives one logit a category. It has {parts} parts: a "
        "*front-end* turns the wave into a spectrum, a *base* of one-dimensional convolutions "
        "turns the spectrum into features along time, and a *head* turns those into logits. "
    )
    if textured(study):
        text += (
            "These three hear what happens in a sound, and when. Beside them the *texture* judges "
            "the same wave by its statistics, and the two answers are averaged. "
        )
    if len(study.configurations) < 2:
        return text
    shared = [each.name for group in on_one_base(study) for each in group]
    fresh = " All start from new weights: no part of one network is handed to another."
    if len(shared) == len(study.configurations):
        return f"{text}All but the head is the same in all configurations, layer by layer.{fresh}"
    others = [each.name for each in study.configurations if each.name not in shared]
    trunks = {_trunk(each) for each in study.configurations if each.name in others}
    own = "others" if len(trunks) > 1 else "another" if len(others) == 1 else "another together"
    verb = "has" if len(others) == 1 else "have"
    return (
        f"{text}What follows tells of the front-end and the base of {configurations(shared)}; "
        f"{configurations(others)} {verb} {own}, whose values [@settings] holds.{fresh}"
    )


def frontend(config: dict[str, Any]) -> Iterator[Block]:
    """How a wave becomes a spectrum."""
    yield Heading("Front-end", 2, "frontend")
    rate = f"{count(config['sample_rate_hz'])} Hz"
    hop_ms = 1000 * config["hop"] / config["sample_rate_hz"]
    if config["kind"] == "raw":
        yield Paragraph(
            f"Strided one-dimensional convolutions on the wave itself (at {rate}), nothing given: "
            f"{config['bands']} learned filters, a frame every {hop_ms:g} ms. Their squared "
            "response is compressed by a logarithm and normalised."
        )
        return
    learned = config["kind"] == "learned"
    yield Paragraph(
        f"The wave (at {rate}) is convolved with cosines *c* and sines *s* under a Hann window of "
        f"{count(config['window'])} samples, one pair a Fourier bin *k*, every "
        f"{count(config['hop'])} samples ({hop_ms:g} ms). The squares of the two add to the power "
        "in the bin; triangles *w*, evenly spaced on the mel scale from "
        f"{config['low_hz']:g} to {count(config['high_hz'])} Hz, gather the bins into "
        f"{config['bands']} bands:"
    )
    yield formula("power")
    yield Paragraph(
        "Powers are divided by the clip's mean, so that a recording's level tells nothing, and "
        f"compressed to decibels above a floor *L* of {config['floor_db']:g} dB".replace("-", "−")
        + "; batch normalisation brings each band to a common scale."
    )
    yield formula("compression")
    yield Paragraph(
        "Kernels and triangles are the weights of a one-dimensional convolution. "
        + (
            "Here training moves them, from these values."
            if learned
            else "Here training does not move them: they are the network's non-trainable "
            "parameters. As long as they are Fourier kernels, the fast Fourier transform of the "
            "windowed frames is the same convolution in less time, and is what runs."
        )
    )


def base(config: dict[str, Any]) -> Iterator[Block]:
    """Convolution along frequency, then along time, and why both are one-dimensional."""
    channels = listed([str(size) for size in config["frequency_channels"]])
    kernels = listed([str(size) for size in config["frequency_kernels"]])
    yield Heading("Base: convolutions along frequency, then along time", 2, "base")
    yield Paragraph(
        "**Along frequency.** The spectrum is cut into steps of "
        f"{worded(config['frames_per_step'])} frames. Each step *τ* is a one-dimensional signal "
        "over the bands, its frames being the channels, and goes through convolutions with kernels "
        f"of {kernels} bands, stride 2, to {channels} channels. The weights *u* do not depend on "
        "the step:"
    )
    yield formula("frequency")
    widths = config["widths"]
    lasting = {at: size for at, size in enumerate(config["time_kernels"], 1) if size > 1}
    if lasting:
        yield Paragraph(
            f"After layer{'s' * (len(lasting) > 1)} {listed([str(at) for at in lasting])} follows "
            "a convolution along time, with a kernel of "
            f"{listed([str(size) for size in lasting.values()])} steps and weights shared by all "
            "bands: what lasts or repeats in a band is found while the band is still known."
        )
    yield Paragraph(
        "**Along time.** What the convolutions found at each step is laid side by side as channels "
        f"of a signal over time. A convolution with a kernel of {plural(config['kernel'], 'step')} "
        f"brings these to {widths[0]} (*into width*); then it goes through "
        f"{worded(len(config['stages']))} stages of {listed([str(n) for n in config['stages']])} "
        f"residual blocks (He et al., 2016), {listed([str(n) for n in widths])} channels wide. A "
        f"block has two convolutions with kernels of {config['kernel']} steps; where it widens the "
        "signal, what goes around them is widened by a convolution of one step. The number of "
        "steps is halved between stages, so that width comes where steps are few:"
    )
    yield formula("time")
    yield Paragraph(
        "**Why this is one-dimensional convolution.** A convolution has as many dimensions as the "
        "axes its kernel slides along. Every kernel here slides along one: along frequency, inside "
        "a step and blind to its neighbours, or along time, inside a band and blind to the others, "
        "and in the end along time with all bands as channels. A two-dimensional kernel would span "
        "both axes at once; none does. Every layer is an `nn.Conv1d`; its kernel, given a second "
        "side of length one, runs at all places of the other axis in one call. The order puts two "
        "facts about sound into the weights: a pattern of harmonics means the same at any pitch "
        "(sharing along frequency) and at any moment (sharing along time). Biases are left out "
        "before batch normalisation (Ioffe and Szegedy, 2015); each convolution is followed by it "
        "and by a rectifier, the second of a residual block after the sum."
    )


def hidden_steps(study: Study) -> str:
    """What training hides from the heads, if anything."""
    shares = {
        each.name: study.recipe(each.name).get("network", {}).get("step_dropout", 0)
        for each in study.configurations
    }
    if not any(shares.values()):
        return ""
    told = with_owners({name: f"{share:.0%}" for name, share in shares.items()})
    return (
        f"**Steps left out.** Training hides {told} of each view's steps from the head, other ones "
        "in every view (Koutini et al., 2022): no single moment may become the reason for an "
        "answer. Scoring hides nothing."
    )


def heads(study: Study) -> Iterator[Block]:
    """The two architectures from here on."""
    pooled = [each.name for each in study.configurations if not each.blocks]
    encoders = [each for each in study.configurations if each.blocks]
    if hidden := hidden_steps(study):
        yield Paragraph(hidden)
    if pooled:
        yield Heading("Architecture 1: fully-connected head", 2, "architecture-1")
        yield Paragraph(
            f"{configurations(pooled)}: mean and maximum of each feature over all steps, then two "
            "fully-connected layers. Pooling makes the head blind to when something sounded, and "
            "fit for clips of any length."
        )
        yield formula("pooling")
    if not encoders:
        return
    yield Heading("Architecture 2: transformer encoder", 2, "architecture-2")
    blocks = with_owners({each.name: worded(each.blocks) for each in encoders})
    number = listed([str(n) for n in sorted({each.heads for each in encoders})])
    yield Paragraph(
        f"{configurations([each.name for each in encoders])}: each step of features *g* becomes a "
        "token. A class token *a*, a trained parameter, stands before them and gathers what they "
        "have to say (Dosovitskiy et al., 2021). Positions *p* are fixed sines and cosines "
        "(Vaswani et al., 2017), for any number of steps:"
    )
    yield formula("tokens")
    yield Paragraph(
        "In attention each token asks a query of all tokens and mixes their values by how well "
        "their keys fit it. The root of the size *d* of a query keeps the products from growing "
        "with it, and the softmax makes each row of weights sum to one:"
    )
    yield formula("attention")
    yield Paragraph(
        f"*m* heads do so side by side, each in its own *d* = width/*m* dimensions ({number} heads "
        "in this study); more heads look in more ways, each with a narrower view, at the same "
        "number of parameters:"
        if len({each.heads for each in encoders}) > 1
        else f"*m* heads do so side by side, each in its own *d* = width/*m* dimensions "
        f"(here *m* = {number}):"
    )
    yield formula("heads")
    yield Paragraph(
        "A block adds attention to its input, then a two-layer perceptron with GELU (Hendrycks and "
        "Gimpel, 2016), each after layer normalisation (Ba et al., 2016; Xiong et al., 2020). "
        f"There are {blocks} blocks:"
    )
    yield formula("block")
    recipes = [study.recipe(each.name).get("network", {}).get("encoder", {}) for each in encoders]
    before = {"position_gain": 1, "dropout": 0, "quiet": 1e-5}  # what ran before it was a key
    gain, share, quiet = (
        with_owners(
            {
                each.name: f"{recipe.get(key, value):.3g}"
                for each, recipe in zip(encoders, recipes, strict=True)
            }
        )
        for key, value in before.items()
    )
    yield Paragraph(
        "Layer normalisation divides a token by the root of its variance plus "
        f"{quiet}: what lies far below stays quiet, so that silence is not made as loud as sound."
    )
    yield Paragraph(
        f"The sines and cosines of *p* are multiplied by {gain}; training leaves out a share of "
        f"{share} of what a block adds, at random (Srivastava et al., 2014); scoring leaves out "
        "nothing."
    )
    yield Paragraph(
        "A perceptron with one hidden layer turns the normalised class token into logits. All of "
        "it is written from linear layers, matrix products and a softmax; the weights of attention "
        "are an output of the network."
    )


def texture(study: Study) -> Iterator[Block]:
    """The part that hears a sound as a whole: what it measures, and how its weights are found."""
    owner = next(each for each in study.configurations if "texture" in each.parameters)
    network = study.recipe(owner.name)["network"]
    config, rate_hz = network["texture"], network["frontend"]["sample_rate_hz"]
    statistics = next(layer for layer in owner.layers if layer.layer == architectures.STATISTICS)
    hop_ms, steps_hz = 1000 * config["hop"] / rate_hz, rate_hz / config["hop"]
    window_ms = 1000 * config["window"] / rate_hz
    yield Heading("Texture: statistics of the wave", 2, "texture")
    yield Paragraph(
        "Rain, fire and surf are known less by what happens in them than by how all of it is "
        "distributed: listeners tell such sounds apart by averages over time (McDermott and "
        "Simoncelli, 2011). So the wave goes through a second filter bank, fixed and as fine in "
        f"time as such sounds are: {config['bands']} bands, windows of {window_ms:g} ms, a step "
        f"every {hop_ms:g} ms, against {1000 * network['frontend']['hop'] / rate_hz:g} ms of the "
        "front-end. Powers become decades above the same floor, free of the clip's level. How each "
        f"band's loudness goes is then described by statistics, {count(statistics.shape[0])} in "
        "all, each one number for the whole clip:"
    )
    shares = listed([f"{100 * share:g}" for share in LEVELS])
    yield Bullets(
        [
            f"**Levels**: what the band stays below for {shares}% of the time.",
            "**Sharpness**: how much it changes from step to step, and how fast it rises and falls "
            "where it does so fastest.",
            f"**Beats**: how strongly it beats, {worded(GROUP)} neighbours together, at each rate "
            f"from {steps_hz / config['span']:.1f} to {steps_hz / 2:g} Hz, in half octaves, and "
            "how purely (Welch, 1967).",
            f"**Beats beside each other**: how well one band in {worded(GROUP)} beats together "
            f"with those {listed([str(distance) for distance in TOGETHER])} places above, at "
            "each rate.",
        ]
    )
    yield Paragraph(
        "None of these is learnt. What is learnt is one linear layer on them, brought to a common "
        "scale. Its weights are not descended to, epoch by epoch, but solved once a fit: the most "
        "probable ones by the cross-entropy of the training clips and a Gaussian prior of "
        f"variance {config['prior']:g}, by L-BFGS (Nocedal, 1980). That problem is convex: its "
        "answer hangs on no first weights. Each clip is heard as it is and once under steady "
        "noise, drawn by the seed; views that are stretched, cut and mixed would have other "
        "statistics."
    )
    yield Paragraph(
        "The network's answer averages the log-probabilities of head and texture, *α* being "
        f"{config['share']:g}, so that what either finds most unlikely is hardly answered:"
    )
    yield formula("joined")
    yield Paragraph(
        "Base and head learn from views by the loss of their own answer: no gradient goes through "
        "the texture. All scores, curves and probabilities of this report are of the two together, "
        "where nothing else is said."
    )


def diagrams_and_parameters(study: Study) -> Iterator[Block]:
    """Layers with shapes, and how many parameters each part has."""
    yield Heading("Layers and parameters", 2, "layers")
    samples = _samples(study)
    drawn = [f"network-{group[0].name}" for group in networks(study)]
    draw = "draws" if len(drawn) == 1 else "draw"
    yield Paragraph(f"{figures(drawn)} {draw} the layers, [@parameters] counts what they hold.")
    yield parameter_table(study)
    for group in networks(study):
        first = group[0]
        total = first.parameters["total"]
        alike = len({each.heads for each in group}) == 1
        others = "All have the same layers." if alike else "The others differ in heads alone."
        others += " Rectifiers and sums are not drawn."
        names = configurations([each.name for each in group])
        yield Figure(
            f"network-{first.name}",
            architectures.network(first, samples),
            f"{names}: layers from the wave to the logits, with the shape that leaves each "
            "(channels × length; within *along frequency* that of one step; tokens × width in an "
            f"encoder) and its parameters. Drawn is {code(first.name)}. {others}"
            if len(group) > 1
            else f"{names}: layers from the wave to the logits, with the shape that leaves each "
            "(channels × length; within *along frequency* that of one step) and its parameters. "
            "Rectifiers and sums are not drawn.",
            f"Network of {first.name}, layer by layer. "
            + " ".join(
                f"{row.name}: {row.kinds}, gives {row.shape}."
                for row in architectures.boxes(first.layers)
            )
            + f" In all {count(total.trainable)} trainable, {count(total.fixed)} fixed parameters.",
            floats=True,
        )


def parameter_table(study: Study) -> Table:
    """How many parameters each part has; a kind that none of a part is of has no column."""
    found = study.configurations
    parts = [*dict.fromkeys(name for each in found for name in each.parameters if name != "total")]
    sizes = {
        (part, kind): [
            getattr(each.parameters[part], kind) if part in each.parameters else 0 for each in found
        ]
        for part in (*parts, "total")
        for kind in ("trainable", "fixed")
    }
    shown = {place: own for place, own in sizes.items() if any(own) or place[0] == "total"}
    return Table(
        "parameters",
        "Parameters by part: trainable, and fixed ones, which training does not move. A kind "
        "that no configuration has in a part is left out.",
        [
            Column("configuration", align="left"),
            *(Column(kind, architectures.TITLES.get(part, part)) for part, kind in shown),
        ],
        [
            [plain(each.name), *(count(own[at]) for own in shown.values())]
            for at, each in enumerate(found)
        ],
    )


def _samples(study: Study) -> str:
    rate = study.recipe(study.configurations[0].name)
    rate_hz = rate.get("network", {}).get("frontend", {}).get("sample_rate_hz")
    seconds = study.plan.get("clip_s")
    return count(rate_hz * seconds) if rate_hz and seconds else "samples"
