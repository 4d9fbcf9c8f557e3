"""Where does the network look, and does its answer rest on what it looks at?

Two kinds of pointers (`pointers`) are put to two tests. *Planted*: the loudest moment of a clip,
alone in quiet noise at a place that was drawn, is where a pointer must peak. *Muted*: the frames
that it marks most are exchanged for the clip's quietest ones, and the answer must lose more than
without other frames. Answers to clips are the whole network's; both tests are of base and head,
through which the pointers lead.

`looking.npz` keeps what they show of n clips: those that all configurations and seeds misheard most
often, in that order, then those of which networks were least sure, and the surest right answer of
each class:

    files, categories, folds (n,)   of each clip; classes (classes,) names in the order of `prob_`
    spectra (n, bands, frames)      uint8, 0 to 255 over the clip's top 80 dB; bands even in mel
    envelopes (n, points, 2)        float16, lowest and highest sample
    seconds, low_hz, high_hz        what the axes span
    prob_<k> (n, classes)           float32, of configuration k
    gradient_<k> (n, bands, frames) uint8, what speaks for its answer, 255 where that is most
    attention_<k> (n, frames)       float16, what its class token looks at, where it has one

All have the same frames, a clip's length shared out evenly, whatever the network's own are.
"""

import dataclasses
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Base64Bytes
from torch import Generator, Tensor
from torch.nn import functional as F

from auricle.evaluation.intervals import (
    Interval,
    Recordings,
    accuracy_interval,
    bootstrap_intervals,
    mean_over_clips,
)
from auricle.evidence.case import Case, Subject, read_rows
from auricle.evidence.pointers import POINTERS, view
from auricle.evidence.probes import DRAWS, FRACTIONS, fall, moved, peaks, plant
from auricle.files import replace_bytes
from auricle.network.classifier import SoundClassifier
from auricle.network.frontend import FilterBank
from auricle.study.drawings import RANGE_DB, envelope
from auricle.training.sounds import Array, scoring_batches

