from auricle.evidence.unknown import Kind, LeftOut, Refusal, ScoreName, Unknown, UnknownFound
from auricle.report.answers.unknown import section
from auricle.report.document import Figure, Paragraph, Table


def refusal(score: ScoreName, **accepted: float) -> Refusal:
    kinds = tuple(
        Kind(
            kind=kind,
            clips=40,
            auroc=1 - share,
            accepted=share,
            taken_for="sea_waves" if share else None,
        )
        for kind, share in accepted.items()
    )
    mean = sum(accepted.values()) / len(accepted)
    return Refusal(score=score, threshold=0.4, kept=0.94, auroc=0.8, accepted=mean, kinds=kinds)


def found(*refusals: Refusal, classes: tuple[LeftOut, ...] = ()) -> UnknownFound:
    of = Unknown(configuration="cnn", temperature=0.6, refusals=refusals, classes=classes)
    return UnknownFound(kept=0.95, configurations=(of,))


TWO = (refusal("probability", hiss=0.9, tone=0.0), refusal("energy", hiss=0.6, tone=0.0))


def text_of(asked: UnknownFound) -> str:
    return next(block.text for block in section(asked) if isinstance(block, Paragraph))


def test_what_passes_and_what_does_not_is_told_of_both_scores() -> None:
    told = text_of(found(*TWO))
    assert "`cnn` takes 45.0% (largest probability) and 30.0% (energy) of the foreign" in told
    assert "at most one clip in twenty passes of tone" in told
    assert "at least half pass of hiss" in told
    assert "does not protect" not in told


def test_a_threshold_that_lets_most_pass_is_called_no_protection() -> None:
    told = text_of(found(refusal("probability", hiss=0.9), refusal("energy", hiss=0.5)))
    assert "does not protect it" in told


def test_nothing_is_said_of_kinds_that_are_not_there() -> None:
    told = text_of(found(refusal("probability", hiss=0.3), refusal("energy", hiss=0.3)))
    assert "twenty" not in told
    assert "half" not in told


def test_tables_have_both_scores_and_every_kind() -> None:
    tables = [block for block in section(found(*TWO)) if isinstance(block, Table)]
    assert [table.name for table in tables] == ["unknown-table", "unknown-kinds-table"]
    assert tables[0].rows[1][1:] == ["energy", "94.0", "30.0", "0.800", "0.600", "0.400"]
    assert tables[1].rows == [["hiss", "90.0", "60.0", "sea waves"], ["tone", "0.0", "0.0", ""]]


def test_categories_that_were_left_out_have_a_table_where_there_are_any() -> None:
    left = LeftOut(category="sea_waves", clips=32, auroc=0.7, accepted=0.5)
    *_, table = section(found(*TWO, classes=(left,)))
    assert isinstance(table, Table)
    assert table.rows == [["`cnn`", "sea waves", "32", "50.0", "0.700"]]


def test_the_figure_is_told_in_words() -> None:
    (figure,) = (block for block in section(found(*TWO)) if isinstance(block, Figure))
    assert "cnn, energy: hiss 60.0%, tone 0.0%" in figure.alt
    assert "largest probability" in figure.svg
