"""Commands that tell of a study: `report`, `submit`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(
    run: Annotated[Path, Parameter(help="The folder of a study, or of a search.")],
    /,
    *,
    out: Annotated[
        Path | None, Parameter(help="Folder for the report, if not the study's.")
    ] = None,
    tuning: Annotated[
        list[Path] | None,
        Parameter(help="A search that its recipes come from, to be told of.", negative=()),
    ] = None,
    wandb_url: Annotated[
        str | None, Parameter(help="Where the runs are on W&B, once synced; the report links it.")
    ] = None,
    publish: Annotated[
        Path | None,
        Parameter(
            help="Also copy the study here, light enough for version control; answers of an "
            "earlier copy that this replaces are counted."
        ),
    ] = None,
    listen: Annotated[
        bool,
        Parameter(help="Also write listen.html, which holds the sounds: for your own ears."),
    ] = False,
    listen_mb: Annotated[float, Parameter(help="Most that its sounds may take.")] = 25,
    data: Annotated[
        str | None, Parameter(help="Where its clips are, if not where the study's plan says.")
    ] = None,
) -> None:
    """Draw the report of a study again, as PDF and as a page, without training anything.

    For example:

    `auricle report runs/mission`

    `auricle report runs/mission --publish reports/esc10`

    `auricle report runs/mission --tuning runs/base --tuning runs/cnn`

    `auricle report runs/mission --listen --data PATH/TO/ESC-10`
    """
    from auricle.report import write_report
    from auricle.study import publish as publishing
    from auricle.study.editions import note_replaced

    if wandb_url:
        publishing.note_url(run, wandb_url)
    for search in tuning or ():
        publishing.lay_tuning(search, run)
    if publish:
        publishing.refuse_what_is_no_copy(run, publish)
        note_replaced(run, publish)
    for page in write_report(run, out):
        print(page)
    if listen:
        from rich.console import Console

        from auricle.report.listen import write_listening

        console = Console(markup=False, highlight=False)
        print(write_listening(run, out, data=data, most_mb=listen_mb, console=console))
    if publish:
        publishing.publish(run, publish)
        print(publish)


def submit(
    *,
    roll_number: Annotated[str, Parameter(help="Names both files.")],
    name: Annotated[str, Parameter(help="Your name, for the title page.")],
    colab_url: Annotated[
        str | None, Parameter(help="Where the notebook is shared; the report links it.")
    ] = None,
    run: Annotated[Path, Parameter(help="Folder of the study, a published one too.")] = Path(
        "runs/mission-esc10"
    ),
    out: Annotated[Path, Parameter(help="Folder for the files.")] = Path("submission"),
    check: Annotated[
        bool,
        Parameter(
            help="Write nothing: see what of the brief holds, exit with 1 if not all.", negative=()
        ),
    ] = False,
) -> int:
    """Make what a course asks for: one Python file, one PDF, and a notebook to share.

    The file is made from auricle's own sources, runs alone and repeats the study; the PDF is the
    study's report under your name. Then goes through the brief and says what is missing.

    For example:

    `auricle submit --roll-number B21EX042 --name "Ada Example" --run reports/esc10`

    `auricle submit --roll-number B21EX042 --name "Ada Example" --run reports/esc10 --check`
    """
    from auricle.submission.command import submit as hand_in

    return hand_in(run, roll=roll_number, name=name, colab_url=colab_url, out=out, only_check=check)
