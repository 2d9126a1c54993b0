"""What a trained model keeps of the tables that its graphs came from, so that new ones are read alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class GraphForm:
    """Names of files and columns, and how edges are read (`zoo.recipe.graph_tables.GraphTables`).

    Attributes:
        nodes: file of the nodes.
        edges: file of the edges.
        graphs: file of the graphs; empty where nodes are classified.
        node: column of the nodes' names.
        source: column of edges: the node that one comes from.
        target: column of edges: the node that one leads to.
        graph: column of the graphs' names.
        directed: edges lead one way.
        hops: edges from a node to the outermost nodes of its neighborhood.
    """

    nodes: str
    edges: str
    graphs: str
    node: str
    source: str
    target: str
    graph: str
    directed: bool
    hops: int

    def to_json(self) -> dict[str, Any]:
        """Return the form as plain data."""
        return asdict(self)
