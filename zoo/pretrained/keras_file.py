"""Weights in files of Keras, by the names of the layers: `.weights.h5`, `.keras`, and the older `.h5`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo.pretrained.tensors import FLOATS, Tensor

_WEIGHTS = "model.weights.h5"  # in a .keras file
_MAX_RATIO = 100  # bytes unpacked for a byte of the file: weights hardly shrink
_CONTAINERS = ("layers", "vars")  # groups that are no layers


def read_h5(path: Path) -> dict[str, Tensor]:
    """Return the tensors: `layer/0`, `layer/1` … in Keras's order, or the names that an older file has.

    Raises:
        ValueError, OSError: the file is damaged.
    """
    return _tensors(lambda: h5py.File(path, "r"), path.stat().st_size)


def read_keras(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a `.keras` file; what else it holds is not looked at.

    Raises:
        ValueError, OSError: the file is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(_WEIGHTS).file_size
        if size > _MAX_RATIO * path.stat().st_size:
            raise ValueError(
                f"its weights would unpack to {size:,} bytes, {size // path.stat().st_size} times the file"
            )
        content = archive.read(_WEIGHTS)
    return _tensors(lambda: h5py.File(io.BytesIO(content), "r"), len(content))


def _tensors(opened: Callable[[], h5py.File], size: int) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}

    def reader(place: str) -> Callable[[], np.ndarray]:
        def read() -> np.ndarray:
            with opened() as file:
                values = file[place][()]
            return values.astype(np.float32) if values.dtype.name in FLOATS else values

        return read

    def walk(group: Any, names: tuple[str, ...]) -> None:
        for key in group:
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"'{group.name}/{key}' is a link to another place")
            part = group[key]
            if isinstance(part, h5py.Group):
                walk(part, (*names, _name(part, key)) if key not in _CONTAINERS else names)
            elif isinstance(part, h5py.Dataset):
                if part.external or part.is_virtual:
                    raise ValueError(f"'{part.name}' lies in another file")
                if part.nbytes > _MAX_RATIO * size:
                    raise ValueError(f"'{part.name}' would unpack to {part.nbytes:,} bytes")
                found["/".join((*names, key))] = Tensor(part.shape, part.dtype.name, reader(part.name))

    with opened() as file:
        walk(file.get("model_weights", file), ())
    return found


def _name(group: Any, key: str) -> str:
    """Return the name of a layer, which the group of its variables has as an attribute."""
    variables = group.get("vars")
    name = None if variables is None else variables.attrs.get("name")
    return name if isinstance(name, str) else key
