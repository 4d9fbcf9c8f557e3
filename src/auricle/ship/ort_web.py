"""onnxruntime-web: what runs an ONNX graph in a browser, fetched by npm once and then kept.

Its version and the hash of its archive are fixed here; of the archive three files are taken. They
run on one thread, which any static host can serve: more would ask for headers.
"""

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from auricle.data.sources import cache_folder
from auricle.errors import FetchError
from auricle.files import replace_bytes

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the archive that npm gives, in base64, as npm's own lock files have it."""
ENTRY = "ort.wasm.min.mjs"
FILES = (ENTRY, "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
FETCH_S = 300


def ort_web(folder: Path | None = None) -> dict[str, bytes]:
    """The files by name, from a folder that has them, from the cache, or by npm.

    Raises: FetchError if they are not in the folder, npm is missing, or what came is another file.
    """
    if folder:
        return read(folder if (folder / ENTRY).is_file() else folder / "dist")
    kept = cache_folder() / f"{PACKAGE}-{VERSION}"
    if not all((kept / name).is_file() for name in FILES):
        for name, content in unpacked(packed()).items():
            replace_bytes(kept / name, content)
    return read(kept)


def read(folder: Path) -> dict[str, bytes]:
    """The files out of a folder."""
    for name in FILES:
        if not (folder / name).is_file():
            raise FetchError(
                f"{folder}: {name} is not in it; give the folder “dist” of {PACKAGE} {VERSION}"
            )
    return {name: (folder / name).read_bytes() for name in FILES}


def packed() -> bytes:
    """The archive as npm gives it."""
    npm = shutil.which("npm")
    instead = f"or give a folder that has {PACKAGE} with --ort-web"
    if not npm:
        raise FetchError(f"npm is not installed: it fetches {PACKAGE}; install it, {instead}")
    with TemporaryDirectory() as folder:
        asked = [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        try:
            done = subprocess.run(
                asked, cwd=folder, capture_output=True, text=True, timeout=FETCH_S
            )
        except subprocess.TimeoutExpired:
            raise FetchError(f"npm pack {PACKAGE}: no answer; try again, {instead}") from None
        archives = [*Path(folder).glob("*.tgz")]
        if done.returncode or not archives:
            said = (done.stderr.strip() or "no reason given").splitlines()[0]
            raise FetchError(f"npm pack {PACKAGE}: {said}; try again, {instead}")
        return archives[0].read_bytes()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files out of the archive, if it is the very one.

    Raises: FetchError if its hash is another.
    """
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != SHA512:
        raise FetchError(f"{PACKAGE} {VERSION}: what npm gave is another file; nothing was written")
    wanted = {f"package/dist/{name}": name for name in FILES}
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as held:  # in one pass
        for member in held:
            stream = held.extractfile(member) if member.name in wanted else None
            if stream:
                found[wanted[member.name]] = stream.read()
    return found
