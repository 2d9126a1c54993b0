"""Groups of nodes, in which tf2onnx writes one operation, put back together as the operator that they are.

Layer normalization, selection, positions that count from the end, slices of everything: each is one operator of ONNX or
none, and in a small graph the time is that of the nodes. GELU takes the form that runtimes recognise.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import helper

from zoo.export.compact_graph import drop_unread
from zoo.export.graph_values import UNBOUNDED, GraphValues, attribute
from zoo.export.maps import simplify_maps
from zoo.export.reshapes import simplify_reshapes

_LAYER_NORM_OPSET = 17  # the first with the operator
_CLOSE = 1e-6  # relative


def with_whole_operators(proto: onnx.ModelProto) -> None:
    """Replace what is certain to be the same by one operator, and drop what nothing reads any more."""
    opset = next(each.version for each in proto.opset_import if not each.domain)
    rules = [_slice_of_everything, _comparison, _selection, _position_from_the_end, _gelu, _zero_state]
    if opset >= _LAYER_NORM_OPSET:
        rules.append(_layer_normalization)
    values = GraphValues(proto)
    for rule in rules:
        for node in list(proto.graph.node):
            rule(node, values)
    drop_unread(proto.graph)
    simplify_reshapes(proto)
    simplify_maps(proto)


def _slice_of_everything(node: onnx.NodeProto, values: GraphValues) -> None:
    """Leave out a slice from the first to the last of each axis."""
    if node.op_type != "Slice" or values.ends(node.output[0]):
        return
    starts, ends, *rest = (values.array(name) for name in node.input[1:])
    if starts is None or ends is None or starts.any() or any(each is None for each in rest):
        return
    axes = rest[0] if rest else np.arange(len(starts))
    steps = rest[1] if len(rest) > 1 else np.ones(len(starts))
    shape = values.shapes.get(node.input[0])
    assert axes is not None and steps is not None, "none of them is None"
    if not (steps == 1).all():
        return
    for axis, end in zip(axes.tolist(), ends.tolist(), strict=True):
        size = None if shape is None else shape[axis]
        if end < (UNBOUNDED if size is None else size):
            return
    values.pass_on(node)


def _selection(node: onnx.NodeProto, values: GraphValues) -> None:
    """Write `condition * x + (not condition) * y` as Where, which takes no infinite value into the other branch."""
    if node.op_type != "Add":
        return
    products = values.makers_of(list(node.input), ("Mul", "Mul"))
    if products is None:
        return
    terms = [_chosen(product, values) for product in products]
    for (condition, x), (opposite, y) in (terms, terms[::-1]):
        inverse = None if opposite is None else values.maker(opposite, "Not")
        if condition is not None and inverse is not None and inverse.input[0] == condition:
            chosen = helper.make_node("Where", [condition, x, _scalar_for(y, x, values)], list(node.output))
            values.replace(node, [chosen])
            return


def _chosen(product: onnx.NodeProto, values: GraphValues) -> tuple[str | None, str]:
    """Return the condition of a product `cast(condition) * x`, None where it is no such product, and `x`."""
    for cast, x in (product.input, product.input[::-1]):
        maker = values.maker(cast, "Cast")
        if maker is not None and values.types.get(maker.input[0]) == onnx.TensorProto.BOOL:
            return maker.input[0], x
    return None, ""


def _scalar_for(name: str, like: str, values: GraphValues) -> str:
    """Return a constant of one element in place of a tensor that is filled with it and has the other one's shape."""
    filled = values.maker(name, "ConstantOfShape")
    shape = None if filled is None else values.maker(filled.input[0], "Shape")
    if filled is None or shape is None or shape.input[0] != like or shape.attribute:
        return name
    value = attribute(filled, "value")
    array = np.zeros(1, np.float32) if value is None else onnx.numpy_helper.to_array(value)
    return values.constant(f"{name}/value", array.reshape(()))


