"""A fit told to Weights & Biases: offline unless asked, never a prompt, never a key.

`history.csv` holds the same rows. Its `events_`, base and head alone, are `base_and_head_` here,
where others look who do not know this project.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from auricle.errors import AuricleError
from auricle.training.history import Epoch

Mode = Literal["offline", "online", "disabled"]


@dataclass(frozen=True)
class RunName:
    """How a fit is found again among the runs of a project."""

    project: str
    group: str
    job_type: str
    name: str


def check_online() -> None:
    """Make sure that runs can be sent, before anything is trained for them.

    Raises: AuricleError if this machine has no key of Weights & Biases.
    """
    import wandb

    try:
        known = wandb.login(prompt=False)
    except wandb.errors.Error as problem:
        raise AuricleError(f"--wandb online: {problem}") from problem
    if not known:
        raise AuricleError("--wandb online: no key is known here; run `wandb login` first")


class Tracker:
    """A run of Weights & Biases that is open for as long as a fit goes on.

    `folder` is the fit's own: a run that was cut off there is replaced, since a resumed fit tells
    all of its epochs again.
    """

    def __init__(self, mode: Mode, run_name: RunName, facts: dict[str, Any], folder: Path) -> None:
        self.mode = mode
        self.run_name = run_name
        self.facts = facts
        self.folder = folder

    def __enter__(self) -> "Tracker":
        """Start the run."""
        self.run: Any = None
        if self.mode == "disabled":
            return self
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        shutil.rmtree(self.folder / "wandb", ignore_errors=True)
        try:
            self.run = self.begin(self.mode)
        except wandb.Error as problem:
            if self.mode != "online":
                raise
            print(
                f"W&B cannot be reached ({problem}); the run is kept here: wandb sync "
                f"{self.folder / 'wandb'}/offline-run-*",
                file=sys.stderr,
            )
            self.run = self.begin("offline")
        return self

    def begin(self, mode: Mode) -> Any:
        """Begin a run of W&B."""
        import wandb

        return wandb.init(
            mode=mode,
            project=self.run_name.project,
            group=self.run_name.group,
            job_type=self.run_name.job_type,
            name=self.run_name.name,
            config=self.facts,
            dir=self.folder,
            reinit="create_new",
            settings=wandb.Settings(
                init_timeout=20,
                host="",
                console="off",
                x_disable_machine_info=True,
                disable_git=True,
                disable_code=True,
                x_disable_stats=True,
                x_disable_meta=True,
                save_code=False,
                silent=True,
            ),
        )

    def log(self, row: Epoch) -> None:
        """Tell one epoch."""
        if self.run is None:
            return
        values = {
            "epoch": row.epoch,
            "lr": row.lr,
            "train/loss": row.train_loss,
            "train/accuracy": row.train_accuracy,
            "val/loss": row.val_loss,
            "val/accuracy": row.val_accuracy,
            "train/base_and_head_loss": row.train_events_loss,
            "train/base_and_head_accuracy": row.train_events_accuracy,
            "val/base_and_head_loss": row.val_events_loss,
            "val/base_and_head_accuracy": row.val_events_accuracy,
        }
        self.run.log({key: value for key, value in values.items() if value is not None})

    def summarise(self, scores: dict[str, float]) -> None:
        """Put final scores where runs are compared."""
        if self.run is not None:
            self.run.summary.update(scores)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the run, as failed if the fit failed."""
        if self.run is not None:
            self.run.finish(exit_code=0 if kind is None else 1)
