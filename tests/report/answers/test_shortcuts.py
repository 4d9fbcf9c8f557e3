from auricle.evaluation.intervals import Interval
from auricle.evidence.effects import Effect, Heard
from auricle.evidence.shortcuts import Shortcut, ShortcutsFound, Tempted
from auricle.report.answers.shortcuts import TAKEN, section
from auricle.report.document import Figure, Paragraph, Table

HAVE = {"level": 0, "offset": 4}


def shortcut(cue: str, change: float = 0.0, p: float = 1.0, holm: float = 0.0) -> Shortcut:
    heard = Heard(clips=320, accuracy=Interval(0.9 + change, 0.8, 0.95), log_loss=0.4)
    ends = Interval(change, change - 0.02, change + 0.02)
    of = Effect(heard=heard, difference=ends, p=p, p_holm=max(p, holm))
    return Shortcut(cue, HAVE.get(cue, 100), of)


def found(padded: int = 3, **changes: tuple[float, ...]) -> ShortcutsFound:
    cues = tuple(shortcut(cue, *changes.get(cue, (0.0, 1.0))) for cue in TAKEN)
    untouched = Heard(clips=320, accuracy=Interval(0.9, 0.85, 0.94), log_loss=0.4)
    of = tuple(
        Tempted(configuration=name, bandwidth_hz=8000.0, untouched=untouched, shortcuts=cues)
        for name in ("cnn", "transformer-h2")
    )
    return ShortcutsFound(clips=320, padded=padded, configurations=of)


def text_of(asked: ShortcutsFound) -> str:
    return next(block.text for block in section(asked) if isinstance(block, Paragraph))


def test_where_nothing_is_lost_the_largest_loss_that_is_allowed_is_told() -> None:
    told = text_of(found(bandwidth=(-0.03, 0.2)))
    assert "`cnn` loses nothing that can be told apart from chance." in told
    assert "a loss of up to 5.0 points (high frequencies)" in told


def test_losses_and_gains_are_told_with_their_p() -> None:
    told = text_of(found(bandwidth=(-0.2, 0.001), padding=(0.05, 0.02)))
    assert "loses accuracy without high frequencies (−20.0, p = 0.001)" in told
    assert "no proof of a shortcut" in told
    assert "It gains without silence at the ends (+5.0, p = 0.020)" in told


def test_what_cannot_be_told_is_named_and_no_verdict_is_given_on_it() -> None:
    told = text_of(found(level=(-0.2, 0.001)))
    assert "divides each clip by its own power, or not there at all: loudness." in told
    assert "for a test to tell anything: offset (4)." in told
    assert "`cnn` loses nothing that can be told" in told


def test_a_change_that_alone_would_be_told_is_not_hidden() -> None:
    told = text_of(found(bandwidth=(-0.04, 0.02, 0.07)))
    assert "loses nothing that can be told" in told
    assert "Asked as the only question, a change without high frequencies (p = 0.020) would be" in (
        told
    )


def test_how_many_clips_are_padded_is_told_in_good_grammar() -> None:
    assert "None of the 320 clips begins or ends in digital silence" in text_of(found(0))
    assert "1 of 320 clips begins or ends" in text_of(found(1))
    assert "3 of 320 clips begin or end" in text_of(found(3))


def test_table_and_figure_have_every_cue() -> None:
    blocks = list(section(found(bandwidth=(-0.2, 0.001))))
    (table,) = (block for block in blocks if isinstance(block, Table))
    (figure,) = (block for block in blocks if isinstance(block, Figure))
    assert [row[1] for row in table.rows] == ["nothing", *TAKEN.values()] * 2
    assert table.rows[1][4:6] == ["–", "–"]
    assert table.rows[2][3:6] == ["−20.0 [−22.0,\u00a0−18.0]", "0.001", "0.001"]
    assert all(f"without {words}" in figure.svg for words in TAKEN.values())
    assert "without high frequencies −20.0 points" in figure.alt
