import csv
import os
import sys
from pathlib import Path

import pytest

from auricle.data.clips import ESC10_FOLDERS, write_clips
from auricle.data.readers import Columns, read_clips, read_esc
from auricle.errors import DataError


def write_csv(file: Path, header: str, *rows: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


def touch(*files: Path) -> None:
    """Files of different content; tables are read without decoding anything."""
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(str(file).encode())


@pytest.fixture
def esc10_archive(tmp_path):
    root = tmp_path / "archive"
    for number, folder in enumerate(ESC10_FOLDERS):
        touch(*(root / folder / f"{fold}-{number}{fold}-A.ogg" for fold in range(1, 6)))
    touch(root / "001 - Dog bark" / "3-03-B.ogg")
    return root


@pytest.fixture
def esc50(tmp_path):
    rows = []
    for fold in range(1, 6):
        for category in (*ESC10_FOLDERS.values(), "pig"):
            name = f"{fold}-{fold}77-A-{category}.wav"
            rows.append(f"{name},{fold},0,{category},{category != 'pig'},{fold}77,A")
            touch(tmp_path / "ESC-50" / "audio" / name)
    write_csv(
        tmp_path / "ESC-50" / "meta" / "esc50.csv",
        "filename,fold,target,category,esc10,src_file,take",
        *rows,
    )
    return tmp_path / "ESC-50"


@pytest.fixture
def urbansound8k(tmp_path):
    rows = []
    for fold in range(1, 11):
        for category in ("siren", "drilling"):
            name = f"{fold}00-{category}.wav"
            rows.append(f"{name},{fold}00,0.0,4.0,1,{fold},3,{category}")
            touch(tmp_path / "UrbanSound8K" / "audio" / f"fold{fold}" / name)
    write_csv(
        tmp_path / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv",
        "slice_file_name,fsID,start,end,salience,fold,classID,class",
        *rows,
    )
    return tmp_path / "UrbanSound8K"


def test_the_archive_tells_fold_category_and_recording(esc10_archive):
    table = read_clips(esc10_archive)

    assert (table.name, len(table.clips), table.folds) == ("esc10", 51, (1, 2, 3, 4, 5))
    assert table.categories == tuple(ESC10_FOLDERS.values())
    dogs = [clip for clip in table.clips if clip.recording == "dog/03"]
    assert [(c.file, c.category, c.fold) for c in dogs] == [
        ("001 - Dog bark/3-03-A.ogg", "dog", 3),
        ("001 - Dog bark/3-03-B.ogg", "dog", 3),
    ]
    assert table.path(dogs[0]).is_file()
    assert not table.notes


def test_strangers_in_the_archive_are_listed(esc10_archive):
    touch(esc10_archive / "clips.csv", esc10_archive / "002 - Rain" / "my own.ogg")

    assert read_clips(esc10_archive).ignored == ("002 - Rain/my own.ogg", "clips.csv")


def test_a_table_can_be_cut_to_folds(esc10_archive):
    part = read_clips(esc10_archive).in_folds({2, 5})

    assert part.folds == (2, 5)
    assert len(part.clips) == 20


def test_esc50_and_its_ten_classes(esc50):
    whole, ten = read_clips(esc50), read_clips(esc50, subset="esc10")

    assert (whole.name, len(whole.categories), len(whole.clips)) == ("esc50", 11, 55)
    assert (ten.name, ten.categories) == ("esc50-esc10", tuple(ESC10_FOLDERS.values()))
    assert ten.clips[0].file == "audio/1-177-A-chainsaw.wav"
    assert ten.clips[0].recording == "chainsaw/177"
    assert read_clips(esc50 / "meta" / "esc50.csv") == whole


def test_esc10_alone_is_read_from_its_archive_and_out_of_esc50(esc10_archive, esc50):
    assert read_esc(esc10_archive) == read_clips(esc10_archive)
    assert read_esc(esc50) == read_clips(esc50, subset="esc10")


def test_what_is_neither_esc10_nor_esc50_is_refused(esc10_archive, tmp_path):
    with pytest.raises(DataError, match=r"neither ESC-10 .* nor ESC-50"):
        read_esc(tmp_path / "nowhere")
    (tmp_path / "empty" / "001 - Dog bark").mkdir(parents=True)
    with pytest.raises(DataError, match="no clip of ESC-10 in it"):
        read_esc(tmp_path / "empty")
    touch(esc10_archive / "002 - Rain" / "4-11-B.ogg")
    with pytest.raises(DataError, match="rain/11 stands in folds 1"):
        read_esc(esc10_archive)


def test_urbansound8k_is_known_by_its_labels(urbansound8k):
    table = read_clips(urbansound8k)

    assert (table.name, table.folds) == ("urbansound8k", tuple(range(1, 11)))
    assert all(table.path(clip).is_file() for clip in table.clips)


def test_any_csv_is_read_by_the_names_of_its_columns(urbansound8k):
    table = read_clips(
        urbansound8k / "metadata" / "UrbanSound8K.csv",
        columns=Columns(
            file="../audio/fold{fold}/{slice_file_name}",
            category="class",
            fold="fold",
            recording="fsID",
        ),
    )

    assert [(c.category, c.fold, c.recording) for c in table.clips] == [
        (c.category, c.fold, c.recording) for c in read_clips(urbansound8k).clips
    ]


def test_folders_become_classes_and_nothing_else_does(class_folders):
    for stray in (".DS_Store", ".git/config", "bell/._0.wav", "bell/notes.txt", "loose.wav"):
        touch(class_folders / stray)
    touch(class_folders / "pictures" / "horn.png", class_folders / "bell" / "deep" / "9.WAV")

    table = read_clips(class_folders)

    assert table.categories == ("bell", "horn", "siren")
    assert len(table.clips) == 22
    assert table.ignored == (
        ".DS_Store",
        ".git/",
        "bell/._0.wav",
        "bell/notes.txt",
        "loose.wav",
        "pictures/horn.png",
    )
    assert table.folds == (1, 2, 3, 4, 5)
    assert [note.split(":")[0] for note in table.notes] == [
        "No recordings are named, and near-duplicates were looked for",
        "No folds are named",
    ]


def test_files_of_the_same_bytes_are_one_recording(class_folders):
    twin = class_folders / "bell" / "twin.wav"
    twin.write_bytes((class_folders / "bell" / "3.wav").read_bytes())

    table = read_clips(class_folders)

    fold = {clip.file: clip.fold for clip in table.clips}
    recordings = {clip.file: clip.recording for clip in table.clips}
    assert recordings["bell/twin.wav"] == recordings["bell/3.wav"] == "bell/3.wav"
    assert fold["bell/twin.wav"] == fold["bell/3.wav"]
    assert "but for 1 that repeat another one" in table.notes[0]


def test_a_copy_in_another_codec_is_of_the_same_recording(class_folders, write_noise):
    write_noise(class_folders / "bell" / "rustle.wav", seed=0)
    write_noise(class_folders / "bell" / "again.ogg", seed=0)
    write_noise(class_folders / "bell" / "other.wav", seed=1)

    recordings = {clip.file: clip.recording for clip in read_clips(class_folders).clips}

    assert recordings["bell/rustle.wav"] == recordings["bell/again.ogg"] == "bell/again.ogg"
    assert recordings["bell/other.wav"] == "bell/other.wav"


def test_a_file_that_cannot_be_decoded_is_a_recording_of_its_own(class_folders):
    (class_folders / "bell" / "broken.wav").write_bytes(b"no sound")

    recordings = {clip.file: clip.recording for clip in read_clips(class_folders).clips}

    assert recordings["bell/broken.wav"] == "bell/broken.wav"


def test_where_folds_are_named_nothing_is_decoded(class_folders, monkeypatch):
    rows = [f"{c.file},{c.category},{c.fold}" for c in read_clips(class_folders).clips]
    labels = write_csv(class_folders / "labels.csv", "file,category,fold", *rows)
    monkeypatch.setattr("auricle.data.duplicates.load_wave", lambda *_: pytest.fail("decoded"))

    table = read_clips(labels)

    assert table.folds == (1, 2, 3, 4, 5)
    assert "only equal files were looked for" in table.notes[0]
    assert "auricle audit" in table.notes[0]


def test_folds_are_the_same_on_every_run(class_folders):
    assert read_clips(class_folders) == read_clips(class_folders)


@pytest.mark.parametrize("place", ["set/clips.csv", "elsewhere/deep/clips.csv"])
def test_a_written_table_is_read_back(class_folders, tmp_path, place):
    table = read_clips(class_folders)
    write_clips(table, tmp_path / place)

    back = read_clips(tmp_path / place)

    def facts(table):
        return [(table.path(c).resolve(), c.category, c.fold, c.recording) for c in table.clips]

    assert facts(back) == facts(table)
    assert not back.notes
    with (tmp_path / place).open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == ["file", "category", "fold", "recording"]


def test_a_table_may_stand_apart_from_its_sounds(class_folders, tmp_path):
    rows = [f"{c.file},{c.category}" for c in read_clips(class_folders).clips]
    labels = write_csv(tmp_path / "run" / "labels.csv", "file,category", *rows)

    assert len(read_clips(labels, root=class_folders).clips) == 21


def test_a_table_from_a_spreadsheet_on_windows_is_read(class_folders, tmp_path):
    rows = [c.file.replace("/", "\\") + f",{c.category}" for c in read_clips(class_folders).clips]
    labels = class_folders / "labels.csv"
    labels.write_bytes("\ufefffile,category\r\n".encode() + "\r\n".join(rows).encode())

    assert read_clips(labels).clips[0].file == "bell/0.wav"


def test_nothing_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file or folder; give a folder of clips"):
        read_clips(tmp_path / "nowhere")


def test_a_folder_without_sound_is_refused(tmp_path):
    touch(tmp_path / "bell" / "notes.txt")

    with pytest.raises(DataError, match=r"no clip in it; audio files end in \.aif"):
        read_clips(tmp_path)


def test_too_few_recordings_are_refused(class_folders):
    for clip in range(3, 7):
        (class_folders / "horn" / f"{clip}.wav").unlink()

    with pytest.raises(DataError, match="category horn: 3 recordings for 5 folds; add recordings"):
        read_clips(class_folders)
    assert read_clips(class_folders, folds=3).folds == (1, 2, 3)


def test_one_class_is_refused(tmp_path, write_tone):
    for clip in range(5):
        write_tone(tmp_path / "set" / "bell" / f"{clip}.wav", hz=100 + clip, seconds=0.1)

    with pytest.raises(DataError, match="only one category, bell"):
        read_clips(tmp_path / "set")


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        ("file,categroy", ["a.wav,bell"], "no column 'category'; did you mean 'categroy'"),
        ("wave,category", ["a.wav,bell"], "no column 'file'; it has wave, category"),
        ("file,category", ["b.wav,bell"], r"row 2: no such file, .*b\.wav; bring it back"),
        ("file,category", ["a.wav,"], "row 2: no category; fill it in"),
        ("file,category", ["a.wav"], "row 2: no category; fill it in"),
        ("file,category", ["a.wav,bell", "a.wav,horn"], r"row 3: a\.wav is named twice"),
        ("file,category,fold", ["a.wav,bell,one"], "row 2: fold 'one' is no number from 1 up"),
        ("file,category,fold", ["a.wav,bell,0"], "row 2: fold '0' is no number from 1 up"),
        ("file,category,recording", ["a.wav,bell,"], "row 2: no recording; fill it in"),
        ("file,category", [], "no clip in it"),
    ],
)
def test_a_faulty_table_is_refused(tmp_path, header, rows, message):
    touch(tmp_path / "a.wav")
    labels = write_csv(tmp_path / "labels.csv", header, *rows)

    with pytest.raises(DataError, match=message):
        read_clips(labels)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"file,category\n\xff\xfe\x00,bell\n")

    with pytest.raises(DataError, match=r"labels\.csv: no CSV in UTF-8"):
        read_clips(tmp_path / "labels.csv")


