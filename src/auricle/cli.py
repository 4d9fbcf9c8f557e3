"""The command line: arguments to one call each. What a command does stands in its room."""

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter, validators

import auricle
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

Ledger = Annotated[
    Path | None, Parameter(help="CSV in which readings of the test fold are counted.")
]
ModelPlace = Annotated[
    Path | None,
    Parameter(
        help="A bundle, or the folder of a study (its best fit) or of a fit; the network of ESC-10 "
        "that comes along if none."
    ),
]
Data = Annotated[
    str | None,
    Parameter(
        help="esc10, synth, a folder of clips, or a CSV of labels; the plan's own if none. "
        "AURICLE_DATA says where a copy of esc10 is."
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda", "mps"], Parameter(help="Where the networks run.")]
Strategy = Literal["kfold", "holdout", "refit", "esc5"]


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
    root: Annotated[
        Path | None, Parameter(help="Folder that the CSV's files are in, if not its own.")
    ] = None
    subset: Annotated[str | None, Parameter(help="True/false column that picks rows.")] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """Where fits run, and what they leave."""

    out: Annotated[Path | None, Parameter(help="Folder of the study.")] = None
    device: Device = "auto"
    workers: Annotated[int | None, Parameter(help="Fits at a time; one a core if none.")] = None
    engine: Annotated[
        Literal["loky", "dask"],
        Parameter(help="Who trains: processes here, or a Dask cluster that stands already."),
    ] = "loky"
    address: Annotated[
        str | None, Parameter(help="The cluster's scheduler, such as tcp://host:8786.")
    ] = None
    resume: Annotated[
        bool, Parameter(help="Go on with what was stopped, or add what is newly asked for.")
    ] = False
    skip_bad: Annotated[bool, Parameter(help="Leave out files that cannot be used.")] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Running(Where):
    """Where fits run, and what is told of them."""

    wandb: Annotated[
        Literal["offline", "online", "disabled"],
        Parameter(help="Weights & Biases: kept on this machine unless asked otherwise."),
    ] = "offline"
    ledger: Ledger = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Changed:
    """What is run in another way than the recipes say."""

    epochs: Annotated[int | None, Parameter(help="Epochs of every fit.")] = None
    values: Annotated[
        list[str] | None,
        Parameter(
            name="--set",
            help="Change a value of every recipe, as KEY=VALUE: `--set training.views=8`.",
            negative=(),
        ),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WebPage:
    """A page for any static host, instead of a bundle."""

    web: Annotated[
        Path,
        Parameter(help="Write the page of `auricle demo` into this folder instead, for any host."),
    ]
    ort_web: Annotated[
        Path | None,
        Parameter(help="Folder with onnxruntime-web for it; npm fetches that if none."),
    ] = None
    sounds: Annotated[
        Path | None, Parameter(help="Folder of sounds to try on it; synthesised ones if none.")
    ] = None


@app.command
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


@app.command
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


@app.command
def study(
    plan: Annotated[str, Parameter(help="mission, quick, or the path of a plan.")] = "mission",
    /,
    *,
    data: Data = None,
    strategy: Annotated[
        list[Strategy] | None,
        Parameter(help="Strategies to run, instead of the plan's.", negative=()),
    ] = None,
    seeds: Annotated[int | None, Parameter(help="Seeds 0 to N-1 of every fit.")] = None,
    test: Annotated[
        bool | None, Parameter(help="Open the sealed test fold at the end; the mission does.")
    ] = None,
    reason: Annotated[str, Parameter(help="Why the test fold is opened.")] = "auricle study",
    changed: Changed | None = None,
    running: Running | None = None,
    labels: Labels | None = None,
) -> None:
    """Train, validate and test every configuration of a plan, and write the report.

    For example:

    `auricle study quick` - in minutes, on clips that it makes itself

    `auricle study --data PATH/TO/ESC-10 --out runs/mission`

    `auricle study --data labels.csv --column-file name --column-category label`

    `auricle study --data runs/first/clips.csv --root my-clips` - on the folds of an earlier study
    """
    from auricle.report import write_report
    from auricle.study.command import changes_of, plan_of, run, tell_scores

    asked = {"data": data, "strategies": strategy, "seeds": seeds, "test": test}
    changes = changes_of(**vars(changed or Changed()))
    made = plan_of(plan, asked, changes, **vars(labels or Labels()))
    folder = run(made, reason=reason, **vars(running or Running()))
    tell_scores(folder)
    for page in write_report(folder):
        print(page)


@app.command
def train(
    recipe: Annotated[str, Parameter(help="cnn, transformer-h1, -h2, -h4, or a recipe's path.")],
    /,
    *,
    data: Data = None,
    strategy: Strategy = "kfold",
    seeds: Annotated[int, Parameter(help="Seeds 0 to N-1 of every fit.")] = 1,
    test: Annotated[bool, Parameter(help="Open the sealed test fold at the end.")] = False,
    changed: Changed | None = None,
    running: Running | None = None,
    labels: Labels | None = None,
) -> None:
    """Train one configuration under one strategy; its scores go to a study's folder.

    Example: `auricle train transformer-h4 --data PATH --strategy kfold --set training.views=8`
    """
    from auricle.study.command import changes_of, recipe_plan, run, tell_scores

    asked = {"data": data, "strategies": [strategy], "seeds": seeds, "test": test}
    changes = changes_of(**vars(changed or Changed()))
    made = recipe_plan(recipe, asked, changes, **vars(labels or Labels()))
    folder = run(made, reason=f"auricle train {recipe}", **vars(running or Running()))
    tell_scores(folder)


@app.command
def tune(
    space: Annotated[str, Parameter(help="base, cnn, transformer, or the path of a space.")],
    /,
    *,
    data: Data = None,
    trials: Annotated[int, Parameter(help="Trials in all, those there already counted.")] = 40,
    hours: Annotated[float | None, Parameter(help="Ask for no more trials after so long.")] = None,
    epochs: Annotated[int | None, Parameter(help="Epochs of a trial; the space's if none.")] = None,
    recipe: Annotated[
        str | None, Parameter(help="Recipe to begin with, instead of the space's.")
    ] = None,
    base: Annotated[
        str | None,
        Parameter(help="Recipe that gives its front-end and base: an earlier best.toml."),
    ] = None,
    confirm: Annotated[
        int, Parameter(help="How many of the best are trained again at full length; 0 for none.")
    ] = 5,
    seeds: Annotated[int, Parameter(help="Seeds with which the best are trained again.")] = 3,
    together: Annotated[int, Parameter(help="Trials asked for and trained at once.")] = 4,
    storage: Annotated[
        str | None, Parameter(help="Optuna storage that several tuners share: postgresql://...")
    ] = None,
    where: Where | None = None,
    labels: Labels | None = None,
) -> None:
    """Search for better values of a recipe, on the development folds alone.

    The search minimises the log-loss over the out-of-fold clips, stops trials that are probably
    worse than the best, and trains the best few again, at full length and with several seeds.
    `best.toml` is a recipe for `auricle study`; `trials.csv` has a row a trial.

    For example:

    `auricle tune base --data PATH --out runs/base`

    `auricle tune cnn --base runs/base/best.toml --data PATH --out runs/cnn`

    `auricle tune cnn --out runs/cnn --resume --trials 60 --hours 2` - go on, and further
    """
    from auricle.report import write_report
    from auricle.study.command import search

    folder = search(
        space,
        {"recipe": recipe, "base": base, "epochs": epochs},
        {
            "trials": trials,
            "hours": hours,
            "confirm": confirm,
            "seeds": seeds,
            "together": together,
            "storage": storage,
        },
        data=data,
        labels=vars(labels or Labels()),
        **vars(where or Where()),
    )
    if folder:
        for page in write_report(folder):
            print(page)


@app.command
def evaluate(
    fit: Annotated[
        Path, Parameter(help="A bundle, or the folder of a fit or a study: then its best one.")
    ],
    /,
    *,
    data: Data = None,
    folds: Annotated[
        list[int] | None, Parameter(help="Folds to score; all it did not learn from if none.")
    ] = None,
    out: Annotated[Path | None, Parameter(help="CSV for the probabilities.")] = None,
    test: Annotated[bool, Parameter(help="Allow the sealed test fold to be opened.")] = False,
    ledger: Ledger = None,
    device: Device = "auto",
    labels: Labels | None = None,
) -> None:
    """Score the weights of a fit on labelled clips.

    For example:

    `auricle evaluate runs/mission/cnn/kfold/fold-2/seed-0 --data PATH --folds 2`

    `auricle evaluate esc10-cnn-bundle --data PATH --folds 1 --test` - what its card says
    """
    from auricle.ship.model import open_trained
    from auricle.study.command import labels_of
    from auricle.study.evaluate import evaluate_fit

    evaluate_fit(
        open_trained(fit),
        data=data,
        labels=labels_of(**vars(labels or Labels())),
        folds=folds,
        out=out,
        test=test,
        ledger=ledger,
        device=device,
    )


@app.command
def evidence(
    run: Annotated[Path, Parameter(help="The folder of a finished study, with its weights.")],
    /,
    *,
    part: Annotated[
        list[str] | None, Parameter(help="A question to ask; all of them if none.", negative=())
    ] = None,
    data: Data = None,
    test: Annotated[
        bool, Parameter(help="Open the sealed test fold for the lines that tell of it.")
    ] = False,
    reason: Annotated[str, Parameter(help="Why the test fold is opened.")] = "auricle evidence",
    ledger: Ledger = None,
    workers: Annotated[int | None, Parameter(help="Fits at a time; one a core if none.")] = None,
    again: Annotated[bool, Parameter(help="Ask anew what is answered already.")] = False,
    device: Device = "auto",
) -> None:
    """Ask a study why, and whether it can be believed; the answers become part of its report.

    Some questions train networks of their own, on the development folds, and say beforehand how
    long that takes. Stopped, it goes on where it was: what is answered is not asked again.

    For example:

    `auricle evidence runs/mission --data PATH`

    `auricle evidence runs/mission --part calibration --part robustness`
    """
    from auricle.evidence.command import gather
    from auricle.report import write_report
    from auricle.study.command import setting_of

    setting = setting_of(run, workers=workers, device=device, reason=reason, ledger=ledger)
    gather(run, part or (), setting, data=data, test=test, again=again)
    for page in write_report(run):
        print(page)


@app.command
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


@app.command
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
        Parameter(help="Also copy the study here, light enough for version control."),
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

    if wandb_url:
        publishing.note_url(run, wandb_url)
    for search in tuning or ():
        publishing.lay_tuning(search, run)
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


@app.command
def predict(
    files: Annotated[
        list[str],
        Parameter(help="Sound files, folders of them, patterns, or - for standard input."),
    ],
    /,
    *,
    model: ModelPlace = None,
    form: Annotated[
        Literal["text", "csv", "jsonl", "audacity"],
        Parameter(name="--format", help="What is printed; audacity is a label track."),
    ] = "text",
    device: Device = "auto",
    workers: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=1), help="Files heard at a time, for large folders."
        ),
    ] = 1,
) -> int:
    """Print what each file is, and how probable that is; unknown where no class fits.

    A recording longer than a clip is heard in windows that overlap, and told as events with their
    start and end. A file that cannot be used is told and does not stop the rest: exit code 3.

    For example:

    `auricle predict bark.wav rain.ogg`

    `auricle predict bark.wav --model runs/mission`

    `auricle predict recordings/ --model doorbell.zip --format csv > events.csv`

    `auricle predict night.flac --model doorbell.zip --format audacity > night.txt`
    """
    from auricle.ship.model import SHIPPED
    from auricle.ship.predict import predict_files

    return predict_files(files, model or SHIPPED, device, form, workers)


