"""The command line: which commands there are, and how a run of one ends."""

import errno
import io
import os
import sys

from cyclopts import App

import auricle
from auricle.commands import data, models, reports, studies
from auricle.errors import AuricleError

app = App(
    name="auricle",
    version=auricle.__version__,
    help="""From a folder of labelled sound clips to a classifier that can be believed.

    Try it without any data: `auricle study quick`. The whole mission on ESC-10:
    `auricle fetch esc10`, then `auricle study`.
    """,
    help_format="markdown",
)

for command in (
    data.fetch,
    data.audit,
    studies.study,
    studies.train,
    studies.tune,
    studies.evaluate,
    studies.evidence,
    reports.submit,
    reports.report,
    models.predict,
    models.export,
    models.parity,
    models.demo,
    studies.doctor,
):
    app.command(command)

MENDABLE = {
    errno.ENOSPC: "free some space; a study goes on with --resume",
    getattr(errno, "EDQUOT", errno.ENOSPC): "free some space; a study goes on with --resume",
    errno.EACCES: "choose a place that you may write to",
    errno.EROFS: "choose a place that you may write to",
    errno.EEXIST: "choose another place",
    errno.ENOTDIR: "choose another place",
    errno.EISDIR: "choose another place",
}
"""What a user can do when the system refuses a file."""


ENOUGH = 128 + 13
"""The exit code of a program that ends because nobody reads what it prints."""


def main() -> None:
    """Run one command; of the processes that torchrun starts, the first does and others help."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        from auricle.study.engine import among_ranks

        among_ranks(run_command)
    else:
        run_command()


def run_command() -> None:
    """Run one command: 0 done, 1 a mistake told in one line, 2 a wrong call."""
    # File names have letters that an output may not know.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                encoding=None if stream.isatty() else "utf-8", errors="backslashreplace"
            )
    try:
        code = app()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has heard enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ENOUGH)
    except AuricleError as problem:
        print(f"auricle: {problem}", file=sys.stderr)
        sys.exit(1)
    except OSError as problem:
        if problem.errno not in MENDABLE:
            raise
        mend = MENDABLE[problem.errno]
        where = f"{problem.filename}: " if problem.filename else ""
        print(f"auricle: {where}{problem.strerror}; {mend}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("auricle: stopped; a study goes on with --resume", file=sys.stderr)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
