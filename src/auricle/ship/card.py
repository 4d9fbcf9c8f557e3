"""The model card: what a bundle is, for people and for Hugging Face's index."""

from collections.abc import Iterator, Mapping

from auricle.data.esc10 import CITATION, credit
from auricle.ship.bundle import WEIGHTS, Facts
from auricle.ship.onnx import INT8, MODEL, OUTPUTS, outputs_of


def card(facts: Facts, files: Mapping[str, bytes]) -> str:
    """The text of a bundle's README.md, which stands beside `files`."""
    return "\n".join([*front_matter(facts), "", *body(facts, files)]) + "\n"


def front_matter(facts: Facts) -> Iterator[str]:
    """What Hugging Face's index reads."""
    yield "---"
    yield "library_name: auricle"
    yield "pipeline_tag: audio-classification"
    yield "tags: [audio-classification, sound-classification, pytorch, safetensors]"
    if facts.learnt.data == "esc10":
        yield "license: cc-by-3.0"
        yield "datasets: [esc10]"
    if facts.own_scores:
        yield "model-index:"
        yield f"  - name: {facts.name}"
        yield "    results:"
        for score in facts.own_scores:
            yield "      - task: {type: audio-classification}"
            yield f"        dataset: {{name: '{facts.learnt.data}, {score.on}', type: audio}}"
            yield f"        metrics: [{{type: accuracy, value: {score.accuracy:.4f}}}]"
    yield "---"


def body(facts: Facts, files: Mapping[str, bytes]) -> Iterator[str]:
    """What people read."""
    encoder = facts.network.encoder
    kind = (
        f"a 1-D convolutional network under a transformer encoder ({encoder.blocks} blocks, "
        f"{encoder.heads} heads)"
        if encoder.blocks
        else "a 1-D convolutional network"
    )
    yield f"# {facts.name}"
    yield ""
    yield f"Tells {len(facts.categories)} kinds of sound apart: {', '.join(facts.categories)}."
    yield f"It is {kind}, trained from new weights; {megabytes(files[WEIGHTS])}."
    if share := facts.network.texture.share:
        yield (
            f"It hears what happens in a sound, and when; {share:.0%} of the answer is that of a "
            "linear layer beside it, on fixed statistics of the sound's texture."
        )
    yield ""
    yield "```python"
    yield "import auricle"
    yield f'print(auricle.load("{facts.name}-bundle").predict("clip.wav"))'
    yield "```"
    yield ""
    if MODEL in files:
        yield from without_python(facts, files)
    yield "## How good it is"
    yield ""
    if facts.scores:
        yield "| what | strategy | scored on | by | clips | accuracy, % | 95% interval |"
        yield "| --- | --- | --- | --- | --- | --- | --- |"
        for score in sorted(facts.scores, key=lambda score: score not in facts.own_scores):
            what = "this network" if score in facts.own_scores else "its recipe"
            ends = (
                f"{100 * score.low:.1f} - {100 * score.high:.1f}"
                if score.low is not None and score.high is not None
                else "-"
            )
            yield (
                f"| {what} | {score.strategy} | {score.on} | {score.declared} | {score.clips} | "
                f"{100 * score.accuracy:.1f} | {ends} |"
            )
        yield ""
        if facts.own_scores != facts.scores:
            yield (
                "Out of fold other networks of its recipe answered, each for clips that it had not "
                "learnt from: that is what to expect of the recipe, and no score of this network."
            )
        yield "Intervals are by recording: clips of one recording are right or wrong together."
    else:
        yield "Not measured: this network was exported alone, without a study's scores."
    yield ""
    yield "## What it learnt from"
    yield ""
    learnt = facts.learnt
    yield (
        f"{learnt.clips} clips of {learnt.data}, folds "
        f"{', '.join(str(fold) for fold in learnt.folds)}, {learnt.epochs} epochs, seed "
        f"{learnt.seed}. A clip is heard as {facts.clip_s:g} s at "
        f"{facts.network.frontend.sample_rate_hz:,} Hz."
    )
    if learnt.data == "esc10":
        yield ""
        yield f"{credit()} {CITATION}"
    yield ""
    yield "## What to know before relying on it"
    yield ""
    if facts.temperature is not None and facts.unknown_below is not None:
        yield (
            f"Probabilities are scaled by a temperature of {facts.temperature:.3f}. "
            f"{what_is_unknown(facts)} These figures come from clips that the networks had not "
            f"heard. {what_passes(facts)}"
        )
    else:
        yield "Its probabilities are not calibrated, and it never answers unknown."
    yield (
        f"A sound shorter than {facts.clip_s:g} s is heard twice, followed by silence and "
        "repeated, and the log-probabilities of both are averaged."
    )
    yield (
        "It knows no other sounds than those named above, and other microphones, rooms and "
        "distances than those it learnt from may mislead it. It is no alarm and no evidence."
    )


def what_is_unknown(facts: Facts) -> str:
    """For what reasons a sound is called unknown, in a sentence; none where it never is."""
    if not facts.unknown_below:
        return ""
    unsure = f"An answer less sure than {100 * facts.unknown_below:.0f}% is called unknown"
    if facts.strange_above is None:
        return f"{unsure}."
    return (
        f"{unsure}, and so is a sound too strange, however sure the answer: one whose texture lies "
        f"more than {facts.strange_above:.2f} times as far from that of every category as clips of "
        "a category do."
    )


def what_passes(facts: Facts) -> str:
    """How little "unknown" is to be relied on, in a sentence."""
    means = "unsure" if facts.strange_above is None else "unsure or strange"
    if facts.unknown_passed is None:
        told = "many sounds of no category pass for known, such as steady noise."
    else:
        told = (
            "of sounds of no category that were made to try it, noises, tones and clicks, "
            f"{100 * facts.unknown_passed:.0f}% passed for known."
        )
    if facts.untaught_passed is not None:
        told += (
            " Real sounds of another kind are harder: where networks of its recipe were not taught "
            f"a category, {100 * facts.untaught_passed:.0f}% of its sounds passed for another."
        )
    return f"Unknown means {means}, no more: {told}"


def without_python(facts: Facts, files: Mapping[str, bytes]) -> Iterator[str]:
    """What those need to know who run the ONNX file."""
    frontend = facts.network.frontend
    outputs = {name: f"`{name}` ({', '.join(OUTPUTS[name])})" for name in outputs_of(facts.network)}
    outputs["spectrum"] += " in dB"
    *first, last = outputs.values()
    yield "## Without Python"
    yield ""
    yield (
        f"`{MODEL}` ({megabytes(files[MODEL])}) is the same network, from the wave to calibrated "
        f"probabilities, for ONNX Runtime on any platform. Its input `wave` (batch, samples) is "
        f"float32 in [-1, 1), mono, {frontend.sample_rate_hz:,} Hz, of any length; its outputs are "
        f"{', '.join(first)} and {last}. Categories, rates and limits are in its metadata."
        + (
            f" `{INT8}` ({megabytes(files[INT8])}) is the same with 8 bits a weight."
            if INT8 in files
            else ""
        )
    )
    yield ""


def megabytes(content: bytes) -> str:
    """The size of a file in words."""
    return f"{len(content) / 2**20:.1f} MB"
