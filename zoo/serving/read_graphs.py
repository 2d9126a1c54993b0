"""Folders with tables of nodes and edges, as an exported model of graphs takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.neighborhoods import LargeGraph
from zoo.data.sources.graph_folder import graphs_of_tables, neighborhoods
from zoo.data.sources.graph_tables import GraphTable, read_folder_table, read_graph_tables
from zoo.data.sources.graphs import pad_graphs
from zoo.data.tables.file import Table
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.data.graph_form import GraphForm
    from zoo.serving.exported_model import ExportedModel

_TAKEN = 64  # graphs that are predicted at a time


def read_graph_folder(model: ExportedModel, path: Path, notes: list[str]) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Yield the names and the graphs of a folder, some at a time: each node with its neighborhood, or whole graphs.

    The tables have the names and columns of those that the model was trained on; targets are not needed, and where the
    table of graphs is missing, the graphs are those that the nodes name.

    Raises:
        ZooError: the model was not trained on tables, or they hold what makes no graph.
    """
    form = model.signature.graph
    if form is None:
        raise ZooError(f"input {path}: {model.path} was not trained on tables; it takes graphs in an npz file")
    found = read_graph_tables(path, form, model.signature.reading, columns=tuple(model.columns))
    notes += [f"{path}: {note}" for note in found.notes]
    if form.graphs:
        yield from _graphs(path, form, found, model)
        return
    graph = LargeGraph(nodes=found.features, edges=found.edges, hops=form.hops)
    for start in range(0, len(found.names), _TAKEN):
        rows = np.arange(start, min(start + _TAKEN, len(found.names)))
        names = [f"{path / form.nodes}:{row + 1}" for row in rows]
        yield names, neighborhoods(graph, rows).take(np.arange(len(rows)))


def _graphs(
    path: Path, form: GraphForm, found: GraphTable, model: ExportedModel
) -> Iterator[tuple[list[str], dict[str, Any]]]:
    if (path / form.graphs).is_file():
        table = read_folder_table(path, form.graphs, model.signature.reading)
        if form.graph not in table.columns:
            raise ZooError(f"{table.where}: column '{form.graph}', which names the graphs, is missing")
        where = path / form.graphs
    else:
        names = dict.fromkeys(found.nodes.texts(form.graph).tolist())
        table = Table(found.nodes.where, {form.graph: np.array(list(names), object)}, reading=found.nodes.reading)
        where = path / form.nodes
    graphs = graphs_of_tables(found, table, form)
    for start in range(0, len(graphs), _TAKEN):
        some = pad_graphs(graphs[start : start + _TAKEN], found.features.shape[1])
        listed = table.texts(form.graph)[start : start + _TAKEN]
        yield [f"{where}:{name}" for name in listed], {"nodes": some.nodes, "edges": some.edges}
