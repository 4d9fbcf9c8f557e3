from dataclasses import replace

import pytest

from auricle.evaluation.comparison import Comparison
from auricle.evidence.heads import Block, Encoder, Head, HeadsFound, Silenced
from auricle.report.answers import heads
from auricle.report.document import Document, Figure, Paragraph, Table, spread


def silenced(lost=0.0, p=1.0):
    compared = Comparison(lost, lost - 0.02, lost + 0.02, p, 3, 1, p)
    return Silenced(lost=compared, p_holm=p, log_loss_lost=lost)


def encoder(costs, *, blocks=(), r=0.1):
    """Two heads a block, and what each costs as (lost, p)."""
    found = tuple(
        Head(
            block=1 + at // 2,
            head=1 + at % 2,
            entropy_bits=3.0,
            spread=0.75,
            on_itself=0.1,
            distance_s=1.0,
            silenced=silenced(*cost),
        )
        for at, cost in enumerate(costs)
    )
    size = range(len(costs))
    return Encoder(
        configuration="transformer-h2",
        accuracy=0.9,
        log_loss=0.3,
        step_s=0.32,
        even_distance_s=1.7,
        heads=found,
        blocks=tuple(
            Block(block=at + 1, silenced=silenced(*cost)) for at, cost in enumerate(blocks)
        ),
        alike=tuple(tuple(1.0 if a == b else r for b in size) for a in size),
    )


def blocks_of(*encoders):
    return list(heads.section(HeadsFound(encoders)))


def words(*encoders):
    return " ".join(block.text for block in blocks_of(*encoders) if isinstance(block, Paragraph))


def test_heads_that_matter_are_named():
    told = words(encoder([(0.06, 0.01), (0.04, 0.03)]))
    assert "head 1 of block 1 (−6.0 points, p = 0.010) and head 2 of block 1" in told
    assert "matter alone" in told
    assert "do work that no other does" in told


def test_what_is_lost_without_all_heads_stands_beside_the_sum_of_each():
    told = words(encoder([(0.01, 0.6)] * 4, blocks=[(0.4, 0.001), (0.0, 1.0)], r=0.9))
    assert "No head of `transformer-h2` can be shown to matter alone" in told
    assert "look at the same moments (correlation 0.90)" in told
    assert "add up to −2.0: one stands in for another, in part." in told
    assert "over four heads no loss of fewer than eight recordings could be told" in told
    alone = words(encoder([(0.03, 0.6)] * 4, blocks=[(0.05, 0.001), (0.0, 1.0)], r=0.9))
    assert "add up to −6.0: no sign that one stands in for another." in alone
    assert "Without all of them the loss cannot be told from nothing (+0.0 points" in told
    assert "still allow a loss of up to 3.0 points (head 1 of block 1)" in told


def test_a_gain_without_a_head_is_not_called_a_loss():
    told = words(encoder([(-0.06, 0.01), (0.0, 1.0)]))
    assert "can be shown to matter alone" in told
    assert "(−" not in told


def test_a_single_head_is_not_said_to_divide_labour():
    single = encoder([(0.8, 0.001)])
    told = words(single)
    assert "has a single head" in told
    assert "different moments" not in told


@pytest.mark.parametrize(
    ("r", "says"),
    [
        (0.6, "partly the same moments"),
        (0.2, "different moments"),
        (-0.3, "above −0.30"),
        (None, "all steps alike"),
    ],
)
def test_how_alike_heads_are_is_said_in_words(r, says):
    assert says in words(encoder([(0.0, 1.0)] * 2, r=r))


def test_table_and_figure_hold_every_head_and_block():
    found = blocks_of(encoder([(0.05, 0.01)] * 4, blocks=[(0.4, 0.001), (0.0, 1.0)]))
    (table,) = (block for block in found if isinstance(block, Table))
    assert [row[:2] for row in table.rows] == [
        ["1", "1"], ["1", "2"], ["2", "1"], ["2", "2"], ["1", "all"], ["2", "all"]
    ]  # fmt: skip
    assert table.breaks == [2, 4]
    (figure,) = (block for block in found if isinstance(block, Figure))
    assert "head 2 of block 2 −5.0" in figure.alt
    assert list(spread(Document("", "", "", "", found), "page"))


def test_without_an_encoder_there_is_no_section():
    assert blocks_of() == []


def test_two_encoders_share_no_name():
    one = encoder([(0.0, 1.0)] * 2)
    found = blocks_of(one, replace(one, configuration="other"))
    assert list(spread(Document("", "", "", "", found), "page"))
