"""Shapes that a graph computes while it runs, replaced by constants: in a small step they cost more than the products.

TensorFlow flattens the input of each dense layer and puts the axes back, and asks for the length of each sequence that
it splits into heads. ONNX multiplies tensors of any rank, and in a new shape 0 stands for "as it was".
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

Axis = int | tuple[str, int]  # a size, or a tensor and which of its axes


def simplify_reshapes(proto: onnx.ModelProto) -> None:
    """Multiply without flattening, and give reshapes constant shapes, wherever that is certain to be the same."""
    shapes = _Shapes(proto)
    for node in list(proto.graph.node):
        if node.op_type == "MatMul":
            shapes.multiply_directly(node)
    for node in proto.graph.node:
        if node.op_type == "Reshape":
            shapes.make_constant(node)
    _remove_unused(proto.graph)


class _Shapes:
    """What is known of the tensors that hold shapes."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        inferred = onnx.shape_inference.infer_shapes(proto).graph
        self.graph = proto.graph
        self.ranks = {
            value.name: len(value.type.tensor_type.shape.dim)
            for value in (*inferred.value_info, *inferred.input, *inferred.output)
            if value.type.tensor_type.HasField("shape")
        }
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}
        self.makers = {output: node for node in self.graph.node for output in node.output}
        self.users: dict[str, list[onnx.NodeProto]] = {}
        for node in self.graph.node:
            for name in node.input:
                self.users.setdefault(name, []).append(node)
        self.results = {value.name for value in self.graph.output}

    def multiply_directly(self, node: onnx.NodeProto) -> None:
        """Leave out the reshapes around a product with a matrix of weights, where they only join and part axes."""
        before, after = self.makers.get(node.input[0]), self.users.get(node.output[0], [])
        weights = self.constants.get(node.input[1])
        if before is None or before.op_type != "Reshape" or weights is None or len(weights.dims) != 2:
            return
        if len(after) != 1 or after[0].op_type != "Reshape" or node.output[0] in self.results:
            return
        source, (rows, columns) = before.input[0], weights.dims
        rank = self.ranks.get(source, 0)
        if self.axes(before.input[1]) != [-1, rows] or after[0].input[0] != node.output[0]:
            return
        if self.axes(after[0].input[1]) != [*((source, axis) for axis in range(rank - 1)), columns]:
            return
        node.input[0], back = source, after[0]
        node.output[0] = back.output[0]
        self.makers[node.output[0]] = node
        self.graph.node.remove(back)

    def make_constant(self, node: onnx.NodeProto) -> None:
        """Give a reshape a constant shape where at most one of its axes is neither fixed nor as it was."""
        found = self.axes(node.input[1])
        if found is None or all(isinstance(axis, int) for axis in found):
            return
        kept: list[Axis] = [0 if axis == (node.input[0], i) else axis for i, axis in enumerate(found)]
        kept = [axis if isinstance(axis, int) else -1 for axis in kept]
        if kept.count(-1) > 1:
            return
        shape = numpy_helper.from_array(np.array(kept, np.int64), f"{node.output[0]}_shape")
        self.graph.initializer.append(shape)
        node.input[1] = shape.name

    def axes(self, name: str) -> list[Axis] | None:
        """Return the numbers that a tensor holds; None where they are not known."""
        if name in self.constants:
            values = numpy_helper.to_array(self.constants[name])
            return [int(n) for n in values.reshape(-1)] if values.dtype.kind == "i" and values.size < 16 else None
        node = self.makers.get(name)
        if node is None or node.op_type not in _READ:
            return None
        return _READ[node.op_type](self, node)

    def _of_shape(self, node: onnx.NodeProto) -> list[Axis] | None:
        rank = self.ranks.get(node.input[0])
        return None if rank is None or node.attribute else [(node.input[0], axis) for axis in range(rank)]

    def _of_same(self, node: onnx.NodeProto) -> list[Axis] | None:
        return self.axes(node.input[0])

    def _of_gather(self, node: onnx.NodeProto) -> list[Axis] | None:
        axes, places = self.axes(node.input[0]), self.axes(node.input[1])
        if axes is None or places is None:
            return None
        return [axes[place] for place in places if isinstance(place, int)]

    def _of_slice(self, node: onnx.NodeProto) -> list[Axis] | None:
        axes = self.axes(node.input[0])
        bounds: list[Any] = [self.axes(name) for name in node.input[1:]]
        if axes is None or any(bound is None or len(bound) != 1 for bound in bounds):
            return None
        step = bounds[3][0] if len(bounds) > 3 else 1
        return axes[bounds[0][0] : bounds[1][0] : step]

    def _of_concat(self, node: onnx.NodeProto) -> list[Axis] | None:
        parts = [self.axes(name) for name in node.input]
        return None if None in parts else [axis for part in parts if part is not None for axis in part]


_READ = {
    "Shape": _Shapes._of_shape,
    **dict.fromkeys(("Cast", "Identity", "Squeeze", "Unsqueeze"), _Shapes._of_same),
    "Gather": _Shapes._of_gather,
    "Slice": _Shapes._of_slice,
    "Concat": _Shapes._of_concat,
}


def _remove_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants that nothing reads any more."""
    while True:
        used = Counter([name for node in graph.node for name in node.input])
        used.update(value.name for value in graph.output)
        dead = [node for node in graph.node if not any(used[output] for output in node.output)]
        if not dead:
            break
        for node in dead:
            graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if not used[tensor.name]]:
        graph.initializer.remove(tensor)
