"""The code of a study as one Python file that runs alone."""

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import Any

import auricle
from auricle.errors import RecipeError
from auricle.report.study_files import Study
from auricle.report.tuning_files import Tuning, at
from auricle.study.recipe import Recipe, from_table, read_recipe, to_table
from auricle.submission.flatten import Chapter, reach, write_chapters, write_imports

CONFIGURATIONS = Chapter(
    "The configurations",
    [
        "auricle.training.augment:AugmentConfig",
        "auricle.training.fit:TrainingConfig",
        "auricle.study.recipe",
    ],
)
"""With the recipes of a study as its cell."""

CHAPTERS = (
    Chapter("From the wave to its spectrum: convolutions", ["auricle.network.frontend"]),
    Chapter("The base: at least three 1-D convolutions", ["auricle.network.base"]),
    Chapter("The transformer encoder, from scratch", ["auricle.network.attention"]),
    Chapter("The texture: statistics of the wave", ["auricle.network.texture"]),
    Chapter("Both architectures", ["auricle.network.classifier"]),
    CONFIGURATIONS,
    Chapter("Augmentation: new views of training clips", ["auricle.training.augment"]),
    Chapter("Clips as the network takes them", ["auricle.training.sounds"]),
    Chapter("The training loop", ["auricle.training.fit", "auricle.training.history"]),
    Chapter("One fit on many devices", ["auricle.training.ranks"]),
    Chapter("Weights & Biases", ["auricle.training.tracking"]),
    Chapter("Who learns, who validates, who tests", ["auricle.study.protocol"]),
    Chapter("Sound files", ["auricle.data.audio"]),
    Chapter(
        "Clips and their folds",
        ["auricle.data.clips", "auricle.data.folds", "auricle.data.readers"],
    ),
    Chapter("Clips decoded once", ["auricle.data.store"]),
    Chapter("Accuracy, F1, confusion, ROC and AUC", ["auricle.evaluation.metrics"]),
    Chapter("Intervals of a score", ["auricle.evaluation.intervals"]),
    Chapter(
        "Scores of every strategy",
        [
            "auricle.study.fits",
            "auricle.study.job",
            "auricle.study.scores",
            "auricle.study.summary",
        ],
    ),
    Chapter("Files that are whole, and what can go wrong", ["auricle.files", "auricle.errors"]),
    Chapter("Figures", ["auricle.submission.figures"]),
    Chapter("One fit, and what its network answers", ["auricle.submission.experiment"]),
    Chapter("A small search", ["auricle.submission.search"]),
    Chapter("What was found", ["auricle.submission.found"]),
    Chapter("The experiment", ["auricle.submission.script"]),
)

PYTHON = ">=3.11"
LIBRARIES = {
    "torch": ">=2.6,<2.14",
    "numpy": ">=1.26",
    "soundfile": ">=0.13.1",
    "soxr": ">=0.5",
    "scikit-learn": ">=1.5",
    "matplotlib": ">=3.9",
    "wandb": ">=0.31,<0.32",
}
"""All that the file imports, in the versions that the package is tested with."""

SHIPPED = ("cnn", "transformer-h1", "transformer-h2", "transformer-h4")

HEADER = '''"""Environmental sounds told apart: {title}.

{name}, roll number {roll}.

Ten kinds of sound, 400 clips (ESC-10), and two architectures in PyTorch: a 1-D convolutional
network with a fully-connected head, and the same network under a transformer encoder with 1, 2 and
4 heads. Attention, encoder, class token, statistics, training loop and augmentation are written
out here; of torch they use linear layers, convolutions, normalisations, a Fourier transform, a
softmax and optimisers. Metrics are scikit-learn's.

{plainly}

    python {file} --data ESC-10 --test
        trains, validates (k = 4), tests, scores and draws everything
    python {file} --data ESC-10 --quick
        a few epochs of each: does everything run?
    python {file} --data ESC-10 --without-texture
        convolutions and head alone: what the bare architectures are worth
    python {file} --data ESC-10 --tune 10
        first searches an architecture's values: the recipe as it is, and nine draws
    python {file} --help
        all options

{libraries}
`--data` is the folder of ESC-10 or of ESC-50. Each fit runs {epochs} epochs and is a run of
Weights & Biases, kept offline unless asked otherwise. A run that was stopped goes on with the same
command. Cells (`# %%`) can be run one by one in VS Code, Spyder and Jupyter.

{source}

{contents}
"""
'''

