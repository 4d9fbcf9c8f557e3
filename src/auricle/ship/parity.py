"""`auricle parity`: the files of a bundle and the network that they were made of, asked alike.

    pytorch ........... the bundle's weights
    onnx, int8 ........ its graphs in onnxruntime
    browser ........... the float32 graph in onnxruntime-web, in Chromium
    browser-decoded ... the same, on samples that the browser decoded out of the file itself

All get the same 16-bit samples, clip by clip in turns, each on one thread.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from pydantic import TypeAdapter
from rich.console import Console
from rich.progress import track
from rich.table import Table as Printed

from auricle.data.audio import fit_length
from auricle.data.clips import ClipTable
from auricle.data.sources import cache_folder
from auricle.data.store import WaveStore, open_store, to_samples
from auricle.errors import AudioError, AuricleError, BundleError, StudyError
from auricle.evaluation.parity import (
    FORMAT,
    REFERENCE,
    Answers,
    Certificate,
    compare,
    in_full,
    unknown_alike,
    verdicts,
)
from auricle.files import replace_text
from auricle.ship.bundle import PARITY, WEIGHTS, Bundle, certificate, load_bundle
from auricle.ship.in_browser import Browser, in_browser
from auricle.ship.model import Model, load_model
from auricle.ship.onnx import INT8, MODEL, WAVE, as_wave, need
from auricle.ship.ort_web import VERSION, ort_web
from auricle.study.environment import describe_environment
from auricle.study.evaluate import contents_of, table_for
from auricle.study.fits import TrainedNetwork
from auricle.study.ledger import note_reading
from auricle.study.recipe import Table
from auricle.study.scores import targets_of
from auricle.training.sounds import Array

DECODED = "browser-decoded"
WARMING = 3
"""Answers before the watch is started."""

Found = TypeVar("Found")
Hear = Callable[[int], tuple[Array, float, float]]
"""From a clip's row to its probabilities (classes,), its strangeness (not a number where none is
told), and the milliseconds that they took."""


@dataclass(frozen=True)
class Way:
    """A way to answer: its name, how, and how many bytes of model it takes."""

    name: str
    hear: Hear
    size: int


def certify(
    place: Path,
    *,
    data: str | None,
    labels: Table,
    test: bool,
    reason: str,
    ledger: Path | None,
    study: Path | None,
    web: Path | None,
    console: Console,
) -> Certificate:
    """Ask a bundle's files about the same clips, print how far they agree, and keep `parity.json`.

    It is kept in the bundle's folder, or beside its zip, and in the folder of `study` where one is
    named, for its report. Without `test` development clips are put: those that the network did not
    learn from, or all if there are none.

    Raises: BundleError for a bundle without ONNX, StudyError where no clip is left to put.
    """
    need("onnxruntime")
    bundle, model = load_bundle(place), load_model(place, "cpu")
    if MODEL not in bundle.files:
        raise BundleError(f"{place}: no {MODEL} is in it; make one with auricle export RUN --onnx")
    if study and not (study / "scores.json").is_file():
        raise StudyError(f"{study}: no finished study is here (scores.json is missing)")
    table = table_for(model.trained, data, labels)
    part, learnt = clips_to_put(table, model.trained, test)
    if test:
        folder = study or model.trained.folder
        note_reading(folder, (model.trained.recipe,), reason, ledger)
    store = open_store(
        part,
        sample_rate_hz=model.sample_rate_hz,
        seconds=model.trained.clip_s,
        cache=cache_folder(),
    )
    versions = {
        "processor": describe_environment()["processor"],
        **{name: metadata.version(name) for name in ("auricle", "torch", "onnxruntime")},
    }
    left_out: list[str] = []
    with ExitStack() as open_things:
        ways = [*in_process(bundle, model, store)]
        if INT8 not in bundle.files:
            left_out.append(f"int8: {INT8} is not in the bundle")
        try:
            graph = bundle.files[MODEL]
            browser = open_things.enter_context(in_browser(graph, ort_web(web)))
            ways += by_browser(browser, len(graph), model, store, part)
            versions |= {"onnxruntime-web": VERSION, "chromium": browser.version}
        except AuricleError as problem:
            left_out.append(f"browser: {problem}")
        answers = ask(ways, len(store.clips), console, left_out)
    found = Certificate(
        format=FORMAT,
        model=bundle.facts.name,
        data=table.name,
        on="test" if test else "development",
        clips=len(store.clips),
        learnt=learnt,
        rows=tuple(
            compare(
                way.name,
                targets_of(store.clips, model.categories),
                said(model, answers[REFERENCE]),
                said(model, answers[way.name]),
                ms_a_clip=float(np.median(answers[way.name][2])),
                size=way.size,
            )
            for way in ways
            if way.name in answers
        ),
        left_out=tuple(left_out),
        sha256={
            name: told
            for name, told in bundle.facts.sha256.items()
            if name in (WEIGHTS, MODEL, INT8)
        },
        versions=versions,
    )
    tell(found, console)
    keep(found, certificate(place), *([study / PARITY] if study else []))
    console.print(certificate(place))
    return found


def said(model: Model, answers: tuple[Array, Array, Array]) -> Answers:
    """What one way said of all clips, by the limits of the model."""
    probabilities, strangeness, _ = answers
    return Answers(probabilities, strangeness, model.known(probabilities, strangeness))


def clips_to_put(table: ClipTable, trained: TrainedNetwork, test: bool) -> tuple[ClipTable, int]:
    """The clips that all are asked about, and how many of them the network learnt from.

    Raises: StudyError if none is here.
    """
    contents = contents_of(table)
    learnt, sealed = ({*trained.facts[which]} for which in ("learnt", "sealed"))
    if test:
        kept = [clip for clip, content in contents.items() if content & (sealed - learnt)]
    else:
        free = [clip for clip, content in contents.items() if not content & sealed]
        kept = [clip for clip in free if not contents[clip] & learnt] or free
    if not kept:
        which = "sealed" if test else "development"
        raise StudyError(f"{table.root}: none of the network's {which} clips is here")
    heard = sum(bool(contents[clip] & learnt) for clip in kept)
    return ClipTable(table.name, table.root, tuple(kept)), heard


def in_process(bundle: Bundle, model: Model, store: WaveStore) -> Iterator[Way]:
    """The ways that need nothing but this process: the network itself, and its graphs."""

    def trained(row: int) -> tuple[Array, float, float]:
        (shares, strangeness), ms = timed(lambda: model.judge(store.waves[row : row + 1]))
        return shares[0], float(strangeness[0]), ms

    yield Way(REFERENCE, trained, len(bundle.files[WEIGHTS]))
    for name, file in (("onnx", MODEL), ("int8", INT8)):
        if file in bundle.files:
            yield Way(name, in_runtime(bundle.files[file], store), len(bundle.files[file]))


def in_runtime(graph: bytes, store: WaveStore) -> Hear:
    """A graph in onnxruntime, on one thread of the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    told = {output.name for output in session.get_outputs()}
    asked = [name for name in ("probabilities", "strangeness") if name in told]

    def hear(row: int) -> tuple[Array, float, float]:
        found, ms = timed(lambda: session.run(asked, {WAVE: as_wave(store.waves[row])}))
        return found[0][0], float(found[1][0]) if len(found) > 1 else math.nan, ms

    return hear