@app.command
def export(
    run: Annotated[
        Path, Parameter(help="A study's folder (its best fit) or a fit's; for --web also a bundle.")
    ],
    /,
    *,
    out: Annotated[
        Path | None, Parameter(help="Folder of the bundle, or a file that ends in .zip.")
    ] = None,
    name: Annotated[str | None, Parameter(help="What the model is called.")] = None,
    onnx: Annotated[
        bool, Parameter(help="Add the network as ONNX, in float32 and in int8.")
    ] = False,
    data: Annotated[
        str | None,
        Parameter(help="Where the clips are that it learnt from, to settle int8 on."),
    ] = None,
    labels: Labels | None = None,
    page: WebPage | None = None,
) -> None:
    """Make a bundle of the best network: weights, what it hears and says, and a model card.

    For example:

    `auricle export runs/mission`

    `auricle export runs/mission --out doorbell.zip --name doorbell`

    `auricle export runs/mission --onnx` - for browsers, phones and other languages too

    `auricle export runs/mission --web page` - a page that runs the network in the browser
    """
    from auricle.ship.export import export as make_bundle
    from auricle.study.command import labels_of

    if page:
        if out or name or onnx or data:
            raise AuricleError("--web writes a page alone: leave --out, --name, --onnx, --data out")
        from auricle.demo.web import write_web

        print(write_web(run, page.web, ort=page.ort_web, sounds=page.sounds))
        return
    told = labels_of(**vars(labels or Labels()))
    print(make_bundle(run, out, name, onnx=onnx, data=data, labels=told, say=print))


