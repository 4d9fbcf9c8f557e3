"""What is a data set like before anything is trained on it, and does a sound stand in two folds?

`auricle audit` compares the sounds of all files, those of the test fold too: nothing is chosen by
that. Asked of a study, the test fold stays closed unless testing is asked for. What the sounds are
like is measured on the development folds alone, by either.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from rich.progress import Progress

from auricle.data.audio import decoding_threads
from auricle.data.clips import Clip, ClipTable, is_esc10
from auricle.data.duplicates import Found, find_duplicates
from auricle.data.esc10 import load_published
from auricle.data.measures import Measures, measure_file
from auricle.data.sources import cache_folder
from auricle.errors import AudioError, DataError
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.evidence.calibration import logits_of
from auricle.evidence.case import Case, Subject
from auricle.evidence.predictors import Shortcuts, find_shortcuts
from auricle.study.protocol import Roles, roles_of
from auricle.training.sounds import Array

SPREAD = (5, 25, 50, 75, 95)
"""Percentiles by which the values of a class are told."""

TOLD = ("level_db", "length_s", "silence", "bandwidth_hz", "clipped")
"""Measures that are told of every class."""

CLIPPED_SHARE = 0.001
"""Of its samples at full scale, from which on a clip is called clipped."""


@dataclass(frozen=True)
class Heard:
    """What listening brought: measures by file, of development clips, and who shares a sound.

    `found` counts the clips that were `compared`.
    """

    measures: Mapping[str, Measures]
    compared: tuple[Clip, ...]
    found: Found


@dataclass(frozen=True, kw_only=True)
class Match:
    """Two files with the same sound; in the second one it comes `lag_s` later."""

    first: str
    second: str
    folds: tuple[int, int]
    categories: tuple[str, str]
    recordings: tuple[str, str]
    equal: bool
    shared_s: float
    lag_s: float


@dataclass(frozen=True)
class Astray:
    """A recording, or an author, in several folds, and a file of each of these."""

    name: str
    files: Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class ClassFacts:
    """One class: its clips in every fold, and percentiles of the measures of development clips.

    `rates_hz` counts development clips by sample rate; `authors` is 0 where they are not known.
    """

    category: str
    clips: int
    recordings: int
    authors: int = 0
    by_fold: Mapping[int, int]
    rates_hz: Mapping[int, int] = field(default_factory=dict)
    spread: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class OfAuthors:
    """Accuracy out of fold on clips by whether the network learnt from others of their author."""

    configuration: str
    met_clips: int
    met: Interval
    new_clips: int
    new: Interval


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All that is told of a data set.

    `authors` is 0 where they are not known. Sounds of `compared` folds were compared, `broken` are
    files and what is wrong with them; `unmarked` are silent, or as good as that; `clipped` are
    development clips that are. `by_author` is told where a study was asked and authors are known.
    """

    name: str
    clips: int
    recordings: int
    authors: int
    folds: tuple[int, ...]
    test_fold: int
    compared: tuple[int, ...]
    rates_hz: Mapping[int, int]
    notes: tuple[str, ...]
    classes: tuple[ClassFacts, ...]
    matches: tuple[Match, ...]
    recordings_astray: tuple[Astray, ...]
    authors_astray: tuple[Astray, ...]
    broken: Mapping[str, str]
    unmarked: tuple[str, ...]
    clipped: tuple[str, ...]
    shortcuts: Shortcuts | None
    by_author: tuple[OfAuthors, ...] = ()

    def across(self, *, equal: bool) -> tuple[Match, ...]:
        """Matches that stand in two folds: of equal files, or of other ones."""
        return tuple(
            each for each in self.matches if each.equal == equal and len({*each.folds}) > 1
        )

    @property
    def leaks(self) -> bool:
        """Whether a sound, or a recording, stands in two folds."""
        apart = (*self.across(equal=True), *self.across(equal=False), *self.recordings_astray)
        return bool(apart)


def measure(case: Case) -> Audit:
    """Audit the clips of a study, without the test fold's sounds unless that was opened."""
    table = case.prepared.table
    with Progress(console=case.console, transient=True) as progress:
        found = audit(table, listen(table, progress, test=case.plan.test))
    authors = authors_of(table)
    asked = (of_authors(subject, authors) for subject in case.subjects) if authors else ()
    return replace(found, by_author=tuple(each for each in asked if each))


def of_authors(subject: Subject, authors: Mapping[str, str]) -> OfAuthors | None:
    """Whether a network answers better where it learnt from the author; None without either kind.

    An author is met if another development fold, which the network of this one learnt from, has a
    clip of theirs.
    """
    clips = subject.store.clips
    folds: dict[str, set[int]] = defaultdict(set)
    for clip in clips:
        folds[authors.get(clip.file, clip.file)].add(clip.fold)
    met = np.array([len(folds[authors.get(clip.file, clip.file)]) > 1 for clip in clips])
    if met.all() or not met.any():
        return None
    right = logits_of(subject).argmax(1) == subject.targets

    def accuracy(rows: Array) -> Interval:
        return accuracy_interval(right[rows], subject.targets[rows], subject.recordings[rows])

    return OfAuthors(
        configuration=subject.name,
        met_clips=int(met.sum()),
        met=accuracy(met),
        new_clips=int((~met).sum()),
        new=accuracy(~met),
    )


