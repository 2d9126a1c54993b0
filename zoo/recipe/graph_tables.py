"""`data.graph`: which tables and columns hold the nodes and edges of graphs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo.recipe.types import Section

Hops = Annotated[int, Field(ge=1, le=8)]


class GraphTables(Section):
    """Nodes and edges of graphs, in tables of one folder."""

    nodes: str | None = Field(None, description="file of the nodes; nodes.csv where left out, or as the source says")
    edges: str | None = Field(None, description="file of the edges; edges.csv where left out")
    graphs: str | None = Field(
        None, description="graph tasks: file of the graphs, which has the target; graphs.csv where left out"
    )
    node: str = Field("id", description="column of the nodes' file that edges name nodes by")
    source: str = Field("source", description="column of the edges' file: the node that an edge comes from")
    target: str = Field("target", description="column of the edges' file: the node that an edge leads to")
    graph: str = Field("graph", description="graph tasks: column of the graph in all files")
    directed: bool = Field(False, description="edges lead one way; else each is taken in both directions")
    hops: Hops = Field(2, description="node tasks: edges from a node to the outermost nodes of its neighborhood")
