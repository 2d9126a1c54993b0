"""What a file is guarded against: a batch of no examples, and numbers that are not finite.

onnxruntime's LSTM and GRU abort the process on an empty batch, and turn NaN into a number; Keras does neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    import onnx

    from zoo.data.dataset import Signature

PREFIX = "guard/"
_RECURRENT = ("LSTM", "GRU", "RNN")
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)


def guard(proto: onnx.ModelProto, signature: Signature) -> None:
    """Guard a file where it needs it: arrays against numbers that are not finite, and an empty batch.

    Recurrent operators and the adjacency of graphs take no batch of 0 examples; other operators do.
    """
    if signature.kind == "array" and signature.shape[:1] == (None,):
        spoil_broken_padding(proto)
    elif signature.kind in ("array", "series", "audio"):
        spoil_not_finite(proto)
    if signature.kind == "graph" or any(node.op_type in _RECURRENT for node in proto.graph.node):
        fill_empty_batch(proto)


def spoil_not_finite(proto: onnx.ModelProto) -> None:
    """Make every float output of an example NaN if one of its inputs is not finite: 0 times it is NaN, else 0."""
    graph = proto.graph
    given, *others = [each for each in graph.input if each.type.tensor_type.elem_type in _FLOATS]
    kind = given.type.tensor_type.elem_type
    first = _spoiled(graph, given, "spoiled" if not others else f"{given.name}/spoiled")
    for place, other in enumerate(others):
        before = _name(f"{given.name}/spoiled") if not place else _name(f"spoiled/{place}")
        after = _name("spoiled") if place == len(others) - 1 else _name(f"spoiled/{place + 1}")
        own = f"{other.name}/spoiled"
        first += _spoiled(graph, other, own)
        first.append(helper.make_node("Cast", [_name(own)], [_name(f"{own}/cast")], to=kind))
        first.append(helper.make_node("Add", [before, _name(f"{own}/cast")], [after]))
    _spoil_outputs(graph, first, kind)


def spoil_broken_padding(proto: onnx.ModelProto) -> None:
    """Make the outputs of a padded sequence NaN if a number before its last step is not finite.

    Padding is steps all of whose features are NaN; no other step may follow it.
    """
    graph = proto.graph
    (given,) = graph.input
    kind, features = given.type.tensor_type.elem_type, given.type.tensor_type.shape.dim[2].dim_value
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    for name, value in (
        ("zero", np.zeros((), dtype)),
        ("feature_axis", np.array([2], np.int64)),
        ("features", np.array(features, dtype)),
        ("steps", np.array([1], np.int64)),
        ("begin", np.array([0], np.int64)),
        ("second", np.array([1], np.int64)),
        ("before_last", np.array([-1], np.int64)),
        ("end", np.array([np.iinfo(np.int32).max], np.int64)),
        ("both_axes", np.array([1, 2], np.int64)),
        ("broken_value", np.array(np.nan, dtype)),
    ):
        _constant(graph, f"padding/{name}", value)

    def node(kind_of: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
        names = [given.name if name == "given" else _name(f"padding/{name}") for name in inputs]
        return helper.make_node(kind_of, names, [_name(f"padding/{output}")], **attributes)

    first = [
        node("IsNaN", ["given"], "is_nan"),
        helper.make_node("Cast", [_name("padding/is_nan")], [_name("padding/nan")], to=kind),
        node("Where", ["is_nan", "zero", "given"], "numbers"),
        node("Mul", ["numbers", "zero"], "zeros"),  # NaN where a number is infinite
        node("ReduceSum", ["zeros", "both_axes"], "infinite", keepdims=0),
        node("ReduceSum", ["nan", "feature_axis"], "missing", keepdims=0),
        node("Equal", ["missing", "features"], "is_padding"),
        helper.make_node("Cast", [_name("padding/is_padding")], [_name("padding/all")], to=kind),
        node("Greater", ["missing", "zero"], "has_missing"),
        helper.make_node("Cast", [_name("padding/has_missing")], [_name("padding/any")], to=kind),
        node("Sub", ["any", "all"], "partial"),
        node("ReduceSum", ["partial", "steps"], "partials", keepdims=0),
        node("Slice", ["all", "begin", "before_last", "steps"], "earlier"),
        node("Slice", ["all", "second", "end", "steps"], "later"),
        node("Sub", ["earlier", "later"], "falls"),
        node("Relu", ["falls"], "resumed"),
        node("ReduceSum", ["resumed", "steps"], "resumes", keepdims=0),
        node("Add", ["partials", "resumes"], "faults"),
        node("Greater", ["faults", "zero"], "is_broken"),
        node("Where", ["is_broken", "broken_value", "zero"], "broken"),
        helper.make_node("Add", [_name("padding/infinite"), _name("padding/broken")], [_name("spoiled")]),
    ]
    _spoil_outputs(graph, first, kind)


def _spoil_outputs(graph: onnx.GraphProto, first: list[onnx.NodeProto], kind: int) -> None:
    """Add `spoiled`, 0 or NaN for each example, to every float output."""
    last = []
    for output in graph.output:
        own = output.type.tensor_type.elem_type
        if own not in _FLOATS:
            continue
        shape = [-1, *[1] * (len(output.type.tensor_type.shape.dim) - 1)]
        _constant(graph, f"{output.name}/column", np.array(shape, np.int64))
        _rename(graph, output.name, _name(f"{output.name}/free"))
        rows, column = _name("spoiled"), _name(f"{output.name}/spoiled")
        if own != kind:
            rows = _name(f"{output.name}/rows")
            last.append(helper.make_node("Cast", [_name("spoiled")], [rows], to=own))
        last += [
            helper.make_node("Reshape", [rows, _name(f"{output.name}/column")], [column]),
            helper.make_node("Add", [_name(f"{output.name}/free"), column], [output.name]),
        ]
    _surround(graph, first, last)


def _spoiled(graph: onnx.GraphProto, given: onnx.ValueInfoProto, name: str) -> list[onnx.NodeProto]:
    """Return nodes that give, for each example of an input, NaN if it is not finite and else 0."""
    rank, kind = len(given.type.tensor_type.shape.dim), given.type.tensor_type.elem_type
    part = "" if name == "spoiled" else f"{given.name}/"
    _constant(graph, f"{part}zero", np.zeros((), helper.tensor_dtype_to_np_dtype(kind)))
    _constant(graph, f"{part}example_axes", np.arange(1, rank, dtype=np.int64))
    return [
        helper.make_node("Mul", [given.name, _name(f"{part}zero")], [_name(f"{part}zeros")]),
        helper.make_node("ReduceSum", [_name(f"{part}zeros"), _name(f"{part}example_axes")], [_name(name)], keepdims=0),
    ]


def fill_empty_batch(proto: onnx.ModelProto) -> None:
    """Put one example of zeros into an empty batch, and cut it off from the outputs."""
    graph = proto.graph
    _constant(graph, "first", np.array([0], np.int64))
    _constant(graph, "second", np.array([1], np.int64))
    _constant(graph, "behind", np.array([np.iinfo(np.int32).max], np.int64))
    first = []
    for given in graph.input:
        kind = given.type.tensor_type.elem_type
        blank, shape, rest, sizes, filler, filled = (
            _name(f"{given.name}/{part}") for part in ("blank", "shape", "rest", "sizes", "filler", "filled")
        )
        value = np.array("", object) if kind == TensorProto.STRING else np.zeros(())
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        graph.initializer.append(numpy_helper.from_array(value.astype(dtype), blank))
        _rename(graph, given.name, filled)
        first.append(helper.make_node("Shape", [given.name], [shape]))
        if not any(node.output[0] == _name("missing") for node in first):
            first += [
                helper.make_node("Gather", [shape, _name("first")], [_name("batch")], axis=0),
                helper.make_node("Equal", [_name("batch"), _name("first")], [_name("is_empty")]),
                helper.make_node("Cast", [_name("is_empty")], [_name("missing")], to=TensorProto.INT64),
            ]
        first += [
            helper.make_node("Slice", [shape, _name("second"), _name("behind")], [rest]),
            helper.make_node("Concat", [_name("missing"), rest], [sizes], axis=0),
            helper.make_node("Expand", [blank, sizes], [filler]),
            helper.make_node("Concat", [given.name, filler], [filled], axis=0),
        ]
    last = []
    for output in graph.output:
        _rename(graph, output.name, _name(f"{output.name}/filled"))
        cut = [_name(f"{output.name}/filled"), _name("first"), _name("batch"), _name("first")]
        last.append(helper.make_node("Slice", cut, [output.name]))
    _surround(graph, first, last)


def _name(part: str) -> str:
    return PREFIX + part


def _constant(graph: onnx.GraphProto, name: str, value: np.ndarray) -> None:
    graph.initializer.append(numpy_helper.from_array(value, _name(name)))


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Rename a value wherever nodes read or write it, in inner graphs too; inputs and outputs keep their names."""
    for node in _nodes(graph):
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _surround(graph: onnx.GraphProto, first: list[onnx.NodeProto], last: list[onnx.NodeProto]) -> None:
    nodes = [*first, *graph.node, *last]
    del graph.node[:]
    graph.node.extend(nodes)
