from dataclasses import replace

import pytest

from auricle.evaluation.intervals import Interval
from auricle.evidence.architecture import ArchitectureFound, Row
from auricle.evidence.controls import Alone, Versus
from auricle.evidence.effects import Effect, Heard
from auricle.evidence.leak import LeakFound
from auricle.evidence.learning import LearningFound, Point
from auricle.evidence.strangers import Stranger, StrangersFound, Told
from auricle.report.answers import architecture, leak, learning, strangers
from auricle.report.document import Figure, Paragraph, Table

HEARD = Heard(clips=320, accuracy=Interval(0.9, 0.87, 0.93), log_loss=0.3)


def an_effect(difference: float, p: float, log_loss: float = 0.0) -> Effect:
    return Effect(
        heard=HEARD,
        difference=Interval(difference, difference - 0.02, difference + 0.02),
        p=p,
        p_holm=p,
        log_loss_difference=Interval(log_loss, log_loss - 0.03, log_loss + 0.03),
    )


def row(name: str, whole: tuple[float, float], events: tuple[float, float] | None = None) -> Row:
    alone = an_effect(*events) if events else None
    return Row(
        name=name, changes=f"no {name}", in_study=None, parameters=1000,
        versus=Versus(whole=an_effect(*whole), events=alone),
    )  # fmt: skip


def architecture_with(*rows: Row) -> ArchitectureFound:
    events = HEARD if all(row.versus.events for row in rows) else None
    return ArchitectureFound(
        reference="transformer-h4", blocks=2, heads=4, parameters=1200, seeds=(0.91, 0.95, 0.93),
        alone=Alone(whole=HEARD, events=events), rows=rows,
    )  # fmt: skip


def said(blocks: list[object]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


def test_controls_that_cannot_be_told_apart_are_not_said_to_be_worth_nothing() -> None:
    found = architecture_with(row("attention", (-0.02, 0.4)), row("token", (0.01, 0.9)))
    blocks = list(architecture.section(found))
    text = said(blocks)
    assert "none of the 2 controls can be told apart" in text
    assert "smallest p = 0.400 after Holm: no attention" in text
    assert "still allow a loss of up to 4.0 points (no attention)" in text
    assert "worth nothing" in text
    assert "from 91.0 to 95.0%" in text
    assert "base and head" not in text
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert [cells[-2] for cells in table.rows] == ["", "0.400", "0.900"]
    assert any(isinstance(block, Figure) for block in blocks)


def test_what_is_worse_and_what_is_better_is_named() -> None:
    found = architecture_with(
        row("attention", (-0.05, 0.05)), row("token", (0.05, 0.02)), row("head", (0.0, 0.051))
    )
    text = said(list(architecture.section(found)))
    assert "worse than the reference, beyond chance**: no attention." in text
    assert "better than the reference, beyond chance**: no token." in text
    assert "The others cannot be told apart" in text
    assert "a loss of up to 2.0 points (no head)" in text


@pytest.mark.parametrize(
    ("whole", "says"),
    [
        (
            (0.01, 0.9),
            "+1.0 [−1.0,\u00a0+3.0] points against 90.0% with it: nothing here shows that the",
        ),
        ((-0.05, 0.01), "90.0% with it: the encoder is worth more than the width"),
        ((0.05, 0.01), "90.0% with it: its parameters are better spent on width."),
    ],
)
def test_the_encoder_is_held_against_the_width_that_its_parameters_buy(
    whole: tuple[float, float], says: str
) -> None:
    found = architecture_with(row("attention", (0.0, 1.0)), row("no-encoder-wide", whole))
    assert says in said(list(architecture.section(found)))
    assert "As large" not in said(
        list(architecture.section(architecture_with(row("token", whole))))
    )


def test_base_and_head_alone_are_a_verdict_of_their_own() -> None:
    found = architecture_with(row("attention", (0.0, 1.0), (-0.06, 0.001)))
    blocks = list(architecture.section(found))
    assert "By the whole answer, none of the 1 control" in said(blocks)
    assert "By base and head alone, worse than the reference, beyond chance" in said(blocks)
    tables = [block for block in blocks if isinstance(block, Table)]
    assert [table.rows[1][-2] for table in tables] == ["1.000", "0.001"]


def test_a_control_that_the_study_has_is_told_by_its_name_and_led_to_the_pairs() -> None:
    own = replace(row("encoder", (-0.02, 0.4)), in_study="cnn")
    text = said(list(architecture.section(architecture_with(own, row("token", (0.0, 1.0))))))
    assert "`cnn` is the study's own with the first seed alone: [@differences-table]" in text
    assert "no encoder, `cnn`" in text
    assert "own" not in said(list(architecture.section(architecture_with(row("token", (0, 1))))))


def test_a_study_without_a_transformer_has_no_such_section() -> None:
    found = ArchitectureFound(
        reference="", blocks=0, heads=0, parameters=0, seeds=(), alone=None, rows=()
    )
    assert not list(architecture.section(found))


def curve(gain: float, p: float, log_loss: float, events: Effect | None = None) -> LearningFound:
    alone = Alone(whole=HEARD, events=HEARD if events else None)
    return LearningFound(
        configuration="cnn",
        points=tuple(Point(s, 180 * s, 240 * s, alone) for s in (0.25, 0.5, 1.0)),
        step=Versus(whole=an_effect(gain, p, log_loss), events=events),
    )


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (curve(0.03, 0.01, -0.1), "The curve still rises"),
        (curve(-0.03, 0.01, 0.1), "made the accuracy worse, beyond chance"),
        (curve(0.01, 0.3, 0.0), "a gain of up to 3.0 points and a loss of up to 1.0"),
        (curve(0.01, 0.3, 0.0), "Whether the probabilities get better cannot be told"),
        (curve(0.01, 0.3, -0.1), "The probabilities do get better: log loss changes by −0.100"),
        (curve(0.01, 0.3, 0.1), "The probabilities get worse"),
    ],
)
def test_the_curve_says_what_its_last_step_forces(found: LearningFound, says: str) -> None:
    text = said(list(learning.section(found)))
    assert says in text
    assert "From 90" not in text
    assert "from 90 to 180 recordings" in text
    assert "alone" not in text