@app.command
def parity(
    bundle: Annotated[Path, Parameter(help="A bundle that auricle export made with --onnx.")],
    /,
    *,
    data: Data = None,
    test: Annotated[
        bool, Parameter(help="Put the sealed test clips, not those of the development folds.")
    ] = False,
    reason: Annotated[str, Parameter(help="Why the test fold is opened.")] = "auricle parity",
    ledger: Ledger = None,
    study: Annotated[
        Path | None, Parameter(help="Study that it was made of; its report tells what is found.")
    ] = None,
    ort_web: Annotated[
        Path | None,
        Parameter(help="Folder that holds onnxruntime-web; npm fetches it if none is named."),
    ] = None,
    labels: Labels | None = None,
) -> int:
    """Certify that a bundle's ONNX files answer as the trained network; exit with 1 if they do not.

    PyTorch, onnxruntime in float32 and int8, and onnxruntime-web in Chromium are put the same
    samples. What this machine lacks is left out, and the certificate, parity.json, says so.

    For example:

    `auricle parity esc10-cnn-bundle --data PATH/TO/ESC-10`

    `auricle parity esc10-cnn-bundle --test --study runs/mission --ledger docs/test_reads.csv`
    """
    from rich.console import Console

    from auricle.report import write_report
    from auricle.ship.parity import certify
    from auricle.study.command import labels_of

    found = certify(
        bundle,
        data=data,
        labels=labels_of(**vars(labels or Labels())),
        test=test,
        reason=reason,
        ledger=ledger,
        study=study,
        web=ort_web,
        console=Console(markup=False, highlight=False),
    )
    if study:
        for page in write_report(study):
            print(page)
    return 0 if found.holds else 1


