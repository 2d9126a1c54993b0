"""Checks of what goes with graphs from tables."""

from __future__ import annotations

from zoo.recipe.checks.collect import Checks
from zoo.recipe.graph_tables import GraphTables
from zoo.tasks import TABLE_SOURCES


def check_graph(checks: Checks, source: str) -> None:
    """Check the keys on the tables of graphs."""
    data, task = checks.recipe.data, checks.task
    tables = task.inputs == ("graph",) and source in TABLE_SOURCES
    checks.refuse(
        data.graph is not None and not tables,
        ("data", "graph"),
        f"is for graphs from {', '.join(TABLE_SOURCES)}, and this is {task.name} from {source}",
    )
    if not tables:
        return
    checks.refuse(
        bool(data.categorical), ("data", "categorical"), "features of nodes are numbers; write columns of 0 and 1"
    )
    if data.graph is None:
        return
    usual = GraphTables()  # a run's recipe names every key
    of_nodes = task.name == "node_classification"
    checks.refuse(
        of_nodes and (data.graph.graphs is not None or data.graph.graph != usual.graph),
        ("data", "graph"),
        "graphs and graph are for many graphs, and nodes are classified in one",
    )
    checks.refuse(
        not of_nodes and data.graph.hops != usual.hops, ("data", "graph", "hops"), "is for neighborhoods of nodes"
    )
    key = "node" if of_nodes else "graph"
    name = getattr(data.graph, key)
    checks.refuse(name in data.targets, ("data", "graph", key), f"'{name}' is what is predicted")
    checks.refuse(
        data.graph.source == data.graph.target, ("data", "graph", "target"), "an edge has two ends, in two columns"
    )
