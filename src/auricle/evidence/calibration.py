"""Do the probabilities mean what they say, and what temperature makes them?"""

from dataclasses import dataclass

import numpy as np
import torch

from auricle.evaluation.calibration import (
    Calibration,
    calibration,
    cross_fitted,
    fit_temperature,
    scaled,
)
from auricle.evidence.case import Case, Subject
from auricle.training.sounds import Array


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """One configuration: before is at temperature one.

    `after` is out of fold, each fold at the temperature of the others; the test fold, if it was
    opened, is at `temperature`, that of all development clips, which a shipped model gets.
    """

    configuration: str
    temperature: float
    by_fold: dict[int, float]
    before: Calibration
    after: Calibration
    sealed_before: Calibration | None
    sealed_after: Calibration | None


@dataclass(frozen=True)
class CalibrationFound:
    """What was found, a configuration each."""

    configurations: tuple[Calibrated, ...]


def measure(case: Case) -> CalibrationFound:
    """Fit temperatures on development clips and say what they change."""
    sealed = {subject.name: subject for subject in case.sealed}
    return CalibrationFound(
        tuple(calibrated(subject, sealed.get(subject.name)) for subject in case.subjects)
    )


def calibrated(subject: Subject, sealed: Subject | None) -> Calibrated:
    """Calibration of one configuration."""
    logits, targets = logits_of(subject), subject.targets
    by_fold = cross_fitted(logits, targets, subject.folds)
    temperature = fit_temperature(logits, targets)
    after = scaled(logits, np.array([by_fold[fold] for fold in subject.folds]))
    return Calibrated(
        configuration=subject.name,
        temperature=temperature,
        by_fold=by_fold,
        before=calibration(scaled(logits, 1.0), targets),
        after=calibration(after, targets),
        sealed_before=on_sealed(sealed, 1.0),
        sealed_after=on_sealed(sealed, temperature),
    )


def on_sealed(sealed: Subject | None, temperature: float) -> Calibration | None:
    """Calibration on the test fold, if it was opened, at a temperature fixed before."""
    if sealed is None:
        return None
    return calibration(scaled(logits_of(sealed), temperature), sealed.targets)


@torch.no_grad()
def logits_of(subject: Subject) -> Array:
    """(clips, classes) what each clip's network answers, clips in the order of the store."""
    found = np.zeros((len(subject.store.clips), len(subject.categories)))
    for rows, network, waves in subject.batches():
        logits, _ = network(waves)
        found[rows] = logits.cpu().numpy()
    return found
