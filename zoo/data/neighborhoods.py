"""The neighborhoods of the nodes of one large graph, made when they are taken."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from zoo.data.inputs import CHUNK_VALUES, graph_content


@dataclass(frozen=True, kw_only=True)
class LargeGraph:
    """One graph.

    Attributes:
        nodes: features of the nodes, float32 `(nodes, features)`.
        edges: source and target of each edge, int32 `(edges, 2)`, each once, sorted by target, then source.
        hops: edges from a node to the outermost nodes of its neighborhood, against their direction.
    """

    nodes: np.ndarray
    edges: np.ndarray
    hops: int
    _starts: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find where the edges into each node begin."""
        starts = np.searchsorted(self.edges[:, 1], np.arange(len(self.nodes) + 1))
        object.__setattr__(self, "_starts", starts)

    def sources(self, node: int) -> np.ndarray:
        """Return the nodes that have an edge to a node."""
        return self.edges[self._starts[node] : self._starts[node + 1], 0]

    def around(self, center: int) -> np.ndarray:
        """Return the nodes whose messages reach the center: the center, then the others in their order."""
        within, border = {center}, {center}
        for _ in range(self.hops):
            border = {int(other) for node in border for other in self.sources(node)} - within
            within |= border
        return np.array([center, *sorted(within - {center})])

    def neighborhood(self, center: int) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and edges around a node, which is the first; edges by target, then source."""
        chosen = self.around(center)
        place = {int(node): i for i, node in enumerate(chosen)}
        pairs = [
            (place[int(source)], i)
            for i, node in enumerate(chosen)
            for source in self.sources(int(node))
            if int(source) in place
        ]
        edges = np.array(sorted(pairs, key=lambda pair: (pair[1], pair[0])), np.int32).reshape(-1, 2)
        return self.nodes[chosen], edges


@dataclass(frozen=True, kw_only=True)
class NeighborhoodInputs:
    """Some nodes of a graph, each with its neighborhood.

    Attributes:
        graph: the graph.
        centers: the nodes.
        most_nodes: nodes of the largest neighborhood.
        most_edges: edges of the one that has most.
    """

    graph: LargeGraph
    centers: np.ndarray
    most_nodes: int
    most_edges: int

    def __len__(self) -> int:
        return len(self.centers)

    def take(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Return `nodes` and `edges` of the neighborhoods at `indices`, padded to the largest."""
        width = self.graph.nodes.shape[1]
        nodes = np.full((len(indices), self.most_nodes, width), np.nan, np.float32)
        edges = np.full((len(indices), max(1, self.most_edges), 2), -1, np.int32)
        for row, index in enumerate(indices):
            features, pairs = self.graph.neighborhood(int(self.centers[int(index)]))
            nodes[row, : len(features)], edges[row, : len(pairs)] = features, pairs
        return {"nodes": nodes, "edges": edges}

    def content(self, index: int) -> bytes:
        """Return one neighborhood as bytes, without padding."""
        return graph_content(*self.graph.neighborhood(int(self.centers[index])))

    def digest(self) -> str:
        """Return SHA-256 over the neighborhoods."""
        state = hashlib.sha256()
        for index in range(len(self)):
            state.update(self.content(index))
        return state.hexdigest()

    def chunk_size(self, limit: int) -> int:
        """Return how many neighborhoods to take at a time."""
        size = self.most_nodes * self.graph.nodes.shape[1]
        return min(limit, max(1, CHUNK_VALUES // max(1, size)))
