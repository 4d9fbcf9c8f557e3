"""A page to listen with: every answer again, with the sounds themselves. For the reader alone.

It is a file of its own, so that the report holds no sound, and it is never published.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import soundfile as sf
from rich.console import Console
from rich.progress import track

from auricle.data.audio import fit_length, load_wave
from auricle.data.esc10 import credit
from auricle.data.sources import is_path, read_data
from auricle.errors import StudyError
from auricle.files import replace_text
from auricle.report.basis import shown_name
from auricle.report.detail import confusions
from auricle.report.document import Block, Document, Heading, Paragraph, code
from auricle.report.every import by_mistakes, explorer, text64
from auricle.report.html import set_page
from auricle.report.links import way
from auricle.report.study_files import Study, read_study

RATE_HZ = 48_000  # of those that Opus knows, the one that keeps all that is heard
COMPRESSION = 0.8  # as libsndfile counts it, 0 to 1: some 60 kbit/s of a channel


def write_listening(
    run: Path, out: Path | None, *, data: str | None, most_mb: float, console: Console
) -> Path:
    """Write listen.html: development clips in a page, those first that were misheard most often.

    Clips are added until their sounds fill `most_mb` megabytes of the page. The test fold is never
    decoded, whether or not the study opened it.

    Raises:
        StudyError: no finished study, or its clips are not where `data` says.
        AudioError: a clip that cannot be decoded.
    """
    study = read_study(run)
    root = root_of(study, data)
    sounds: dict[str, str] = {}
    room = most_mb * 1e6
    clips = by_mistakes(study)
    for file in track(clips, "encoding", console=console, transient=True):
        text = text64(encoded(root / file, float(study.plan["clip_s"])))
        room -= len(text)
        if room < 0:
            break
        sounds[file] = text
    out = out or run / "report"
    document = Document(
        title=f"Every answer on {shown_name(study)}, to be heard",
        subtitle=f"{len(sounds)} of {len(clips)} development clips, the misheard ones first",
        byline=f"study “{study.plan['name']}”",
        date=str(study.environment["started"])[:10],
        blocks=list(heard(study, sounds)),
        study=way(out, run),
    )
    page = out / "listen.html"
    replace_text(page, set_page(document))
    return page


def root_of(study: Study, data: str | None) -> Path:
    """The folder that the study's clips are in.

    Raises: StudyError if one of them is not there.
    """
    named = data or str(study.plan["data"])
    root = Path(named) if is_path(named) else read_data(named).root
    root = root if root.is_dir() else root.parent
    for row in study.clips:
        if row["role"] == "development" and not (root / row["file"]).is_file():
            raise StudyError(
                f"{root}: {row['file']} is not in it; name the folder of the study's clips with "
                "--data"
            )
    return root


def encoded(file: Path, clip_s: float) -> bytes:
    """A clip as the networks hear it, one channel of that length, in Ogg Opus."""
    wave = fit_length(load_wave(file, RATE_HZ), round(clip_s * RATE_HZ))
    content = io.BytesIO()
    sf.write(content, wave, RATE_HZ, format="OGG", subtype="OPUS", compression_level=COMPRESSION)
    return content.getvalue()


def heard(study: Study, sounds: dict[str, str]) -> Iterator[Block]:
    """The chapter of every answer with sounds, and the matrices that lead into it."""
    yield Heading("Every answer, to be heard", 1, "every-answer")
    yield Paragraph(
        "This page holds sounds, for your own use: give it to nobody whom the licences of the "
        f"clips do not allow to have them. {_licence(study)} Clips of the test fold are not in it."
    )
    yield explorer(study, sounds)
    yield from confusions(study)


def _licence(study: Study) -> str:
    if study.scores.dataset.name != "esc10":
        return "Their licences are those of your data."
    return f"{credit()} {code('ATTRIBUTION.md')} of auricle names the authors."
