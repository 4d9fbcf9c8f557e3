"""Options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Ledger = Annotated[
    Path | None, Parameter(help="CSV in which readings of the test fold are counted.")
]
Data = Annotated[
    str | None,
    Parameter(
        help="esc10, synth, a folder of clips, or a CSV of labels. If none: that of the plan or "
        "the study, else esc10. AURICLE_DATA says where a copy of esc10 is."
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda", "mps"], Parameter(help="Where the networks run.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Labels:
    """A CSV of labels: what its columns are called, and where its files are."""

    column_file: Annotated[
        str | None,
        Parameter(help="Column of the file, or a path with columns in braces: a/{name}.wav."),
    ] = None
    column_category: Annotated[str | None, Parameter(help="Column of the category.")] = None
    column_fold: Annotated[str | None, Parameter(help="Column of the fold; made if none.")] = None
    column_recording: Annotated[str | None, Parameter(help="Column of the recording.")] = None
    column_author: Annotated[str | None, Parameter(help="Column of who recorded it.")] = None
    root: Annotated[
        Path | None, Parameter(help="Folder that the CSV's files are in, if not its own.")
    ] = None
    subset: Annotated[str | None, Parameter(help="True/false column that picks rows.")] = None