def by_browser(
    browser: Browser, size: int, model: Model, store: WaveStore, table: ClipTable
) -> Iterator[Way]:
    """The graph in a browser, on our samples and on its own."""

    def decoded(row: int) -> tuple[Array, float, float]:
        wave, decoding_ms = browser.decode(table.path(store.clips[row]), model.sample_rate_hz)
        shares, strange, ms = browser.hear(to_samples(fit_length(wave, store.waves.shape[1])))
        return shares, strange, decoding_ms + ms

    yield Way("browser", lambda row: browser.hear(store.waves[row]), size)
    yield Way(DECODED, decoded, size)


def timed(answer: Callable[[], Found]) -> tuple[Found, float]:
    """An answer, and the milliseconds that it took."""
    began = time.perf_counter()
    found = answer()
    return found, 1000 * (time.perf_counter() - began)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread, as all others do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def ask(
    ways: list[Way], clips: int, console: Console, left_out: list[str]
) -> dict[str, tuple[Array, Array, Array]]:
    """Put every clip to every way in turns: what `Hear` tells, of all clips.

    A way that a file stops is left out whole, and why is noted.
    """
    asked = {way.name: way for way in ways}
    found: dict[str, list[tuple[Array, float, float]]] = {name: [] for name in asked}
    with one_thread():
        for way in ways * WARMING:
            with suppress(AudioError):
                way.hear(0)
        for row in track(range(clips), "asking", console=console, transient=True):
            for name, way in [*asked.items()]:
                try:
                    found[name].append(way.hear(row))
                except AudioError as problem:
                    left_out.append(f"{name}: {problem}")
                    del asked[name], found[name]
    columns = {name: zip(*answers, strict=True) for name, answers in found.items()}
    return {
        name: (np.stack(shares), np.array(strangeness), np.array(ms))
        for name, (shares, strangeness, ms) in columns.items()
    }


def keep(found: Certificate, *places: Path) -> None:
    """Write a certificate."""
    told = TypeAdapter(Certificate).dump_json(found, indent=1).decode()
    for place in places:
        replace_text(place, told + "\n")


def tell(found: Certificate, console: Console) -> None:
    """Print a certificate for people."""
    learnt = f", {found.learnt} of which it learnt from" if found.learnt else ""
    console.print(f"{found.model} on {found.clips} {found.on} clips of {found.data}{learnt}")
    columns = ("", "accuracy", "differs by", "same", "lost", "gained", "ms a clip", "kB")
    printed = Printed(*columns, box=None, pad_edge=False)
    for column in printed.columns:
        column.justify, column.no_wrap = "right", True
    printed.columns[0].justify = "left"
    for row in found.rows:
        printed.add_row(
            row.name,
            f"{100 * row.accuracy:.1f}%",
            in_full(row.largest_difference),
            f"{100 * row.agreement:.1f}%",
            str(row.lost),
            str(row.gained),
            f"{row.ms_a_clip:.1f}",
            f"{row.bytes / 1000:,.0f}",
        )
    console.print(printed)
    for sentence in (*verdicts(found.rows), *unknown_alike(found.rows)):
        console.print(sentence)
    for reason in found.left_out:
        console.print(f"left out: {reason}")
