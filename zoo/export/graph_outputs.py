"""Nodes behind a converted model: outputs that follow from its own, such as labels, bounds and images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from zoo.data.prediction_intervals import ROUNDING

if TYPE_CHECKING:
    import onnx

    from zoo.data.dataset import Signature


def add_nothing(proto: onnx.ModelProto, signature: Signature) -> None:
    """Leave the outputs as they are."""


def add_label(proto: onnx.ModelProto, signature: Signature) -> None:
    """Add the output `label` `(batch,)`: the name of the most probable class, or of that with the least expected cost.

    Where there are prediction sets, add `prediction_set` `(batch, classes)`, too.
    """
    names = numpy_helper.from_array(np.array(signature.labels, dtype=object), "label_names")
    proto.graph.initializer.append(names)
    decisions = signature.decisions
    if decisions is None or decisions.costs is None:
        proto.graph.node.append(helper.make_node("ArgMax", ["probabilities"], ["label_index"], axis=1, keepdims=0))
    else:
        costs = np.array(decisions.costs, np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(costs, "label_costs"))
        proto.graph.node.append(helper.make_node("MatMul", ["probabilities", "label_costs"], ["expected_costs"]))
        proto.graph.node.append(helper.make_node("ArgMin", ["expected_costs"], ["label_index"], axis=1, keepdims=0))
    node = helper.make_node("Gather", ["label_names", "label_index"], ["label"], axis=0)
    _append(proto, node, "label", TensorProto.STRING, ["batch"])
    if decisions is not None and decisions.level is not None:
        least = np.array(decisions.set_probability, np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(least, "set_probability"))
        node = helper.make_node("GreaterOrEqual", ["probabilities", "set_probability"], ["prediction_set"])
        _append(proto, node, "prediction_set", TensorProto.BOOL, ["batch", len(signature.labels)])


def add_tags(proto: onnx.ModelProto, signature: Signature) -> None:
    """Add the output `tags` `(batch, length)` where tokens are tagged: the most probable tag, empty for padding."""
    if not signature.tags_tokens:
        return
    names = np.array(["", *signature.labels[1:]], dtype=object)
    proto.graph.initializer.extend(
        [
            numpy_helper.from_array(names, "tag_names"),
            *(
                numpy_helper.from_array(np.array(value, np.int64), f"tag_{name}")
                for name, value in (("first", [1]), ("end", [len(names)]), ("axis", [2]), ("one", 1))
            ),
        ]
    )
    proto.graph.initializer.append(numpy_helper.from_array(np.array(0, np.int32), "tag_padding"))
    proto.graph.node.extend(
        [
            helper.make_node("Slice", ["logits", "tag_first", "tag_end", "tag_axis"], ["tag_logits"]),
            helper.make_node("ArgMax", ["tag_logits"], ["tag_place"], axis=2, keepdims=0),
            helper.make_node("Add", ["tag_place", "tag_one"], ["tag_index"]),
            helper.make_node("Greater", ["tokens", "tag_padding"], ["tag_counts"]),
            helper.make_node("Cast", ["tag_counts"], ["tag_mask"], to=TensorProto.INT64),
            helper.make_node("Mul", ["tag_index", "tag_mask"], ["tag_masked"]),
        ]
    )
    node = helper.make_node("Gather", ["tag_names", "tag_masked"], ["tags"], axis=0)
    _append(proto, node, "tags", TensorProto.STRING, _shape(proto)[:2])


def flatten_value(proto: onnx.ModelProto, signature: Signature) -> None:
    """Turn the output `value` from `(batch, 1)` into `(batch,)`; several values an example stay `(batch, targets)`."""
    if signature.targets:
        return
    for node in proto.graph.node:
        for position, name in enumerate(node.output):
            if name == "value":
                node.output[position] = "value_column"
    proto.graph.initializer.append(helper.make_tensor("value_shape", TensorProto.INT64, [1], [-1]))
    kind = proto.graph.output[0].type.tensor_type.elem_type
    del proto.graph.output[:]
    node = helper.make_node("Reshape", ["value_column", "value_shape"], ["value"])
    _append(proto, node, "value", kind, ["batch"])


def add_bounds(proto: onnx.ModelProto, signature: Signature) -> None:
    """Add the outputs `lower` and `upper` around the first one, where the signature has prediction intervals."""
    found = signature.intervals
    if found is None:
        return
    name, kind = proto.graph.output[0].name, proto.graph.output[0].type.tensor_type.elem_type
    widths = found.array.astype(helper.tensor_dtype_to_np_dtype(kind))
    proto.graph.initializer.append(numpy_helper.from_array(widths, "interval/half_widths"))
    around = "interval/half_widths"
    if found.by_window:
        _add_deviation(proto, kind, found.shape[1:])
        around = "interval/widths"
        proto.graph.node.append(helper.make_node("Mul", ["interval/half_widths", "interval/deviation"], [around]))
    for operator, bound in (("Sub", "lower"), ("Add", "upper")):
        _append(proto, helper.make_node(operator, [name, around], [bound]), bound, kind, _shape(proto))


def _add_deviation(proto: onnx.ModelProto, kind: int, targets: Sequence[int]) -> None:
    """Add `interval/deviation`, of the predicted channels of each window, as `WindowStandardize` takes it."""
    (given,) = (each for each in proto.graph.input if each.name == "array")
    own = given.type.tensor_type.elem_type
    dtype = helper.tensor_dtype_to_np_dtype(own)
    constants = {
        "first": np.array([0], np.int64),
        "steps_axis": np.array([1], np.int64),
        "channels_axis": np.array([2], np.int64),
        "channels": np.array([targets[0] if targets else 1], np.int64),
        "count": np.array(given.type.tensor_type.shape.dim[1].dim_value, dtype),
        "one": np.array(1, dtype),
        "rounding": np.array(ROUNDING[str(np.dtype(dtype))], dtype),
    }
    proto.graph.initializer.extend(numpy_helper.from_array(v, f"interval/{name}") for name, v in constants.items())

    def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
        names = [name if name == "array" else f"interval/{name}" for name in inputs.split()]
        return helper.make_node(operator, names, [f"interval/{output}"], **attributes)

    nodes = [
        node("Slice", "array first channels channels_axis", "values"),
        node("ReduceSum", "values steps_axis", "sum", keepdims=1),
        node("Div", "sum count", "mean"),
        node("Sub", "values mean", "centered"),
        node("Mul", "centered centered", "squares"),
        node("ReduceSum", "squares steps_axis", "total", keepdims=1),
        node("Div", "total count", "variance"),
        node("Sqrt", "variance", "spread"),
        node("Abs", "mean", "size"),
        node("Add", "size one", "more"),
        node("Mul", "more rounding", "least"),
        node("Greater", "spread least", "varies"),
        node("Where", "varies spread one", "channel_deviation"),
        node("Identity" if targets else "Squeeze", "channel_deviation" + " channels_axis" * (not targets), "own"),
        node("Cast", "own", "deviation", to=kind),
    ]
    proto.graph.node.extend(nodes)


PIXEL_CONSTANTS = {"highest": 1.0, "half_range": 127.5, "black": 0.0, "white": 255.0}


def pixel_nodes() -> list[onnx.NodeProto]:
    """Return the nodes from `sample`, -1 to 1, to `image`, bytes; they read `PIXEL_CONSTANTS`."""
    return [
        helper.make_node("Add", ["sample", "highest"], ["above_black"]),
        helper.make_node("Mul", ["above_black", "half_range"], ["light"]),
        helper.make_node("Clip", ["light", "black", "white"], ["visible"]),
        helper.make_node("Round", ["visible"], ["level"]),
        helper.make_node("Cast", ["level"], ["image"], to=TensorProto.UINT8),
    ]


def add_image(proto: onnx.ModelProto) -> None:
    """Add the output `image`: `sample`, from -1 to 1, as bytes."""
    for name, value in PIXEL_CONSTANTS.items():
        proto.graph.initializer.append(helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
    *nodes, last = pixel_nodes()
    proto.graph.node.extend(nodes)
    _append(proto, last, "image", TensorProto.UINT8, _shape(proto))


def _shape(proto: onnx.ModelProto) -> list[Any]:
    """Return the shape of the graph's first output, names for axes that vary."""
    return [axis.dim_value or axis.dim_param for axis in proto.graph.output[0].type.tensor_type.shape.dim]


def _append(proto: onnx.ModelProto, node: onnx.NodeProto, name: str, kind: int, shape: Sequence[Any]) -> None:
    proto.graph.node.append(node)
    proto.graph.output.append(helper.make_tensor_value_info(name, kind, shape))
