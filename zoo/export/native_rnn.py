"""The Loop that a simple recurrent layer becomes, put back together as ONNX's own RNN operator.

tf2onnx finds the operators of LSTM and GRU. A Loop is larger and slower, and some runtimes refuse it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from zoo.export.compact_graph import drop_unread


@dataclass(frozen=True, kw_only=True)
class _Cell:
    """What a Loop over a simple cell reads and gives, by names of the outer graph.

    Attributes:
        sequence: `(steps, batch, features)`.
        kernel: `(features, units)`.
        recurrent_kernel: `(units, units)`.
        bias: `(units,)`; None where there is none.
        first: the state before the first step.
        states: the Loop's output of all steps; empty where it is not read.
        last: its output of the last step's state; empty likewise.
    """

    sequence: str
    kernel: str
    recurrent_kernel: str
    bias: str | None
    first: str
    states: str
    last: str


class _Values:
    """Who makes each value of a graph, and its constants as arrays."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.makers = {name: node for node in graph.node for name in node.output}
        self.constants = {tensor.name: tensor for tensor in graph.initializer}

    def source(self, name: str) -> str:
        """Return the value that another one is, behind what passes it on."""
        while name in self.makers and self.makers[name].op_type == "Identity":
            name = self.makers[name].input[0]
        return name

    def maker(self, name: str, kind: str) -> onnx.NodeProto | None:
        """Return the node that makes a value if it is of a kind."""
        node = self.makers.get(self.source(name))
        return node if node is not None and node.op_type == kind else None

    def array(self, name: str) -> np.ndarray | None:
        """Return a constant; None where the value is none."""
        tensor = self.constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)


def with_native_rnn(proto: onnx.ModelProto) -> None:
    """Replace each Loop over a simple cell with tanh and constant weights by an RNN, and drop what only it read."""
    graph, replaced = proto.graph, False
    for node in list(graph.node):
        cell = _cell(node, graph) if node.op_type == "Loop" else None
        parts = None if cell is None else _rnn(cell, graph, prefix=f"{node.output[0]}/rnn")
        if parts is None:
            continue
        place = list(graph.node).index(node)
        nodes = [*graph.node[:place], *parts, *graph.node[place + 1 :]]
        del graph.node[:]
        graph.node.extend(nodes)
        replaced = True
    if replaced:
        drop_unread(graph)


def _cell(loop: onnx.NodeProto, graph: onnx.GraphProto) -> _Cell | None:
    """Return what the Loop is made of, if its body is that of a simple cell; else None."""
    body = next(attribute.g for attribute in loop.attribute if attribute.name == "body")
    inner = _Values(body)
    carried = len(loop.input) - 2
    outer = dict(zip([value.name for value in body.input[2:]], loop.input[2:], strict=True))
    given = [value.name for value in body.output]  # the condition, what is carried, what is collected
    collected = given[1 + carried :]
    tanh = inner.maker(collected[0], "Tanh") if len(collected) == 1 else None
    if tanh is None:
        return None
    terms = _terms(tanh.input[0], inner)
    products = [node for term in terms if (node := inner.maker(term, "MatMul"))]
    biases = [term for term in terms if not inner.maker(term, "MatMul")]
    states = {
        value.name: place
        for place, value in enumerate(body.input[2:])
        if inner.source(given[1 + place]) == tanh.output[0]
    }
    steps = [(node, gather) for node in products if (gather := inner.maker(node.input[0], "Gather"))]
    recurrent = [node for node in products if node.input[0] in states]
    if (len(products), len(steps), len(recurrent)) != (2, 1, 1) or len(biases) > 1:
        return None
    (projection, gather), place = steps[0], states[recurrent[0].input[0]]
    if not _counts_from_zero(gather.input[1], body, loop, graph):
        return None
    read = (gather.input[0], projection.input[1], recurrent[0].input[1], *biases)
    names = {name: outer.get(name, name) for name in read}
    return _Cell(
        sequence=names[gather.input[0]],
        kernel=names[projection.input[1]],
        recurrent_kernel=names[recurrent[0].input[1]],
        bias=names[biases[0]] if biases else None,
        first=loop.input[2 + place],
        states=loop.output[carried],
        last=loop.output[place],
    )


def _terms(name: str, values: _Values) -> list[str]:
    """Return the values whose sum a value is."""
    node = values.maker(name, "Add")
    return [name] if node is None else [term for each in node.input for term in _terms(each, values)]


def _counts_from_zero(name: str, body: onnx.GraphProto, loop: onnx.NodeProto, graph: onnx.GraphProto) -> bool:
    """Return whether a value in the body is the number of the step."""
    place = next((i for i, value in enumerate(body.input) if value.name == name), 0)
    if place < 2:
        return place == 0 and body.input[0].name == name
    start, inner = _Values(graph).array(loop.input[place]), _Values(body)
    step = inner.maker(body.output[place - 1].name, "Add")
    if step is None or start is None or start.any() or name not in step.input:
        return False
    added = inner.array(next(each for each in step.input if each != name))
    return added is not None and bool((added == 1).all())


def _rnn(cell: _Cell, graph: onnx.GraphProto, prefix: str) -> list[onnx.NodeProto] | None:
    """Return the nodes of an RNN in place of a Loop, whose constants are added to the graph; None if it has no form."""
    values = _Values(graph)
    kernel, recurrent = values.array(cell.kernel), values.array(cell.recurrent_kernel)
    bias = None if cell.bias is None else values.array(cell.bias)
    if kernel is None or recurrent is None or kernel.dtype != np.float32 or (cell.bias is not None and bias is None):
        return None
    units = recurrent.shape[0]
    both = np.zeros(2 * units, np.float32)
    both[:units] = 0 if bias is None else bias.ravel()
    constants = {"kernel": kernel.T[None], "recurrent_kernel": recurrent.T[None], "bias": both[None]}
    for name, array in {**constants, "first": np.array([0]), "direction": np.array([1])}.items():
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), f"{prefix}/{name}"))
    nodes = []
    inputs = [cell.sequence, *(f"{prefix}/{name}" for name in constants)]
    if not _is_zero(cell.first, values):
        nodes.append(helper.make_node("Unsqueeze", [cell.first, f"{prefix}/first"], [f"{prefix}/before"]))
        inputs += ["", f"{prefix}/before"]
    outputs = [f"{prefix}/states", f"{prefix}/last"]
    nodes.append(helper.make_node("RNN", inputs, outputs, hidden_size=units, name=prefix))
    for output, axis, name in ((outputs[0], "direction", cell.states), (outputs[1], "first", cell.last)):
        if name:
            nodes.append(helper.make_node("Squeeze", [output, f"{prefix}/{axis}"], [name]))
    return nodes


def _is_zero(name: str, values: _Values) -> bool:
    """Return whether a value is a constant 0 of any shape: what RNN begins with by itself."""
    expand = values.maker(name, "Expand")
    if expand is not None:
        name = expand.input[0]
    array = values.array(name)
    return array is not None and not array.any()
