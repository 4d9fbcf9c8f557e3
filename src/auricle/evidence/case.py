"""A finished study, opened for questions: its development clips, and networks new to them.

Every part of the evidence asks the same networks: of the best configuration of each architecture,
those of `kfold` with the first seed; `doubts` and `texture` ask all that `kfold` has. A clip is
always put to the one that was not trained on it.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from auricle.data.sources import cache_folder
from auricle.data.store import FULL_SCALE, WaveStore, open_store
from auricle.errors import StudyError
from auricle.network.classifier import SoundClassifier
from auricle.study.fits import WEIGHTS, load_fit
from auricle.study.job import fit_folder
from auricle.study.prepare import Prepared, Setting, hashes, prepare
from auricle.study.protocol import Split, splits
from auricle.study.recipe import Plan, Recipe
from auricle.study.run import plan_in
from auricle.study.scores import recordings_of, targets_of
from auricle.study.summary import best_by_architecture
from auricle.training.fit import choose_device
from auricle.training.sounds import Array, scoring_batches

SEED = 0
"""Of the fits that are asked, where not all are; scores of all seeds stand in the study's own."""


class Networks(Mapping[int, SoundClassifier]):
    """Networks by the fold that they are asked about, each read when it is first wanted.

    A published copy has no weights; questions that want none are answered there, too.
    """

    def __init__(self, folds: Iterable[int], read: Callable[[int], SoundClassifier]) -> None:
        self._folds = tuple(folds)
        self._read = cache(read)

    def __getitem__(self, fold: int) -> SoundClassifier:
        """The network of a fold, the same each time.

        Raises: StudyError if its fit is missing or has no weights.
        """
        if fold not in self._folds:
            raise KeyError(fold)
        return self._read(fold)

    def __iter__(self) -> Iterator[int]:
        """The folds in their order."""
        return iter(self._folds)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._folds)


@dataclass(frozen=True)
class Subject:
    """One configuration's networks, each with the clips that it never heard.

    `networks` are by the fold that they are asked about; `store` holds the clips of those folds.
    """

    recipe: Recipe
    categories: tuple[str, ...]
    store: WaveStore
    networks: Mapping[int, SoundClassifier]
    device: torch.device

    @property
    def name(self) -> str:
        """The configuration's name."""
        return self.recipe.name

    @property
    def sample_rate_hz(self) -> int:
        """Of the waves that its networks take."""
        return self.recipe.network.frontend.sample_rate_hz

    @cached_property
    def targets(self) -> Array:
        """(clips,) index of each clip's category."""
        return targets_of(self.store.clips, self.categories)

    @cached_property
    def folds(self) -> Array:
        """(clips,) the fold of each clip, and so the network that answers for it."""
        return np.array([clip.fold for clip in self.store.clips])

    @cached_property
    def recordings(self) -> Array:
        """(clips,) name of each clip's recording."""
        return recordings_of(self.store.clips)

    def batches(self) -> Iterator[tuple[Array, SoundClassifier, Tensor]]:
        """Clips by the batch: their rows (batch,), their network, their waves (batch, samples)."""
        for fold, network in self.networks.items():
            rows = np.flatnonzero(self.folds == fold)
            for part in scoring_batches(len(rows)):
                yield rows[part], network, self.waves(rows[part])

    def waves(self, rows: Array) -> Tensor:
        """(batch, samples) float32 in [-1, 1)."""
        stored = torch.from_numpy(self.store.waves[rows].astype(np.float32) / FULL_SCALE)
        return stored.to(self.device)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A study and all that is needed to ask it more.

    `subjects` are the best configuration of each architecture, asked about development clips;
    `sealed` the same configurations' `refit` networks and the test fold, where that was opened.
    """

    run: Path
    plan: Plan
    prepared: Prepared
    setting: Setting
    subjects: tuple[Subject, ...]
    sealed: tuple[Subject, ...]
    console: Console

    @property
    def folder(self) -> Path:
        """Where the evidence is kept."""
        return self.run / "evidence"

    @property
    def kfold(self) -> list[Split]:
        """The splits of `kfold`, as the study has them."""
        return splits(("kfold",), self.prepared.table.folds)

    def opened(self, recipe: Recipe, seed: int = SEED) -> Subject:
        """A configuration's `kfold` networks of one seed."""
        device = choose_device(self.setting.device)
        return open_subject(
            self.run, recipe, self.kfold, self.prepared, self.plan, device, seed=seed
        )

    def has_weights(self, recipe: Recipe, seed: int = SEED) -> bool:
        """Whether a configuration's `kfold` networks of one seed can be read."""
        folders = [fit_folder(self.run, recipe.name, fit, seed) for fit in self.kfold]
        return all((folder / WEIGHTS).exists() for folder in folders)

    def read_networks(self) -> None:
        """Read all networks, so that what is missing is told before anything is asked.

        Raises: StudyError if a fit is missing, or has no weights, as in a published copy.
        """
        for subject in (*self.subjects, *self.sealed):
            dict(subject.networks)

    @property
    def best(self) -> Subject:
        """The best of the subjects, out of fold: what would be shipped."""
        found = json.loads((self.run / "scores.json").read_text(encoding="utf-8"))
        name = found["best"]["out_of_fold"]
        return next(subject for subject in self.subjects if subject.name == name)

    @property
    def transformer(self) -> Subject | None:
        """The best subject with an encoder, if there is one."""
        encoded = [s for s in self.subjects if s.recipe.network.encoder.blocks]
        return encoded[0] if encoded else None

    def followed(self, subject: Subject) -> Iterator[tuple[Array, SoundClassifier, Tensor]]:
        """`subject.batches()`, with a bar that says how many are left."""
        _, clips = np.unique(subject.folds, return_counts=True)
        total = sum(len([*scoring_batches(int(count))]) for count in clips)
        return iter(
            track(
                subject.batches(),
                subject.name,
                total=total,
                console=self.console,
                transient=True,
            )
        )