EVENT_S, EVENT_SHARE = 0.5, 0.25
"""A planted event is half a second long, in short clips a quarter of them."""
KEPT_CLIPS, KEPT_FRAMES = 80, 128
MISTAKES_SHOWN, RIGHT_SHOWN = 6, 2


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Events at known places: `found` is the share of pointers that peak within theirs.

    `chance` is that share for a peak anywhere, `off_s` the median distance from the event's middle.
    """

    chance: float
    found: Interval
    off_s: float


@dataclass(frozen=True, kw_only=True)
class Muted:
    """How much less likely base and head find the answer without a fraction of the frames.

    The fall of its probability, a mean over clips, without those that a pointer marks, the same
    pattern at a random place, frames drawn one by one, and the loudest.
    """

    fraction: float
    marked: float
    elsewhere: float
    drawn: float
    loudest: float


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """One pointer under both tests; by how much its fall exceeds the others is over all fractions.

    Intervals are of a mean over clips, as recordings are drawn. `in_quiet` is the share of clips in
    whose quieter half of frames the pointer peaks; older files lack it.
    """

    name: str
    planted: Planted
    muted: tuple[Muted, ...]
    over_elsewhere: Interval
    over_drawn: Interval
    over_loudest: Interval
    in_quiet: Interval | None = None

    @property
    def holds(self) -> bool:
        """Whether the answer rests on what is marked more than on what is not."""
        return self.over_elsewhere.low > 0 and self.over_drawn.low > 0


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One configuration. `attention` names the pointer of that kind which is shown, if it has any.

    `named` is the share of planted events whose class base and head answer; `unexplained` the
    median share of the logits' difference that the gradient does not sum to; `level_found` the
    share of planted events in which the loudest frame lies, which is no pointer; older files lack
    it.
    """

    configuration: str
    event_s: float
    named: float
    unexplained: float
    pointers: tuple[Pointer, ...]
    attention: str | None
    level_found: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A clip for the report; `spectrum` and `gradient` are (bands, KEPT_FRAMES) bytes."""

    file: str
    category: str
    answer: str
    probability: float
    spectrum: Base64Bytes
    gradient: Base64Bytes
    attention: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class LookingFound:
    """What was found, and pictures of what one configuration looks at."""

    configurations: tuple[Looked, ...]
    shown: str
    pictures: tuple[Picture, ...]
    seconds: float
    low_hz: float
    high_hz: float


@dataclass(frozen=True)
class Traces:
    """What one configuration's networks show of clips.

    How far the answer's probability falls without the frames of each kind: `marked`, `elsewhere`
    (clips, pointers, fractions), `drawn`, `loudest` (clips, fractions). Of the planted event
    whether it was `named` (clips,), and how long after its start each pointer has its `peak_s`
    (clips, pointers), and the level its `loudest_s` (clips,). Whether a pointer peaks `in_quiet`
    (clips, pointers), the quieter half of a clip. `gradient` (clips, bands, KEPT_FRAMES) uint8,
    `marks` (clips, pointers, KEPT_FRAMES).
    """

    probabilities: Array
    unexplained: Array
    marked: Array
    elsewhere: Array
    drawn: Array
    loudest: Array
    named: Array
    peak_s: Array
    loudest_s: Array
    in_quiet: Array
    gradient: Array
    marks: Array


def measure(case: Case) -> LookingFound:
    """Follow every network's pointers over all clips, test them, and keep what they show."""
    event_s = min(EVENT_S, EVENT_SHARE * case.plan.clip_s)
    traces = [trace(case, subject, event_s) for subject in case.subjects]
    looked = tuple(
        judged(subject, found, event_s, case.plan.clip_s)
        for subject, found in zip(case.subjects, traces, strict=True)
    )
    first = case.subjects[0]
    probabilities = np.stack([found.probabilities for found in traces])
    rows = worth_keeping(mistakes_of(case, first), probabilities, first.targets)
    keep(case, rows, looked, traces)
    at = next((at for at, each in enumerate(looked) if each.attention), 0)
    return LookingFound(
        configurations=looked,
        shown=looked[at].configuration,
        pictures=pictures(case.subjects[at], traces[at], looked[at].attention),
        seconds=case.plan.clip_s,
        low_hz=first.recipe.network.frontend.low_hz,
        high_hz=first.recipe.network.frontend.high_hz,
    )


def trace(case: Case, subject: Subject, event_s: float) -> Traces:
    """Put every clip, and the event planted from it, to the network that never heard it."""
    generator = Generator().manual_seed(0)
    parts = [
        (rows, traced(network, waves, subject.targets[rows], event_s, generator))
        for rows, network, waves in case.followed(subject)
    ]
    places = np.argsort(np.concatenate([rows for rows, _ in parts]))
    columns = zip(*(vars(part).values() for _, part in parts), strict=True)
    return Traces(*(np.concatenate(column)[places] for column in columns))


def traced(
    network: SoundClassifier, waves: Tensor, targets: Array, event_s: float, generator: Generator
) -> Traces:
    """The traces of one batch (batch, samples)."""
    rate_hz = network.config.frontend.sample_rate_hz
    seen = view(network, waves, network.describe(waves))
    events, starts_s = plant(waves, rate_hz, event_s, generator)
    planted = view(network, events, None)
    hop_s = network.config.frontend.hop / rate_hz
    pointers = seen.marks.unbind(1)
    after_s = starts_s[:, None].to(waves.device)
    loudness, marks = as_kept(seen.spectrum.mean(1, keepdim=True))[:, 0], as_kept(seen.marks)
    at_peak = loudness.gather(1, marks.argmax(2))
    drawn = [torch.rand(pointers[0].shape, generator=generator) for _ in range(DRAWS)]
    found = (
        seen.probabilities,
        seen.unexplained,
        torch.stack([fall(network, seen, [marks]) for marks in pointers], 1),
        torch.stack([fall(network, seen, moved(marks, generator)) for marks in pointers], 1),
        fall(network, seen, drawn),
        fall(network, seen, [seen.spectrum.mean(1)]),
        planted.answers == torch.from_numpy(targets).to(waves.device),
        hop_s * peaks(planted.marks) - after_s,
        hop_s * peaks(planted.spectrum.mean(1)) - after_s[:, 0],
        at_peak < loudness.median(1, keepdim=True).values,
        as_bytes(as_kept(seen.evidence.clamp(min=0))),
        marks,
    )
    return Traces(*(each.cpu().numpy() for each in found))


