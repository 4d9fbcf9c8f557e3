"""What sound files are, by a bundle or by the weights of a finished fit: a row an event."""

import csv
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from glob import glob, has_magic
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from joblib import Parallel, delayed

from auricle.data.audio import SUFFIXES, Wave, load_wave, seconds_of, stream_wave
from auricle.data.folds import UNKNOWN
from auricle.data.store import to_samples
from auricle.errors import AudioError
from auricle.ship.events import OVERLAP, Event, merged, stretches, windows
from auricle.ship.model import Model, load_model
from auricle.training.sounds import Array

Format = Literal["text", "csv", "jsonl", "audacity"]

SOME_FAILED = 3
ONE_ANSWER = 1.5
"""Sounds up to so many clips long get one answer, by their loudest stretch."""

BATCH = 32
"""Windows put to the network at a time."""

STANDARD_INPUT = "-"


def predict_files(
    files: Sequence[str | Path],
    model: str | Path,
    device: str = "auto",
    form: Format = "text",
    workers: int = 1,
) -> int:
    """Print what each file is, on standard output, in the form and the order that is asked for.

    A file that cannot be used is told on standard error and does not stop the others; the exit
    code is then 3. Standard input is heard in this process, whatever the number of workers.

    Raises: AudioError for a folder without sounds, before anything is heard.
    """
    names = [*expand(files)]
    asked = load_model(model, device)
    if form == "csv":
        columns = [f"p_{category}" for category in asked.categories]
        first = ("file", "start_s", "end_s", "prediction", "confidence")
        print(row([*first, *columns, "strangeness"]))
    if workers == 1 or STANDARD_INPUT in map(str, files):
        heard = (told(asked, file, form) for file in names)
    else:
        elsewhere = delayed(told_elsewhere)
        heard = Parallel(n_jobs=workers, return_as="generator")(
            elsewhere(model, device, file, form) for file in names
        )
    code = 0
    for lines in heard:
        if isinstance(lines, AudioError):
            print(f"auricle: {lines}", file=sys.stderr)
            code = SOME_FAILED
        else:
            print(*lines, sep="\n", flush=True)
    return code


def told(model: Model, file: str, form: Format) -> list[str] | AudioError:
    """What is printed of one file, or why nothing can be."""
    try:
        return [FORMS[form](model, file, event) for event in listen(model, file)]
    except AudioError as problem:
        return problem


def told_elsewhere(
    model: str | Path, device: str, file: str, form: Format
) -> list[str] | AudioError:
    """The same in a worker process, which reads the model once."""
    return told(workers_model(model, device), file, form)


workers_model = cache(load_model)


def expand(files: Sequence[str | Path]) -> Iterator[str]:
    """The sound files that are meant: those of a folder, those of a pattern, or the name itself.

    Raises: AudioError for a folder without any.
    """
    for given in map(str, files):
        if Path(given).is_dir():
            inside = (path for path in Path(given).rglob("*") if path.suffix.lower() in SUFFIXES)
            names = sorted(str(path) for path in inside if not path.name.startswith("."))
            if not names:
                kinds = ", ".join(sorted(SUFFIXES))
                raise AudioError(f"{given}: no sound file in it ({kinds}); name a folder with some")
            yield from names
        elif has_magic(given) and not Path(given).exists():
            yield from sorted(glob(given, recursive=True)) or [given]  # noqa: PTH207 - any root
        else:
            yield given


def listen(model: Model, file: str) -> list[Event]:
    """The events of one file; "-" is a sound on standard input.

    Raises: AudioError if it cannot be decoded.
    """
    if file != STANDARD_INPUT:
        return events_in(model, Path(file))
    with TemporaryDirectory() as folder:
        held = Path(folder) / "standard input"
        held.write_bytes(sys.stdin.buffer.read())
        return events_in(model, held)


def events_in(model: Model, file: Path) -> list[Event]:
    """One answer for a sound about as long as a clip; for a longer one, its events.

    A long recording is decoded and answered piece by piece: its waves are never held whole.
    """
    rate_hz, clip_s = model.sample_rate_hz, model.trained.clip_s
    if seconds_of(file) <= ONE_ANSWER * clip_s:
        wave = load_wave(file, rate_hz)
        length_s = len(wave) / rate_hz
        found = model.recognise(wave)
        return merged(*found, model.known(*found), length_s, length_s)
    samples = round(clip_s * rate_hz)
    hop, heard = samples // OVERLAP, 0

    def counted() -> Iterator[Wave]:
        nonlocal heard
        for piece in stream_wave(file, rate_hz):
            heard += len(piece)
            yield piece

    found = along(model, windows(counted(), samples, hop))
    return merged(*found, model.known(*found), hop / rate_hz, heard / rate_hz)


def along(model: Model, cut: Iterable[Wave]) -> tuple[Array, Array]:
    """Probabilities (stretches, classes) and strangeness (stretches,), from windows of a sound.

    A batch of windows is held at a time.
    """
    left = iter(cut)
    found = []
    while batch := [*islice(left, BATCH)]:
        found.append(model.judge(to_samples(np.stack(batch))))
    shares, strangeness = (stretches(np.concatenate(each)) for each in zip(*found, strict=True))
    return shares, strangeness


def named(model: Model, event: Event) -> str:
    """The category of an event, or unknown."""
    return UNKNOWN if event.answer is None else model.categories[event.answer]


def as_text(model: Model, file: str, event: Event) -> str:
    """A line for people: category, how sure if there is one, file, when."""
    when = f"{event.start_s:.1f} - {event.end_s:.1f} s"
    sure = "" if event.answer is None else f"{event.confidence:.1%}"
    return f"{named(model, event):16} {sure:>6}  {file}  {when}"


def as_csv(model: Model, file: str, event: Event) -> str:
    """A row of the table that `--format csv` prints."""
    shares = [f"{share:.6f}" for share in event.probabilities]
    when = [f"{event.start_s:.3f}", f"{event.end_s:.3f}"]
    strange = "" if math.isnan(event.strangeness) else f"{event.strangeness:.4f}"
    return row([file, *when, named(model, event), f"{event.confidence:.6f}", *shares, strange])


def row(cells: Sequence[str]) -> str:
    """A CSV row without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def as_json(model: Model, file: str, event: Event) -> str:
    """An object on a line of its own."""
    shares = dict(zip(model.categories, event.probabilities.round(6).tolist(), strict=True))
    return json.dumps(
        {
            "file": file,
            "start_s": round(event.start_s, 3),
            "end_s": round(event.end_s, 3),
            "prediction": named(model, event),
            "confidence": round(event.confidence, 6),
            "probabilities": shares,
            "strangeness": None if math.isnan(event.strangeness) else round(event.strangeness, 4),
        },
        ensure_ascii=False,
    )


def as_label(model: Model, file: str, event: Event) -> str:
    """A line of a label track, as Audacity imports it."""
    return f"{event.start_s:.3f}\t{event.end_s:.3f}\t{named(model, event)}"


FORMS: dict[Format, Callable[[Model, str, Event], str]] = {
    "text": as_text,
    "csv": as_csv,
    "jsonl": as_json,
    "audacity": as_label,
}