CALL = """\
# %%
# A notebook has arguments of its own: there,
# call main(RECIPES, CLIP_S, ["--data", "ESC-10", "--quick"]).
if __name__ == "__main__" and "ipykernel" not in sys.modules:
    sys.exit(main(RECIPES, CLIP_S))
"""


@dataclass(frozen=True)
class Program:
    """The text of the file, and what it trains; `strange` if that is not what the study trained."""

    text: str
    recipes: tuple[Recipe, ...]
    strange: bool


def write_program(study: Study, *, name: str, roll: str) -> Program:
    """The file: header, imports, chapters, and the configurations of a study.

    A study of an older release has networks that this one does not build: the file then trains the
    shipped configurations, and says so.
    """
    recipes, strange = recipes_of(study)
    flat = reach("auricle.submission.script", "main")
    configured = replace(CONFIGURATIONS, cell=write_recipes(recipes, study))
    chapters = [configured if each is CONFIGURATIONS else each for each in CHAPTERS]
    text = "\n\n".join(
        [
            write_header(study, recipes, name=name, roll=roll, strange=strange).rstrip("\n"),
            f"# %%\n{write_imports(flat.imports, sys.stdlib_module_names)}",
            write_chapters(flat, chapters),
        ]
    )
    return Program(f"{text}\n\n\n{CALL}", recipes, strange)


def recipes_of(study: Study) -> tuple[tuple[Recipe, ...], bool]:
    """The recipes of a study, or the shipped ones where this release cannot build them."""
    tables = study.plan["configurations"]
    try:
        recipes = tuple(from_table(Recipe, table, "study.toml") for table in tables)
    except RecipeError:
        return tuple(read_recipe(name) for name in SHIPPED), True
    if [to_table(recipe) for recipe in recipes] != tables:
        return tuple(read_recipe(name) for name in SHIPPED), True
    return recipes, False


def write_header(
    study: Study, recipes: Sequence[Recipe], *, name: str, roll: str, strange: bool
) -> str:
    """The docstring of the file."""
    facts = study.environment
    epochs = sorted({recipe.training.epochs for recipe in recipes})
    source = (
        f"Made by `auricle submit` from the sources of auricle {auricle.__version__}, with the "
        f"configurations of the study “{study.plan['name']}” of {str(facts['started'])[:10]} "
        f"(commit {facts.get('commit', 'unknown')}), which the report tells of."
    )
    if strange:
        source = (
            "Made by `auricle submit` from the sources of auricle. The study that the report tells "
            "of is of an older release, whose networks differ: these are the shipped "
            "configurations of today."
        )
    contents = [f"    {number:2}. {chapter.title}" for number, chapter in enumerate(CHAPTERS, 1)]
    versions = [f"{library} {version}" for library, version in LIBRARIES.items()]
    libraries = f"It needs Python {PYTHON}, {', '.join(versions[:-1])} and {versions[-1]}."
    return HEADER.format(
        title="ESC-10 by a 1-D CNN and by a transformer",
        name=safe(name),
        roll=roll,
        file=f"{roll}.py",
        plainly=textwrap.fill(plainly(recipes), 99, break_on_hyphens=False),
        libraries=textwrap.fill(libraries, 99, break_on_hyphens=False),
        epochs=" or ".join(map(str, epochs)),
        source=textwrap.fill(safe(source), 99),
        contents="\n".join(contents),
    )


