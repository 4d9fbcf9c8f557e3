from collections.abc import Sequence
from dataclasses import replace

from auricle.evaluation.comparison import Comparison
from auricle.evaluation.intervals import Interval
from auricle.evidence.texture import Answered, OfClass, Pair, Parted, TextureFound
from auricle.report.answers.texture import section
from auricle.report.document import Figure, Paragraph, Table

CLASSES = ("dog", "rain", "sea_waves")


def answered(hits: Sequence[float], losses: Sequence[float]) -> Answered:
    mean = sum(hits) / len(hits)
    return Answered(
        accuracy=Interval(mean, mean - 0.05, min(1.0, mean + 0.05)),
        log_loss=sum(losses) / len(losses),
        by_class=tuple(
            OfClass(accuracy=hit, log_loss=loss) for hit, loss in zip(hits, losses, strict=True)
        ),
    )


def parted(
    name: str = "cnn",
    *,
    events: Sequence[float] = (0.95, 0.8, 0.7),
    both: Sequence[float] = (0.925, 0.9, 0.95),
    p: float = 0.001,
) -> Parted:
    gain = sum(both) / 3 - sum(events) / 3
    return Parted(
        configuration=name,
        seeds=3,
        share=0.5,
        events=answered(events, (0.2, 0.5, 0.8)),
        texture=answered((0.75, 0.8, 0.9), (0.9, 0.6, 0.4)),
        both=answered(both, (0.25, 0.3, 0.2)),
        gain=Comparison(gain, gain - 0.02, gain + 0.02, p, 15, 2, p),
        p_holm=p,
        mended=15.0,
        spoilt=2.0,
    )


def found(*configurations: Parted) -> TextureFound:
    return TextureFound(categories=CLASSES, clips=(40, 40, 40), configurations=configurations)


def text_of(asked: TextureFound) -> str:
    return " ".join(block.text for block in section(asked) if isinstance(block, Paragraph))


def test_what_both_gain_is_told_with_the_classes_that_gain_and_lose() -> None:
    told = text_of(found(parted(), parted("transformer-h4")))
    assert "all networks of `kfold`, of two configurations and three seeds" in told
    assert "By texture alone, 81.7% of the clips are right, the same in all" in told
    assert (
        "`cnn` has 81.7% right by events alone and 92.5% by both (+10.8 points, p = 0.001)" in told
    )
    assert "**Both are better than events alone**, beyond chance, in all." in told
    assert "Most is gained in *sea waves* (+25.0 points) and *rain* (+10.0 points)." in told
    assert "Something is lost in *dog* (−2.5 points)." in told
    assert "the texture hears more than events do of *sea waves*." in told
    assert "Of 120 clips, events alone get 22.0 wrong" in told
    assert "15.0 of these become right, and 2.0 others become wrong" in told


def test_answers_told_from_predictions_are_said_to_be() -> None:
    assert "are gone" not in text_of(found(parted()))
    told = text_of(found(parted(), replace(parted("transformer-h4"), remaining=2)))
    assert "Of `transformer-h4` some weights are gone" in told


def test_bare_architectures_are_told_apart_or_not() -> None:
    def pair(first: str, second: str, difference: float, p: float) -> Pair:
        ends = Comparison(difference, difference - 0.02, difference + 0.02, p / 2, 9, 1, p)
        return Pair(first=first, second=second, comparison=ends, p_holm=p)

    of = found(parted(), parted("transformer-h4"))
    assert "By events alone, " not in text_of(of)
    far = pair("cnn", "transformer-h1", 0.03, 0.01)
    near = pair("cnn", "transformer-h4", 0.001, 0.9)
    told = text_of(replace(of, pairs=(far, near)))
    assert "**cnn is better than transformer-h1** (+3.0 points, p = 0.010)" in told
    assert "The other pair cannot be told apart." in told
    behind = text_of(replace(of, pairs=(pair("cnn", "transformer-h1", -0.03, 0.01),)))
    assert "**transformer-h1 is better than cnn** (+3.0 points" in behind
    assert "none of the two pairs can be told" in text_of(replace(of, pairs=(near, near)))
    assert "By events alone, the two cannot be told apart" in text_of(replace(of, pairs=(near,)))
    assert "The texture counts 50.0% in an answer" in told
    tables = [b for b in section(replace(of, pairs=(far, near))) if isinstance(b, Table)]
    (table,) = (each for each in tables if each.name == "texture-pairs")
    assert table.rows[0][1] == "+3.0"


def test_what_chance_may_explain_is_not_called_better() -> None:
    told = text_of(found(parted(p=0.2)))
    assert "better than events alone" not in told
    assert "No difference between events and both can be told from chance." in told
    some = text_of(found(parted(), parted("transformer-h4", p=0.2)))
    assert "beyond chance, in `cnn`. In the others it cannot be told from chance." in some


def test_a_texture_that_harms_is_told_too() -> None:
    told = text_of(found(parted(both=(0.9, 0.7, 0.6))))
    assert "**Both are worse than events alone**, beyond chance, in `cnn`." in told
    assert "Most is gained" not in told


def test_a_texture_that_does_better_without_events_is_told() -> None:
    surer = replace(parted("short"), texture=answered((0.9, 0.9, 0.9), (0.1, 0.1, 0.1)))
    assert "lower than that of both in `short`." in text_of(found(parted(), surer))
    assert "lower than that of both" not in text_of(found(parted()))


def test_textures_that_differ_are_told_one_by_one() -> None:
    other = replace(parted("wide"), texture=answered((0.5, 0.5, 0.5), (1, 1, 1)))
    told = text_of(found(parted(), other))
    assert "81.7% are right in `cnn` and 50.0% are right in `wide`" in told


def test_tables_and_picture_hold_every_part_of_every_row() -> None:
    blocks = [*section(found(parted(), parted("transformer-h4")))]
    by_configuration, by_class = (block for block in blocks if isinstance(block, Table))
    assert by_configuration.rows[0][1:] == [
        "81.7 [76.7,\u00a086.7]", "81.7 [76.7,\u00a086.7]", "92.5 [87.5,\u00a097.5]",
        "0.500", "0.633", "0.250", "+10.8 [+8.8,\u00a0+12.8]", "0.001",
    ]  # fmt: skip
    assert by_class.rows[2] == [
        "sea waves", "40", "70.0", "90.0", "95.0", "0.800", "0.400", "0.200", "+25.0",
    ]  # fmt: skip
    (figure,) = (block for block in blocks if isinstance(block, Figure))
    places = [figure.svg.index(f">{name}<") for name in ("sea waves", "rain", "dog")]
    assert places == sorted(places)
    assert "sea waves events 70.0%, texture 90.0%, both 95.0%" in figure.alt


def test_a_study_without_texture_has_no_such_section() -> None:
    assert not [*section(found())]
