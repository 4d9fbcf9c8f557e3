from auricle.evidence.familiar import RuleName
from auricle.evidence.unknown import Kind, Refusal, Unknown, UnknownFound
from auricle.report.answers.unknown import section
from auricle.report.document import Figure, Paragraph, Table
from auricle.report.wording import NOTHING


def refusal(score: RuleName, **accepted: float) -> Refusal:
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
    return Refusal(score=score, below=0.4, kept=0.94, auroc=0.8, accepted=mean, kinds=kinds)


def found(*refusals: Refusal) -> UnknownFound:
    of = Unknown(configuration="cnn", temperature=0.6, refusals=refusals)
    return UnknownFound(kept=0.95, configurations=(of,))


TWO = (refusal("probability", hiss=0.9, tone=0.0), refusal("logit", hiss=0.6, tone=0.0))


def text_of(asked: UnknownFound) -> str:
    return next(block.text for block in section(asked) if isinstance(block, Paragraph))


def test_what_passes_and_what_does_not_is_told_of_every_score() -> None:
    told = text_of(found(*TWO))
    assert (
        "Of the foreign clips `cnn` takes 45.0% by largest probability and 30.0% by largest logit "
        "for known. By the last, 15.0 points fewer pass; at most one clip in twenty passes of "
        "tone; at least half pass of hiss."
    ) in told
    assert "not protect" not in told
    assert "strange" not in told


def test_the_rule_of_a_shipped_model_is_told_by_both_its_reasons() -> None:
    rules = (*TWO, refusal("strangeness", hiss=0.3), refusal("both", hiss=0.2, tone=0.0))
    told = text_of(found(*rules))
    assert "20.0% by probability or strangeness" not in told
    assert "10.0% by probability or strangeness" in told
    assert "not sure enough, or too strange" in told


def test_a_threshold_that_lets_most_pass_is_called_no_protection() -> None:
    told = text_of(found(refusal("probability", hiss=0.9), refusal("logit", hiss=0.5)))
    assert "thresholds do not protect it" in told


def test_nothing_is_said_of_kinds_that_are_not_there() -> None:
    told = text_of(found(refusal("probability", hiss=0.3), refusal("logit", hiss=0.3)))
    assert "twenty" not in told
    assert "half" not in told


def test_tables_have_both_scores_and_every_kind() -> None:
    tables = [block for block in section(found(*TWO)) if isinstance(block, Table)]
    assert [table.name for table in tables] == ["unknown-table", "unknown-kinds-table"]
    assert tables[0].rows[1][1:] == [
        "largest logit",
        "94.0",
        "30.0",
        "0.800",
        "0.600",
        "0.400",
        NOTHING,
    ]
    assert tables[1].rows == [["hiss", "90.0", "60.0", "sea waves"], ["tone", "0.0", "0.0", ""]]


def test_the_figure_is_told_in_words() -> None:
    (figure,) = (block for block in section(found(*TWO)) if isinstance(block, Figure))
    assert "cnn, largest logit: hiss 60.0%, tone 0.0%" in figure.alt
    assert "largest probability" in figure.svg