def plainly(recipes: Sequence[Recipe]) -> str:
    """What a reader might take for something else."""
    shares = sorted({recipe.network.texture.share for recipe in recipes} - {0.0})
    said = (
        "The base runs along time on what convolutions of the spectrogram give for each of its "
        "steps: these slide along frequency and along time by turns, so that together they see "
        "patches, as two-dimensional ones do, though each kernel has one axis (torch runs it as "
        "one of width one)."
    )
    if shares:
        counts = " or ".join(f"{share:.0%}" for share in shares)
        said += (
            f" {counts} of each answer comes from a linear layer on statistics of the sound's "
            "texture, which is solved before the first epoch and learns from no view."
        )
    return said


def safe(text: str) -> str:
    """Words that end no docstring and escape nothing in it."""
    return text.replace("\\", "\\\\").replace('"""', "'''")


def write_recipes(recipes: Sequence[Recipe], study: Study) -> str:
    """What is trained. Values that differ from the defaults are named."""
    entries = []
    for recipe in recipes:
        entries += [f"    # {line}" for line in origins(recipe, study.tunings)]
        entries.append(f"    {write_value(recipe, 1)},")
    lines = [
        "# Values that are not named here stand beside what they configure: in NetworkConfig,",
        "# FrontendConfig, BaseConfig, EncoderConfig, TextureConfig, TrainingConfig and",
        "# AugmentConfig.",
        f"CLIP_S = {study.plan.get('clip_s', 5.0)}",
        "RECIPES = (",
        *entries,
        ")",
    ]
    return "\n".join(lines)


def write_value(value: Any, depth: int) -> str:
    """A value as Python, a dataclass by what differs from its defaults."""
    if not is_dataclass(value):
        return json.dumps(value) if isinstance(value, str) else repr(value)
    kept = [
        (each.name, getattr(value, each.name))
        for each in fields(value)
        if each.default is MISSING or getattr(value, each.name) != each.default
    ]
    kept = [
        (name, held)
        for name, held in kept
        if not is_dataclass(held) or held != type(held)()  # type: ignore[misc]
    ]
    name = type(value).__name__
    inside, outside = "    " * (depth + 1), "    " * depth
    lines = [f"{inside}{key}={write_value(held, depth + 1)}," for key, held in kept]
    return "\n".join([f"{name}(", *lines, f"{outside})"])


def origins(recipe: Recipe, tunings: Sequence[Tuning]) -> Iterator[str]:
    """Comments on the searches that a recipe has its values from: each with its row of trials."""
    for tuning in tunings:
        found, own = chosen_values(tuning), to_table(recipe)
        if not recipe.network.encoder.blocks and any("encoder" in key for key in found):
            continue
        if not tuning.stands_under(own):
            continue
        same = [key for key, value in found.items() if at(own, key) == value]
        apart = {*found} - {*same}
        if not same or apart - {"network.encoder.heads"}:
            continue
        number = tuning.told["chosen"].removeprefix("trial-")
        trial = tuning.trial(0 if number == "as-it-is" else int(number))
        row = ", ".join(f"{key}={short(trial.values[key])}" for key in found)
        text = (
            f"From trial {trial.number} of tuning/{tuning.name}/trials.csv, log loss "
            f"{trial.score:.6g}, accuracy {trial.accuracy:.6g}: {row}"
        )
        if apart:
            text += " (heads apart)"
        yield from textwrap.wrap(text, 92)


def short(value: str) -> str:
    """A drawn value as short as it is: a grid's 0.30000000000000004 is 0.3."""
    try:
        return f"{float(value):.6g}"
    except ValueError:
        return value


def chosen_values(tuning: Tuning) -> Mapping[str, Any]:
    """The values that a search came out with: those of a trial, or those it began with."""
    found: dict[str, Any] = tuning.told["parameters"] or tuning.told["start"]
    return found