@app.command
def demo(
    model: ModelPlace = None,
    /,
    *,
    host: Annotated[
        str, Parameter(help="Address to listen at; 0.0.0.0 lets a whole network in.")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen at; 0 takes any that is free.")] = 8765,
    open_page: Annotated[bool, Parameter(name="--open", help="Open the page in a browser.")] = True,
    sounds: Annotated[
        Path | None,
        Parameter(
            help="Folder of sounds to try; clips of a fetched ESC-10 or synthesised if none."
        ),
    ] = None,
) -> None:
    """Show a model live: a page that hears files, recordings and the microphone as it goes.

    No sound leaves the machine. Programs may ask too: POST /api/predict, described by
    /openapi.json.

    For example:

    `auricle demo`

    `auricle demo runs/mission`

    `auricle demo doorbell.zip --sounds my-clips --no-open`
    """
    from auricle.demo.command import demonstrate

    demonstrate(model, host=host, port=port, open_page=open_page, sounds=sounds)


@app.command
def doctor(*, data: Data = None, device: Device = "auto") -> None:
    """Say what this machine has, how fast it is, and how long a study would take.

    Example: `auricle doctor`
    """
    from auricle.study.doctor import examine

    examine(data=data, device=device)


MENDABLE = {
    errno.ENOSPC: "free some space; a study goes on with --resume",
    errno.EACCES: "choose a place that you may write to",
    errno.EROFS: "choose a place that you may write to",
    errno.EEXIST: "choose another place",
    errno.ENOTDIR: "choose another place",
    errno.EISDIR: "choose another place",
}
"""What a user can do when the system refuses a file."""


def main() -> None:
    """Run one command; of the processes that torchrun starts, the first does and others help."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        from auricle.study.engine import among_ranks

        among_ranks(run_command)
    else:
        run_command()


def run_command() -> None:
    """Run one command: 0 done, 1 a mistake told in one line, 2 a wrong call."""
    try:
        code = app()
    except AuricleError as problem:
        print(f"auricle: {problem}", file=sys.stderr)
        sys.exit(1)
    except OSError as problem:
        if problem.errno not in MENDABLE:
            raise
        mend = MENDABLE[problem.errno]
        print(f"auricle: {problem.filename}: {problem.strerror}; {mend}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("auricle: stopped; a study goes on with --resume", file=sys.stderr)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
