"""onnxruntime-web: from its npm package, or from an unpacked copy."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.utils.cache import cached

VERSION = "1.30.0"
URL = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
SIZE = "33 MB"  # of the package; the site gets 14 MB of it
_WASM = "ort-wasm-simd-threaded.wasm"
FILES = {  # in `dist/` of the package: the name in the site, which servers know as JavaScript
    "ort.wasm.bundle.min.mjs": "ort.wasm.bundle.min.js",
    _WASM: _WASM,
}
_MAX_PACKAGE_BYTES = 100 << 20
_TIMEOUT = 60.0  # seconds without an answer
HOW_TO_DO_WITHOUT = (
    f"elsewhere, run `npm pack onnxruntime-web@{VERSION}`, unpack it, and name the folder: --onnxruntime-web DIR"
)


@dataclass(frozen=True, kw_only=True)
class WebRuntime:
    """The files of onnxruntime-web that a site needs.

    Attributes:
        version: of the package.
        files: name in the site to the file.
    """

    version: str
    files: dict[str, Path]

    @property
    def size(self) -> int:
        """Bytes that each page loads."""
        return sum(path.stat().st_size for path in self.files.values())


def find_web_runtime(folder: Path | None, say: Callable[[str], None]) -> WebRuntime:
    """Return onnxruntime-web: that of a folder, or the pinned package, which is downloaded once into the cache.

    Args:
        folder: an unpacked package, its `dist` folder, or a `node_modules` that has it.
        say: takes a sentence before something is downloaded.

    Raises:
        ZooError: the folder lacks the files, there is no network, or what came is not the pinned package.
    """
    if folder is None:
        return _in_folder(cached(f"onnxruntime-web-{VERSION}", lambda to: _download(to, say)))
    for each in (folder, folder / "package", folder / "onnxruntime-web", folder / "node_modules" / "onnxruntime-web"):
        if (each / "dist").is_dir():
            return _in_folder(each)
    return _in_folder(folder.parent if folder.name == "dist" else folder)


def _in_folder(folder: Path) -> WebRuntime:
    files = {name: folder / "dist" / source for source, name in FILES.items()}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        raise ZooError(f"onnxruntime-web: {folder} lacks {', '.join(missing)}; {HOW_TO_DO_WITHOUT}")
    try:
        version = str(json.loads((folder / "package.json").read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        version = "unknown"
    return WebRuntime(version=version, files=files)


def _download(folder: Path, say: Callable[[str], None]) -> None:
    """Write the needed files of the pinned package to a folder."""
    say(f"onnxruntime-web {VERSION} is downloaded once, {SIZE}: {URL}")
    try:
        with urllib.request.urlopen(URL, timeout=_TIMEOUT) as answer:
            content = answer.read(_MAX_PACKAGE_BYTES)
    except OSError as error:  # of which URLError, TimeoutError and HTTPError are some
        raise ZooError(f"onnxruntime-web cannot be downloaded from {URL} ({error}); {HOW_TO_DO_WITHOUT}") from error
    unpack(content, folder)


def unpack(content: bytes, folder: Path) -> None:
    """Write the needed files of the pinned package to a folder.

    Raises:
        ZooError: the content is another.
    """
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != INTEGRITY:
        raise ZooError(
            f"onnxruntime-web: {URL} holds another package than the pinned one: expected {INTEGRITY[:24]}…, received "
            f"{found[:24]}… ({len(content):,} bytes); {HOW_TO_DO_WITHOUT}"
        )
    packed = folder / "package.tgz"
    packed.write_bytes(content)
    with tarfile.open(packed) as archive:
        for name in ("package.json", *(f"dist/{source}" for source in FILES)):
            part = archive.extractfile(f"package/{name}")
            assert part is not None, "the pinned package has these files"
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(part.read())
    packed.unlink()
