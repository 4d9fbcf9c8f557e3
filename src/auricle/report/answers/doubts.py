"""The section on doubts: labels to listen to, and what the errors of each class tell."""

from collections.abc import Iterator, Sequence
from statistics import median

from auricle.evidence.doubts import ClassErrors, Doubted, DoubtsFound
from auricle.report.document import Block, Bullets, Column, Heading, Paragraph, Table, plain
from auricle.report.wording import NOTHING, category, listed, percent, plural, worded

ROWS = 20
"""Of doubted clips that are listed."""
ADVISED = 10
"""Classes that advice is given on, those with most errors."""
FEW = 3
"""Errors that are needed before anything is read from them."""
NAMED = 3
"""Classes that a sentence names, those with which single networks err most."""
MOSTLY = 2 / 3
"""Share of a class's errors that are of one kind, from which they are called so."""


def section(found: DoubtsFound) -> Iterator[Block]:
    """Is it the data, not the model?"""
    yield Heading("Is it the data, not the model?", 2, "doubts")
    yield Paragraph(
        f"Here {plural(found.networks, 'network')} of `kfold`, of every configuration and seed, "
        f"were asked about each of the {plural(found.clips, 'clip')} together, at calibrated "
        "probabilities. A label is doubted if most of them agree on one other class and are as "
        "sure of it as of the clips that do have this label (confident learning, Northcutt et "
        "al., 2021). " + _verdict(found)
    )
    if found.doubted:
        yield _doubted(found)
    yield _classes(found)
    yield from _advice(found)


def _advice(found: DoubtsFound) -> Iterator[Block]:
    many = sorted((of for of in found.classes if of.wrong >= FEW), key=lambda of: -of.wrong)
    few = [_name(of.category) for of in found.classes if of.wrong < FEW]
    which = "any class" if len(few) == len(found.classes) > 1 else f"a class: {listed(few)}"
    if many:
        yield Paragraph(
            "What the errors suggest for the next clips to collect. These are rules of thumb; only "
            "new clips can show whether they hold."
        )
        yield Bullets([advice(each, found) for each in many[:ADVISED]])
    if few:
        yield Paragraph(
            "Too few clips are wrong together to advise by them, fewer than "
            f"{worded(FEW)} of {which}. {_alone(found)}".rstrip()
        )


def _alone(found: DoubtsFound) -> str:
    """What single networks err with most, where there are several."""
    most = sorted((of for of in found.classes if of.usually_for), key=lambda of: -of.error)[:NAMED]
    if not most or found.networks == 1:
        return ""
    told = listed(
        [
            f"{_name(of.category)} ({percent(of.error)}%, mostly taken for {_name(of.usually_for)})"
            for of in most
            if of.usually_for
        ]
    )
    return (
        f"Single networks err most with {told}; if anything, recordings in which these sound "
        "alike are the first to collect."
    )


def _verdict(found: DoubtsFound) -> str:
    alone = (
        " One network alone is a weak witness: take this for a hint." if found.networks == 1 else ""
    )
    if not found.doubted:
        return f"No label is in doubt.{alone}"
    labels = "label is" if len(found.doubted) == 1 else "labels are"
    shared = (
        " Networks that learnt from the same clips, and of one seed share their texture, err alike "
        "more often than strangers would."
        if found.networks > 1
        else ""
    )
    return (
        f"{worded(len(found.doubted)).capitalize()} {labels} in doubt ([@doubts-table]). A doubt "
        "is no verdict: the clip may be mislabelled, hold both sounds, or be right and rare. "
        f"Listen to it.{shared}{alone}"
    )


def _doubted(found: DoubtsFound) -> Table:
    more = len(found.doubted) - ROWS
    return Table(
        "doubts-table",
        "Clips whose label is in doubt, the surest first.",
        [
            Column("clip", align="left"),
            Column("label", align="left"),
            Column("answer", align="left"),
            Column("networks"),
            Column("confidence, %"),
            Column("usual, %"),
        ],
        [_row(each, found.networks) for each in found.doubted[:ROWS]],
        note="Confidence is the mean calibrated probability of the answer; usual is that of clips "
        "which are labelled so."
        + (f" {more} more stand in `evidence/doubts.json`." if more > 0 else ""),
    )


def _row(of: Doubted, networks: int) -> list[str]:
    return [
        plain(of.file),
        _name(of.label),
        _name(of.answer),
        f"{of.networks} of {networks}",
        percent(of.confidence),
        percent(of.usual),
    ]


def _classes(found: DoubtsFound) -> Table:
    return Table(
        "doubts-classes",
        "Errors by class.",
        [
            Column("class", align="left"),
            Column("clips"),
            Column("recordings"),
            Column("clips", "wrong together"),
            Column("recordings", "wrong together"),
            Column("taken for", "wrong together", align="left"),
            Column("wrong, %", "one network"),
            Column("mostly for", "one network", align="left"),
        ],
        [
            [
                _name(each.category),
                str(each.clips),
                str(each.recordings),
                str(each.wrong),
                str(each.wrong_recordings),
                ", ".join(f"{_name(name)} ({times})" for name, times in each.taken_for) or NOTHING,
                percent(each.error),
                _name(each.usually_for) if each.usually_for else NOTHING,
            ]
            for each in found.classes
        ],
        note="Together: by the mean of all networks' probabilities. One network: as a mean over "
        "them.",
        dense=True,
    )


def advice(of: ClassErrors, found: DoubtsFound) -> str:
    """What the errors of a class tell, and what to do about it."""
    told = (
        f"**{_name(of.category)}**: {of.wrong} of {plural(of.clips, 'clip')} wrong, "
        f"{_taken_for(of)}, from {of.wrong_recordings} of "
        f"{plural(of.recordings, 'recording')}."
    )
    listen = sum(each.label == of.category for each in found.doubted)
    clips = "clip" if listen == 1 else "clips"
    first = (
        f"Listen first to the {worded(listen)} {clips} whose label is in doubt." if listen else ""
    )
    return " ".join(part for part in (told, first, _remedy(of, found.classes)) if part)


def _taken_for(of: ClassErrors) -> str:
    if len(of.taken_for) == 1:
        return f"all taken for {_name(of.taken_for[0][0])}"
    return "taken for " + listed([f"{_name(name)} ({times})" for name, times in of.taken_for])


def _remedy(of: ClassErrors, classes: Sequence[ClassErrors]) -> str:
    """Whether more recordings would likely help, and of what."""
    fewer = of.recordings < median(each.recordings for each in classes)
    name, times = of.taken_for[0]
    if 2 * of.wrong_recordings <= of.wrong:
        return (
            "The errors sit in few recordings, of a kind that the others do not have: more "
            "recordings of that kind would likely help."
        )
    if times >= MOSTLY * of.wrong:
        return (
            f"The two classes are hard to tell apart: more recordings of {_name(of.category)} and "
            f"of {_name(name)} that sound alike would likely help most."
        )
    if fewer:
        return (
            "The errors are of several kinds, and it has fewer recordings than most classes: more "
            "of any kind would likely help."
        )
    return (
        "The errors are of several kinds, though it has as many recordings as most classes: more "
        "of the same would likely help little; listen to what went wrong."
    )


def _name(of: str) -> str:
    return plain(category(of))
