"""The last chapters: what was assumed, what it took, and what it rests on."""

from collections.abc import Iterator

from auricle.report.document import Block, Bullets, Column, Heading, Paragraph, Table, code, plain
from auricle.report.groups import kindness
from auricle.report.headlines import textured
from auricle.report.methods import hidden_steps
from auricle.report.observations import observations
from auricle.report.published import packaged
from auricle.report.study_files import Study
from auricle.report.wording import duration, plural, worded

USED = (
    ("`nn.Conv1d`", "every convolution of the base", "the one-dimensional layer that is asked for"),
    (
        "`F.conv2d`",
        "runs those kernels, one wide across, at all moments at once",
        "the very sums of the one-dimensional layer, sooner",
    ),
    (
        "`nn.BatchNorm2d`",
        "after the filter bank and every convolution",
        "normalisation, no model of its own",
    ),
    ("`nn.MaxPool2d`", "between stages, over two steps", "a maximum over neighbours"),
    ("`nn.Linear`", "heads; query, key, value and output of attention", "one matrix product"),
    ("`nn.LayerNorm`", "before attention and perceptron", "normalisation, no model of its own"),
    ("`nn.Dropout`", "what a block of the encoder adds", "zeroes numbers at random"),
    ("`nn.ReLU`, `nn.GELU`", "between layers", "a function of one number"),
    ("`softmax`", "attention weights, probabilities", "one formula; attention is built around it"),
    ("`F.cross_entropy`", "the objective", "a loss of PyTorch, the library that is asked for"),
    ("`torch.fft.rfft`", "the fixed filter bank", "computes the same fixed convolution faster"),
    ("`torch.optim.AdamW`", "updates of the weights", "an optimiser, not an architecture"),
    (
        "scikit-learn",
        "accuracy, F1, AUC, ROC, confusion",
        "measures results; its forest guesses by level and silence alone",
    ),
)
USED_BY_TEXTURE = (
    ("`nn.Linear`", "the texture's answer", "one matrix product"),
    (
        "`torch.fft.rfft`",
        "how strongly a band beats at each rate",
        "a transform, it learns nothing",
    ),
    ("`torch.optim.LBFGS`", "solves the texture's linear layer", "an optimiser, no architecture"),
)
NOT_USED = (
    ("`nn.MultiheadAttention`", "attention from linear layers, products and a softmax"),
    (
        "`nn.TransformerEncoderLayer`, `nn.TransformerEncoder`, `nn.Transformer`",
        "blocks of our own",
    ),
    ("`scaled_dot_product_attention`", "the product, its scaling and the softmax, written out"),
    ("pretrained weights", "every network starts from new ones"),
    ("a training framework", "a plain loop over epochs and steps"),
)


def discussion(study: Study) -> Iterator[Block]:
    """What the numbers say when read together."""
    yield Heading("Observations", 1, "observations")
    over = f" Scores are means over {worded(study.seeds)} seeds unless a sentence names the first."
    yield Paragraph(
        "Each sentence is chosen by the figures above: with other figures it would read otherwise."
        + (over if study.seeds > 1 else "")
    )
    yield Bullets(observations(study))


def assumptions(study: Study) -> Iterator[Block]:
    """What is taken for granted, and which ready-made parts were used."""
    dataset = study.scores.dataset
    yield Heading("Assumptions", 1, "assumptions")
    items = [
        "A clip has one label, and that label is right.",
        "Clips of different recordings are independent, clips of one recording are not. Intervals "
        "draw recordings anew within their category, tests turn the signs of whole recordings.",
        _seeds(study),
        "Predictions of different networks are pooled for accuracy, F1 and confusions. AUC and ROC "
        "curves rest on ranks, which different networks do not share: they are taken fold by fold "
        "and averaged.",
        "An epoch draws one or several augmented views of every training clip; how many, and every "
        "other setting, stands in [@settings].",
        "The last epoch is scored. Validation folds draw the curves and give the out-of-fold "
        "scores; they stop nothing and choose no epoch.",
    ]
    if dataset.name == "esc10":
        items.append(
            "The recipes were chosen on the development folds of ESC-10 in earlier studies"
            + (
                ", the texture's statistics among some dozens of ways: out-of-fold scores, and "
                "what texture gains,"
                if textured(study)
                else ": out-of-fold scores"
            )
            + " may be a little too high; [@protocol] tells how often the test fold was read."
        )
    if kind := kindness(study):
        items.append(kind)
    yield Bullets(items)
    yield Paragraph(
        "The brief asks for PyTorch, for one-dimensional convolutions, and for attention written "
        "from scratch: parts may be ready-made, architectures may not."
    )
    yield Table(
        "used",
        "Ready-made parts that are used, and why the brief allows them.",
        [
            Column("built-in used", align="left"),
            Column("for", align="left"),
            Column("why the brief allows it", align="left"),
        ],
        [*USED[:-1], *(USED_BY_TEXTURE if textured(study) else ()), USED[-1]],
    )
    yield Table(
        "not-used",
        "Ready-made parts that are not used, and what stands in their place.",
        [Column("not used", align="left"), Column("instead", align="left")],
        NOT_USED,
    )