def test_the_curve_of_base_and_head_alone_is_told_too() -> None:
    blocks = list(learning.section(curve(0.0, 1.0, 0.0, an_effect(0.05, 0.001))))
    assert "by base and head alone: **The curve still rises" in said(blocks)


def test_strangers_are_told_class_by_class_and_together() -> None:
    def told(accepted: float) -> tuple[Told, ...]:
        return (
            Told(rule="probability", auroc=0.8, accepted=Interval(0.6, 0.5, 0.7), kept=0.95),
            Told(rule="both", auroc=0.7, accepted=Interval(accepted, 0.0, 1.0), kept=0.94),
        )

    rows = tuple(
        Stranger(category=category, clips=32, told=told(accepted), as_category=taken)
        for category, accepted, taken in (("rain", 0.9, "sea_waves"), ("dog", 0.0, None))
    )
    found = StrangersFound(configuration="cnn", networks=4, rows=rows, together=told(0.5))
    blocks = list(strangers.section(found))
    assert (
        "60.0 [50.0,\u00a070.0]% by largest probability and "
        "50.0 [0.0,\u00a0100.0]% by probability or strangeness pass for known"
    ) in said(blocks)
    assert "to all four networks" in said(blocks)
    assert "fewest of dog pass (0.0%), most of rain (90.0%, mostly for sea waves)" in said(blocks)
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert [cells[0] for cells in table.rows] == ["rain", "dog", "all"]
    assert table.rows[0][2:4] == ["0.800", "0.700"]
    assert [cells[-1] for cells in table.rows] == ["sea waves", "–", "–"]
    assert table.rows[2][1] == "64"


LEAK = LeakFound(
    configuration="cnn", clips=320, siblings=130, grouped=Interval(0.9, 0.87, 0.93),
    random=Interval(0.95, 0.93, 0.97), difference=0.05, low=0.02, high=0.08, p=0.001,
    grouped_siblings=0.88, random_siblings=0.99,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "A random split flatters by +5.0 points"),
        ({"p": 0.4}, "allows a random split to flatter by up to 8.0 points"),
        (
            {"grouped_siblings": 129 / 130},
            "what is wrong without it: 1 of the 130 clips that have a sibling.",
        ),
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
