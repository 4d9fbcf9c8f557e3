"""Which of a study's many scores are quoted first, and what they are called.

Out-of-fold: `kfold`, pooled; a study without it has `holdout`. On the test fold: `refit`, the
network that ships; else `holdout`, else the ensemble of `kfold`. Where several seeds were trained,
quoted scores are their mean, and what is drawn (confusions, curves) is of the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from auricle.report.scores import Configuration, Layer, ScoreRow
from auricle.report.study_files import Study

OUT_OF_FOLD = (("kfold", "pooled"), ("holdout", ""))
TEST = (("refit", "all"), ("holdout", ""), ("kfold", "ensemble"), ("esc5", "pooled"))


@dataclass(frozen=True)
class View:
    """One way of scoring all configurations alike."""

    strategy: str
    member: str
    on: str
    title: str

    def quoted(self, configuration: Configuration) -> ScoreRow | None:
        """The score to state: of the seeds' mean where there are several."""
        return configuration.quoted(self.strategy, self.member, self.on)

    def drawn(self, configuration: Configuration) -> ScoreRow | None:
        """The score with its classes, confusion and curves: of the first seed."""
        return configuration.row(self.strategy, self.member, self.on)


def _views(study: Study, on: str, choices: tuple[tuple[str, str], ...]) -> Iterator[View]:
    first = study.configurations[0]
    test_fold = study.scores.dataset.test_fold
    for strategy, wanted in choices:
        members = {row.member for row in first.rows(strategy, on)}
        member = wanted or next(iter(members), "")
        if member not in members:
            continue
        if on == "out-of-fold":
            title = f"out-of-fold ({strategy})"
        elif strategy == "esc5":
            title = "all folds (esc5)"
        else:
            title = f"test fold {test_fold} ({strategy})"
        yield View(strategy, member, on, title)


def out_of_fold(study: Study) -> View | None:
    """The scores on development clips, each by a network that did not train on it."""
    return next(_views(study, "out-of-fold", OUT_OF_FOLD), None)


def tested(study: Study) -> View | None:
    """The scores on the test fold, if it was read; of `esc5` alone, those on all folds."""
    return next(_views(study, "test", TEST), None)


def views(study: Study) -> list[View]:
    """What there is of the two, out-of-fold first."""
    return [view for view in (out_of_fold(study), tested(study)) if view]


def every_view(study: Study) -> list[View]:
    """All ways in which whole sets of clips were scored, out-of-fold first."""
    development = out_of_fold(study)
    return [*([development] if development else []), *_views(study, "test", TEST)]


def networks(study: Study) -> list[list[Configuration]]:
    """Configurations grouped by network: those of a group differ in nothing but their heads."""

    def shape(layer: Layer) -> tuple[object, ...]:
        return (layer.part, layer.layer, layer.kind, layer.shape, layer.trainable, layer.fixed)

    found: dict[tuple[object, ...], list[Configuration]] = {}
    for each in study.configurations:
        found.setdefault(tuple(shape(layer) for layer in each.layers), []).append(each)
    return list(found.values())


def textured(study: Study) -> bool:
    """Whether a network also judges a sound by the statistics of its texture."""
    return any("texture" in each.parameters for each in study.configurations)
