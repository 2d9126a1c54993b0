"""Maps of channels, as convolutions take and give them, kept in that order of axes, and padded by what reads them.

Keras has the channels last, ONNX first: where tf2onnx turns the axes early, what follows runs on the turned ones.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from zoo.export.compact_graph import drop_unread
from zoo.export.graph_values import GraphValues, attribute

_TO_LAST = [0, 2, 3, 1]  # the order of the axes that brings the channels last


def simplify_maps(proto: onnx.ModelProto) -> None:
    """Turn axes as late as possible, and pad within pooling."""
    values = GraphValues(proto)
    for rule in (_pointwise_convolution, _mean_over_maps, _padded_pooling):
        for node in list(proto.graph.node):
            rule(node, values)
    drop_unread(proto.graph)


def _pointwise_convolution(node: onnx.NodeProto, values: GraphValues) -> None:
    """Map the channels of a picture before they become the last axis, where there are fewer of them afterwards."""
    product = (
        None if node.op_type != "Add" else next(filter(None, (values.maker(n, "MatMul") for n in node.input)), None)
    )
    transpose = None if product is None else values.maker(product.input[0], "Transpose")
    if product is None or transpose is None or attribute(transpose, "perm") != _TO_LAST:
        return
    kernel = values.array(product.input[1])
    bias = values.array(next(name for name in node.input if name != product.output[0]))
    if kernel is None or kernel.ndim != 2 or bias is None or bias.shape != kernel.shape[1:]:
        return
    if kernel.shape[1] > kernel.shape[0] or values.reads(product.output[0]) != 1:
        return
    (y,) = node.output
    names = [values.constant(f"{y}/kernel", kernel.T[:, :, None, None]), values.constant(f"{y}/bias", bias)]
    convolution = helper.make_node("Conv", [transpose.input[0], *names], [f"{y}/maps"], kernel_shape=[1, 1])
    values.replace(node, [convolution, helper.make_node("Transpose", [f"{y}/maps"], [y], perm=_TO_LAST)])


def _mean_over_maps(node: onnx.NodeProto, values: GraphValues) -> None:
    """Average maps as they are, not with the channels last."""
    transpose = None if node.op_type != "ReduceMean" else values.maker(node.input[0], "Transpose")
    if transpose is None or attribute(transpose, "perm") != _TO_LAST or attribute(node, "keepdims", 1) != 0:
        return
    axes = attribute(node, "axes") if len(node.input) < 2 else values.axes(node.input[1])
    if sorted(axes or []) != [1, 2]:
        return
    node.input[0] = transpose.input[0]
    if len(node.input) > 1:
        node.input[1] = values.constant(f"{node.output[0]}/axes", np.array([2, 3], np.int64))
    else:
        next(each for each in node.attribute if each.name == "axes").ints[:] = [2, 3]


def _padded_pooling(node: onnx.NodeProto, values: GraphValues) -> None:
    """Let the pooling pad, which takes the padding for the least: so are zeros around what a ReLU gives."""
    pad = None if node.op_type != "MaxPool" else values.maker(node.input[0], "Pad")
    if pad is None or len(node.output) > 1 or values.maker(pad.input[0], "Relu") is None:
        return
    pads, kernel = _zero_pads(pad, values), attribute(node, "kernel_shape")
    if pads is None or any(attribute(node, "pads", [0])) or attribute(node, "auto_pad", b"NOTSET") not in _NO_PADS:
        return
    rank = len(kernel)
    spatial = [*pads[2 : 2 + rank], *pads[4 + rank :]]
    if len(pads) != 2 * (2 + rank) or sum(pads) != sum(spatial):
        return
    if min(spatial) < 0 or any(pad >= size for pad, size in zip(spatial, kernel * 2, strict=True)):
        return  # a window of nothing but padding is 0 here, and has no value there
    kept = [each for each in node.attribute if each.name not in ("pads", "auto_pad")]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute("pads", spatial)])
    node.input[0] = pad.input[0]


_NO_PADS = (b"NOTSET", b"VALID")


def _zero_pads(pad: onnx.NodeProto, values: GraphValues) -> list[int] | None:
    """Return the widths of a constant padding with zeros; None where it is another one."""
    if attribute(pad, "mode", b"constant") != b"constant" or len(pad.input) > 3:
        return None
    value, pads = (
        (values.scalar(pad.input[2]) if len(pad.input) > 2 and pad.input[2] else 0),
        values.array(pad.input[1]),
    )
    return [int(n) for n in pads] if pads is not None and value == 0 else None
