"""From a Keras model to an ONNX graph by one of two routes, so that no converter is the only one.

The second one, PyTorch's exporter with Keras on that backend, takes all but recurrent layers and a few others.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import onnx

from zoo.backend.startup import environment_with
from zoo.errors import ZooError
from zoo.export.compact_graph import graphs_of
from zoo.export.convert import to_onnx

if TYPE_CHECKING:
    import keras

DEFAULT = "tf2onnx"
SECOND = "torch"
_MAX_SECONDS = 600.0  # of the other process
_TORCH_OPSET = 18  # its exporter writes no older one


def convert(
    model: keras.Model, inputs: Sequence[str], outputs: Sequence[str], *, opset: int = 18, route: str | None = None
) -> onnx.ModelProto:
    """Convert a Keras model; by the second route, with a warning, where the first one fails and PyTorch is installed.

    Args:
        model: a functional model.
        inputs: names for its inputs, in the order of `model.inputs`.
        outputs: names for its outputs, in the order of `model.outputs`.
        opset: version of the ONNX operators, 13 to 18; the second route takes 18, its exporter's oldest.
        route: "tf2onnx" or "torch", and no other then.

    Raises:
        ZooError: the route has no form of the model; or, without a named one, neither has.
    """
    if route is not None:
        return ROUTES[route](model, inputs, outputs, opset)
    try:
        return ROUTES[DEFAULT](model, inputs, outputs, opset)
    except ZooError as first:
        if any(importlib.util.find_spec(name) is None for name in ("torch", "onnxscript")):
            raise ZooError(
                f"{first}; the second route, PyTorch's exporter, is not installed: pip install '.[torch]'"
            ) from first
        try:
            proto = ROUTES[SECOND](model, inputs, outputs, opset)
        except ZooError as second:
            raise ZooError(f"{first}; nor by the second route: {second}") from first
        warnings.warn(f"{first}; it was converted by the second route, PyTorch's exporter", stacklevel=2)
        return proto


def _by_torch(model: keras.Model, inputs: Sequence[str], outputs: Sequence[str], opset: int) -> onnx.ModelProto:
    """Convert in another process, whose Keras runs on PyTorch."""
    with TemporaryDirectory() as folder:
        saved, written = Path(folder) / "model.keras", Path(folder) / "model.onnx"
        model.save(saved)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "zoo.export.torch_process", str(saved), str(written), str(_TORCH_OPSET)],
                env=environment_with(KERAS_BACKEND="torch"),
                capture_output=True,
                text=True,
                check=False,
                timeout=_MAX_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise ZooError(f"model '{model.name}': the exporter took more than {_MAX_SECONDS:.0f} seconds") from error
        if done.returncode or not written.is_file():
            reason = (done.stderr.strip().splitlines() or ["it wrote no file"])[-1]
            raise ZooError(f"model '{model.name}' has no ONNX form by PyTorch's exporter: {reason[:300]}")
        proto = onnx.load(written)
    _rename(proto, dict(zip([each.name for each in proto.graph.input], inputs, strict=True)))
    _rename(proto, dict(zip([each.name for each in proto.graph.output], outputs, strict=True)))
    return proto


def _rename(proto: onnx.ModelProto, names: dict[str, str]) -> None:
    for graph in graphs_of(proto.graph):
        for part in (*graph.input, *graph.output):
            part.name = names.get(part.name, part.name)
        for node in graph.node:
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]


def _by_tf2onnx(model: keras.Model, inputs: Sequence[str], outputs: Sequence[str], opset: int) -> onnx.ModelProto:
    return to_onnx(model, inputs, outputs, opset=opset)


Route = Callable[["keras.Model", Sequence[str], Sequence[str], int], onnx.ModelProto]
ROUTES: dict[str, Route] = {DEFAULT: _by_tf2onnx, SECOND: _by_torch}
