"""A graph in fewer bytes without a change in what it computes: short names, and each constant once."""

from __future__ import annotations

import itertools
import string
from collections import Counter
from collections.abc import Iterator

import onnx

_LETTERS = string.ascii_letters
_MAX_SHARED_BYTES = 1024  # of a constant that is looked for a second time


def graphs_of(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and those within its nodes, such as the body of a Loop."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs_of(attribute.g)


def compact(proto: onnx.ModelProto) -> None:
    """Share equal small constants, and give short names to all values but the graph's inputs and outputs.

    Converters name each value by its layers; in a small file these names can outweigh the weights.
    """
    _share_constants(proto.graph)
    graphs = list(graphs_of(proto.graph))
    for graph in graphs:
        del graph.value_info[:]
        graph.doc_string = ""
    kept = {value.name for value in (*proto.graph.input, *proto.graph.output)} | {""}
    counts = Counter(name for graph in graphs for names in _names(graph) for name in names)
    counts.update(part.name for graph in graphs for part in _named(graph))
    free = (name for name in _short_names() if name not in kept)
    short = {name: name if name in kept else next(free) for name, _ in counts.most_common()}
    for graph in graphs:
        for names in _names(graph):
            names[:] = [short[name] for name in names]
        for part in _named(graph):
            part.name = short[part.name]
        for node in graph.node:
            node.name = node.doc_string = ""


def _names(graph: onnx.GraphProto) -> Iterator[list[str]]:
    for node in graph.node:
        yield node.input
        yield node.output


def _named(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto | onnx.ValueInfoProto]:
    yield from graph.initializer
    yield from graph.input
    yield from graph.output


def _short_names() -> Iterator[str]:
    for length in itertools.count(1):
        yield from map("".join, itertools.product(_LETTERS, repeat=length))


def _share_constants(graph: onnx.GraphProto) -> None:
    """Keep one of equal small constants of the outer graph; outputs keep theirs."""
    outputs = {value.name for inner in graphs_of(graph) for value in inner.output}
    first: dict[bytes, str] = {}
    same: dict[str, str] = {}
    for tensor in list(graph.initializer):
        if tensor.name in outputs or tensor.ByteSize() > _MAX_SHARED_BYTES:
            continue
        content = onnx.TensorProto()
        content.CopyFrom(tensor)
        content.name = ""
        known = first.setdefault(content.SerializeToString(deterministic=True), tensor.name)
        if known != tensor.name:
            same[tensor.name] = known
            graph.initializer.remove(tensor)
    for inner in graphs_of(graph):
        for node in inner.node:
            node.input[:] = [same.get(name, name) for name in node.input]


def drop_unread(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants that nothing reads any more."""
    while True:
        read = {value.name for value in graph.output} | _read(graph)
        kept = [node for node in graph.node if any(name in read for name in node.output)]
        if len(kept) == len(graph.node):
            break
        del graph.node[:]
        graph.node.extend(kept)
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in read]:
        graph.initializer.remove(tensor)


def _read(graph: onnx.GraphProto) -> set[str]:
    inner = (attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g"))
    names = {name for node in graph.node for name in node.input}
    return names.union(*(_read(each) | {value.name for value in each.output} for each in inner))
