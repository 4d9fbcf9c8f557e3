"""Why is the best configuration as good as it is? Sentences from whatever evidence is there."""

from collections.abc import Callable, Iterator
from typing import Any

from auricle.evaluation.comparison import ALPHA
from auricle.evidence.architecture import ArchitectureFound
from auricle.evidence.effects import Effect
from auricle.evidence.heads import Encoder, HeadsFound, Silenced
from auricle.evidence.learning import LearningFound
from auricle.evidence.texture import TextureFound
from auricle.report.document import code
from auricle.report.study_files import Study
from auricle.report.wording import configurations, equals, percent, plural, points, worded


def why(study: Study) -> str:
    """What the answers to questions say of the reasons; nothing where none of these was asked."""
    asked: dict[str, Callable[[Any], Iterator[str]]] = {
        "texture": _texture,
        "heads": _heads,
        "architecture": _parts,
        "learning": _more,
    }
    told = [
        sentence
        for part, say in asked.items()
        if part in study.evidence
        for sentence in say(study.evidence[part])
    ]
    return " ".join(["Why? ([@evidence])", *told]) if told else ""


def _texture(found: TextureFound) -> Iterator[str]:
    each = found.configurations
    if not each:
        return
    better = [of for of in each if of.p_holm <= ALPHA and of.gain.difference > 0]
    gains = sorted(of.gain.difference for of in each)
    if not better:
        yield "That texture is heard beside events adds nothing to accuracy that can be told."
        return
    span = points(gains[0])
    if points(gains[-1]) != span:
        span += f" to {points(gains[-1])}"
    where = f" in {configurations([of.configuration for of in better])}"
    if len(better) == len(each):
        where = ", in all configurations" if len(each) > 1 else ""
    yield f"To hear texture beside events is worth {span} points, beyond chance{where}."
    if found.pairs:
        yield f"With it put aside, {_apart(found)} ([@texture-pairs])."


def _apart(found: TextureFound) -> str:
    apart, pairs = sum(pair.p_holm <= ALPHA for pair in found.pairs), len(found.pairs)
    if pairs == 1:
        return f"the two configurations {'can' if apart else 'cannot'} be told apart"
    which = worded(apart) if apart else "none"
    return f"{which} of the {worded(pairs)} pairs of configurations can be told apart"


def _heads(found: HeadsFound) -> Iterator[str]:
    for encoder in found.encoders:
        if len(encoder.heads) > 1:
            yield _of_heads(encoder)


def _of_heads(of: Encoder) -> str:
    heads = sum(_matters(head.silenced) for head in of.heads)
    blocks = sum(_matters(block.silenced) for block in of.blocks)
    name = code(of.configuration)
    if of.blocks and not heads and not blocks:
        return f"No head of {name}, and no block, can be shown to matter alone."
    if heads:
        told = f"{worded(heads).capitalize()} of {worded(len(of.heads))} heads of {name} can be "
        told += "shown to matter alone"
    else:
        told = f"No head of {name} can be shown to matter alone"
    if not of.blocks:
        return f"{told}."
    which = f"{worded(blocks)} of {worded(len(of.blocks))} blocks" if blocks else "no block"
    return f"{told}; silenced as a whole, {which} can."


def _matters(silenced: Silenced) -> bool:
    return silenced.lost.difference > 0 and silenced.p_holm <= ALPHA


def _parts(found: ArchitectureFound) -> Iterator[str]:
    if not found.rows:
        return
    kinds = {"": [row.versus.whole for row in found.rows]}
    events = [row.versus.events for row in found.rows if row.versus.events]
    if events:
        kinds = {"by whole answers, ": kinds[""], "by base and head alone, ": events}
    told = [f"{by}{_told(effects)}" for by, effects in kinds.items()]
    if len({_told(effects) for effects in kinds.values()}) == 1 < len(kinds):
        told = [f"by whole answers as by base and head alone, {_told(events)}"]
    yield (
        f"Beside {plural(len(found.rows), 'control')} of the transformer, with one seed each: "
        f"{'; '.join(told)}."
    )
    if (row := found.as_large) and found.alone:
        ours, effect = found.alone.whole.accuracy.value, row.versus.whole
        verdict = "beyond chance" if effect.told_apart else "which chance may be"
        yield (
            f"As large without an encoder it has {percent(effect.heard.accuracy.value)}%, with it "
            f"{percent(ours)}%, {verdict}."
        )


def _told(effects: list[Effect]) -> str:
    worse = sum(each.worse for each in effects)
    better = sum(each.told_apart and not each.worse for each in effects)
    if not worse and not better:
        return "none can be told apart from it"
    said = [
        f"{worded(number)} {'is' if number == 1 else 'are'} {word} beyond chance"
        for number, word in ((worse, "worse"), (better, "better"))
        if number
    ]
    return " and ".join(said)


def _more(found: LearningFound) -> Iterator[str]:
    step, losses = found.step.whole, found.step.whole.log_loss_difference
    if step.told_apart and not step.worse:
        better = ", and its log loss falls" if losses and losses.high < 0 else ""
        yield (
            "More recordings are likely to help: its accuracy still rises with their number "
            f"({equals(step.p_holm)}){better}."
        )
