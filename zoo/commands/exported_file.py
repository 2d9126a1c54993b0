"""The exported file that a command is given, and its data: files, or examples that a program holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.utils.execution import ON_CPU, Execution


def open_exported(
    model: str | os.PathLike[str], *, verify: bool = True, execution: Execution = ON_CPU
) -> ExportedModel:
    """Return an exported file that is named itself, or by the run that has it.

    Raises:
        ZooError: it is missing or damaged, or this onnxruntime lacks a provider.
    """
    file = Path(model)
    file = file / "export" / "model.onnx" if file.is_dir() else file
    if not file.is_file() and Path(model).is_dir():
        raise ZooError(f"{file} is not there; export the run first: zoo export {model}")
    return ExportedModel(file, verify=verify, **execution.settings())


def as_paths(model: ExportedModel, data: Any) -> list[Any] | None:
    """Return the paths that data are; None for examples. A text is a path, unless the model takes texts."""
    several = list(data) if isinstance(data, list | tuple) else [data]
    paths = os.PathLike if model.kind == "text" else str | os.PathLike
    return several if several and all(isinstance(each, paths) for each in several) else None