def test_skip_bad_leaves_a_missing_file_to_the_store(class_folders):
    rows = [f"{c.file},{c.category}" for c in read_clips(class_folders).clips]
    labels = write_csv(class_folders / "labels.csv", "file,category", *rows)
    (class_folders / "bell" / "0.wav").unlink()

    assert len(read_clips(labels, skip_bad=True).clips) == 21


def test_a_missing_fold_is_refused(esc10_archive):
    for file in esc10_archive.glob("*/3-*"):
        file.unlink()

    with pytest.raises(DataError, match="fold 3 is missing, found 1, 2, 4, 5; bring its clips"):
        read_clips(esc10_archive)


def test_a_fold_without_a_class_is_refused(esc10_archive):
    (esc10_archive / "002 - Rain" / "4-14-A.ogg").unlink()

    with pytest.raises(DataError, match="fold 4 has no clip of rain"):
        read_clips(esc10_archive)


def test_a_recording_in_two_folds_is_refused(esc10_archive):
    touch(esc10_archive / "002 - Rain" / "4-11-B.ogg")

    with pytest.raises(DataError, match=r"rain/11 stands in folds 1 .*1-11-A.* and 4 .*4-11-B"):
        read_clips(esc10_archive)


def test_a_file_that_is_repeated_in_another_fold_is_refused(class_folders):
    clips = read_clips(class_folders).clips
    one, other = (next(c for c in clips if c.category == "bell" and c.fold == k) for k in (1, 2))
    (class_folders / other.file).write_bytes((class_folders / one.file).read_bytes())
    rows = [f"{c.file},{c.category},{c.fold}" for c in clips]
    labels = write_csv(class_folders / "labels.csv", "file,category,fold", *rows)

    with pytest.raises(DataError, match="stands in folds"):
        read_clips(labels)