def _seeds(study: Study) -> str:
    if study.seeds > 1:
        return (
            f"Headline scores are means over {worded(study.seeds)} seeds; intervals do not hold "
            "the variance of training, the range over seeds shows it."
        )
    return (
        "Every network was trained with one seed. Intervals tell how far a score would move with "
        "other recordings; how far it would move with other first weights, one seed cannot tell."
    )


def resources(study: Study) -> Iterator[Block]:
    """Machine, time, packages, tracking."""
    facts = study.environment
    yield Heading("Resources", 1, "resources")
    yield Heading("Machine and time", 2, "machine")
    trained = sum(fit.train_seconds for fit in study.fits)
    text = f"{plural(len(study.fits), 'fit')} took {duration(trained)} of training"
    if "seconds_total" in facts:
        text += f"; the whole study took {duration(float(facts['seconds_total']))}"
    if "workers" in facts:
        text += f" with {plural(int(facts['workers']), 'worker')}"
    yield Paragraph(f"{text}.")
    names = {
        "auricle": "auricle",
        "commit": "commit of auricle",
        "python": "Python",
        "torch": "PyTorch",
        "platform": "platform",
        "processor": "processor",
        "cores": "cores",
        "memory_gib": "memory, GiB",
        "device": "device",
        "precision": "arithmetic",
        "threads_per_fit": "threads a fit",
        "workers": "fits at a time",
        "started": "started",
    }
    packages = facts.get("packages", {})
    rows = [[names[key], plain(facts[key])] for key in names if facts.get(key) not in (None, "")]
    listed = ", ".join(f"{plain(name)} {plain(version)}" for name, version in packages.items())
    yield Table(
        "environment",
        "Environment of the study. On the same processor, with the same PyTorch and number of "
        "threads, a fit repeats bit for bit.",
        [Column("what", align="left"), Column("value", align="left")],
        [*rows, *([["packages", listed]] if listed else [])],
    )
    yield from tracking(study)


def tracking(study: Study) -> Iterator[Block]:
    """Where the runs were logged, and their address once they have one."""
    said = study.tracking
    if not said or said.get("mode") == "disabled":
        return
    yield Heading("Weights & Biases", 2, "tracking")
    project, url = plain(said.get("project") or ""), said.get("url")
    if url:
        yield Paragraph(f"All fits are logged in the project [{project}]({url}).")
        return
    sync = said.get("sync")
    how = (
        f"{code(sync)}, with this study's folder for RUN, uploads them"
        if sync
        else ("the `wandb sync` line that the study printed at its end uploads them")
    )
    yield Paragraph(
        f"All fits were logged offline under the project `{project}`, epoch by epoch; {how}. "
        "`auricle report RUN --wandb-url ADDRESS` then puts their address here."
    )


def references(study: Study) -> Iterator[Block]:
    """What the text refers to."""
    topics = {"", study.scores.dataset.name, *study.evidence}
    if study.scores.dataset.name in ("esc10", "esc50"):
        topics.add("esc")
    if any(each.blocks for each in study.configurations):
        topics |= {"transformer", *(f"transformer {part}" for part in study.evidence)}
    if study.tunings:
        topics.add("tuning")
    if hidden_steps(study):
        topics.add("hidden")
    if textured(study):
        topics |= {"texture", *(f"texture {part}" for part in study.evidence)}
    yield Heading("References", 1, "references")
    yield Bullets([row["reference"] for row in packaged("references.csv") if row["when"] in topics])
