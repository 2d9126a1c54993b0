"""`zoo export --layout`: an exported file as Triton, KServe or a container wants it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.errors import ZooError
from zoo.serving.layouts.kserve import STORAGE
from zoo.serving.layouts.write_layout import check_layout, write_layout


def lay_out(
    model: str | os.PathLike[str],
    layout: str,
    output: str | os.PathLike[str] | None,
    *,
    storage: str | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Write an exported file as a server wants it; a run without one is exported first.

    Args:
        model: an ONNX file that `zoo export` wrote, or a run.
        layout: "triton" (a model repository), "kserve" (a manifest and its models) or "docker" (an image's context).
        output: folder to write to.
        storage: KServe: where the cluster finds the models; a volume claim "models" where it is left out.
        console: where the progress of an export is shown.

    Returns:
        `path`, the exported file; `layout`; `files`, what was written; and `next`, what to do with it.

    Raises:
        ZooError: the layout is none, there is no output, the model is missing or damaged, or a file is there already.
    """
    check_layout(layout)
    if output is None:
        raise ZooError(f"--layout {layout}: expected --output FOLDER to write to")
    if storage is not None and layout != "kserve":
        raise ZooError(f"--storage is for --layout kserve, received --layout {layout}")
    path = Path(model)
    if path.is_dir():
        path = path / "export" / "model.onnx"
        if not path.is_file():
            from zoo.commands.export import export

            export(model, console=console)
    files, then = write_layout(path, layout, Path(output), storage=storage or STORAGE)
    return {"path": str(path), "layout": layout, "files": [str(file) for file in files], "next": then}


def layout_lines(laid_out: Mapping[str, Any], output: str | os.PathLike[str]) -> list[str]:
    """Return what stands in the folder itself, for a person to read."""
    entries = {Path(file).relative_to(output).parts[0] for file in laid_out["files"]}
    return [str(Path(output) / entry) for entry in sorted(entries)]
