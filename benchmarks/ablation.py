"""What was tried on the development folds, and what it gave: `docs/ablation.md`, from files.

Rows are ordinary studies under `kfold`, run from a plan that names them:

    auricle study benchmarks/levers.toml --seeds 3 --out runs/levers
    python -m benchmarks.ablation add runs/levers
    python -m benchmarks.ablation table --study reports/esc10

`add` copies what a row needs from the study's folder into a journal, one line of JSON for each row
and seed, with the class that was predicted for every clip: intervals and comparisons are worked out
from these, now and by anyone. `table` writes the page, and the same rows for the report of a study;
`docs/ablation.toml` gives both their order and the sentences of what was learned. A lever that was
tried in code and not kept is described there by `differs`, as no recipe holds it.
"""

import argparse
import csv
import io
import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from scipy.optimize import minimize_scalar

from auricle.evaluation.comparison import Comparison, compare
from auricle.evaluation.intervals import Interval, accuracy_interval
from auricle.report.wording import equals

DOCS = Path(__file__).parents[1] / "docs"
JOURNAL = DOCS / "ablation.jsonl"
ORDER = DOCS / "ablation.toml"
PAGE = DOCS / "ablation.md"

Line = dict[str, Any]


def lines_of(run: Path) -> Iterator[Line]:
    """A journal line for each configuration and seed whose folds are all there."""
    environment = json.loads((run / "environment.json").read_text())
    folds = {path.name for path in run.glob("*/kfold/fold-*")}
    for configuration in sorted(path.parent for path in run.glob("*/kfold")):
        seeds = {path.name for path in configuration.glob("kfold/fold-*/seed-*")}
        for seed in sorted(seeds):
            folders = sorted(configuration.glob(f"kfold/fold-*/{seed}"))
            whole = all((folder / "fit.json").is_file() for folder in folders)
            if whole and len(folders) == len(folds):
                yield line_of(configuration.name, folders, environment)


def line_of(row: str, folders: Sequence[Path], environment: Line) -> Line:
    """One row and seed, its folds pooled."""
    facts = [json.loads((folder / "fit.json").read_text()) for folder in folders]
    found = [np.load(folder / "predictions.npz") for folder in folders]
    parts = {name: np.concatenate([fold[name] for fold in found]) for name in found[0].files}
    categories = facts[0]["categories"]
    order = np.argsort(parts["files"])
    targets = np.array([categories.index(name) for name in parts["categories"]])[order]
    probabilities = parts["probabilities"][order]
    predicted = probabilities.argmax(1)
    own = probabilities[np.arange(len(targets)), targets]
    return {
        "row": row,
        "seed": facts[0]["seed"],
        "commit": environment["commit"],
        "torch": environment["torch"],
        "precision": facts[0]["precision"],
        "fits": len(folders),
        "train_seconds": round(sum(fact["train_seconds"] for fact in facts), 1),
        "parameters_trainable": facts[0]["parameters_trainable"],
        "accuracy": float((predicted == targets).mean()),
        "log_loss": round(float(-np.log(np.maximum(own, 1e-12)).mean()), 4),
        "log_loss_scaled": round(scaled_log_loss(probabilities, targets), 4),
        "predicted": "".join(str(index) for index in predicted),
        "recipe": {key: value for key, value in facts[0]["recipe"].items() if key != "name"},
    }


def scaled_log_loss(probabilities: Any, targets: Any) -> float:
    """Log-loss at the one temperature that suits all clips best, in nats.

    Mixed labels make a network speak too softly, each recipe by its own measure. A number scales
    that away, so recipes are compared by how well they tell the classes apart.
    """
    logits = np.log(np.maximum(probabilities, 1e-12))

    def log_loss(temperature: float) -> float:
        scaled = logits / temperature
        scaled -= scaled.max(1, keepdims=True)
        own = scaled[np.arange(len(targets)), targets]
        return float((np.log(np.exp(scaled).sum(1)) - own).mean())

    return float(minimize_scalar(log_loss, bounds=(0.1, 10), method="bounded").fun)


def add(run: Path, journal: Path, source: str | None) -> int:
    """Lay a study's finished rows over those that the journal holds; how many it had."""
    found = [line | ({"commit": source} if source else {}) for line in lines_of(run)]
    new = {(line["row"], line["seed"]) for line in found}
    kept = [line for line in read(journal) if (line["row"], line["seed"]) not in new]
    text = "".join(json.dumps(line) + "\n" for line in [*kept, *found])
    journal.write_text(text, encoding="utf-8")
    return len(found)


