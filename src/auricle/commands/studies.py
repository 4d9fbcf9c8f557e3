"""Commands about studies: `study`, `train`, `tune`, `evaluate`, `evidence`, `doctor`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from auricle.commands.options import Data, Device, Labels, Ledger

Strategy = Literal["kfold", "holdout", "refit", "esc5"]


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


def train(
    recipe: Annotated[
        str,
        Parameter(
            help="cnn, cnn-tuned, transformer-h1, -h2, -h4, transformer-tuned, or a recipe's path."
        ),
    ],
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

    The search minimises the log-loss over the out-of-fold clips, stops trials that are behind the
    median after half of the folds, and trains the best few again, at full length and with several
    seeds. `best.toml` is a recipe for `auricle study`; `trials.csv` has a row a trial.

    For example:

    `auricle tune base --data PATH --out runs/base`

    `auricle tune cnn --base runs/base/best.toml --data PATH --out runs/cnn`

    `auricle tune cnn --data PATH --out runs/cnn --resume --trials 60 --hours 2` - go on, and
    further

    `auricle study runs/cnn/best.toml --data PATH` - what was found, as a study
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

    `auricle evaluate esc10-bundle --data PATH --folds 1 --test` - what its card says
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


def evidence(
    run: Annotated[Path, Parameter(help="The folder of a finished study, with its weights.")],
    /,
    *,
    part: Annotated[
        list[str] | None,
        Parameter(
            help="A question to ask, again for another; all of them if none. There are audit, "
            "calibration, robustness, shortcuts, unknown, doubts, texture, heads, looking, "
            "architecture, learning, strangers and leak.",
            negative=(),
        ),
    ] = None,
    data: Data = None,
    test: Annotated[
        bool, Parameter(help="Open the sealed test fold for the lines that tell of it.")
    ] = False,
    reason: Annotated[str, Parameter(help="Why the test fold is opened.")] = "auricle evidence",
    ledger: Ledger = None,
    workers: Annotated[int | None, Parameter(help="Fits at a time; one a core if none.")] = None,
    again: Annotated[bool, Parameter(help="Ask anew what is answered already.")] = False,
    root: Annotated[
        Path | None, Parameter(help="Folder that the CSV's files are in, if not its own.")
    ] = None,
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
    where = str(root) if root else None
    gather(run, part or (), setting, data=data, root=where, test=test, again=again)
    for page in write_report(run):
        print(page)


def doctor(*, data: Data = None, device: Device = "auto") -> None:
    """Say what this machine has, how fast it is, and how long a study would take.

    Example: `auricle doctor`
    """
    from auricle.study.doctor import examine

    examine(data=data, device=device)
