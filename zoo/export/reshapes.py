"""Shapes that a graph computes while it runs, replaced by constants: in a small graph they cost more than the products.

TensorFlow flattens the input of each dense layer and puts the axes back, and asks for the length of each sequence that
it splits into heads. ONNX multiplies tensors of any rank, and in a new shape 0 stands for "as it was".
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from zoo.export.compact_graph import drop_unread
from zoo.export.graph_values import Axis, GraphValues, attribute

_BATCH_GATHER_OPSET = 12  # the first whose GatherND takes the batch apart


def simplify_reshapes(proto: onnx.ModelProto) -> None:
    """Multiply without flattening, and give reshapes constant shapes, wherever that is certain to be the same."""
    opset = next(each.version for each in proto.opset_import if not each.domain)
    count = len(proto.graph.node) + 1
    while len(proto.graph.node) < count:  # a constant shape makes those behind it known
        count, values = len(proto.graph.node), GraphValues(proto)
        for node in list(proto.graph.node):
            if node.op_type == "MatMul":
                _multiply_directly(node, values)
            elif node.op_type == "Reshape" and opset >= _BATCH_GATHER_OPSET:
                _take_steps_directly(node, values)
        for node in proto.graph.node:
            if node.op_type == "Reshape":
                _make_constant(node, values)
        drop_unread(proto.graph)
    values = GraphValues(proto)
    for node in list(proto.graph.node):
        _take_before_selecting(node, values)
    drop_unread(proto.graph)


def _multiply_directly(node: onnx.NodeProto, values: GraphValues) -> None:
    """Leave out the reshapes around a product with a matrix of weights, where they only join and part axes."""
    before, weights = values.maker(node.input[0], "Reshape"), values.constants.get(node.input[1])
    after = [each for each in values.graph.node if node.output[0] in each.input]
    if before is None or weights is None or len(weights.dims) != 2 or values.ends(node.output[0]):
        return
    if len(after) != 1 or after[0].op_type != "Reshape" or after[0].input[0] != node.output[0]:
        return
    source, (rows, columns) = before.input[0], weights.dims
    sizes, flat = values.sizes(source), values.axes(before.input[1])
    if sizes is None or flat is None or len(flat) != 2 or flat[1] != rows:
        return
    if values.axes(after[0].input[1]) != [*sizes[:-1], columns]:
        return
    node.input[0], back = source, after[0]
    node.output[0] = back.output[0]
    values.makers[node.output[0]] = node
    values.graph.node.remove(back)


def _take_steps_directly(node: onnx.NodeProto, values: GraphValues) -> None:
    """Take steps of each sequence, at positions `(batch, n)`, where all sequences are joined to take rows of them."""
    gather = values.maker(node.input[0], "Gather")
    joined = None if gather is None else values.maker(gather.input[0], "Reshape")
    flat = None if gather is None else values.maker(gather.input[1], "Reshape")
    total = None if flat is None else values.maker(flat.input[0], "Add")
    if gather is None or joined is None or total is None or attribute(gather, "axis", 0) != 0:
        return
    source = joined.input[0]
    sizes, parted = values.sizes(source), values.axes(node.input[1])
    if sizes is None or len(sizes) != 3 or values.axes(joined.input[1]) != [-1, sizes[2]]:
        return
    if parted is None or len(parted) != 3 or parted[0] not in (-1, sizes[0]) or parted[2] != sizes[2]:
        return
    for first, positions in (total.input, total.input[::-1]):
        is_parted = parted[0] != -1 or (values.sizes(positions) or [])[1:] == [parted[1]]
        if is_parted and _is_first_step(first, sizes, values):
            name, last = node.output[0], values.constant(f"{node.output[0]}/last", np.array([-1], np.int64))
            nodes = [
                helper.make_node("Cast", [positions], [f"{name}/positions"], to=onnx.TensorProto.INT64),
                helper.make_node("Unsqueeze", [f"{name}/positions", last], [f"{name}/places"]),
                helper.make_node("GatherND", [source, f"{name}/places"], [name], batch_dims=1),
            ]
            values.replace(node, nodes)
            return


def _take_before_selecting(node: onnx.NodeProto, values: GraphValues) -> None:
    """Set one step of each sequence to a number where it is padding, not all steps of which one is taken."""
    where = None if node.op_type != "GatherND" else values.maker(node.input[0], "Where")
    if where is None or attribute(node, "batch_dims", 0) != 1 or values.reads(where.output[0]) != 1:
        return
    (condition, x, other), places = where.input, node.input[1]
    sizes, of_condition = values.sizes(x), values.sizes(condition)
    if values.scalar(other) is None or sizes is None or of_condition is None or len(sizes) != len(of_condition):
        return
    if (values.sizes(places) or [])[1:] != [1, 1] or isinstance(sizes[1], int) or of_condition[1] == 1:
        return
    (y,) = node.output
    nodes = [
        helper.make_node("GatherND", [source, places], [f"{y}/{part}"], batch_dims=1)
        for source, part in ((condition, "condition"), (x, "taken"))
    ]
    values.replace(node, [*nodes, helper.make_node("Where", [f"{y}/condition", f"{y}/taken", other], [y])])


def _is_first_step(name: str, sizes: list[Axis], values: GraphValues) -> bool:
    """Return whether a value is the number of the first row of each sequence, `(batch, 1)`: `steps * arange(batch)`."""
    product = values.maker(name, "Mul")
    if product is None:
        return False
    for size, column in (product.input, product.input[::-1]):
        spread = values.maker(column, "Unsqueeze")
        counted = None if spread is None else values.maker(spread.input[0], "Range")
        if spread is None or counted is None or values.axes(spread.input[1]) != [1]:
            continue
        counts = [values.axes(each) for each in counted.input]
        if counts == [[0], sizes[:1], [1]] and values.axes(size) == sizes[1:2]:
            return True
    return False


def _make_constant(node: onnx.NodeProto, values: GraphValues) -> None:
    """Give a reshape a constant shape where at most one of its axes is neither fixed nor as it was."""
    found, sizes = values.axes(node.input[1]), values.sizes(node.input[0])
    if found is None or sizes is None or all(isinstance(axis, int) for axis in found):
        return
    is_kept = [axis == size for axis, size in zip(found, sizes, strict=False)]
    if len(found) == len(sizes) and sum(is_kept) == len(sizes) - 1:
        is_kept = [True] * len(sizes)  # the last one is what is left of the elements
    kept = [
        0 if i < len(sizes) and is_kept[i] and not isinstance(sizes[i], int) else axis if isinstance(axis, int) else -1
        for i, axis in enumerate(found)
    ]
    # an empty batch that is kept leaves nothing by which to tell how long an open axis is
    if kept.count(-1) > 1 or (kept[0] == 0 and -1 in kept):
        return
    node.input[1] = values.constant(f"{node.output[0]}_shape", np.array(kept, np.int64))
