import pytest

from auricle.evaluation.intervals import Interval
from auricle.evidence.familiar import RuleName
from auricle.evidence.unknown import Kind, Refusal, Unknown, UnknownFound
from auricle.report.answers.unknown import section
from auricle.report.document import Figure, Paragraph, Table
from auricle.report.wording import NOTHING


def refusal(score: RuleName, refused: int = 3, **accepted: float) -> Refusal:
    kinds = tuple(
        Kind(
            kind=kind,
            clips=40,
            auroc=1 - share,
            accepted=share,
            accepted_low=share / 2,
            accepted_high=share,
            taken_for="sea_waves" if share else None,
        )
        for kind, share in accepted.items()
    )
    mean = sum(accepted.values()) / len(accepted)
    return Refusal(
        score=score, below=0.4, kept=Interval(0.94, 0.91, 0.96), misheard=12,
        misheard_refused=refused, auroc=0.8, accepted=mean, accepted_low=mean - 0.1,
        accepted_high=mean + 0.1, kinds=kinds,
    )  # fmt: skip


def found(*refusals: Refusal) -> UnknownFound:
    of = Unknown(configuration="cnn", temperature=0.6, refusals=refusals)
    return UnknownFound(kept=0.95, configurations=(of,))


TWO = (refusal("probability", hiss=0.9, tone=0.0), refusal("both", hiss=0.6, tone=0.0))
NEAR = refusal("strangeness", hiss=0.3, tone=0.0)


def text_of(asked: UnknownFound) -> str:
    return " ".join(block.text for block in section(asked) if isinstance(block, Paragraph))


def with_strangeness(strangeness: Refusal) -> str:
    return text_of(found(TWO[0], strangeness, TWO[1]))


def test_what_passes_and_what_does_not_is_told_of_every_score() -> None:
    told = with_strangeness(NEAR)
    assert "45.0 [35.0,\u00a055.0]% by largest probability, 15.0 [5.0,\u00a025.0]% by" in told
    assert (
        "By probability or strangeness, 15.0 points fewer pass than by largest probability alone; "
        "at most one clip in twenty passes of tone; at least half pass of hiss."
    ) in told
    assert "not protect" not in told
    assert "not sure enough, or too strange" in told
    assert "strange" not in text_of(found(TWO[0]))


@pytest.mark.parametrize(
    ("strangeness", "says"),
    [
        (NEAR, "it stands open"),
        (refusal("strangeness", 4, hiss=0.3, tone=0.0), "it stands open"),
        (
            refusal("strangeness", 1, hiss=0.3, tone=0.0),
            "refuse more of what is misheard: of 12 known clips",
        ),
        (refusal("strangeness", hiss=0.7, tone=0.7), "does best by both reasons"),
    ],
)
def test_why_both_reasons_are_asked_is_told_by_what_they_refuse(
    strangeness: Refusal, says: str
) -> None:
    assert says in with_strangeness(strangeness)


def test_a_threshold_that_lets_most_pass_is_called_no_protection() -> None:
    told = text_of(found(refusal("probability", hiss=0.9)))
    assert "thresholds do not protect it" in told


def test_nothing_is_said_of_kinds_that_are_not_there() -> None:
    told = text_of(found(refusal("probability", hiss=0.3)))
    assert "twenty" not in told
    assert "half" not in told


def test_tables_have_both_scores_and_every_kind() -> None:
    tables = [b for b in section(found(TWO[0], NEAR, TWO[1])) if isinstance(b, Table)]
    assert [table.name for table in tables] == ["unknown-table", "unknown-kinds-table"]
    assert tables[0].rows[2][1:] == [
        "probability or strangeness",
        "94.0 [91.0,\u00a096.0]",
        "3 of 12",
        "30.0 [20.0,\u00a040.0]",
        "0.800",
        "0.600",
        "0.400",
        NOTHING,
    ]
    assert tables[1].rows == [
        ["hiss", "90.0", "30.0", "60.0", "sea waves"],
        ["tone", "0.0", "0.0", "0.0", ""],
    ]


def test_the_figure_is_told_in_words() -> None:
    (figure,) = (b for b in section(found(TWO[0], NEAR, TWO[1])) if isinstance(b, Figure))
    assert "cnn, probability or strangeness: hiss 60.0%, tone 0.0%" in figure.alt
    assert "largest probability" in figure.svg
