from auricle.evaluation.intervals import Interval
from auricle.evidence.effects import Effect, Heard
from auricle.evidence.robustness import Curve, Point, Robust, RobustnessFound
from auricle.report.answers.robustness import section
from auricle.report.document import Figure, Paragraph, Table


def heard(accuracy: float) -> Heard:
    around = Interval(accuracy, accuracy - 0.04, accuracy + 0.03)
    return Heard(clips=320, accuracy=around, log_loss=2 - accuracy)


def point(degree: str, accuracy: float, p: float, sure: float | None = None) -> Point:
    change = accuracy - 0.9
    ends = Interval(change, change - 0.03, change + 0.03)
    return Point(degree, Effect(heard=heard(accuracy), difference=ends, p=p, p_holm=p), sure)


def curve(name: str, *points: Point, tested: bool = False) -> Curve:
    return Curve(
        family=name,
        measure="gain, dB",
        points=points,
        sealed=heard(0.5) if tested else None,
    )


def found(*curves: Curve, tested: bool = False) -> RobustnessFound:
    of = [
        Robust(
            configuration=name,
            untouched=heard(0.9),
            sealed_untouched=heard(0.85) if tested else None,
            curves=curves,
        )
        for name in ("cnn", "transformer-h2")
    ]
    return RobustnessFound(tuple(of))


FRAIL = curve("quieter", point("−10", 0.89, 0.4), point("−20", 0.7, 0.01), point("−40", 0.2, 1e-5))
TOUGH = curve("louder", point("10", 0.91, 0.5))


def text_of(asked: RobustnessFound) -> str:
    return next(block.text for block in section(asked) if isinstance(block, Paragraph))


def test_where_harm_begins_is_said_and_what_was_withstood() -> None:
    told = text_of(found(FRAIL, TOUGH))
    assert "Harm begins at these degrees: quieter (−20 dB)." in told
    assert "No degree of these did harm that can be told: louder." in told


def test_the_largest_fall_is_named_whether_it_is_the_first_harm_or_not() -> None:
    deep = curve("low-pass", point("8", 0.3, 0.001))
    told = text_of(found(FRAIL, deep))
    assert "The largest fall is under quieter (−40 dB), to 20.0%." in told
    assert "No degree" not in told


def test_where_a_network_is_surer_than_it_is_right_is_said() -> None:
    sure = curve("shorter", point("2", 0.8, 0.01, 0.82), point("1", 0.6, 0.01, 0.9))
    told = text_of(found(sure))
    assert "most overconfident under shorter (1 dB): 90.0% sure on average, 60.0% right." in told
    harmless = curve("shorter", point("1", 0.6, 0.9, 0.9))
    assert "most overconfident" in text_of(found(harmless))
    within = curve("shorter", point("1", 0.6, 0.01, 0.62))  # the interval goes to 63
    assert "overconfident" not in text_of(found(within))
    for asked, said in ((sure, "90.0"), (FRAIL, "–")):
        (table,) = (block for block in section(found(asked)) if isinstance(block, Table))
        assert [row[-1] for row in table.rows] == [said, said]


def test_where_nothing_does_harm_that_is_said() -> None:
    gain = curve("quieter", point("−10", 0.95, 0.001))
    told = text_of(found(gain, TOUGH))
    assert told.count("None of the alterations did harm") == 2
    assert "Harm begins" not in told


def test_how_clips_that_were_cut_short_were_heard_is_said_where_some_were() -> None:
    short = found(curve("shorter", point("1", 0.8, 0.01)))
    assert "twice: followed by silence, and repeated until the clip was full" in text_of(short)
    assert "cut short" not in text_of(found(FRAIL))


def test_the_table_has_a_row_a_family_with_the_first_harm_and_the_last_degree() -> None:
    (table,) = (block for block in section(found(FRAIL, TOUGH)) if isinstance(block, Table))
    assert table.rows[0][1:6] == ["quieter", "−20 dB", "70.0", "0.010", "−40 dB"]
    assert table.rows[0][7] == "−70.0"
    assert table.rows[1][2:5] == ["–"] * 3
    assert len(table.rows) == 4


def test_the_test_fold_has_a_table_of_its_own_where_it_was_opened() -> None:
    asked = found(curve("quieter", point("−10", 0.8, 0.01), tested=True), tested=True)
    *_, table = section(asked)
    assert isinstance(table, Table)
    assert [row[1] for row in table.rows] == ["untouched", "quieter"] * 2


def test_the_figure_has_a_panel_a_family_and_is_told_in_words() -> None:
    (figure,) = (block for block in section(found(FRAIL, TOUGH)) if isinstance(block, Figure))
    assert all(name in figure.svg for name in ("quieter", "louder", "transformer-h2"))
    assert "quieter 89.0% at −10, 70.0% at −20, 20.0% at −40" in figure.alt


def test_configurations_of_different_rates_share_a_figure() -> None:
    wide = curve("low-pass", point("8000", 0.8, 0.01), point("4000", 0.7, 0.01))
    narrow = curve("low-pass", point("4000", 0.6, 0.01))
    two = found(wide).configurations[:1] + found(narrow).configurations[1:]
    (figure,) = (b for b in section(RobustnessFound(two[::-1])) if isinstance(b, Figure))
    assert "8000" in figure.svg
