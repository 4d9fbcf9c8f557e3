from dataclasses import replace
from typing import Any

import pytest

from auricle.evaluation.intervals import Interval
from auricle.evidence.looking import (
    KEPT_FRAMES,
    Looked,
    LookingFound,
    Muted,
    Picture,
    Planted,
    Pointer,
)
from auricle.report.answers import looking
from auricle.report.document import Figure, Paragraph, Table

BYTES = bytes(range(256)) * (4 * KEPT_FRAMES // 256)
MORE, SAME, LESS = Interval(0.1, 0.05, 0.15), Interval(0.0, -0.1, 0.1), Interval(-0.1, -0.2, -0.05)


def pointer(name: str = "gradient", **changed: Any) -> Pointer:
    found = Pointer(
        name=name,
        planted=Planted(chance=0.1, found=Interval(0.9, 0.85, 0.95), off_s=0.1),
        muted=tuple(
            Muted(fraction=share, marked=share, elsewhere=0.1, drawn=0.05, loudest=0.2)
            for share in (0.1, 0.5)
        ),
        over_elsewhere=MORE,
        over_drawn=MORE,
        over_loudest=MORE,
    )
    return replace(found, **changed)


def picture(category: str, answer: str, attention: tuple[float, ...] = ()) -> Picture:
    return Picture(
        file="a.wav", category=category, answer=answer, probability=0.97, spectrum=BYTES,
        gradient=BYTES, attention=attention,
    )  # fmt: skip


def found_with(
    *pointers: Pointer, attention: str | None = None, pictures: tuple[Picture, ...] = ()
) -> LookingFound:
    looked = Looked(
        configuration="net", event_s=0.5, named=0.8, unexplained=0.01, pointers=pointers,
        attention=attention,
    )  # fmt: skip
    return LookingFound(
        configurations=(looked,), shown="net", pictures=pictures or (picture("dog", "dog"),),
        seconds=5.0, low_hz=40, high_hz=16_000,
    )  # fmt: skip


def said(found: LookingFound) -> str:
    blocks = looking.section(found)
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


def test_a_pointer_that_passes_is_said_to_mark_what_counts() -> None:
    text = said(found_with(pointer()))
    assert "the gradient in 90.0%" in text
    assert "no better than chance" not in text
    assert (
        "marks what counts more than the same pattern elsewhere, frames drawn by chance and the "
        "loudest frames" in text
    )
    assert "not be read" not in text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"over_loudest": LESS}, "but less than the loudest frames"),
        ({"over_loudest": SAME}, "neither tellably more nor less than the loudest frames"),
        ({"over_drawn": SAME}, "not be read as what the answer rests on"),
        ({"over_elsewhere": LESS}, "not be read as what the answer rests on"),
    ],
)
def test_a_pointer_that_fails_is_said_to_fail(changed: dict[str, Interval], says: str) -> None:
    assert says in said(found_with(pointer(**changed)))


def test_a_peak_that_chance_would_have_is_said_to_be_so() -> None:
    planted = Planted(chance=0.1, found=Interval(0.12, 0.09, 0.15), off_s=1.0)
    assert "in 12.0%, no better than chance" in said(found_with(pointer(planted=planted)))


def test_attention_is_spoken_of_only_where_there_is_some() -> None:
    assert "Attention" not in said(found_with(pointer()))
    names = ("gradient", "last block", "rollout")
    text = said(found_with(*map(pointer, names), attention="rollout"))
    assert "*Attention*" in text
    assert "the attention of the last block and the attention rollout mark what counts" in text


def test_pointers_of_different_verdicts_are_told_apart() -> None:
    text = said(found_with(pointer(), pointer("rollout", over_drawn=SAME), attention="rollout"))
    assert "the gradient marks what counts" in text
    assert "; the attention rollout marks what counts" in text


def test_every_pointer_has_a_row_and_every_clip_a_panel() -> None:
    attention = tuple(range(KEPT_FRAMES))
    pictures = (picture("sea_waves", "sea_waves", attention), picture("dog", "rooster", attention))
    found = found_with(pointer(), pointer("rollout"), attention="rollout", pictures=pictures)
    blocks = list(looking.section(found))
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert [row[1] for row in table.rows] == ["gradient", "attention rollout"]
    assert {len(row) for row in table.rows} == {len(table.columns)}
    curves, clips = [block for block in blocks if isinstance(block, Figure)]
    assert "net, gradient: +10.0 at 10%, +50.0 at 50%" in curves.alt
    assert "sea waves answered sea waves at 97.0%; dog answered rooster" in clips.alt
    assert "white line" in clips.caption


def test_a_clip_with_nothing_to_outline_and_nothing_looked_at_is_drawn() -> None:
    nothing = replace(picture("dog", "dog", (0.0,) * KEPT_FRAMES), gradient=bytes(4 * KEPT_FRAMES))
    blocks = list(looking.section(found_with(pointer(), pictures=(nothing,))))
    assert isinstance(blocks[-1], Figure)