def test_columns_without_a_csv_are_refused(class_folders):
    with pytest.raises(DataError, match="columns and subsets are read from a CSV"):
        read_clips(class_folders, columns=Columns())


def test_the_real_set(esc10_folder):
    table = read_clips(esc10_folder)

    assert len(table.clips) == 400
    assert len({clip.recording for clip in table.clips}) == 304
    assert all(len(table.in_folds({fold}).clips) == 80 for fold in table.folds)


def test_a_place_by_another_name_is_named_twice(tmp_path):
    touch(tmp_path / "set" / "a.wav")
    for other in ("./a.wav", "../set/a.wav"):
        labels = write_csv(
            tmp_path / "set" / "l.csv", "file,category", "a.wav,bell", f"{other},bell"
        )
        with pytest.raises(DataError, match="is named twice"):
            read_clips(labels)


def test_a_linked_folder_is_a_class_and_a_circle_is_none(class_folders, tmp_path):
    (class_folders / "horn").rename(tmp_path / "elsewhere")
    (class_folders / "horn").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (class_folders / "bell" / "again").symlink_to(class_folders, target_is_directory=True)

    table = read_clips(class_folders)

    assert table.categories == ("bell", "horn", "siren")
    assert len(table.clips) == 21
    assert table.ignored == ("bell/again/",)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_refused(class_folders):
    Path(os.fsdecode(bytes(class_folders / "bell") + b"/caf\xe9.wav")).write_bytes(b"1")

    with pytest.raises(DataError, match=r"the name 'bell/caf.*' is no UTF-8; rename it"):
        read_clips(class_folders)


