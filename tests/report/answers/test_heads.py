from dataclasses import replace

import pytest

from auricle.evaluation.comparison import Comparison
from auricle.evidence.heads import Block, Encoder, Head, HeadsFound, Silenced
from auricle.report.answers import heads
from auricle.report.document import Figure, Paragraph, Table


def silenced(lost: float = 0.0, p: float = 1.0) -> Silenced:
    compared = Comparison(lost, lost - 0.01, lost + 0.01, p, 8, 2, p)
    return Silenced(lost=compared, p_holm=p, log_loss_lost=lost)


def encoder(*costs: Silenced, alike: float | None = 0.1, whole: Silenced | None = None) -> Encoder:
    """One block with a head a cost, any two of which are equally alike."""
    count = len(costs)
    return Encoder(
        configuration="transformer",
        accuracy=0.9,
        log_loss=0.3,
        step_s=0.32,
        even_distance_s=1.7,
        heads=tuple(
            Head(
                block=1, head=at + 1, entropy_bits=2.0, spread=0.5, on_itself=0.1,
                distance_s=0.8, silenced=cost,
            )
            for at, cost in enumerate(costs)
        ),
        blocks=(Block(block=1, silenced=whole),) if whole else (),
        alike=tuple(tuple(1.0 if a == b else alike for b in range(count)) for a in range(count)),
    )  # fmt: skip


def said(*encoders: Encoder) -> str:
    blocks = heads.section(HeadsFound(encoders))
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


def test_heads_that_none_needs_are_said_to_be_so() -> None:
    text = said(encoder(silenced(0.01, 0.6), silenced(-0.01, 0.9), whole=silenced(0.2, 0.001)))
    assert "No head of `transformer` can be shown to matter alone" in text
    assert "−1.0 points at worst, which cannot be told from nothing (p = 0.600" in text
    assert "none is needed alone" in text
    assert "Without all of them accuracy falls (−20.0 points, p = 0.001)" in text
    assert "what one of them finds, others find as well" in text


def test_the_head_that_is_needed_is_named() -> None:
    text = said(encoder(silenced(0.08, 0.002), silenced(0.0, 1.0)))
    assert "head 1 of block 1 (−8.0 points, p = 0.002) matters alone" in text
    assert "one of the others cannot be told from nothing" in text
    assert "one is needed alone" in text


def test_heads_that_are_all_needed_divide_the_work() -> None:
    text = said(encoder(silenced(0.08, 0.002), silenced(0.05, 0.01)))
    assert "matter alone." in text
    assert "others" not in text
    assert "they divide it" in text


def test_a_head_without_which_answers_get_better_is_not_said_to_matter() -> None:
    assert "No head of" in said(encoder(silenced(-0.08, 0.002), silenced(0.0, 1.0)))


def test_a_block_that_is_not_missed_is_said_to_be_so() -> None:
    text = said(encoder(silenced(), silenced(), whole=silenced(0.003, 0.7)))
    assert "Without all of them the loss cannot be told from nothing" in text


def test_a_single_head_is_no_family() -> None:
    text = said(encoder(silenced(0.6, 0.0001)))
    assert "has a single head" in text
    assert "In block" not in text


@pytest.mark.parametrize(
    ("alike", "says"),
    [
        (0.9, "heads 1 and 2 look at the same moments (correlation 0.90)"),
        (0.6, "partly the same moments (correlation up to 0.60)"),
        (-0.3, "different moments (no two correlate above -0.30)"),
        (None, "look at all steps alike"),
    ],
)
def test_likeness_is_said_in_words(alike: float | None, says: str) -> None:
    assert says.replace("-", "−") in said(encoder(silenced(), silenced(), alike=alike))


def test_table_and_figure_have_every_head() -> None:
    found = encoder(silenced(0.08, 0.002), silenced(), alike=None, whole=silenced(0.2, 0.001))
    blocks = list(heads.section(HeadsFound((found, replace(found, configuration="other")))))
    tables = [block for block in blocks if isinstance(block, Table)]
    figures = [block for block in blocks if isinstance(block, Figure)]
    assert len({each.name for each in [*tables, *figures]}) == 4
    assert [row[:2] for row in tables[0].rows] == [["1", "1"], ["1", "2"], ["1", "all"]]
    assert {len(row) for row in tables[0].rows} == {len(tables[0].columns)}
    assert "head 1 of block 1 −8.0" in figures[0].alt


def test_a_study_without_heads_has_no_such_section() -> None:
    assert not list(heads.section(HeadsFound(())))
