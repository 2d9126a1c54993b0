"""The one place that imports onnxruntime: its telemetry is off, its log is silent, its errors are `ZooError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.backend.startup import disable_telemetry
from zoo.errors import ZooError

_PROVIDERS = ("CPUExecutionProvider",)
_SILENT = 4  # onnxruntime's level of severity at which it logs fatal errors alone


def open_session(model: bytes | str | Path, where: str | Path = "the ONNX model", *, spinning: bool = True) -> Any:
    """Return an onnxruntime session on the CPU.

    Args:
        model: a file, or its content.
        where: what messages call the model.
        spinning: threads that wait for work keep a core busy for a while, which makes one call after another faster and
            takes the core from other threads.

    Raises:
        ZooError: onnxruntime cannot read or prepare the model.
    """
    disable_telemetry()
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where another package imported it first
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    given = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(given, options, providers=list(_PROVIDERS))
    except Exception as error:  # onnxruntime raises classes of its own, one for each cause
        raise ZooError(f"{where}: not readable as an ONNX model ({_reason(error)})") from error


def runtime() -> dict[str, Any]:
    """Return name, version and providers of what sessions run in."""
    disable_telemetry()
    import onnxruntime

    return {"runtime": "onnxruntime", "version": onnxruntime.__version__, "providers": list(_PROVIDERS)}


def run_session(
    session: Any, outputs: Sequence[str], feeds: Mapping[str, np.ndarray], where: str | Path = "the ONNX model"
) -> dict[str, np.ndarray]:
    """Run a session and return its outputs by name.

    Raises:
        ZooError: onnxruntime refuses the inputs, or an operation fails on them.
    """
    try:
        return dict(zip(outputs, session.run(list(outputs), dict(feeds)), strict=True))
    except Exception as error:  # as in `open_session`
        given = ", ".join(f"{name} {values.dtype} {values.shape}" for name, values in feeds.items())
        raise ZooError(f"{where}: onnxruntime cannot run the file on {given} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
