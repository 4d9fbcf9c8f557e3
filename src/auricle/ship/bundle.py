"""A trained network as others get it: numbers and JSON, checked before they are used.

    weights.safetensors   what was learnt or solved; the fixed filter banks are built anew
    bundle.json           what it hears and says, what it learnt from, how it fared; all hashes
    README.md             the same for people: a model card

A bundle is a folder or one zip file. Nothing in it is run, and a changed byte is refused.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from auricle.errors import BundleError, RecipeError
from auricle.files import replace_bytes
from auricle.network.classifier import NetworkConfig, SoundClassifier
from auricle.study.recipe import from_table
from auricle.training.fit import new_network

FORMAT = 3
"""A network of format 1 was made before there was a texture, and loads without one; to one of
format 2 no sound is strange."""

REMEMBERED = ("texture.typical", "texture.spread")
"""What networks with a texture have since format 3."""

FACTS, WEIGHTS, CARD = "bundle.json", "weights.safetensors", "README.md"
PARITY = "parity.json"
BINARY = (".onnx", ".safetensors")
"""What is loaded and run must be named in `bundle.json`, with its hash."""
LARGEST = 1 << 28
"""The files of a zip may not unfold to more bytes in all."""

Files = dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One result: under which strategy, on which clips, by what, with its 95% interval."""

    strategy: str
    on: str
    declared: str
    clips: int
    accuracy: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """Where the weights come from; `heard` and `sealed` are hashes of clips.

    Those that it learnt from, on which it cannot be scored, and those of the sealed test fold.
    """

    data: str
    clips: int
    folds: tuple[int, ...]
    configuration: str
    strategy: str
    seed: int
    epochs: int
    heard: tuple[str, ...]
    sealed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`bundle.json`.

    Probabilities are a softmax of logits divided by `temperature`; an answer whose probability is
    below `unknown_below` is none of the categories. Both come from out-of-fold predictions, and
    are missing where there were none. Nor is a sound any of them whose strangeness
    (`network.texture`) exceeds `strange_above`, where the study was asked for such a limit.
    `unknown_passed` is the share of sounds of no category that networks of its recipe took for
    known within these limits, `untaught_passed` that of sounds of a category which they had not
    been taught, within their own, where these were measured.
    """

    format: int
    name: str
    categories: tuple[str, ...]
    network: NetworkConfig
    clip_s: float
    temperature: float | None
    unknown_below: float | None
    learnt: Learnt
    scores: tuple[Score, ...]
    versions: dict[str, str]
    sha256: dict[str, str]
    unknown_passed: float | None = None
    untaught_passed: float | None = None
    strange_above: float | None = None

    @property
    def own_scores(self) -> tuple[Score, ...]:
        """Of this network; the others are what other networks of its recipe scored."""
        own = (self.learnt.strategy, "test")
        return tuple(score for score in self.scores if (score.strategy, score.on) == own)


@dataclass(frozen=True)
class Bundle:
    """A network out of a bundle, ready to classify, and the files that it came in."""

    network: SoundClassifier
    facts: Facts
    files: Files


def learnt_weights(network: SoundClassifier) -> dict[str, Tensor]:
    """The state of a network but for parameters that are fixed by its configuration."""
    fixed = fixed_names(network)
    return {name: value for name, value in network.state_dict().items() if name not in fixed}


def fixed_names(network: SoundClassifier) -> set[str]:
    """Names of the parameters that training does not change."""
    return {name for name, weight in network.named_parameters() if not weight.requires_grad}


def weights_file(network: SoundClassifier) -> bytes:
    """The content of `weights.safetensors`."""
    learnt = learnt_weights(network)
    return bytes(save({name: value.contiguous() for name, value in learnt.items()}))


def write_bundle(place: Path, facts: Facts, files: Mapping[str, bytes]) -> None:
    """Write a folder, or one file if the name ends in .zip; `files` are those that facts hash.

    An earlier bundle is replaced, with all its files and what certified them.

    Raises: BundleError where something else is.
    """
    earlier = earlier_in(place)
    told = json.loads(TypeAdapter(Facts).dump_json(facts))
    text = json.dumps(told, indent=2, ensure_ascii=False).encode()
    content = {**files, FACTS: text + b"\n"}
    if place.suffix == ".zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, held in content.items():
                archive.writestr(zipfile.ZipInfo(name), held)  # of no date: equal bytes
        certificate(place).unlink(missing_ok=True)  # of the one that was here
        replace_bytes(place, packed.getvalue())
        return
    for name, held in content.items():
        replace_bytes(place / name, held)
    for name in earlier - {*content}:
        (place / name).unlink()


def certificate(place: Path) -> Path:
    """Where it stands how far a bundle's files agree: in its folder, or beside its zip."""
    return place.with_suffix(f".{PARITY}") if place.suffix == ".zip" else place / PARITY