def as_kept(values: Tensor) -> Tensor:
    """Frames shared out evenly over KEPT_FRAMES: (batch, rows, frames) -> (.., KEPT_FRAMES)."""
    return F.adaptive_avg_pool1d(values, KEPT_FRAMES)


def as_bytes(values: Tensor) -> Tensor:
    """Each clip's values from zero to its largest as 0 to 255: (batch, bands, frames)."""
    largest = values.amax((1, 2), keepdim=True).clamp(min=torch.finfo(values.dtype).tiny)
    return (255 * values / largest).round().to(torch.uint8)


def judged(subject: Subject, found: Traces, event_s: float, clip_s: float) -> Looked:
    """The tests of one configuration's pointers; of two kinds of attention the better is shown."""
    names = POINTERS[: found.marks.shape[1]]
    pointers = tuple(
        pointer(name, at, subject, found, event_s, clip_s) for at, name in enumerate(names)
    )
    attentions = range(1, len(names))
    best = max(attentions, key=lambda at: float(found.marked[:, at].mean()), default=None)
    return Looked(
        configuration=subject.name,
        event_s=event_s,
        named=float(found.named.mean()),
        unexplained=float(np.median(found.unexplained)),
        pointers=pointers,
        attention=None if best is None else names[best],
        level_found=share_of(within(found.loudest_s, event_s), subject),
    )


def within(peak_s: Array, event_s: float) -> Array:
    """Whether a peak lies in the event that starts at zero; any shape."""
    inside: Array = (peak_s >= 0) & (peak_s <= event_s)
    return inside


def share_of(clips: Array, subject: Subject) -> Interval:
    """The share of clips (clips,) of which something is so."""
    return accuracy_interval(clips, subject.targets, subject.recordings)


def pointer(
    name: str, at: int, subject: Subject, found: Traces, event_s: float, clip_s: float
) -> Pointer:
    """The tests of one pointer, the one at a place in the traces."""
    peak_s, marked, elsewhere = found.peak_s[:, at], found.marked[:, at], found.elsewhere[:, at]

    def excess(over: Array) -> Interval:
        return mean_interval((marked - over).mean(1), subject)

    return Pointer(
        name=name,
        planted=Planted(
            chance=event_s / clip_s,
            found=share_of(within(peak_s, event_s), subject),
            off_s=float(np.median(np.abs(peak_s - event_s / 2))),
        ),
        muted=tuple(
            Muted(fraction=fraction, marked=m, elsewhere=e, drawn=d, loudest=loud)
            for fraction, m, e, d, loud in zip(
                FRACTIONS,
                *(
                    each.mean(0).astype(float).tolist()
                    for each in (marked, elsewhere, found.drawn, found.loudest)
                ),
                strict=True,
            )
        ),
        over_elsewhere=excess(elsewhere),
        over_drawn=excess(found.drawn),
        over_loudest=excess(found.loudest),
        in_quiet=share_of(found.in_quiet[:, at], subject),
    )


def mean_interval(values: Array, subject: Subject) -> Interval:
    """Mean of one value a clip, and its 95% interval as recordings are drawn."""
    sample = Recordings.of(subject.recordings, subject.targets)
    (interval,) = bootstrap_intervals(mean_over_clips(values, sample), sample)
    return interval


def mistakes_of(case: Case, subject: Subject) -> Array:
    """(clips,) how often each was misheard out of fold, by any configuration with any seed."""
    wrong = Counter(
        row["file"]
        for row in read_rows(case.run / "predictions.csv")
        if (row["strategy"], row["member"], row["on"]) == ("kfold", "pooled", "out-of-fold")
        and row["prediction"] != row["category"]
    )
    return np.array([wrong[clip.file] for clip in subject.store.clips])


