"""What is known of a graph's values: who makes each one, types, shapes, constants, and the shapes that it computes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Axis = int | tuple[str, int]  # a size; or a tensor and which of its axes, or which of the numbers that it holds

_KEEP_SHAPE = ("Cast", "Identity", "Relu", "Sigmoid", "Tanh", "Neg", "Softmax", "LayerNormalization")
UNBOUNDED = 10**9  # of a slice's end: what tf2onnx writes for "to the end" begins here
_MAX_AXES = 16  # of a constant that may be a shape


class GraphValues:
    """An index of a graph, kept up to date by `replace`.

    Args:
        proto: the model, whose shapes are inferred.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.graph = proto.graph
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}
        inferred = onnx.shape_inference.infer_shapes(_without_weights(proto)).graph
        named = (*inferred.value_info, *inferred.input, *inferred.output)
        known = {v.name: v.type.tensor_type for v in named if v.name not in self.constants}
        self.shapes = {
            name: [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
            for name, tensor in known.items()
            if tensor.HasField("shape")
        }
        self.types = {name: tensor.elem_type for name, tensor in known.items()}
        self.makers = {name: node for node in self.graph.node for name in node.output}
        self.inner = {name for node in self.graph.node for name in _read_within(node)}
        self.results = {value.name for value in self.graph.output}

    def maker(self, name: str, kind: str) -> onnx.NodeProto | None:
        """Return the node that makes a value if it is of a kind."""
        node = self.makers.get(name)
        return node if node is not None and node.op_type == kind else None

    def makers_of(self, names: list[str], kinds: tuple[str, str]) -> tuple[onnx.NodeProto, onnx.NodeProto] | None:
        """Return the nodes that make two values, in either order, if they are of two kinds."""
        for first, second in (names, names[::-1]):
            found = self.maker(first, kinds[0]), self.maker(second, kinds[1])
            if found[0] is not None and found[1] is not None:
                return found[0], found[1]
        return None

    def array(self, name: str) -> np.ndarray | None:
        """Return a constant; None where the value is none."""
        tensor = self.constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def scalar(self, name: str) -> float | None:
        """Return the number that a constant of one element holds; None where the value is none."""
        array = self.array(name)
        return None if array is None or array.size != 1 else float(array.reshape(()))

    def axes(self, name: str) -> list[Axis] | None:
        """Return the sizes that a tensor of whole numbers holds; None where they are not known."""
        if name in self.constants:
            values = numpy_helper.to_array(self.constants[name])
            is_shape = values.dtype.kind == "i" and values.size < _MAX_AXES
            return [int(n) for n in values.reshape(-1)] if is_shape else None
        node = self.makers.get(name)
        if node is None or node.op_type not in _READ:
            return None
        return _READ[node.op_type](self, node)

    def sizes(self, name: str) -> list[Axis] | None:
        """Return the sizes of a tensor, those that vary as axes of the tensor that they come from; None: not known."""
        shape = self.shapes.get(name)
        return None if shape is None else [self._size(name, axis) for axis in range(len(shape))]

    def _size(self, name: str, axis: int) -> Axis:
        size = self.shapes[name][axis]
        node = self.makers.get(name)
        if size is not None or node is None:
            return (name, axis) if size is None else size
        source = node.input[0] if node.input else ""
        if node.op_type in _KEEP_SHAPE and source in self.shapes:
            return self._size(source, axis)
        if node.op_type == "Transpose" and source in self.shapes:
            return self._size(source, attribute(node, "perm", list(range(len(self.shapes[name])))[::-1])[axis])
        if node.op_type == "Slice" and source in self.shapes and self._is_whole(node, axis):
            return self._size(source, axis)
        if node.op_type == "MatMul" and axis < len(self.shapes[name]) - 1 and self._is_matrix(node.input[1]):
            return self._size(source, axis) if source in self.shapes else (name, axis)
        if node.op_type == "Reshape" and not attribute(node, "allowzero", 0):
            found = (self.axes(node.input[1]) or [])[axis : axis + 1]
            if found and not isinstance(found[0], int):
                return found[0]
            if found == [0] and source in self.shapes:
                return self._size(source, axis)
        if node.op_type in ("Add", "Sub", "Mul", "Div"):
            for source, other in (node.input, node.input[::-1]):
                constant = self.constants.get(other)
                if (
                    constant is not None
                    and [1] * len(constant.dims) == [*constant.dims[:-1], 1]
                    and axis + 1 < len(self.shapes[name])
                ):
                    return self._size(source, axis) if len(self.shapes.get(source, ())) > axis + 1 else (name, axis)
        return (name, axis)

    def _is_whole(self, node: onnx.NodeProto, axis: int) -> bool:
        """Return whether a slice takes all of an axis that is open."""
        given: list[Any] = [self.array(name) for name in node.input[1:]]
        if len(given) < 3 or any(each is None for each in given):
            return False
        starts, ends, axes = given[:3]
        steps = given[3] if len(given) > 3 else np.ones(len(axes))
        taken = {int(a): (int(s), int(e), int(n)) for a, s, e, n in zip(axes, starts, ends, steps, strict=True)}
        start, end, step = taken.get(axis, (0, UNBOUNDED, 1))
        return min(taken) >= 0 and start == 0 and end >= UNBOUNDED and step == 1

    def _is_matrix(self, name: str) -> bool:
        return name in self.constants and len(self.constants[name].dims) == 2

    def _of_shape(self, node: onnx.NodeProto) -> list[Axis] | None:
        return None if node.attribute else self.sizes(node.input[0])

    def _of_product(self, node: onnx.NodeProto) -> list[Axis] | None:
        factors = self.axes(node.input[0])
        if factors is not None and len(factors) == 1:
            return factors
        return [(node.output[0], 0)]

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

    def ends(self, name: str) -> bool:
        """Return whether a value is an output, or is read by a graph within a node: its name has to stay."""
        return name in self.results or name in self.inner

    def reads(self, name: str) -> int:
        """Return how often a value is read, as an output of the graph too."""
        return sum(list(node.input).count(name) for node in self.graph.node) + self.ends(name)

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add a constant; return its name."""
        tensor = numpy_helper.from_array(np.asarray(values, order="C"), name)
        self.graph.initializer.append(tensor)
        self.constants[name] = tensor
        return name

    def replace(self, node: onnx.NodeProto, nodes: list[onnx.NodeProto]) -> None:
        """Put nodes in the place of one, the last of which makes what it made."""
        place = next(i for i, each in enumerate(self.graph.node) if each.output[:1] == node.output[:1])
        del self.graph.node[place]
        for i, each in enumerate(nodes):
            self.graph.node.insert(place + i, each)
            self.makers |= dict.fromkeys(each.output, self.graph.node[place + i])

    def pass_on(self, node: onnx.NodeProto) -> None:
        """Let the readers of a node's only output read its first input instead."""
        old, new = node.output[0], node.input[0]
        for each in self.graph.node:
            each.input[:] = [new if name == old else name for name in each.input]


_READ = {
    "Shape": GraphValues._of_shape,
    "ReduceProd": GraphValues._of_product,
    **dict.fromkeys(("Cast", "Identity", "Squeeze", "Unsqueeze"), GraphValues._of_same),
    "Gather": GraphValues._of_gather,
    "Slice": GraphValues._of_slice,
    "Concat": GraphValues._of_concat,
}


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Return the value of a node's attribute."""
    found = next((each for each in node.attribute if each.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def _without_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose large constants are inputs: their shapes count, and to carry their values costs time."""
    light = onnx.ModelProto(ir_version=proto.ir_version, opset_import=proto.opset_import, functions=proto.functions)
    light.graph.name = proto.graph.name
    for field in ("node", "input", "output", "value_info", "sparse_initializer"):
        getattr(light.graph, field).extend(getattr(proto.graph, field))
    given = {value.name for value in proto.graph.input}
    for tensor in proto.graph.initializer:
        if math.prod(tensor.dims) < _MAX_AXES:
            light.graph.initializer.append(tensor)
        elif tensor.name not in given:
            light.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return light


def _read_within(node: onnx.NodeProto) -> set[str]:
    graphs = [each.g for each in node.attribute if each.HasField("g")]
    found = {name for graph in graphs for inner in graph.node for name in (*inner.input, *_read_within(inner))}
    return found | {value.name for graph in graphs for value in graph.output}
