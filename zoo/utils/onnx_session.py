"""The one place that imports onnxruntime: its telemetry is off, its log is silent, its errors are `ZooError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.backend.startup import disable_telemetry
from zoo.errors import ZooError
from zoo.utils.execution import ON_CPU, Execution

_SILENT = 4  # onnxruntime's level of severity at which it logs fatal errors alone


def open_session(model: bytes | str | Path, where: str | Path = "the ONNX model", execution: Execution = ON_CPU) -> Any:
    """Return an onnxruntime session.

    Args:
        model: a file, or its content.
        where: what messages call the model.
        execution: providers and threads.

    Raises:
        ZooError: onnxruntime cannot read or prepare the model, lacks a provider, or cannot start it.
    """
    disable_telemetry()
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where another package imported it first
    execution.check(onnxruntime.get_available_providers())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(execution.spinning)))
    if execution.threads is not None:
        options.intra_op_num_threads = execution.threads
    given = model if isinstance(model, bytes) else str(model)
    try:
        session = onnxruntime.InferenceSession(given, options, providers=execution.names())
    except Exception as error:  # onnxruntime raises classes of its own, one for each cause
        preferred = execution.providers[0]
        if preferred != "cpu":
            raise ZooError(
                f"{where}: provider '{preferred}' does not take the file ({_reason(error)}); take cpu"
            ) from error
        raise ZooError(f"{where}: not readable as an ONNX model ({_reason(error)})") from error
    execution.check_started(session.get_providers())
    return session


def check_providers(execution: Execution) -> None:
    """Refuse providers that this onnxruntime lacks.

    Raises:
        ZooError: it lacks one; the message lists those that it has.
    """
    disable_telemetry()
    import onnxruntime

    execution.check(onnxruntime.get_available_providers())


def runtime() -> dict[str, Any]:
    """Return name, version and providers of what sessions on the CPU run in."""
    disable_telemetry()
    import onnxruntime

    return {"runtime": "onnxruntime", "version": onnxruntime.__version__, "providers": ON_CPU.names()}


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