@pytest.mark.parametrize("column", ["file.name", "0", "path:wav", "file[0]", "{file.name}"])
def test_a_column_may_be_called_anything(class_folders, column):
    rows = [f"{clip.file},{clip.category}" for clip in read_clips(class_folders).clips]
    labels = write_csv(class_folders / "l.csv", f"{column.strip('{}')},category", *rows)

    assert len(read_clips(labels, columns=Columns(file=column)).clips) == 21


def test_half_a_brace_is_refused(class_folders):
    labels = write_csv(class_folders / "l.csv", "a,category", "bell/0.wav,bell")

    with pytest.raises(DataError, match="has a brace without its other one"):
        read_clips(labels, columns=Columns(file="{a}/{b"))


def test_a_category_that_is_called_unknown_is_refused(class_folders):
    (class_folders / "bell").rename(class_folders / "unknown")

    with pytest.raises(DataError, match="called unknown, which is what a model answers to other"):
        read_clips(class_folders)


def test_a_date_for_a_fold_is_refused_at_once(class_folders):
    rows = [f"{c.file},{c.category},20240101" for c in read_clips(class_folders).clips]
    labels = write_csv(class_folders / "l.csv", "file,category,fold", *rows)

    with pytest.raises(DataError, match="fold 1 is missing, found 20240101"):
        read_clips(labels)
