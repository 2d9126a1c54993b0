"""The certificate beside an exported file: the file has to be the one that was compared with the Keras model."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.errors import ZooError
from zoo.utils.files import read_json

CERTIFICATE = "certificate.json"
CERTIFICATE_VERSION = 2  # that this package writes; those without the key are of version 1
DECODER = "decoder"  # stem of the file with the second half of an autoencoder
CERTIFIED_FILE = "model.onnx"  # what a certificate without the key `file` is of
HOW_TO_SKIP = "verify=False or --no-verify skips the comparison"


def own_part(path: Path) -> str:
    """Return the part of a name that files beside an exported one have, too: `.int8`, `.decoder`, or nothing."""
    first, *others = path.name.split(".")[:-1] or [""]
    return "".join(f".{part}" for part in ([first] if first == DECODER and not others else others))


def certificate_of(path: Path) -> Path | None:
    """Return the certificate of a file: `certificate.int8.json` of `model.int8.onnx`, else that which speaks of it.

    That of `decoder.onnx` is `certificate.decoder.json`.

    A certificate speaks of the file that it names. Where that one is not there, the file was renamed, and it is this
    one's.

    Raises:
        ZooError: the certificate is damaged.
    """
    own = path.with_name(f"certificate{own_part(path)}.json")
    if own.name != CERTIFICATE and own.is_file():
        return own
    beside = path.with_name(CERTIFICATE)
    if not beside.is_file():
        return None
    facts = read_json(beside)
    certified = str(facts.get("file", CERTIFIED_FILE)) if isinstance(facts, dict) else CERTIFIED_FILE
    return None if path.name != certified and path.with_name(Path(certified).name).is_file() else beside


def check_certificate(path: Path, content: bytes) -> None:
    """Compare a file with the SHA-256 of the certificate beside it; a file without one is taken as it is.

    Raises:
        ZooError: the file has changed since it was exported, or the certificate is damaged.
    """
    beside = certificate_of(path)
    if beside is None:
        return
    certificate = read_json(beside)
    expected = certificate.get("sha256") if isinstance(certificate, dict) else None
    if not isinstance(expected, str):
        raise ZooError(f"{beside}: damaged, it holds no 'sha256'; export again ({HOW_TO_SKIP})")
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ZooError(
            f"{path}: not the file that was proved equal to its Keras model: {beside.name} has the SHA-256 "
            f"{expected[:16]}…, and the file {found[:16]}…; it was changed or damaged, so export "
            f"it again ({HOW_TO_SKIP})"
        )
