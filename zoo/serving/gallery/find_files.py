"""The exported files of a folder, each opened and compared with its certificate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.metadata import SIGNATURE_KEY
from zoo.serving.onnx_file import scan
from zoo.utils.files import read_regular

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MAX_NAME = 80  # characters of a folder of the site


@dataclass(frozen=True, kw_only=True)
class ExportedFile:
    """A file, and its place in the site.

    Attributes:
        model: the file.
        title: its recipe, with the form of a smaller file: "cnn/digits", "cnn/digits int8".
        slug: the folder of its page.
    """

    model: ExportedModel
    title: str
    slug: str


def find_exported(folder: Path, left_out: dict[str, str], *, verify: bool = True) -> list[ExportedFile]:
    """Return the exported files below a folder, by path.

    Args:
        folder: such as `exported/`, a folder of runs, or one run.
        left_out: the other ONNX files, and why they are left out, are added here.
        verify: compare each file with the certificate beside it and with the checksum in its metadata.

    Raises:
        ZooError: there is no such folder, or it has no exported file that can be used.
    """
    if not folder.is_dir():
        raise ZooError(f"{folder}: expected a folder of files that `zoo export` wrote, found no folder")
    found: list[ExportedFile] = []
    taken: set[str] = set()
    for path in _onnx_files(folder):
        try:
            if SIGNATURE_KEY not in scan(read_regular(path), path).metadata:
                left_out[str(path)] = f"its metadata lack '{SIGNATURE_KEY}': it is a part of another file, or not ours"
                continue
            model = ExportedModel(path, verify=verify)
        except (ZooError, OSError) as error:
            left_out[str(path)] = str(error)
            continue
        found.append(_placed(model, _title(model, folder), taken))
    if not found:
        unusable = "".join(f"\n  {path}: {why}" for path, why in list(left_out.items())[:5])
        raise ZooError(
            f"{folder}: expected files that `zoo export` wrote, found {len(left_out)} other ONNX files{unusable}"
        )
    return found


def _onnx_files(folder: Path) -> Iterator[Path]:
    hidden = (path for path in sorted(folder.rglob("*.onnx")) if path.is_file())
    yield from (path for path in hidden if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _title(model: ExportedModel, folder: Path) -> str:
    stem, *forms = model.path.name.split(".")[:-1]
    form = " ".join([stem, *forms] if stem == "decoder" else forms)
    above = [part for part in model.path.relative_to(folder).parts[:-1] if part != "export"]
    name = model.signature.recipe or "/".join(above) or folder.resolve().name
    return f"{name} {form}".strip()


def _placed(model: ExportedModel, title: str, taken: set[str]) -> ExportedFile:
    """Return a file with a folder that no other has; several files of one title are numbered."""
    first = _NOT_IN_NAMES.sub("-", title.lower()).strip("-")[:_MAX_NAME] or "model"
    first = f"{first}-model" if first == "assets" else first
    slug, number = first, 1
    while slug in taken:
        number += 1
        slug = f"{first}-{number}"
    taken.add(slug)
    return ExportedFile(model=model, title=title if number == 1 else f"{title} ({number})", slug=slug)
