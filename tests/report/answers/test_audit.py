"""The section's words follow from what was found."""

from dataclasses import replace

import pytest

from auricle.evaluation.intervals import Interval
from auricle.evidence.audit import Audit, ClassFacts, Match, OfAuthors
from auricle.evidence.predictors import PREDICTORS, Shortcut, Shortcuts
from auricle.report.answers.audit import DRAWN_CLASSES, section
from auricle.report.document import Bullets, Document, Figure, Paragraph, Table, spread

SPREAD = {
    "level_db": (-30.0, -25.0, -20.0, -15.0, -10.0),
    "length_s": (4.0, 5.0, 5.0, 5.0, 6.0),
    "silence": (0.0, 0.1, 0.25, 0.3, 0.4),
    "bandwidth_hz": (1000.0, 2000.0, 3000.0, 4000.0, 5000.0),
    "clipped": (0.0, 0.0, 0.0, 0.0, 0.0004),
}
NEAR = Match(
    first="sea_waves/a*.wav",
    second="sea_waves/b.wav",
    folds=(2, 3),
    categories=("sea_waves", "sea_waves"),
    recordings=("a", "b"),
    equal=False,
    shared_s=1.5,
    lag_s=0.25,
)


def shortcuts(level):
    singles = [Shortcut((name,), Interval(0.3, 0.2, 0.4)) for name in PREDICTORS[1:]]
    first = Shortcut(PREDICTORS[:1], level)
    return Shortcuts(0.25, (first, *singles, Shortcut(PREDICTORS, Interval(0.5, 0.4, 0.6))))


def facts(name, clips=20, spread=SPREAD, authors=0, rates_hz=None):
    return ClassFacts(
        category=name,
        clips=clips,
        recordings=12,
        authors=authors,
        by_fold={1: 5, 2: 5},
        rates_hz=rates_hz or {16000: 10},
        spread=spread,
    )


@pytest.fixture
def clean():
    return Audit(
        name="mine",
        clips=40,
        recordings=24,
        authors=0,
        folds=(1, 2, 3),
        test_fold=1,
        compared=(1, 2, 3),
        rates_hz={16000: 40},
        notes=(),
        classes=(facts("sea_waves"), facts("rain")),
        matches=(),
        recordings_astray=(),
        authors_astray=(),
        broken={},
        unmarked=(),
        clipped=(),
        shortcuts=shortcuts(Interval(0.3, 0.2, 0.4)),
    )


def told(found):
    blocks = list(section(found))
    assert list(spread(Document("", "", "", "", blocks), "page"))  # both templates can set it
    return blocks


def words(blocks):
    said = [b.text for b in blocks if isinstance(b, Paragraph)]
    return " ".join(said + [item for b in blocks if isinstance(b, Bullets) for item in b.items])


def test_a_clean_set_has_no_findings(clean):
    blocks = told(clean)

    assert "No sound and no recording was found in two folds." in words(blocks)
    assert not any(isinstance(block, Bullets) for block in blocks)


def test_a_leak_into_the_test_fold_alone_touches_no_out_of_fold_score(clean):
    blocks = told(replace(clean, matches=(replace(NEAR, folds=(1, 2)),)))
    assert "touches no out-of-fold score (0 of 10 development clips)" in words(blocks)


def test_a_leak_is_told_first_and_a_file_name_is_no_markup(clean):
    blocks = told(replace(clean, matches=(NEAR,)))

    assert "**A sound stands in two folds.** That touches 2 of 10 development clips" in words(
        blocks
    )
    (bullets,) = (block for block in blocks if isinstance(block, Bullets))
    assert bullets.items[0].startswith("The same sound stands in two folds")
    assert r"a\*.wav (fold 2)" in bullets.items[0]
    assert "1.5 s" in bullets.items[0]


def test_every_class_tells_its_rates_and_its_authors_where_these_are_known(clean):
    def column(found, head):
        (table,) = (b for b in told(found) if isinstance(b, Table) and b.name == "audit-classes")
        heads = [each.title for each in table.columns]
        return [row[heads.index(head)] for row in table.rows] if head in heads else None

    assert column(clean, "authors") is None
    assert column(clean, "rate, kHz") == ["16", "16"]
    mixed = facts("rain", authors=7, rates_hz={22050: 4, 44100: 6})
    known = replace(clean, authors=9, classes=(facts("sea_waves", authors=2), mixed))
    assert column(known, "authors") == ["2", "7"]
    assert column(known, "rate, kHz") == ["16", "22.05 / 44.1"]


def test_clips_of_authors_that_were_met_stand_beside_the_others(clean):
    of = OfAuthors(
        configuration="cnn",
        met_clips=90,
        met=Interval(0.97, 0.94, 0.99),
        new_clips=230,
        new=Interval(0.95, 0.92, 0.97),
    )
    said = words(told(replace(clean, authors=9, by_author=(of,))))
    assert "90 are of an author of whom a network that scores them learnt other clips" in said
    assert "and 230 of one whom it never met" in said
    assert "`cnn` has 97.0 [94.0, 99.0]% right of the first" in said.replace("\u00a0", " ")
    assert "learnt other clips" not in words(told(clean))


def test_a_pair_in_one_fold_is_no_leak(clean):
    said = words(told(replace(clean, matches=(replace(NEAR, folds=(2, 2)),))))

    assert "stands in two folds.**" not in said
    assert "(1 pair inside one)" in said


def test_a_level_above_chance_is_a_finding(clean):
    found = replace(clean, shortcuts=shortcuts(Interval(0.6, 0.5, 0.7)))

    assert "The level alone names the class of 60.0% of the clips" in words(told(found))
    assert "The level alone" not in words(told(clean))


def test_uneven_classes_are_a_finding(clean):
    found = replace(clean, classes=(facts("rain", clips=60), facts("sea_waves", clips=20)))

    assert "rain has 60 clips, sea_waves 20" in words(told(found)).replace("\\", "")


def test_medians_are_in_the_table_and_in_the_words_of_the_figure(clean):
    blocks = told(clean)

    classes, marks = (block for block in blocks if isinstance(block, Table))
    assert classes.rows[0] == ["sea waves", "20", "12", "16", "5.0", "−20", "25.0", "3.0", "0.40"]
    assert [row[-1] for row in marks.rows] == ["no"] * 4 + ["yes"]
    assert "Stored: 40 clips at 16,000 Hz." in classes.note
    (figure,) = (block for block in blocks if isinstance(block, Figure))
    assert "sea waves −20 dB, 3.0 kHz" in figure.alt


def test_a_class_without_a_usable_clip_has_no_medians(clean):
    found = replace(clean, classes=(facts("rain"), facts("sea_waves", spread={})))

    classes = next(block for block in told(found) if isinstance(block, Table))
    assert classes.rows[1][3:] == ["–"] * 6


def test_very_many_classes_are_not_drawn(clean):
    many = tuple(facts(f"class {number}") for number in range(DRAWN_CLASSES + 1))

    assert not any(isinstance(b, Figure) for b in told(replace(clean, classes=many)))
