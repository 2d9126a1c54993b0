"""Sentences with tags, running text, and graphs of a Python program."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.arrays import Rounding
from zoo.data.columns import Column
from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.inputs import GraphInputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.memory.frames import as_pandas
from zoo.data.memory.given import PLACES, MemoryData, Pair, is_frame, is_texts, type_of
from zoo.data.memory.pairs import as_array, raw_pairs, value_of
from zoo.data.memory.targets import target_column
from zoo.data.sources.graphs import graph_problem, pad_graphs
from zoo.data.sources.tagged import Tagged, sentence_fault, sentence_source
from zoo.data.sources.text import corpus_windows
from zoo.data.tables.reading import AS_USUAL
from zoo.data.tables.token_lists import as_tokens
from zoo.errors import ZooError, first_few
from zoo.recipe.data_section import Data
from zoo.tasks import Task

_TAGGED = "(sentences, tags): for each sentence a list of words and a list of as many tags"
_GRAPHS = "(graphs, labels): each graph a dict of 'nodes' (nodes, features) and 'edges' (edges, 2)"


def load_memory_tags(given: MemoryData, data: Data, task: Task) -> SourceData:
    """Load sentences with a tag for each word.

    Raises:
        ZooError: sentences have no tag for each word; all are counted.
    """
    pairs = raw_pairs(given, data, task, _TAGGED)
    parts, faults, total = {}, list[str](), 0
    for split, pair in pairs.items():
        rows = [f"{pair.where} sentence {i + 1}" for i in range(len(pair.x))]
        parts[split] = part = Tagged()
        total += len(rows)
        for row, tokens, tags in zip(rows, pair.x, pair.y, strict=True):
            tags = tags.tolist() if isinstance(tags, np.ndarray) else tags
            fault = sentence_fault(tokens, tags, "words", "tags")
            if fault:
                faults.append(f"{row} ({fault})")
                continue
            part.tokens.append(as_tokens(tokens))
            part.tags.append(as_tokens(tags))
            part.rows.append(row)
    what = f"{len(faults)} of {total} sentences hold no words with a tag each: {first_few(faults)}"
    if faults and (data.on_error == "stop" or not all(part.tokens for part in parts.values())):
        raise ZooError(f"data: {what}; correct them, or leave them out (data.on_error=skip)")
    notes = [f"{what}; they are left out"] if faults else []
    column = Column(data.text or data.input or "tokens", "tokens", missing=())
    return sentence_source(parts, "data", data.one_target or "tags", column, AS_USUAL, notes, task)


def load_memory_text(given: MemoryData, data: Data, task: Task) -> SourceData:
    """Load running text: a `str`, or texts that are joined.

    Raises:
        ZooError: it is no text, or too short.
    """
    notes: list[str] = []
    texts = {split: running_text(value, PLACES[split], data, notes) for split, value in given.splits.items()}
    source = corpus_windows(texts, data, task, "data")
    source.notes[:0] = notes
    return source


def running_text(value: Any, where: str, data: Data, notes: list[str]) -> str:
    """Return a text, or texts joined by line feeds.

    Raises:
        ZooError: it is neither.
    """
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if is_frame(value):
        frame = as_pandas(value, where)
        names = [str(name) for name in frame.columns]
        name = data.text or data.input or (names[0] if len(names) == 1 else None)
        if name not in names:
            raise ZooError(
                f"{where}: which column holds the text? Name it under data.text (columns: {first_few(names)})"
            )
        value = list(frame.iloc[:, names.index(name)])
    if not is_texts(value) or not all(isinstance(text, str) for text in value):
        raise ZooError(f"{where}: expected running text (a str), or a list of texts, received {type_of(value)}")
    notes.append(f"{where}: {len(value):,} texts are joined by line feeds to one running text")
    return running_text("\n".join(value), where, data, notes)


def load_memory_graphs(given: MemoryData, data: Data, task: Task) -> SourceData:
    """Load graphs with a label each: that of the graph, or of its first node.

    Raises:
        ZooError: graphs have another form, hold gaps, or an edge has no node; all are counted.
    """
    pairs = raw_pairs(given, data, task, _GRAPHS)
    faults: list[str] = []
    graphs = {split: _graphs(pair, faults) for split, pair in pairs.items()}
    if faults:
        total = sum(len(pair.x) for pair in pairs.values())
        raise ZooError(f"data: {len(faults)} of {total} graphs cannot be used: {first_few(faults)}")
    widths = {nodes.shape[1] for found in graphs.values() for nodes, _ in found}
    if len(widths) > 1:
        raise ZooError(f"data: nodes must have one number of features, found {first_few(sorted(widths))}")
    read_targets = KINDS[task.kind].targets
    assert read_targets is not None
    values = {split: target_column(pair.y, f"{pair.where}: labels") for split, pair in pairs.items()}
    rows = {split: [f"graph {i + 1}" for i in range(len(pair.x))] for split, pair in pairs.items()}
    labels, targets = read_targets(RawTargets(values=values, where="data", rows=rows))
    width = widths.pop()
    signature = Signature("graph", data.one_target or "label", (None, width), labels=labels)
    splits = {split: whole(pad_graphs(found, width), targets[split]) for split, found in graphs.items()}
    return SourceData(signature=signature, splits=splits, notes=[])


def graph_examples(graphs: Any) -> GraphInputs:
    """Return graphs, one or a list, without labels.

    Raises:
        ZooError: graphs have another form, hold gaps, or an edge has no node; all are counted.
    """
    every = list(graphs) if isinstance(graphs, list | tuple) else [graphs]
    faults: list[str] = []
    found = _graphs(Pair(x=every, y=None, where="data"), faults)
    widths = {nodes.shape[1] for nodes, _ in found}
    if faults or len(widths) != 1:
        faults = faults or [f"numbers of features of a node: {sorted(widths)}"]
        raise ZooError(f"data: {len(faults)} of {len(every)} graphs cannot be used: {first_few(faults)}")
    return pad_graphs(found, widths.pop())


def _graphs(pair: Pair, faults: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return nodes and edges of each graph; those that cannot be used are added to `faults`."""
    graphs, widths = [], set[int]()
    rounding = Rounding(f"{pair.where}: nodes")
    for number, graph in enumerate(pair.x, start=1):
        nodes, edges = as_array(value_of(graph, "nodes", "x")), as_array(value_of(graph, "edges"))
        index = value_of(graph, "edge_index")
        if index is not None and not edges.ndim:
            edges = as_array(index).T
        edges = edges.reshape(0, 2).astype(np.int64) if not edges.size and edges.ndim else edges
        problem = _form_problem(nodes, edges) or graph_problem(nodes, edges)
        if problem:
            faults.append(f"{pair.where} graph {number} ({problem})")
            continue
        widths.add(nodes.shape[1])
        if len(widths) == 1:
            rounding.add(nodes)
        graphs.append((nodes.astype(np.float32), edges.astype(np.int32)))
    rounding.check()
    return graphs


def _form_problem(nodes: np.ndarray, edges: np.ndarray) -> str:
    if nodes.ndim != 2 or nodes.dtype.kind not in "iufb":
        return f"expected 'nodes' of numbers (nodes, features), received {nodes.dtype} {nodes.shape}"
    if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu":
        return f"expected 'edges' of whole numbers (edges, 2), received {edges.dtype} {edges.shape}"
    return ""
