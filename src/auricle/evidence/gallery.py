"""Pictures of what networks look at: which clips are worth one, and what is kept of them.

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

All have the same bands and frames, whatever the network's own are: bands those of the first
network's spectrum, frames a clip's length shared out evenly.
"""

import dataclasses
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Base64Bytes

from auricle.evidence.case import Case, Subject, read_rows
from auricle.evidence.pointers import POINTERS
from auricle.evidence.traces import Traces, as_kept
from auricle.files import replace_bytes
from auricle.network.frontend import FilterBank, FrontendConfig, band_edges_hz, hz_to_mel
from auricle.study.drawings import RANGE_DB, envelope
from auricle.training.sounds import Array, scoring_batches

KEPT_CLIPS = 80
MISTAKES_SHOWN, RIGHT_SHOWN = 6, 2


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


def keep(
    case: Case, rows: Array, traces: Sequence[Traces], attentions: Sequence[str | None]
) -> None:
    """Write `looking.npz`, of each subject the pointer of that name as its attention."""
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
    for subject, found, attention in zip(case.subjects, traces, attentions, strict=True):
        arrays[f"prob_{subject.name}"] = found.probabilities[rows].astype(np.float32)
        own = subject.recipe.network.frontend
        arrays[f"gradient_{subject.name}"] = on_bands(found.gradient[rows], own, frontend)
        if attention:
            arrays[f"attention_{subject.name}"] = attention_of(found, attention)[rows]
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    replace_bytes(case.folder / "looking.npz", content.getvalue())


def on_bands(gradient: Array, own: FrontendConfig, shown: FrontendConfig) -> Array:
    """(clips, own bands, frames) on the bands that are shown: each the mean of those around it.

    Where no band of its own reaches, a network sees nothing.
    """
    own_mel, shown_mel = (hz_to_mel(band_edges_hz(config)[1:-1]).numpy() for config in (own, shown))
    if np.array_equal(own_mel, shown_mel):
        return gradient
    reach = max(np.diff(mel).max() for mel in (own_mel, shown_mel))
    weights = np.maximum(1 - np.abs(shown_mel[:, None] - own_mel) / reach, 0)
    weights /= np.maximum(weights.sum(1, keepdims=True), 1e-9)
    mixed: Array = np.einsum("so,cof->csf", weights, gradient)
    return mixed.round().astype(np.uint8)


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
