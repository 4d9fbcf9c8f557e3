from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter

from auricle.evaluation.intervals import Interval
from auricle.evidence.gallery import Picture
from auricle.evidence.looking import Looked, LookingFound, Muted, Planted, Pointer
from auricle.evidence.traces import KEPT_FRAMES
from auricle.report.answers import looking
from auricle.report.document import Document, Figure, Paragraph, Table, spread

ABOVE, BELOW, NEITHER = Interval(0.1, 0.05, 0.15), Interval(-0.1, -0.2, -0.05), Interval(0, -0.1, 1)


def pointer(name="gradient", *, peak=ABOVE, over=(ABOVE, ABOVE, ABOVE)):
    return Pointer(
        name=name,
        planted=Planted(chance=0.02, found=peak, off_s=0.1),
        muted=tuple(
            Muted(fraction=share, marked=share, elsewhere=0.1, drawn=0.1, loudest=0.2)
            for share in (0.1, 0.5)
        ),
        over_elsewhere=over[0],
        over_drawn=over[1],
        over_loudest=over[2],
    )


def looked(*pointers, name="cnn", attention=None):
    return Looked(
        configuration=name,
        event_s=0.5,
        named=0.6,
        unexplained=0.02,
        pointers=pointers,
        attention=attention,
    )


def picture(answer="rain", attention=()):
    generator = np.random.default_rng(0)
    sheet = generator.integers(0, 255, (16, KEPT_FRAMES)).astype(np.uint8).tobytes()
    return Picture(
        file="a.wav",
        category="rain",
        answer=answer,
        probability=0.9,
        spectrum=sheet,
        gradient=sheet,
        attention=attention,
    )


def found_of(*configurations, pictures=None):
    return LookingFound(
        configurations=configurations,
        shown=configurations[0].configuration,
        pictures=(picture(),) if pictures is None else pictures,
        seconds=5.0,
        low_hz=40.0,
        high_hz=16_000.0,
    )


BOTH = found_of(
    looked(
        pointer(),
        pointer("last block", over=(ABOVE, BELOW, BELOW)),
        pointer("rollout", over=(ABOVE, BELOW, BELOW)),
        name="transformer",
        attention="last block",
    ),
    looked(pointer()),
    pictures=(picture(), picture("sea_waves", (0.1,) * KEPT_FRAMES)),
)


def words(found):
    return " ".join(b.text for b in looking.section(found) if isinstance(b, Paragraph))


def test_a_pointer_that_holds_is_said_to():
    told = words(BOTH)
    assert "In `cnn`, the gradient marks what counts more than the same pattern elsewhere" in told
    assert "frames drawn by chance and the loudest frames." in told


def test_a_pointer_that_does_not_hold_is_said_not_to_and_those_alike_are_told_together():
    told = words(BOTH)
    assert (
        "the attention of the last block and the attention rollout mark what counts more than the "
        "same pattern elsewhere, but less than frames drawn by chance and the loudest frames "
        "(its marks must not be read as what the answer rests on)" in told
    )


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ((NEITHER,) * 3, "neither tellably more nor less than the same pattern elsewhere"),
        ((ABOVE, NEITHER, BELOW), "but less than the loudest frames, and neither tellably more"),
        ((BELOW,) * 3, "counts less than the same pattern elsewhere"),
    ],
)
def test_a_pointer_that_points_at_nothing_is_said_to(over, says):
    told = words(found_of(looked(pointer(over=over))))
    assert says in told
    assert "must not be read as what the answer rests on" in told


def test_what_a_level_meter_would_find_is_said_where_it_was_asked():
    asked = replace(looked(pointer()), level_found=Interval(0.995, 0.98, 1.0))
    assert "The loudest frame lies in 99.5% of the events" in words(found_of(asked))
    assert "loudest frame lies" not in words(BOTH)


def test_how_often_attention_is_highest_in_the_quiet_is_said_where_it_was_asked():
    quiet = replace(pointer("rollout"), in_quiet=Interval(0.62, 0.55, 0.7))
    found = looked(pointer(), quiet, name="transformer", attention="rollout")
    told = words(found_of(found))
    assert "In 62.0 [55.0,\u00a070.0]% of the clips the attention rollout of `transformer`" in told
    assert "more than the half that chance would have" in told
    assert "quieter half" not in words(BOTH)


def test_why_scattered_frames_may_beat_marks_is_said_where_they_do():
    assert "lie scattered" in words(BOTH)
    assert "lie scattered" not in words(found_of(looked(pointer())))


def test_a_peak_no_better_than_chance_is_said_to_be():
    told = words(found_of(looked(pointer(peak=Interval(0.02, 0.0, 0.1)))))
    assert "in 2.0%, no better than chance" in told
    assert "no better than chance" not in words(BOTH)


def test_attention_is_not_spoken_of_where_there_is_none():
    assert "ttention" not in words(found_of(looked(pointer())))
    assert "rollout" in words(BOTH)


def test_table_and_figures_hold_every_pointer():
    blocks = list(looking.section(BOTH))
    (table,) = (block for block in blocks if isinstance(block, Table))
    assert len(table.rows) == 4
    pictures, curves = (block for block in blocks if isinstance(block, Figure))
    assert "transformer, attention rollout: +10.0 at 10%, +50.0 at 50%" in curves.alt
    assert "rain answered sea waves at 90.0%" in pictures.alt
    assert "Its attention failed its test: the answers need not rest" in pictures.caption
    assert list(spread(Document("", "", "", "", blocks), "page"))


def test_a_gradient_of_nothing_can_be_drawn():
    nothing = replace(picture(), gradient=bytes(16 * KEPT_FRAMES))
    blocks = looking.section(found_of(looked(pointer()), pictures=(nothing,)))
    assert "<svg" in next(block for block in blocks if isinstance(block, Figure)).svg


def test_attention_that_no_step_gets_can_be_drawn():
    nothing = picture(attention=(0.0,) * KEPT_FRAMES)
    blocks = looking.section(found_of(looked(pointer()), pictures=(nothing,)))
    assert "<svg" in [block for block in blocks if isinstance(block, Figure)][1].svg


def test_what_was_found_is_read_back_as_it_was_kept():
    kept = TypeAdapter(LookingFound)
    assert kept.validate_json(kept.dump_json(BOTH)) == BOTH
