"""An audit in words: what was found in a data set, and what to do about it."""

from collections.abc import Iterator, Sized
from dataclasses import dataclass

from auricle.evidence.audit import CLIPPED_SHARE, Astray, Audit, Match
from auricle.evidence.predictors import Shortcut, Shortcuts

WORDS = {
    "level_db": "level",
    "length_s": "length",
    "silence": "share of silence",
    "bandwidth_hz": "bandwidth",
}
"""Measures as a reader knows them."""

RECORDED = ("level_db", "length_s")
"""Measures that tell how a clip was recorded and cut rather than what sounds in it."""

UNEVEN = 3
"""The largest class against the smallest, from which on classes are called uneven."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found, and what to do about it."""

    leak: bool
    what: str
    do: str


def findings(audit: Audit) -> list[Finding]:
    """What a reader should know, leaks first."""
    return [*leaks(audit), *cautions(audit)]


def leaks(audit: Audit) -> Iterator[Finding]:
    """What makes scores better than they are."""
    if equal := audit.across(equal=True):
        yield Finding(
            True,
            f"The same file stands in two folds: {places(equal[0])}{more(equal)}.",
            "Delete one of each, or put both into one fold.",
        )
    if near := audit.across(equal=False):
        yield Finding(
            True,
            f"The same sound stands in two folds, whole or in part: {places(near[0])}, for "
            f"{near[0].shared_s:.1f} s{more(near)}.",
            "Listen to both. Give both the same recording and the same fold, or delete one; if the "
            "folds are published ones, keep them and say so beside the scores.",
        )
    if astray := audit.recordings_astray:
        yield Finding(
            True,
            f"The same recording stands in two folds: {held(astray[0])}{more(astray)}.",
            "Put all clips of a recording into one fold.",
        )


def cautions(audit: Audit) -> Iterator[Finding]:
    """What does not make scores wrong, and should be known when they are read."""
    if torn := [each for each in audit.matches if len({*each.categories}) > 1]:
        one, other = torn[0].categories
        yield Finding(
            False,
            f"The same sound has two classes: {torn[0].first} ({one}) and {torn[0].second} "
            f"({other}){more(torn)}.",
            "Listen to both and correct the class of one, or leave both out.",
        )
    if close := [each for each in audit.matches if is_misnamed(each)]:
        yield Finding(
            False,
            f"The same sound counts as two recordings, in one fold: {close[0].first} and "
            f"{close[0].second}{more(close)}.",
            "Nothing leaks by it. Name them as one recording: intervals are then as wide as they "
            "should be, and folds made anew keep them together.",
        )
    if audit.authors_astray:
        yield Finding(
            False,
            f"Authors stand in two folds or more: {len(audit.authors_astray)} of {audit.authors}, "
            f"such as {audit.authors_astray[0].name}.",
            "A network can know a microphone or a place again. Where you make the folds, group "
            "clips by author (name that column as the recording); else say so beside the scores.",
        )
    yield from faults(audit)
    yield from shapes(audit)


def is_misnamed(match: Match) -> bool:
    """Whether two files of one fold share a sound and are named as two recordings."""
    return len({*match.folds}) == 1 and len({*match.recordings}) == 2


def faults(audit: Audit) -> Iterator[Finding]:
    """Files that are not as they should be."""
    if audit.broken:
        file, reason = next(iter(audit.broken.items()))
        yield Finding(
            False,
            f"Not every file can be used: {file} ({reason.partition(';')[0]}){more(audit.broken)}.",
            "Export it again, or leave it out with --skip-bad.",
        )
    if audit.unmarked:
        yield Finding(
            False,
            f"Not every file holds a sound: {audit.unmarked[0]}{more(audit.unmarked)}.",
            "Listen to it: it is silent, or nearly so, and is not compared with others.",
        )
    if audit.clipped:
        yield Finding(
            False,
            f"More than {100 * CLIPPED_SHARE:g}% of the samples are at full scale: "
            f"{audit.clipped[0]}{more(audit.clipped)}.",
            "Such a clip is distorted. If many of one class are, a network may learn that.",
        )


def shapes(audit: Audit) -> Iterator[Finding]:
    """What the classes are like against each other."""
    largest = max(audit.classes, key=lambda each: each.clips)
    smallest = min(audit.classes, key=lambda each: each.clips)
    if largest.clips >= UNEVEN * smallest.clips:
        yield Finding(
            False,
            f"The classes are uneven: {largest.category} has {largest.clips} clips, "
            f"{smallest.category} {smallest.clips}.",
            "Read macro F1 beside the accuracy, which the large classes rule.",
        )
    if audit.shortcuts is None:
        return
    chance = audit.shortcuts.chance
    for each in audit.shortcuts.found:
        name = each.measures[0]
        if len(each.measures) == 1 and name in RECORDED and is_above(each, chance):
            yield Finding(
                False,
                f"The {WORDS[name]} alone names the class of {percent(each.accuracy.value)} of the "
                f"clips; naming the largest class, that of {percent(chance)}.",
                "Ask how the clips of each class were recorded and cut. A network can use that "
                f"too, so see whether it still answers when the {WORDS[name]} is changed.",
            )


def is_above(shortcut: Shortcut, chance: float) -> bool:
    """Whether a shortcut is better than chance beyond what other recordings could undo."""
    return shortcut.accuracy.low > chance


def shortcut_words(shortcuts: Shortcuts) -> str:
    """What the measures together say of the class."""
    all_of_them = shortcuts.found[-1]
    names = [WORDS[name] for name in all_of_them.measures]
    beaten = is_above(all_of_them, shortcuts.chance)
    return (
        f"{', '.join(names[:-1]).capitalize()} and {names[-1]}, together and without the sound, "
        f"name the class of {percent(all_of_them.accuracy.value)} of the clips "
        f"[{percent(all_of_them.accuracy.low)}, {percent(all_of_them.accuracy.high)}]; naming the "
        f"largest class, that of {percent(shortcuts.chance)}. "
        + (
            "A network that is no better than this may have listened to nothing else."
            if beaten
            else "That is no more than chance."
        )
    )


def several(number: int, one: str) -> str:
    """1 file, 2 files."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def more(found: Sized) -> str:
    """How many there are beside the one that is named."""
    rest = len(found) - 1
    return f", and {rest:,} more" if rest else ""


def places(match: Match) -> str:
    """Both files of a pair, and where they stand."""
    return f"{match.first} (fold {match.folds[0]}) and {match.second} (fold {match.folds[1]})"


def held(each: Astray) -> str:
    """A recording and the files that show where it stands."""
    stands = " and ".join(f"{file} (fold {fold})" for fold, file in each.files.items())
    return f"{each.name}, with {stands}"


def percent(share: float) -> str:
    """0.123 -> 12.3%."""
    return f"{100 * share:.1f}%"