def listen(table: ClipTable, progress: Progress, *, test: bool) -> Heard:
    """Decode files to compare them, and those of the development folds to measure them too."""
    ours = table.in_folds(parts_of(table.folds).development)
    compared = (table if test else ours).clips
    listening = progress.add_task("comparing sounds", total=len(compared))
    found = find_duplicates(
        [table.path(clip) for clip in compared],
        cache_folder(),
        lambda done, total: progress.update(listening, completed=done, total=total),
    )
    measuring = progress.add_task("measuring", total=len(ours.clips))
    measures = measure_all(ours, lambda: progress.advance(measuring))
    return Heard(measures, compared, found)


def parts_of(folds: tuple[int, ...]) -> Roles:
    """The roles of folds, of two as well: such a set is split to learn and to test, and no more.

    Raises: DataError for a single fold.
    """
    return Roles(folds[0], folds[1:]) if len(folds) == 2 else roles_of(folds)


def measure_all(table: ClipTable, advance: Callable[[], None]) -> dict[str, Measures]:
    """Measure the files of a table that can be decoded."""

    def one(clip: Clip) -> Measures | None:
        try:
            return measure_file(table.path(clip))
        except AudioError:
            return None

    measures = {}
    with ThreadPoolExecutor(decoding_threads()) as pool:
        for clip, found in zip(table.clips, pool.map(one, table.clips), strict=True):
            if found:
                measures[clip.file] = found
            advance()
    return measures


def audit(table: ClipTable, heard: Heard) -> Audit:
    """Put together what is known of a table and what was heard.

    Raises: DataError if too few files can be decoded to say anything.
    """
    clips, roles = table.clips, parts_of(table.folds)
    measured = [clip for clip in clips if clip.file in heard.measures]
    if len({clip.fold for clip in measured}) < min(2, len(roles.development)):
        raise DataError(f"{table.root}: {len(measured)} clips can be decoded; give sound files")
    measures = [heard.measures[clip.file] for clip in measured]
    authors = authors_of(table)
    return Audit(
        name=table.name,
        clips=len(clips),
        recordings=len({clip.recording for clip in clips}),
        authors=len({*authors.values()}),
        folds=table.folds,
        test_fold=roles.test,
        compared=tuple(sorted({clip.fold for clip in heard.compared})),
        rates_hz=Counter(each.sample_rate_hz for each in measures),
        notes=table.notes,
        classes=tuple(
            class_facts(name, clips, heard.measures, authors) for name in table.categories
        ),
        matches=matches_of(heard.compared, heard.found),
        recordings_astray=astray((clip.recording, clip) for clip in clips),
        authors_astray=astray((authors[c.file], c) for c in clips if c.file in authors),
        broken={heard.compared[number].file: reason for number, reason in heard.found.broken},
        unmarked=tuple(heard.compared[number].file for number in heard.found.unmarked),
        clipped=tuple(f for f, each in heard.measures.items() if each.clipped > CLIPPED_SHARE),
        shortcuts=find_shortcuts(measured, measures, table.categories)
        if len(roles.development) > 1
        else None,
    )


def authors_of(table: ClipTable) -> dict[str, str]:
    """Authors by file, where they are known: of ESC-10, and where a CSV of labels names them."""
    if is_esc10(table.root):
        return {clip.file: clip.author for clip in load_published()}
    return {clip.file: clip.author for clip in table.clips if clip.author}


def class_facts(
    category: str,
    clips: Sequence[Clip],
    measures: Mapping[str, Measures],
    authors: Mapping[str, str],
) -> ClassFacts:
    """The facts of one class."""
    ours = [clip for clip in clips if clip.category == category]
    heard = [measures[clip.file] for clip in ours if clip.file in measures]
    return ClassFacts(
        category=category,
        clips=len(ours),
        recordings=len({clip.recording for clip in ours}),
        authors=len({authors[clip.file] for clip in ours if clip.file in authors}),
        by_fold=Counter(sorted(clip.fold for clip in ours)),
        rates_hz=Counter(sorted(each.sample_rate_hz for each in heard)),
        spread={
            name: tuple(np.percentile([getattr(each, name) for each in heard], SPREAD).tolist())
            for name in TOLD
            if heard
        },
    )


def matches_of(clips: Sequence[Clip], found: Found) -> tuple[Match, ...]:
    """Pairs of clips instead of pairs of numbers."""
    matches = []
    for pair in found.pairs:
        first, second = clips[pair.first], clips[pair.second]
        matches.append(
            Match(
                first=first.file,
                second=second.file,
                folds=(first.fold, second.fold),
                categories=(first.category, second.category),
                recordings=(first.recording, second.recording),
                equal=pair.equal,
                shared_s=pair.shared_s,
                lag_s=pair.lag_s,
            )
        )
    return tuple(matches)


def astray(named: Iterable[tuple[str, Clip]]) -> tuple[Astray, ...]:
    """Of what clips are named by, such as their recordings, that which stands in several folds."""
    files: dict[str, dict[int, str]] = defaultdict(dict)
    for name, clip in named:
        files[name].setdefault(clip.fold, clip.file)
    return tuple(
        Astray(name, dict(sorted(held.items()))) for name, held in files.items() if len(held) > 1
    )