def _position_from_the_end(node: onnx.NodeProto, values: GraphValues) -> None:
    """Leave out `where(position < 0, position + size, position)`: Gather itself counts from the end."""
    if node.op_type != "Gather":
        return
    where = values.maker(node.input[1], "Where")
    less = None if where is None else values.maker(where.input[0], "Less")
    total = None if where is None else values.maker(where.input[1], "Add")
    if where is None or less is None or total is None or values.scalar(less.input[1]) != 0:
        return
    position = where.input[2]
    cast = values.maker(less.input[0], "Cast")
    if position not in (less.input[0], "" if cast is None else cast.input[0]) or position not in total.input:
        return
    size = values.axes(next((name for name in total.input if name != position), ""))
    data, axis = node.input[0], attribute(node, "axis", 0)
    tensor = values.constants.get(data)
    sizes = values.sizes(data) if tensor is None else list(tensor.dims)
    if sizes is not None and size == sizes[axis : axis + 1]:
        node.input[1] = position


def _gelu(node: onnx.NodeProto, values: GraphValues) -> None:
    """Write `x / 2 * (1 - erf(-x / sqrt(2)))` as `x / 2 * (1 + erf(x / sqrt(2)))`, which onnxruntime fuses."""
    if node.op_type != "Mul":
        return
    factors = values.makers_of(list(node.input), ("Mul", "Sub"))
    if factors is None:
        return
    half, complement = factors
    erf = values.maker(complement.input[1], "Erf")
    if erf is None or values.scalar(complement.input[0]) != 1:
        return
    scaled = values.maker(erf.input[0], "Mul")
    negative, factor = (None, None) if scaled is None else _with_constant(scaled, values)
    negated = None if negative is None else values.maker(negative, "Neg")
    x, by = _with_constant(half, values)
    if negated is None or negated.input[0] != x or by != 0.5 or not _is_close(factor, math.sqrt(0.5)):
        return
    (y,), kind = node.output, values.array(complement.input[0])
    assert kind is not None and x is not None, "both have been read"
    root = values.constant(f"{y}/root", np.array(math.sqrt(2), kind.dtype))
    nodes = [
        helper.make_node("Div", [x, root], [f"{y}/scaled"]),
        helper.make_node("Erf", [f"{y}/scaled"], [f"{y}/erf"]),
        helper.make_node("Add", [f"{y}/erf", complement.input[0]], [f"{y}/sum"]),
        helper.make_node("Mul", [half.output[0], f"{y}/sum"], [y]),
    ]
    values.replace(node, nodes)


def _with_constant(node: onnx.NodeProto, values: GraphValues) -> tuple[str | None, float | None]:
    """Return a node's two inputs where one of them is a number: the other one, and the number."""
    for name, constant in (node.input, node.input[::-1]):
        number = values.scalar(constant)
        if number is not None:
            return name, number
    return None, None


def _is_close(number: float | None, expected: float) -> bool:
    return number is not None and math.isclose(number, expected, rel_tol=_CLOSE)


def _comparison(node: onnx.NodeProto, values: GraphValues) -> None:
    """Compare whole numbers as they are, not as floats: these tell them apart up to 2 ** 24 alone."""
    if node.op_type not in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
        return
    casts = [values.maker(name, "Cast") for name in node.input]
    whole = [None if cast is None else values.types.get(cast.input[0]) for cast in casts]
    numbers = [values.scalar(name) for name in node.input]
    kinds = {kind for kind in whole if kind is not None}
    if kinds not in ({onnx.TensorProto.INT32}, {onnx.TensorProto.INT64}):
        return
    if any(kind is None and (n is None or not n.is_integer()) for kind, n in zip(whole, numbers, strict=True)):
        return
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kinds.pop())
    for i, (cast, number) in enumerate(zip(casts, numbers, strict=True)):
        constant = f"{node.output[0]}/whole{i}"
        node.input[i] = values.constant(constant, np.array(number, dtype)) if cast is None else cast.input[0]


def _zero_state(node: onnx.NodeProto, values: GraphValues) -> None:
    """Leave out first states of zero, which recurrent operators begin with by themselves."""
    if node.op_type not in ("LSTM", "GRU", "RNN"):
        return
    states = [name for name in node.input[5:7] if name]
    if states and all(_is_zero(name, values) for name in states):
        kept = [*node.input[:5], *([""] * len(node.input[5:7])), *node.input[7:]]
        while not kept[-1]:
            kept.pop()
        node.input[:] = kept