def earlier_in(place: Path) -> set[str]:
    """Names of the files of a bundle that is here already; none where nothing is.

    Raises: BundleError if anything else is.
    """
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return set()
    if place.is_file() and place.suffix != ".zip":
        raise BundleError(f"{place}: a file is here; give a folder, or a name ending in .zip")
    try:
        held = read_files(place)
        facts = facts_of(held, place)
    except BundleError as problem:
        raise BundleError(f"{place}: something else is here; give another place") from problem
    if strangers := unvouched(held, facts):
        raise BundleError(f"{place}: {strangers[0]} is no part of the bundle here; take it away")
    return {name for name in held if name in {*facts.sha256, PARITY, FACTS}}


def unvouched(files: Files, facts: Facts) -> list[str]:
    """What would be loaded or run, and has no hash."""
    return sorted(n for n in files if n.endswith(BINARY) and n not in facts.sha256)


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 by name."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def load_bundle(place: Path) -> Bundle:
    """Read a bundle and check every byte of it.

    Raises: BundleError if it is of a later format, or not what its hashes say.
    """
    files = read_files(place)
    facts = facts_of(files, place)
    for name, told in facts.sha256.items():
        if name not in files:
            raise BundleError(f"{place}: {name} is missing; get the bundle again")
        if hashlib.sha256(files[name]).hexdigest() != told:
            raise BundleError(f"{place}: {name} is not what its hash says; get the bundle again")
    if WEIGHTS not in facts.sha256:
        raise BundleError(f"{place}: {FACTS} does not name {WEIGHTS}; export it again")
    if strangers := unvouched(files, facts):
        raise BundleError(f"{place}: {strangers[0]} is no part of the bundle; take it away")
    network = new_network(facts.network, len(facts.categories), seed=0)
    try:
        kept, state = load(files[WEIGHTS]), network.state_dict()
        given = fixed_names(network) | ({*REMEMBERED} & {*state} if facts.format < 3 else set())
        network.load_state_dict(kept | {name: state[name] for name in given})
    except (SafetensorError, RuntimeError) as problem:
        said = str(problem).splitlines()[-1].strip()
        raise BundleError(f"{place}: {WEIGHTS} does not fit this network ({said})") from problem
    return Bundle(network.eval(), facts, files)


def facts_of(files: Files, place: Path) -> Facts:
    """Parse `bundle.json`, its format first: a later one may look otherwise."""
    try:
        told: dict[str, Any] = json.loads(files[FACTS])
        format_ = int(told["format"])
        if format_ == 1:
            told["network"] = {"texture": {"share": 0.0}} | told["network"]
    except (KeyError, ValueError, TypeError) as problem:
        raise BundleError(f"{place}: no bundle is here ({FACTS} does not tell one)") from problem
    if format_ > FORMAT:
        raise BundleError(
            f"{place}: format {format_}, made by a later auricle; this one reads up to {FORMAT}: "
            "get a later one, and run pip install . in its folder"
        )
    try:
        return from_table(Facts, told, FACTS)
    except RecipeError as problem:
        raise BundleError(f"{place}: {problem}") from problem


def read_files(place: Path) -> Files:
    """The files of a bundle, from its folder or its zip."""
    if place.is_dir():
        if not (place / FACTS).is_file():
            raise BundleError(f"{place}: no bundle is here ({FACTS} is missing)")
        return {file.name: file.read_bytes() for file in sorted(place.iterdir()) if file.is_file()}
    if not place.is_file():
        raise BundleError(f"{place}: nothing is here; give a bundle's folder or its zip")
    try:
        with zipfile.ZipFile(place) as archive:
            parts = [part for part in archive.infolist() if not part.is_dir()]
            if sum(part.file_size for part in parts) > LARGEST:
                raise BundleError(f"{place}: what is in it is too large for a bundle")
            return {part.filename: archive.read(part) for part in parts}
    except (zipfile.BadZipFile, OSError, RuntimeError) as problem:  # a password, say
        raise BundleError(f"{place}: no zip that can be read ({problem})") from problem
