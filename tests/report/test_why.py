from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auricle.evaluation.comparison import Comparison
from auricle.evaluation.intervals import Interval
from auricle.evidence.architecture import ArchitectureFound, Row
from auricle.evidence.controls import Alone, Versus
from auricle.evidence.effects import Effect, Heard
from auricle.evidence.heads import Block, Encoder, Head, HeadsFound, Silenced
from auricle.evidence.learning import LearningFound
from auricle.evidence.texture import Answered, Parted, TextureFound
from auricle.report.chapters import make_document
from auricle.report.document import Paragraph
from auricle.report.study_files import read_study
from auricle.report.why import why

HEARD = Heard(clips=320, accuracy=Interval(0.9, 0.87, 0.93), log_loss=0.3)


def textured(*gains: tuple[float, float]) -> TextureFound:
    part = Answered(accuracy=Interval(0.9, 0.8, 0.95), log_loss=0.3, by_class=())
    return TextureFound(
        categories=(),
        clips=(),
        configurations=tuple(
            Parted(
                configuration=f"of-{at}", seeds=3, share=0.5, events=part, texture=part, both=part,
                gain=Comparison(gain, gain - 0.02, gain + 0.02, p, 0, 0, 1.0), p_holm=p,
                mended=0.0, spoilt=0.0,
            )
            for at, (gain, p) in enumerate(gains)
        ),
    )  # fmt: skip


def silenced(lost: float, p: float) -> Silenced:
    return Silenced(lost=Comparison(lost, 0, 0, p, 0, 0, p), p_holm=p, log_loss_lost=0.0)


def attentive(heads: list[tuple[float, float]], blocks: list[tuple[float, float]]) -> HeadsFound:
    return HeadsFound(
        (
            Encoder(
                configuration="h4", accuracy=0.9, log_loss=0.3, step_s=0.1, even_distance_s=1.0,
                heads=tuple(
                    Head(
                        block=1, head=at, entropy_bits=1, spread=1, on_itself=0, distance_s=1,
                        silenced=silenced(*each),
                    )
                    for at, each in enumerate(heads)
                ),
                blocks=tuple(Block(block=at, silenced=silenced(*e)) for at, e in enumerate(blocks)),
                alike=(),
            ),
        )
    )  # fmt: skip


def controlled(*told: tuple[float, float], name: str = "x") -> ArchitectureFound:
    rows = tuple(
        Row(
            name=name, changes="x", in_study=None, parameters=1,
            versus=Versus(whole=an_effect(0.0, 1.0), events=an_effect(*each)),
        )
        for each in told
    )  # fmt: skip
    return ArchitectureFound(
        reference="h4", blocks=2, heads=4, parameters=1, seeds=(), rows=rows,
        alone=Alone(whole=HEARD, events=HEARD),
    )  # fmt: skip


def an_effect(difference: float, p: float, log_loss: Interval | None = None) -> Effect:
    return Effect(
        heard=HEARD, difference=Interval(difference, -1, 1), p=p, p_holm=p,
        log_loss_difference=log_loss,
    )  # fmt: skip


def learnt(gain: float, p: float, log_loss: Interval | None = None) -> LearningFound:
    step = Versus(whole=an_effect(gain, p, log_loss), events=None)
    return LearningFound(configuration="h4", points=(), step=step)


@pytest.mark.parametrize(
    ("part", "found", "says"),
    [
        ("texture", textured((0.027, 0.01), (0.045, 0.001)), "+2.7 to +4.5 points, beyond chance, "
         "in all configurations"),
        ("texture", textured((0.027, 0.01), (0.01, 0.4)), "+1.0 to +2.7 points, beyond chance in "
         "`of-0`"),
        ("texture", textured((0.01, 0.4)), "adds nothing to accuracy that can be told"),
        ("heads", attentive([(0.0, 1.0)] * 4, [(0.0, 1.0)] * 2), "No head of `h4`, and no block, "
         "can be shown to matter alone."),
        ("heads", attentive([(0.0, 1.0)] * 4, [(0.3, 0.01)]), "No head of `h4` can be shown to "
         "matter alone; silenced as a whole, one of one blocks can."),
        ("heads", attentive([(0.1, 0.01)] * 2, [(0.3, 0.001), (0, 1)]), "Two of two heads of `h4` "
         "can be shown to matter alone; silenced as a whole, one of two blocks can."),
        ("learning", learnt(0.04, 0.04), "still rises with their number (p = 0.040)."),
        ("learning", learnt(0.04, 0.04, Interval(-0.1, -0.2, -0.05)), "(p = 0.040), and its log "
         "loss falls."),
        ("learning", learnt(0.04, 0.04, Interval(-0.1, -0.2, 0.05)), "number (p = 0.040)."),
        ("architecture", controlled((0.0, 1.0), name="no-encoder-wide"), "As large without an "
         "encoder it has 90.0%, with it 90.0%, which chance may be."),
        ("architecture", controlled((-0.05, 0.01), (0.0, 1.0)), "by whole answers, none can be "
         "told apart from it; by base and head alone, one is worse beyond chance"),
    ],
)  # fmt: skip
def test_reasons_are_those_that_the_evidence_forces(
    mission: Path, part: str, found: Any, says: str
) -> None:
    study = replace(read_study(mission), evidence={part: found})
    assert says in why(study)


def test_without_evidence_no_reason_is_given(mission: Path) -> None:
    assert why(read_study(mission)) == ""


def test_reasons_stand_in_the_summary(mission: Path) -> None:
    study = replace(read_study(mission), evidence={"architecture": controlled((0, 1))})
    blocks = [b for b in make_document(study).blocks if isinstance(b, Paragraph)]
    assert sum("Why? ([@evidence])" in block.text for block in blocks[:3]) == 1
