"""What a trial of a search costs beside its fits, in a file and in a database."""

import tempfile
import time
from pathlib import Path

from auricle.study import trials
from auricle.study.space import read_space
from benchmarks.services import postgresql, postgresql_programs
from benchmarks.timing import Figures, Sizes, in_ms


def trials_s(url: str | None, folder: Path, turn: int, count: int) -> list[float]:
    """Seconds that each of so many trials costs beside its fits: drawn, told twice, ended."""
    space = read_space("cnn")
    study = trials.open_study(space, f"turn {turn}", trials.open_storage(url, folder))
    taken = []
    for number in range(count):
        started = time.perf_counter()
        (trial,) = trials.ask(study, space, trials=count, together=1, shared=url is not None)
        for folds in (2, 4):
            trial.report(1 / (1 + number), folds)
            trial.should_prune()
        study.tell(trial, 1 / (1 + number))
        taken.append(time.perf_counter() - started)
    return taken


def measure_tuners(sizes: Sizes) -> Figures:
    programs = postgresql_programs()
    assert programs is not None  # else this section is left out
    taken: dict[str, list[float]] = {"a file of the search's folder": [], "PostgreSQL": []}
    with tempfile.TemporaryDirectory() as folder, postgresql(programs) as url:
        for turn in range(sizes.turns):
            for store, place in zip(taken, (None, url), strict=True):
                taken[store] += trials_s(place, Path(folder), turn, sizes.trials)
    return {
        "trials": sizes.trials,
        "turns": sizes.turns,
        "rows": [{"store": store, "ms": in_ms(times)} for store, times in taken.items()],
    }