def _is_zero(name: str, values: GraphValues) -> bool:
    node = values.makers.get(name)
    while node is not None and node.op_type in ("Unsqueeze", "Expand"):
        name = node.input[0]
        node = values.makers.get(name)
    array = values.array(name)
    return array is not None and not array.any()


def _layer_normalization(node: onnx.NodeProto, values: GraphValues) -> None:
    """Write `x * scale + (beta - mean * scale)`, `scale = gamma / sqrt(variance + epsilon)`, as LayerNormalization.

    Of what has no mean: onnxruntime before 1.24 computes the variance as the mean of squares less the square of the
    mean, which can be negative by rounding, and is then NaN.
    """
    if node.op_type != "Add":
        return
    for first, second in (node.input, node.input[::-1]):
        scaled, (product, beta) = values.maker(first, "Mul"), _offset(second, values)
        if scaled is None or product is None:
            continue
        for x, scale in (scaled.input, scaled.input[::-1]):
            mean = next((values.maker(name, "Neg") for name in product.input if name != scale), None)
            found = None if mean is None or scale not in product.input else _scale_of(scale, x, mean.input[0], values)
            if found is None or mean is None:
                continue
            (y,), size, (gamma, epsilon) = node.output, values.shapes[x][-1], found
            arrays = [array for name in (gamma, beta) if (array := values.array(name)) is not None]
            if any(array.size != size or array.shape[-1] != size for array in arrays):
                return
            names = [values.constant(f"{y}/{i}", array.reshape(-1)) for i, array in enumerate(arrays)]
            centered = helper.make_node("Sub", [x, mean.input[0]], [f"{y}/centered"])
            fused = helper.make_node("LayerNormalization", [f"{y}/centered", *names], [y], axis=-1, epsilon=epsilon)
            values.replace(node, [centered, fused])
            return


def _offset(name: str, values: GraphValues) -> tuple[onnx.NodeProto | None, str]:
    """Return the product in `product + beta` or in a product alone, and beta's name, empty where there is none."""
    total = values.maker(name, "Add")
    if total is None:
        return values.maker(name, "Mul"), ""
    for product, beta in (total.input, total.input[::-1]):
        if values.array(beta) is not None:
            return values.maker(product, "Mul"), beta
    return None, ""


def _scale_of(scale: str, x: str, mean: str, values: GraphValues) -> tuple[str, float] | None:
    """Return gamma and epsilon of `gamma / sqrt(mean((x - mean) ** 2) + epsilon)`; None where it is something else."""
    product = values.maker(scale, "Mul")
    if product is None or not _is_mean_over_last(mean, x, values):
        return None
    gamma = next((name for name in product.input if values.array(name) is not None), None)
    inverse = next((made for name in product.input if (made := values.maker(name, "Reciprocal")) is not None), None)
    root = None if inverse is None else values.maker(inverse.input[0], "Sqrt")
    total = None if root is None else values.maker(root.input[0], "Add")
    if gamma is None or total is None:
        return None
    variance, epsilon = _with_constant(total, values)
    maker = None if variance is None else values.makers.get(variance)
    square = None if maker is None else values.maker(maker.input[0], "Mul")
    if variance is None or epsilon is None or square is None or square.input[0] != square.input[1]:
        return None
    difference = values.maker(square.input[0], "Sub")
    is_ours = difference is not None and list(difference.input) == [x, mean]
    return (gamma, epsilon) if is_ours and _is_mean_over_last(variance, square.output[0], values) else None


def _is_mean_over_last(name: str, x: str, values: GraphValues) -> bool:
    """Return whether a value is the mean of another over its last axis, which stays."""
    rank = len(values.shapes.get(x) or ())
    pooled = values.maker(name, "GlobalAveragePool")  # as tf2onnx writes it before opset 18
    if pooled is not None:
        return rank == 3 and pooled.input[0] == x
    node = values.maker(name, "ReduceMean")
    if node is None or node.input[0] != x or attribute(node, "keepdims", 1) != 1:
        return False
    axes = attribute(node, "axes", []) if len(node.input) < 2 else values.axes(node.input[1])
    return rank > 0 and axes in ([-1], [rank - 1])
