"""`zoo verify`: is an exported file the one that was certified, and does it still answer as it did?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.serving.verify_file import verify_file
from zoo.utils.execution import execution

_MARKS = {True: "ok", False: "FAILED", None: "-"}


def verify(
    model: str | os.PathLike[str], *, providers: str | Sequence[str] = "cpu", threads: int | None = None
) -> dict[str, Any]:
    """Examine an exported file with onnxruntime alone; neither Keras nor TensorFlow is imported.

    Args:
        model: an ONNX file that `zoo export` wrote, or a run that has one. Its certificate and its sample are those
            beside it.
        providers: where it runs, as in `zoo.ExportedModel`.
        threads: that one operation uses on the CPU.

    Returns:
        `file`; `ok`, whether no check failed; and `checks`, each with `name`, `ok` (None for one that could not be
        made) and `detail`: the SHA-256 in the certificate, the checksum in the metadata, the metadata themselves, the
        graph, the answers to the sample, and batches of other sizes.

    Raises:
        ZooError: there is no such file, or this onnxruntime lacks a provider.
    """
    path = Path(model)
    file = path / "export" / "model.onnx" if path.is_dir() else path
    return verify_file(file, execution(providers, threads))


def verify_lines(result: Mapping[str, Any]) -> list[str]:
    """Return a line for each check, and the result, for a person to read."""
    lines = [f"{_MARKS[check['ok']]:8} {check['name']:12} {check['detail']}" for check in result["checks"]]
    unmade = sum(check["ok"] is None for check in result["checks"])
    rest = f", {unmade} not made" if unmade else ""
    failed = sum(check["ok"] is False for check in result["checks"])
    return [*lines, f"{failed} of {len(result['checks'])} checks failed{rest}"]