def open_case(
    run: Path,
    setting: Setting,
    console: Console,
    *,
    data: str | None,
    test: bool,
    root: str | None = None,
) -> Case:
    """Open a study that `auricle study` has finished.

    Raises: StudyError if it is not finished, or of other clips.
    """
    told = run / "study.toml"
    if not told.is_file():
        raise StudyError(f"{run}: no study is here (study.toml is missing)")
    plan = plan_in(told)
    strategies = tuple(name for name in plan.strategies if test or name in ("kfold", "holdout"))
    plan = replace(plan, data=data or plan.data, root=root, test=test, strategies=strategies)
    # What the study left out is left out again; `check_clips` sees that it is the same.
    setting = replace(setting, run=run, skip_bad=bool(read_rows(run / "skipped.csv")))
    prepared = prepare(plan, setting, console)
    check_clips(run, prepared)
    device = choose_device(setting.device)
    chosen = best_recipes(run, plan)

    def opened(strategy: str) -> tuple[Subject, ...]:
        fits = splits((strategy,), prepared.table.folds)
        return tuple(open_subject(run, r, fits, prepared, plan, device) for r in chosen)

    return Case(
        run=run,
        plan=plan,
        prepared=prepared,
        setting=setting,
        subjects=opened("kfold"),
        sealed=opened("refit") if test else (),
        console=console,
    )


def best_recipes(run: Path, plan: Plan) -> list[Recipe]:
    """Of each architecture that a study has, the configuration that is best out of fold.

    Raises: StudyError if the study is not finished.
    """
    scores = run / "scores.json"
    if not scores.is_file():
        raise StudyError(f"{run}: not finished; go on with auricle study --resume")
    found = json.loads(scores.read_text(encoding="utf-8"))
    names = best_by_architecture(found["configurations"])
    return [recipe for recipe in plan.configurations if recipe.name in names.values()]


def check_clips(run: Path, prepared: Prepared) -> None:
    """Refuse other clips, or other folds, than those that the study was made of."""
    told = {(row["file"], row["category"], row["fold"]) for row in read_rows(run / "clips.csv")}
    here = {(clip.file, clip.category, str(clip.fold)) for clip in prepared.table.clips}
    if told != here:
        raise StudyError(
            f"{run}: made of other clips or folds than {prepared.table.root} has now; name the "
            "same data with --data, or put them back"
        )


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def open_subject(
    run: Path,
    recipe: Recipe,
    fits: Sequence[Split],
    prepared: Prepared,
    plan: Plan,
    device: torch.device,
    *,
    seed: int = SEED,
) -> Subject:
    """A configuration's networks of one seed beside clips of the folds that they did not hear."""
    asked = {fit.validation or fit.scored: fit for fit in fits}
    store = open_store(
        prepared.table.in_folds(asked.keys()),
        sample_rate_hz=recipe.network.frontend.sample_rate_hz,
        seconds=plan.clip_s,
        cache=cache_folder(),
    )

    def read(fold: int) -> SoundClassifier:
        fit = asked[fold]
        trained = load_fit(fit_folder(run, recipe.name, fit, seed))
        learnt = hashes(prepared.contents, prepared.table.in_folds(fit.training))
        if tuple(trained.facts.get("learnt", learnt)) != learnt:
            raise StudyError(
                f"{trained.folder}: trained on other sounds than {prepared.table.root} holds now; "
                "put those back"
            )
        return trained.network.to(device)

    return Subject(recipe, prepared.table.categories, store, Networks(asked, read), device)
