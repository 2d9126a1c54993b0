"""Graphs of a TFDS builder: a feature that holds `nodes` `(nodes, features)` and `edges` `(edges, 2)`."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.arrays import Rounding
from zoo.data.inputs import GraphInputs
from zoo.errors import ZooError


def is_graph(feature: Any) -> bool:
    """Return whether a TFDS feature holds graphs."""
    return hasattr(feature, "keys") and {"nodes", "edges"} <= set(feature.keys())


def read_graphs(builder: Any, split: str, name: str, target: str) -> tuple[GraphInputs, np.ndarray]:
    """Return the graphs and targets of a split.

    Raises:
        ZooError: features or edges have another form, hold gaps, or an edge has no node.
    """
    import tensorflow_datasets as tfds

    where = f"{builder.info.name}: split '{split}'"
    feature = builder.info.features[name]
    width = feature["nodes"].shape[-1] if len(feature["nodes"].shape) == 2 else None
    if width is None or tuple(feature["edges"].shape)[1:] != (2,):
        raise ZooError(
            f"{where}: a graph has nodes (nodes, features) and edges (edges, 2), received "
            f"{feature['nodes'].shape} and {feature['edges'].shape}"
        )
    graphs, targets = [], []
    rounding = Rounding(f"{where}: nodes")
    for row, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)), start=1):
        nodes, edges = example[name]["nodes"], example[name]["edges"]
        problem = graph_problem(nodes, edges)
        if problem:
            raise ZooError(f"{where}: graph {row}: {problem}")
        rounding.add(nodes)
        graphs.append((nodes.astype(np.float32), edges.astype(np.int32)))
        targets.append(example[target])
    rounding.check()
    if not graphs:
        raise ZooError(f"{where} holds no graphs; name another one under data.splits")
    return pad_graphs(graphs, width), np.array(targets)


def graph_problem(nodes: np.ndarray, edges: np.ndarray) -> str | None:
    """Return what is wrong with a graph, None where nothing is.

    Args:
        nodes: `(nodes, features)`, without padding, in the type of the source.
        edges: `(edges, 2)`, without padding, in the type of the source: what is narrowed first would pass.
    """
    if not len(nodes):
        return "expected at least one node, received none"
    if not np.isfinite(nodes).all():
        row = int(np.flatnonzero(~np.isfinite(nodes).all(axis=1))[0])
        return f"features must be finite, and those of node {row} hold NaN or infinity"
    outside = (edges < 0) | (edges >= len(nodes))
    if outside.any():
        edge = edges[int(np.flatnonzero(outside.any(axis=1))[0])].tolist()
        return f"edges must join nodes 0 to {len(nodes) - 1}, received the edge {edge}"
    return None


def pad_graphs(graphs: list[tuple[np.ndarray, np.ndarray]], width: int) -> GraphInputs:
    """Stack graphs, padded to the largest.

    Args:
        graphs: nodes `(nodes, width)` and edges `(edges, 2)` of each.
        width: features of a node.
    """
    most_nodes = max((len(nodes) for nodes, _ in graphs), default=1)
    most_edges = max(1, max((len(edges) for _, edges in graphs), default=1))
    nodes = np.full((len(graphs), most_nodes, width), np.nan, np.float32)
    edges = np.full((len(graphs), most_edges, 2), -1, np.int32)
    for i, (features, pairs) in enumerate(graphs):
        nodes[i, : len(features)], edges[i, : len(pairs)] = features, pairs
    return GraphInputs(nodes, edges)