def worth_keeping(mistakes: Array, probabilities: Array, targets: Array) -> Array:
    """Rows of clips to keep, as many as there is place for.

    Those misheard most often come first, of equals those whose truth was least likely; the surest
    right one of each class, if all were right, has a place at the end.
    Shapes: (clips,), (configurations, clips, classes), (clips,) -> (kept,).
    """
    likely = probabilities[:, np.arange(len(targets)), targets].min(0)
    order = np.lexsort((likely, -mistakes))
    sure = np.where(mistakes > 0, -1, likely)
    best = [int(np.where(targets == each, sure, -1).argmax()) for each in np.unique(targets)]
    right = [row for row in best if sure[row] >= 0][: KEPT_CLIPS // 2]
    others = [row for row in order.tolist() if row not in right]
    return np.array([*others[: KEPT_CLIPS - len(right)], *right], dtype=int)


def keep(case: Case, rows: Array, looked: Sequence[Looked], traces: Sequence[Traces]) -> None:
    """Write `looking.npz`."""
    first = case.subjects[0]
    frontend = first.recipe.network.frontend
    clips = [first.store.clips[row] for row in rows]
    arrays: dict[str, Array] = {
        "files": np.array([clip.file for clip in clips]),
        "categories": np.array([clip.category for clip in clips]),
        "folds": np.array([clip.fold for clip in clips]),
        "classes": np.array(first.categories),
        "spectra": shades(first, rows),
        "envelopes": np.stack([envelope(wave) for wave in first.waves(rows).cpu().numpy()]).astype(
            np.float16
        ),
        "seconds": np.array(case.plan.clip_s),
        "low_hz": np.array(frontend.low_hz),
        "high_hz": np.array(frontend.high_hz),
    }
    for each, found in zip(looked, traces, strict=True):
        name = each.configuration
        arrays[f"prob_{name}"] = found.probabilities[rows].astype(np.float32)
        arrays[f"gradient_{name}"] = found.gradient[rows]
        if each.attention:
            arrays[f"attention_{name}"] = attention_of(found, each.attention)[rows]
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    replace_bytes(case.folder / "looking.npz", content.getvalue())


def attention_of(found: Traces, name: str) -> Array:
    """(clips, KEPT_FRAMES) float16 of the pointer of that name."""
    marks: Array = found.marks[:, POINTERS.index(name)]
    return marks.astype(np.float16)


@torch.no_grad()
def shades(subject: Subject, rows: Array) -> Array:
    """(rows, bands, KEPT_FRAMES) uint8, each clip's loudness from RANGE_DB below its top."""
    config = dataclasses.replace(subject.recipe.network.frontend, kind="fixed")
    bank = FilterBank(config).to(subject.device)
    parts = [bank.power(subject.waves(rows[part])) for part in scoring_batches(len(rows))]
    level_db = 10 * torch.log10(as_kept(torch.cat(parts)) + 1e-12)
    below_db = level_db - level_db.amax((1, 2), keepdim=True)
    lit = 255 * (1 + below_db / RANGE_DB).clamp(min=0)
    shade: Array = lit.round().to(torch.uint8).cpu().numpy()
    return shade


def pictures(subject: Subject, found: Traces, attention: str | None) -> tuple[Picture, ...]:
    """The surest mistakes of one configuration and the surest right answers of two classes."""
    answers, sure = found.probabilities.argmax(1), found.probabilities.max(1)
    surest = np.argsort(-sure, kind="stable")
    right = surest[answers[surest] == subject.targets[surest]]
    _, of_each = np.unique(subject.targets[right], return_index=True)
    wrong = surest[answers[surest] != subject.targets[surest]]
    shown = [*right[np.sort(of_each)[:RIGHT_SHOWN]], *wrong[:MISTAKES_SHOWN]]
    spectra = shades(subject, np.array(shown, dtype=int))
    return tuple(
        Picture(
            file=subject.store.clips[row].file,
            category=subject.store.clips[row].category,
            answer=subject.categories[answers[row]],
            probability=float(sure[row]),
            spectrum=spectrum.tobytes(),
            gradient=found.gradient[row].tobytes(),
            attention=tuple(attention_of(found, attention)[row].tolist()) if attention else (),
        )
        for row, spectrum in zip(shown, spectra, strict=True)
    )
