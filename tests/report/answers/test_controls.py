from dataclasses import replace

import pytest

from auricle.evaluation.intervals import Interval
from auricle.evidence.architecture import ArchitectureFound, Row
from auricle.evidence.controls import Scored
from auricle.evidence.leak import LeakFound
from auricle.evidence.learning import LearningFound, Point
from auricle.evidence.strangers import Stranger, StrangersFound, Told
from auricle.report.answers import architecture, leak, learning, strangers
from auricle.report.document import Figure, Paragraph, Table

FARED = Scored(clips=320, parameters=1000, accuracy=Interval(0.9, 0.87, 0.93), log_loss=0.3)


def row(name: str, difference: float, p: float) -> Row:
    return Row(
        name=name, changes=f"no {name}", scored=FARED, difference=difference,
        low=difference - 0.02, high=difference + 0.02, p=p,
    )  # fmt: skip


def architecture_with(*rows: Row) -> ArchitectureFound:
    return ArchitectureFound(reference="transformer-h4", blocks=2, heads=4, scored=FARED, rows=rows)


def said(blocks: list[object]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


def test_no_control_that_can_be_told_apart_is_said_to_matter() -> None:
    found = architecture_with(row("attention", -0.02, 0.4), row("token", 0.01, 0.9))
    blocks = list(architecture.section(found))
    assert "None of the 2 controls can be told apart" in said(blocks)
    assert "no attention" in said(blocks)
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert [cells[-1] for cells in table.rows] == ["", "0.400", "0.900"]
    assert any(isinstance(block, Figure) for block in blocks)


def test_what_is_worse_and_what_is_better_is_named() -> None:
    found = architecture_with(
        row("attention", -0.05, 0.01), row("token", 0.05, 0.02), row("head", 0.0, 1.0)
    )
    text = said(list(architecture.section(found)))
    assert "Worse than it, beyond chance: no attention." in text
    assert "Better than it, beyond chance: no token." in text
    assert "The others cannot be told apart" in text


def test_a_study_without_a_transformer_has_no_such_section() -> None:
    found = ArchitectureFound(reference="", blocks=0, heads=0, scored=None, rows=())
    assert not list(architecture.section(found))


CURVE = LearningFound(
    configuration="cnn",
    points=tuple(
        Point(s, 180 * s, 240 * s, replace(FARED, log_loss=0.6 - s / 3))
        for s in (0.25, 0.5, 0.75, 1.0)
    ),
    gain=0.02, gain_low=0.005, gain_high=0.035, gain_p=0.01,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "The curve still rises"),
        ({"gain_p": 0.3}, "cannot be told from the last step"),
        ({"gain_p": 0.3, "points": tuple(reversed(CURVE.points))}, "brought no gain"),
        ({"gain": -0.02}, "cannot be told from the last step"),
    ],
)
def test_the_curve_says_what_its_last_step_forces(changed: dict[str, object], says: str) -> None:
    assert says in said(list(learning.section(replace(CURVE, **changed))))


def test_strangers_are_told_class_by_class_with_their_mean() -> None:
    def told(accepted: float) -> tuple[Told, ...]:
        return (
            Told(rule="probability", auroc=0.8, accepted=0.6, kept=0.95),
            Told(rule="both", auroc=None, accepted=accepted, kept=0.94),
        )

    rows = tuple(
        Stranger(category=category, clips=32, told=told(accepted), as_category="sea_waves")
        for category, accepted in (("rain", 0.9), ("dog", 0.1))
    )
    blocks = list(strangers.section(StrangersFound(configuration="cnn", rows=rows, mean=told(0.5))))
    assert "60.0% (largest probability) and 50.0% (probability or strangeness)" in said(blocks)
    assert "By it fewest of dog pass (10.0%), most of rain (90.0%)" in said(blocks)
    assert "mostly taken for sea waves" in said(blocks)
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert [cells[0] for cells in table.rows] == ["rain", "dog", "mean"]
    assert table.rows[0][2:5] == ["0.800", "60.0", "90.0"]


LEAK = LeakFound(
    configuration="cnn", clips=320, siblings=130, grouped=Interval(0.9, 0.87, 0.93),
    random=Interval(0.95, 0.93, 0.97), difference=0.05, low=0.02, high=0.08, p=0.001,
    grouped_siblings=0.88, random_siblings=0.99,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "A random split flatters by +5.0 points"),
        ({"p": 0.4}, "cannot be told apart here"),
        ({"difference": -0.05}, "is lower, beyond chance"),
    ],
)
def test_a_leak_is_said_to_flatter_only_where_it_does(
    changed: dict[str, object], says: str
) -> None:
    assert says in said(list(leak.section(replace(LEAK, **changed))))


def test_without_siblings_there_is_nothing_to_say_of_them() -> None:
    found = replace(LEAK, siblings=0, grouped_siblings=None, random_siblings=None)
    (table,) = [block for block in leak.section(found) if isinstance(block, Table)]
    assert [cells[-1] for cells in table.rows] == ["–", "–"]
