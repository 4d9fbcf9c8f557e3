"""The chapter of every answer: on the page a table to filter and cards to open, all from files.

Answers are those of `predictions.csv`, in whole percents; pictures those of `evidence/looking.npz`,
where that part of the evidence was asked for.
"""

import base64
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps

from auricle.report.document import Block, Explorer, Heading, Paragraph, code
from auricle.report.headlines import View, every_view
from auricle.report.study_files import Looking, Study
from auricle.report.wording import configurations

MOST_PICTURES = 3_000_000  # characters of the page; the clips most often misheard come first

Rows = list[dict[str, str]]


def every_answer(study: Study) -> Iterator[Block]:
    """Each clip of each configuration, to be looked at one by one."""
    yield Heading("Every answer", 1, "every-answer")
    yield Paragraph(
        "A score is made of answers. Each one stands in `predictions.csv`: what the clip is, what "
        "it was heard as, and the probability of every category."
    )
    yield explorer(study, {})


def explorer(study: Study, sounds: Mapping[str, str]) -> Explorer:
    """The table and cards, with the sounds of some files or none."""
    shown = (
        " A card of a development clip also shows its wave and spectrogram, and over both what a "
        f"network looked at ({configurations(sorted(study.looking.gradients))}, whosever answer "
        "the card is of): of as many clips as the page has room for, those first that were "
        "misheard most often. Clips of the test fold have no picture: they stay sealed."
        if study.looking
        else f" With {code('auricle evidence RUN --part looking')} cards also show the clip's wave "
        "and spectrogram, and what a network looked at."
    )
    return Explorer(
        "explorer",
        "Choose which answers to see, and open one by its name. A cell of a confusion matrix leads "
        "to its clips, and so does a category in the tables of categories." + shown,
        "The page beside this paper, `report.html`, shows them all: it filters them by category, "
        "fold, configuration and name, and opens each with its probabilities.",
        explored(study, sounds),
    )


def explored(study: Study, sounds: Mapping[str, str]) -> dict[str, Any]:
    """All that the page's script reads, in the form that it reads."""
    names = list(study.scores.dataset.categories)
    views = every_view(study)
    sets = [_answers(study, view) for view in views]
    rows = {row["file"]: row for found in sets for own in found.values() for row in own}
    places = {file: place for place, file in enumerate(sorted(rows))}
    return {
        "categories": names,
        "views": [view.title for view in views],
        "best": study.scores.best.out_of_fold or study.configurations[0].name,
        "clips": [
            [file, int(rows[file]["fold"]), names.index(rows[file]["category"])] for file in places
        ],
        "sets": [
            {
                "view": view,
                "configuration": configuration,
                "seed": seed,
                "clips": [places[row["file"]] for row in own],
                "answers": [names.index(row["prediction"]) for row in own],
                "percents": text64(_percents(own, names)),
            }
            for view, found in enumerate(sets)
            for (configuration, seed), own in found.items()
        ],
        "pictures": _pictures(study, places),
        "sounds": {places[file]: sound for file, sound in sounds.items()},
    }


def _answers(study: Study, view: View) -> dict[tuple[str, str], Rows]:
    """The answers under a view, by configuration and seed."""
    found: dict[tuple[str, str], Rows] = {}
    for row in study.predictions:
        if (row["strategy"], row["member"], row["on"]) == (view.strategy, view.member, view.on):
            found.setdefault((row["configuration"], row["seed"]), []).append(row)
    return found


def _percents(rows: Rows, names: list[str]) -> bytes:
    """(clips, classes) whole percents, a byte each."""
    shares = np.array([[float(row[f"p_{name}"]) for name in names] for row in rows])
    return np.round(100 * shares).astype(np.uint8).tobytes()


def text64(content: bytes) -> str:
    """Bytes as text that a script can take apart."""
    return base64.b64encode(content).decode()


def by_mistakes(study: Study) -> list[str]:
    """Files of the development clips with an answer, those first that were misheard most often."""
    wrong: dict[str, int] = {}
    for view in every_view(study):
        for rows in _answers(study, view).values() if view.on == "out-of-fold" else ():
            for row in rows:
                missed = row["prediction"] != row["category"]
                wrong[row["file"]] = wrong.get(row["file"], 0) + missed
    return sorted(wrong, key=lambda file: -wrong[file])


def _pictures(study: Study, places: Mapping[str, int]) -> dict[str, Any] | None:
    """Pictures of as many clips as the page has room for."""
    looking = study.looking
    if looking is None:
        return None
    at = {file: row for row, file in enumerate(looking.files)}
    packed: dict[int, str] = {}
    room = MOST_PICTURES
    for file in (file for file in by_mistakes(study) if file in at):
        text = text64(_pack(looking, at[file]))
        room -= len(text)
        if room < 0:
            break
        packed[places[file]] = text
    bands, frames = looking.spectra.shape[1:]
    return {
        "bands": bands,
        "frames": frames,
        "points": looking.envelopes.shape[1],
        "seconds": looking.seconds,
        "low_hz": looking.low_hz,
        "high_hz": looking.high_hz,
        "gradients": list(looking.gradients),
        "attention": list(looking.attention),
        "failed": _failed(study),
        "colours": text64((255 * colormaps["magma"](np.arange(256))[:, :3]).astype("u1").tobytes()),
        "of": packed,
    }


def _failed(study: Study) -> dict[str, list[str]]:
    """Whose gradient and whose attention failed the test of what answers rest on."""
    found = study.evidence.get("looking")
    looked = found.configurations if found else ()
    kinds = ("gradient", "attention")
    return {kind: [of.configuration for of in looked if kind in of.failed] for kind in kinds}


def _pack(looking: Looking, row: int) -> bytes:
    """One clip's spectrum, envelope, gradients and attention, each value a byte, deflated.

    64 levels of loudness and 32 of a gradient are all that an eye tells apart; fewer pack better.
    """
    attention = [line[row].astype(np.float64) for line in looking.attention.values()]
    parts = [
        looking.spectra[row] & 0xFC,
        np.round(127 * np.clip(looking.envelopes[row].astype(np.float64), -1, 1)).astype(np.int8),
        *(gradient[row] & 0xF8 for gradient in looking.gradients.values()),
        *(np.round(255 * line / max(line.max(), 1e-12)).astype(np.uint8) for line in attention),
    ]
    return zlib.compress(b"".join(part.tobytes() for part in parts), 9)
