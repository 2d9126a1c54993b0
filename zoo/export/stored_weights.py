"""Weights of a graph in fewer bytes, as constants that standard operators turn into float32 again.

Whatever folds constants, as onnxruntime does when it opens a file, computes as with the float32 file from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zoo.export.compact_graph import graphs_of

_MIN_NUMBERS = {"int4": 1024, "int8": 256, "float16": 32}  # of a tensor that is worth nodes of its own
_WEIGHT_AXES: dict[str, dict[int, int]] = {  # of operators: input to the axis of the channels, which have a scale each
    **{name: {1: 1, 2: 1} for name in ("LSTM", "GRU", "RNN")},
    **{"Conv": {1: 0}, "ConvTranspose": {1: 1}, "MatMul": {0: 0, 1: -1}, "Gemm": {1: -1}, "Gather": {0: 0}},
}
_MIN_SCALE = 1e-12  # of numbers that are all 0
_BLOCK = 32  # neighbours that share a scale in int4
_CLIPPED = (1.0, 0.92, 0.84, 0.76, 0.68)  # parts of a block's largest number that its highest level may stand for


@dataclass
class _Part:
    """Nodes and constants that give one weight, and the form that it has there."""

    weight: str
    form: str = "float16"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(values, f"{self.weight}/{name}"))
        return self.constants[-1].name

    def node(self, kind: str, inputs: list[str], name: str | None = None, **attributes: Any) -> str:
        output = self.weight if name is None else f"{self.weight}/{name}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output


def store_weights(proto: onnx.ModelProto, form: str) -> onnx.ModelProto | None:
    """Return a graph whose large weights are kept in a form; None where there is none large enough.

    int8 has a scale for each channel; int4, 16 levels and two numbers a byte, one for each 32 numbers in a row; scales,
    and what is no weight of a layer, are float16. In inner graphs, too: what they hold is prepared before they run.

    Args:
        proto: the graph.
        form: "int8", "int4" or "float16".
    """
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    uses: dict[str, set[int | None]] = {}
    for graph in graphs_of(result.graph):
        _add_uses(graph, uses)
    parts: dict[str, _Part] = {}
    for graph in graphs_of(result.graph):
        for tensor in list(graph.initializer):
            part = _stored(tensor, uses.get(tensor.name, set()), form)
            if part is not None and tensor.name not in parts:  # inner graphs may have equal names
                graph.initializer.remove(tensor)
                parts[tensor.name] = part
    if all(part.form != form for part in parts.values()):
        return None
    for part in parts.values():
        result.graph.initializer.extend(part.constants)
    nodes = [*(node for part in parts.values() for node in part.nodes), *result.graph.node]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    return result


def _stored(tensor: onnx.TensorProto, axes: set[int | None], form: str) -> _Part | None:
    numbers = int(np.prod(tensor.dims))
    if tensor.data_type != TensorProto.FLOAT or numbers < _MIN_NUMBERS["float16"]:
        return None
    part, values = _Part(tensor.name), numpy_helper.to_array(tensor)
    is_weight = len(axes) == 1 and None not in axes and len(tensor.dims) > 1
    if form == "float16" or not is_weight or numbers < _MIN_NUMBERS["int8"]:
        return _in_float16(part, values)
    if form == "int4" and numbers >= _MIN_NUMBERS["int4"] and numbers % _BLOCK == 0:
        return _in_blocks(part, values)
    (axis,) = axes
    assert axis is not None
    return _in_channels(part, values, axis % values.ndim)


def _in_float16(part: _Part, values: np.ndarray) -> _Part | None:
    if not np.abs(values).max() <= np.finfo(np.float16).max:
        return None
    part.node("Cast", [part.constant("float16", values.astype(np.float16))], to=TensorProto.FLOAT)
    return part


def _in_channels(part: _Part, values: np.ndarray, axis: int) -> _Part:
    """Add a weight of int8 with a scale for each channel."""
    part.form = "int8"
    others = tuple(i for i in range(values.ndim) if i != axis)
    scale = _as_float16(np.abs(values).max(axis=others, keepdims=True) / 127)
    whole = np.clip(np.rint(values / scale.astype(np.float32)), -127, 127).astype(np.int8)
    cast = part.node("Cast", [part.constant("int8", whole)], "cast", to=TensorProto.FLOAT)
    part.node("Mul", [cast, _scales(part, scale)])
    return part


def _as_float16(scale: np.ndarray) -> np.ndarray:
    """Round scales to float16, except where they are too small or too large for it to be exact enough."""
    limits = np.finfo(np.float16)
    scale = np.maximum(scale, _MIN_SCALE).astype(np.float32)
    fits = scale.min() >= limits.smallest_normal and scale.max() <= limits.max
    return scale.astype(np.float16) if fits else scale


def _scales(part: _Part, scale: np.ndarray) -> str:
    name = part.constant("scale", scale)
    return part.node("Cast", [name], "scales", to=TensorProto.FLOAT) if scale.dtype == np.float16 else name


def _in_blocks(part: _Part, values: np.ndarray) -> _Part:
    """Add a weight of two numbers a byte: the first half of a block in the low bits, the second in the high ones."""
    part.form = "int4"
    blocks = values.reshape(-1, _BLOCK).astype(np.float64)
    largest = np.abs(blocks).max(axis=1, keepdims=True)
    best_scale, best_levels, best_error = largest, blocks, np.full_like(largest, np.inf)
    for clipped in _CLIPPED:
        scale = _as_float16(clipped * largest / 7).astype(np.float64)
        levels = np.clip(np.rint(blocks / scale), -8, 7)
        error = ((levels * scale - blocks) ** 2).sum(axis=1, keepdims=True)
        better = error < best_error
        best_scale, best_levels = np.where(better, scale, best_scale), np.where(better, levels, best_levels)
        best_error = np.minimum(error, best_error)
    levels = (best_levels + 8).astype(np.uint8)
    half = _BLOCK // 2
    packed = part.constant("int4", levels[:, :half] | levels[:, half:] << 4)
    low = part.node("Mod", [packed, part.constant("sixteen", np.array(16, np.uint8))], "low")
    high = part.node("BitShift", [packed, part.constant("four", np.array(4, np.uint8))], "high", direction="RIGHT")
    cast = part.node("Cast", [part.node("Concat", [low, high], "levels", axis=1)], "cast", to=TensorProto.FLOAT)
    centred = part.node("Sub", [cast, part.constant("middle", np.array(8, np.float32))], "centred")
    scaled = part.node("Mul", [centred, _scales(part, _as_float16(best_scale))], "scaled")
    part.node("Reshape", [scaled, part.constant("shape", np.array(values.shape, np.int64))])
    return part


def _add_uses(graph: onnx.GraphProto, uses: dict[str, set[int | None]]) -> None:
    """Add, for each value that nodes read, the axis of its channels; None where it is no weight of a layer."""
    for node in graph.node:
        axes = _WEIGHT_AXES.get(node.op_type, {})
        if node.op_type == "Gemm" and any(each.name == "transB" and each.i for each in node.attribute):
            axes = {1: 0}
        for place, name in enumerate(node.input):
            uses.setdefault(name, set()).add(axes.get(place))
