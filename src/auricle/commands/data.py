"""Commands about data: `fetch`, `audit`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from auricle.commands.options import Data, Labels


def fetch(
    name: Literal["esc10"],
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Folder to fill; the user's cache if none.")] = None,
    workers: Annotated[int, Parameter(help="Downloads at a time.")] = 8,
) -> None:
    """Download a data set, each file checked against its hash; goes on where it stopped.

    Example: `auricle fetch esc10`
    """
    from rich.progress import Progress

    from auricle.data.esc10 import fetch_esc10
    from auricle.data.sources import default_folder

    folder = out or default_folder()
    with Progress() as progress:
        task = progress.add_task(f"fetching {name}", total=None)
        fetch_esc10(
            folder,
            workers=workers,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    print(f"{name} is whole in {folder}")


def audit(
    data: Data = None,
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(help="Folder for audit.json, audit.csv (a row a clip) and duplicates.csv."),
    ] = None,
    labels: Labels | None = None,
) -> int:
    """Say what a data set is like before anything is trained on it; exit with 1 on a leak.

    Looks for the same sound in two folds, also at another level, shifted, cut or encoded anew, and
    for recordings in two folds; tells length, level, silence and bandwidth of each class, and how
    far these alone give the class away.

    Example: `auricle audit PATH/TO/ESC-10 --out audit`
    """
    from auricle.evidence.audit_page import audit_data
    from auricle.study.command import labels_of

    return audit_data(data, labels_of(**vars(labels or Labels())), out)
