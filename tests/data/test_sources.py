import pytest

from auricle.data import sources
from auricle.data.clips import ESC10_FOLDERS
from auricle.data.sources import read_data
from auricle.errors import FetchError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AURICLE_DATA", raising=False)


@pytest.fixture
def half_fetched(tmp_path, write_tone):
    """An archive with one clip of each class and fold, none of it Piczak's."""
    for number, folder in enumerate(ESC10_FOLDERS):
        for fold in range(1, 6):
            write_tone(tmp_path / "half" / folder / f"{fold}-{number}{fold}-A.ogg", seconds=0.1)
    return tmp_path / "half"


def test_esc10_that_was_not_fetched_is_told():
    with pytest.raises(FetchError, match=r"ESC-10 is not in .*; run auricle fetch esc10, or name"):
        read_data()


def test_a_path_is_read_as_what_it_is(class_folders, monkeypatch):
    assert read_data(class_folders).categories == ("bell", "horn", "siren")
    monkeypatch.setenv("AURICLE_DATA", str(class_folders))
    assert read_data() == read_data(class_folders)


def test_the_embedded_set_goes_by_name():
    table = read_data("synth-50")

    assert (table.name, len(table.clips)) == ("synth", 50)
    assert table.root.parent == sources.cache_folder()


@pytest.mark.parametrize("data", [None, "esc10", "path"])
def test_a_copy_that_is_not_whole_never_passes(half_fetched, monkeypatch, data):
    monkeypatch.setenv("AURICLE_DATA", str(half_fetched))

    with pytest.raises(FetchError, match="400 of 400 files missing"):
        read_data(half_fetched if data == "path" else data)


def test_skip_bad_takes_a_part_of_esc10_for_a_part(half_fetched):
    table = read_data(half_fetched, skip_bad=True)

    assert table.name == "esc10-incomplete"
    assert "400 of 400 files missing" in table.notes[0]
    assert str(half_fetched) not in table.notes[0]


def test_the_real_set_goes_by_name(esc10_folder, monkeypatch):
    monkeypatch.setenv("AURICLE_DATA", str(esc10_folder))

    assert read_data("esc10") == read_data() == read_data(esc10_folder)
    assert read_data().name == "esc10"


def test_a_place_that_is_gone_is_no_hindrance_to_other_data(class_folders, monkeypatch):
    monkeypatch.setenv("AURICLE_DATA", "/gone")

    assert read_data(class_folders).categories == ("bell", "horn", "siren")
    with pytest.raises(FetchError, match="/gone: AURICLE_DATA names it"):
        read_data("esc10")
