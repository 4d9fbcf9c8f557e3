import pytest

from auricle.evidence.doubts import ClassErrors, Doubted, DoubtsFound
from auricle.report.answers import doubts
from auricle.report.document import Bullets, Document, Paragraph, Table, spread


def errors(category, wrong=0, *, taken_for=(), recordings=20, wrong_recordings=None):
    return ClassErrors(
        category=category,
        clips=32,
        recordings=recordings,
        wrong=wrong,
        wrong_recordings=wrong if wrong_recordings is None else wrong_recordings,
        taken_for=taken_for,
        error=wrong / 32,
        usually_for=taken_for[0][0] if taken_for else None,
    )


def doubt(file="a.wav", label="chainsaw"):
    return Doubted(
        file=file, label=label, answer="helicopter", networks=5, confidence=0.97, usual=0.86
    )


def found_of(*classes, doubted=(), networks=5):
    return DoubtsFound(networks=networks, clips=320, doubted=doubted, classes=classes)


def words(found):
    told = []
    for block in doubts.section(found):
        if isinstance(block, Paragraph):
            told.append(block.text)
        if isinstance(block, Bullets):
            told += block.items
    return " ".join(told)


OTHERS = (errors("dog"), errors("sea_waves", 1, taken_for=(("rain", 1),)))


def test_a_class_s_errors_are_told_with_their_recordings():
    chainsaw = errors("chainsaw", 3, taken_for=(("helicopter", 3),), wrong_recordings=2)
    told = words(found_of(chainsaw, *OTHERS))
    assert "**chainsaw**: 3 of 32 clips wrong, all taken for helicopter, from 2 of 20" in told
    assert "fewer than three of a class: dog and sea waves." in told


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (errors("x", 6, taken_for=(("y", 3), ("z", 3)), wrong_recordings=2), "of that kind"),
        (errors("x", 6, taken_for=(("y", 5), ("z", 1))), "more recordings of x and of y"),
        (errors("x", 6, taken_for=(("y", 3), ("z", 3)), recordings=10), "fewer recordings than"),
        (errors("x", 6, taken_for=(("y", 3), ("z", 3)), recordings=30), "likely help little"),
    ],
)
def test_what_would_help_follows_from_where_the_errors_are(of, says):
    assert says in doubts.advice(of, found_of(of, *OTHERS))


def test_where_no_class_is_often_wrong_single_networks_advise():
    told = words(found_of(*OTHERS, errors("rain", 2, taken_for=(("dog", 1), ("x_y", 1)))))
    assert "fewer than three of any class. Single networks err most with rain" in told
    assert "rain (6.2%, mostly taken for dog) and sea waves (3.1%, mostly taken for rain)" in told
    assert "Single networks" not in words(found_of(*OTHERS, networks=1))


def test_doubted_labels_are_listed_and_to_be_listened_to_first():
    chainsaw = errors("chainsaw", 3, taken_for=(("helicopter", 3),))
    found = found_of(chainsaw, *OTHERS, doubted=(doubt(), doubt("b.wav", "dog")))
    told = words(found)
    assert "Two labels are in doubt" in told
    assert "Listen first to the one clip whose label is in doubt" in told
    blocks = list(doubts.section(found))
    table = next(block for block in blocks if isinstance(block, Table))
    assert table.rows[0][3] == "5 of 5"
    assert list(spread(Document("", "", "", "", blocks), "page"))


def test_no_doubt_and_no_error_is_said_plainly():
    found = found_of(errors("dog"), errors("rain"))
    told = words(found)
    assert "No label is in doubt" in told
    assert "next clips to collect" not in told
    assert list(spread(Document("", "", "", "", list(doubts.section(found))), "page"))


def test_one_network_is_called_a_weak_witness():
    assert "hint" in words(found_of(*OTHERS, networks=1))
    assert "hint" not in words(found_of(*OTHERS, networks=2))


def test_a_long_list_is_cut_and_says_so():
    many = tuple(doubt(f"{at}.wav") for at in range(doubts.ROWS + 4))
    table = next(
        block
        for block in doubts.section(found_of(*OTHERS, doubted=many))
        if isinstance(block, Table)
    )
    assert len(table.rows) == doubts.ROWS
    assert "4 more stand in" in table.note