def read(journal: Path) -> list[Line]:
    """All lines of the journal."""
    if not journal.is_file():
        return []
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class Clips:
    """The clips that every line has predicted, in its order."""

    targets: Any
    recordings: Any


def development_clips(lines: Sequence[Line]) -> Clips:
    """The development clips of ESC-10 by file, from the table that the package ships."""
    shipped = (resources.files("auricle") / "data" / "esc10.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(shipped.splitlines()) if row["fold"] != "1"]
    rows.sort(key=lambda row: row["file"])
    names = list(dict.fromkeys(row["category"] for row in rows))
    targets = np.array([names.index(row["category"]) for row in rows])
    for line in lines:
        hits = (correct([line], targets)[0]).mean()
        assert np.isclose(hits, line["accuracy"]), (line["row"], hits, line["accuracy"])
    return Clips(targets, np.array([row["recording"] for row in rows]))


def correct(lines: Sequence[Line], targets: Any) -> Any:
    """(seeds, clips) whether each clip was recognised."""
    predicted = [[int(digit) for digit in line["predicted"]] for line in lines]
    return np.array(predicted) == targets


def flat(table: Line, prefix: str = "") -> Line:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`."""
    result = {}
    for key, value in table.items():
        nested = (
            flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
        result.update(nested)
    return result


def differences(recipe: Line, reference: Line) -> str:
    """What a recipe sets in another way than its reference."""
    own, other = flat(recipe), flat(reference)
    changed = [key for key in own if own[key] != other.get(key, own[key])]
    return ", ".join(f"{key.split('.', 1)[1]} {_plain(own[key])}" for key in changed) or "-"


def _plain(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


@dataclass(frozen=True)
class Row:
    """A row of the page."""

    name: str
    differs: str
    seeds: int
    accuracy: Interval
    low_seed: float
    high_seed: float
    log_loss: float
    log_loss_scaled: float | None
    minutes_a_fit: float
    parameters: int
    against: Comparison | None
    learned: str


def rows_of(section: Line, lines: Sequence[Line], clips: Clips) -> Iterator[Row]:
    """The rows of a section, its reference first."""
    by_row: dict[str, list[Line]] = {}
    for line in lines:
        by_row.setdefault(line["row"], []).append(line)
    reference = by_row[section["reference"]]
    first = {"name": section["reference"], "title": section["reference_title"]}
    wanted = [first, *section["rows"]]
    for entry in wanted:
        own = by_row[entry["name"]]
        hits = correct(own, clips.targets)
        scores = hits.mean(1)
        yield Row(
            name=entry.get("title", entry["name"]),
            differs=entry.get("differs") or differences(own[0]["recipe"], reference[0]["recipe"]),
            seeds=len(own),
            accuracy=accuracy_interval(hits.mean(0), clips.targets, clips.recordings),
            low_seed=scores.min(),
            high_seed=scores.max(),
            log_loss=float(np.mean([line["log_loss"] for line in own])),
            log_loss_scaled=float(np.mean([line["log_loss_scaled"] for line in own]))
            if all("log_loss_scaled" in line for line in own)
            else None,
            minutes_a_fit=sum(line["train_seconds"] for line in own)
            / sum(line["fits"] for line in own)
            / 60,
            parameters=own[0]["parameters_trainable"],
            against=None
            if own is reference
            else compare(hits, correct(reference, clips.targets), clips.recordings, clips.targets),
            learned=entry.get("learned", ""),
        )


TEMPLATE = """\
# What was tried, and what it gave

Made by `python -m benchmarks.ablation table` from [ablation.jsonl](ablation.jsonl) and the
sentences of [ablation.toml](ablation.toml). Every figure is out-of-fold over the {{ clips }} clips
of folds 2 to 5 (`kfold`), of networks after their last epoch. The mission's own rows come from the
study that was also scored on fold 1; of it, too, nothing but its out-of-fold predictions stands
here. Accuracy is in per cent, the mean of the seeds with its 95% interval over
recordings; "less reference" is the difference to the section's first row on the same clips, with
its interval and the p of a sign-flip permutation by recording. The second log-loss is that after
one temperature for all clips, fitted to them: mixed labels make networks speak too softly, each
recipe by its own measure; early rows lack it. Rows of one seed are screening: a
difference of one or two points between them is as likely the seed. Minutes are of one core beside
another fit, and some fits ran beside tests too: they are a guide, docs/speed.md holds the timings.

{{ introduction }}
{% for section in sections %}
## {{ section.title }}

{{ section.says }}

| row | differs in | seeds | accuracy | seeds' range | log-loss | scaled | less reference | \
minutes a fit | parameters |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{% for row in section.rows -%}
| {{ row.name }} | {{ row.differs }} | {{ row.seeds }} | {{ per_cent(row.accuracy.value) }} \
[{{ per_cent(row.accuracy.low) }}, {{ per_cent(row.accuracy.high) }}] | \
{% if row.seeds > 1 %}{{ per_cent(row.low_seed) }} - {{ per_cent(row.high_seed) }}{% else %}-\
{% endif %} | {{ "%.3f" | format(row.log_loss) }} | \
{% if row.log_loss_scaled %}{{ "%.3f" | format(row.log_loss_scaled) }}{% else %}-{% endif %} | \
{% if row.against %}{{ "%+.1f" | format(100 * row.against.difference) }} \
[{{ "%+.1f" | format(100 * row.against.low) }}, {{ "%+.1f" | format(100 * row.against.high) }}], \
{{ p_value(row.against.p_permutation) }}{% else %}-{% endif %} | \
{{ "%.1f" | format(row.minutes_a_fit) }} | {{ "{:,}".format(row.parameters) }} |
{% endfor %}
{% for row in section.rows if row.learned -%}
- **{{ row.name }}**: {{ row.learned }}
{% endfor -%}
{% endfor %}"""


def with_rows(order: Line, lines: Sequence[Line]) -> Line:
    """The order, with the number of clips and the rows of each section worked out."""
    clips = development_clips(lines)
    sections = [
        {**section, "rows": list(rows_of(section, lines, clips))} for section in order["sections"]
    ]
    return {**order, "clips": len(clips.targets), "sections": sections}


def page(told: Line) -> str:
    """The page, as Markdown; told is what `with_rows` gives."""
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string(TEMPLATE)
    return template.render(
        clips=told["clips"],
        introduction=told["introduction"].strip(),
        sections=told["sections"],
        per_cent=lambda share: f"{100 * share:.1f}",
        p_value=equals,
    )


def tried_csv(told: Line) -> str:
    """The rows of the page as CSV, for the report of a study: `tried.csv` in its folder."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    facts = [field.name for field in fields(Row) if field.name not in ("accuracy", "against")]
    against = ["difference", "low", "high", "p_permutation"]
    ends = ["accuracy", "accuracy_low", "accuracy_high"]
    table.writerow(
        ["section", "says", "curve", *facts, *ends, *(f"less_{name}" for name in against)]
    )
    for section in told["sections"]:
        of = [section["title"], section["says"], int(section.get("curve", False))]
        for row in section["rows"]:
            own = [getattr(row, name) for name in facts]
            interval = [row.accuracy.value, row.accuracy.low, row.accuracy.high]
            pair = [getattr(row.against, name) if row.against else "" for name in against]
            cells = [*of, *own, *interval, *pair]
            table.writerow(
                f"{cell:.6g}" if isinstance(cell, float) else "" if cell is None else cell
                for cell in cells
            )
    return text.getvalue()


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add", help="copy finished rows of studies into the journal")
    adding.add_argument("runs", nargs="+", type=Path)
    adding.add_argument("--source", help="what ran, if it was not the commit that the run names")
    table = commands.add_parser("table", help="write docs/ablation.md")
    table.add_argument("--study", type=Path, help="folder whose report shall hold the rows, too")
    asked = parser.parse_args(arguments and list(arguments))
    if asked.command == "add":
        for run in asked.runs:
            print(f"{run}: {add(run, JOURNAL, asked.source)} rows")
    else:
        told = with_rows(tomllib.loads(ORDER.read_text(encoding="utf-8")), read(JOURNAL))
        PAGE.write_text(page(told), encoding="utf-8")
        print(PAGE)
        if asked.study:
            rows = asked.study / "tried.csv"
            rows.write_text(tried_csv(told), encoding="utf-8")
            print(f"{rows}; now: auricle report {asked.study}")


if __name__ == "__main__":
    main()
