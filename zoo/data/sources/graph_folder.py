"""`csv:FOLDER`, `parquet:FOLDER` and `jsonl:FOLDER` for graphs: tables of nodes, of edges and of graphs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import check_columns
from zoo.data.cuts import Cut, find_cut
from zoo.data.dataset import Signature, SourceData, Split, whole
from zoo.data.graph_form import GraphForm
from zoo.data.inputs import Inputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.neighborhoods import LargeGraph, NeighborhoodInputs
from zoo.data.sources.graph_tables import MASKS, GraphTable, read_folder_table, read_graph_tables
from zoo.data.sources.graphs import pad_graphs
from zoo.data.sources.table import reading_of, split_rows
from zoo.data.sources.table_targets import find_targets
from zoo.data.tables.file import Table
from zoo.errors import ZooError, counted
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data

MAX_NEIGHBORHOOD = 2_000  # nodes; memory grows with their square
_SUFFIXES = {"csv": ".csv", "parquet": ".parquet", "jsonl": ".jsonl"}


def graph_form(data: Data, task: Task) -> GraphForm:
    """Return the names of files and columns that a recipe gives, or the usual ones."""
    from zoo.recipe.graph_tables import GraphTables

    tables = data.graph or GraphTables()
    suffix = _SUFFIXES[data.source.partition(":")[0]]
    return GraphForm(
        nodes=tables.nodes or f"nodes{suffix}",
        edges=tables.edges or f"edges{suffix}",
        graphs="" if _of_nodes(task) else tables.graphs or f"graphs{suffix}",
        node=tables.node,
        source=tables.source,
        target=tables.target,
        graph=tables.graph,
        directed=tables.directed,
        hops=tables.hops,
    )


def load_graph_folder(name: str, data: Data, task: Task) -> SourceData:
    """Load graphs from the tables of a folder: the neighborhoods of labelled nodes, or whole graphs.

    Raises:
        ZooError: a table or column is missing, or holds what makes no graph.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise ZooError(f"{folder}: expected a folder with tables of nodes and edges")
    return (_load_nodes if _of_nodes(task) else _load_graphs)(folder, graph_form(data, task), data, task)


def _of_nodes(task: Task) -> bool:
    return task.name == "node_classification"


def _load_nodes(folder: Path, form: GraphForm, data: Data, task: Task) -> SourceData:
    """Load the labelled nodes of one graph, each with its neighborhood."""
    nodes = read_folder_table(folder, form.nodes, reading_of(data))
    masks = _masks(nodes) if data.split_column is None else {}
    apart = tuple(
        name for name in (*data.targets, *data.ignore, data.split_column, data.group, *masks.values()) if name
    )
    check_columns(nodes, [name for name in apart if name not in data.ignore], "data")
    found = read_graph_tables(folder, form, reading_of(data), leave_out=apart)
    graph = LargeGraph(nodes=found.features, edges=found.edges, hops=form.hops)
    goal, notes = find_targets(found.nodes, data, task)
    notes = [*found.notes, *notes]
    values = goal.values(found.nodes, notes)
    labeled = np.array([value is not None for value in values])
    rows = _rows_of_splits(found.nodes, data, masks, labeled, notes)
    labels, targets = _targets(values, rows, found.nodes, data, task)
    signature = _signature(found, form, data, labels)
    inputs = {split: neighborhoods(graph, each) for split, each in rows.items()}
    splits: dict[str, Split] = {split: whole(inputs[split], targets[split]) for split in rows}
    cut = _cut_of(found.nodes, data, rows["train"])
    return SourceData(signature=signature, splits=splits, notes=notes, cut=cut)


def neighborhoods(graph: LargeGraph, centers: np.ndarray) -> NeighborhoodInputs:
    """Return the neighborhoods of some nodes.

    Raises:
        ZooError: one is too large.
    """
    most_nodes = most_edges = 1
    large = []
    for center in centers:
        chosen = graph.around(int(center))
        if len(chosen) > MAX_NEIGHBORHOOD:
            large.append(f"node {int(center) + 1} ({len(chosen):,})")
            continue
        most_nodes = max(most_nodes, len(chosen))
        most_edges = max(most_edges, len(graph.neighborhood(int(center))[1]))
    if large:
        raise ZooError(
            f"{counted(large, f'nodes have more than {MAX_NEIGHBORHOOD:,} nodes up to {graph.hops} edges away')}; "
            "lower data.graph.hops, or take edges of such nodes out"
        )
    return NeighborhoodInputs(graph=graph, centers=np.asarray(centers), most_nodes=most_nodes, most_edges=most_edges)


def _masks(nodes: Table) -> dict[str, str]:
    """Return the columns of 0 and 1 with the usual names of masks, by split."""
    found = {split: [name for name in names if name in nodes.columns] for split, names in MASKS.items()}
    return {split: names[0] for split, names in found.items() if names}


def _rows_of_splits(
    nodes: Table, data: Data, masks: dict[str, str], labeled: np.ndarray, notes: list[str]
) -> dict[str, np.ndarray]:
    """Return the labelled nodes of each split."""
    count = len(nodes)
    if not labeled.all():
        notes.append(f"{count - int(labeled.sum()):,} of {count:,} nodes have no label, and are neighbors alone")
    if masks:
        chosen = {split: _mask(nodes, name) for split, name in masks.items()}
        twice = np.flatnonzero(np.sum(list(chosen.values()), axis=0) > 1)
        if len(twice):
            raise ZooError(f"{nodes.where}: masks put {len(twice):,} nodes into several splits: {nodes.rows(twice)}")
        if "train" not in chosen:
            raise ZooError(f"{nodes.where}: {', '.join(masks.values())} are masks of splits, and train_mask is missing")
        notes.append(f"splits by the columns {', '.join(masks.values())}, which are no features")
    elif data.split_column:
        texts = nodes.texts(data.split_column)
        named = np.array([bool(text) for text in texts])
        parts = split_rows(nodes.take(np.flatnonzero(named)), data.split_column)
        positions = np.flatnonzero(named)
        chosen = {split: np.isin(np.arange(count), positions[rows]) for split, rows in parts.items()}
    else:
        chosen = {"train": np.ones(count, bool)}
    rows = {split: np.flatnonzero(each & labeled) for split, each in chosen.items()}
    outside = int((labeled & ~np.any(list(chosen.values()), axis=0)).sum())
    if outside:
        notes.append(f"{outside:,} labelled nodes are in no split, and are neighbors alone")
    empty = [split for split, each in rows.items() if not len(each)]
    if empty:
        raise ZooError(f"{nodes.where}: no labelled node is in the split {' and '.join(empty)}")
    return rows


def _mask(nodes: Table, name: str) -> np.ndarray:
    """Return a mask as booleans.

    Raises:
        ZooError: it holds something else than 0 and 1, or true and false.
    """
    texts = [text.lower() for text in nodes.texts(name)]
    wrong = [i for i, text in enumerate(texts) if text not in ("0", "1", "true", "false")]
    if wrong:
        raise ZooError(
            f"{nodes.where}: column '{name}' is a mask of 0 and 1, and has something else in {len(wrong):,} rows: "
            f"{nodes.rows(wrong)}"
        )
    return np.array([text in ("1", "true") for text in texts])


def _load_graphs(folder: Path, form: GraphForm, data: Data, task: Task) -> SourceData:
    """Load many graphs, each with its target."""
    table = read_folder_table(folder, form.graphs, reading_of(data))
    check_columns(table, [form.graph, *data.targets], "data")
    found = read_graph_tables(folder, form, reading_of(data), leave_out=tuple(data.ignore))
    graphs = graphs_of_tables(found, table, form)
    goal, notes = find_targets(table, data, task)
    notes = [*table.notes, *found.notes, *notes, *_unused(table, data, form)]
    values = goal.values(table, notes)
    rows = split_rows(table, data.split_column)
    labels, targets = _targets(values, rows, table, data, task)
    width = found.features.shape[1]
    inputs: dict[str, Inputs] = {
        split: pad_graphs([graphs[int(i)] for i in each], width) for split, each in rows.items()
    }
    splits = {split: whole(inputs[split], targets[split]) for split in rows}
    cut = _cut_of(table, data, rows["train"])
    return SourceData(signature=_signature(found, form, data, labels), splits=splits, notes=notes, cut=cut)


def graphs_of_tables(found: GraphTable, table: Table, form: GraphForm) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return nodes and edges of each row of a table of graphs.

    Raises:
        ZooError: a graph is there twice or has no nodes, or nodes belong to a graph that is not there.
    """
    names = table.texts(form.graph)
    place: dict[str, int] = {}
    twice = [f"{name} ({table.row(i)})" for i, name in enumerate(names) if place.setdefault(name, i) != i]
    if twice:
        raise ZooError(f"{table.where}: column '{form.graph}' names graphs twice: {counted(twice, 'rows')}")
    owner = np.array([place.get(name, -1) for name in found.nodes.texts(form.graph)])
    lost = [f"{found.nodes.row(int(i))}: {found.nodes.texts(form.graph)[i]}" for i in np.flatnonzero(owner < 0)]
    if lost:
        raise ZooError(f"{found.nodes.where}: {counted(lost, f'nodes are of a graph that {table.where} lacks')}")
    counts = np.bincount(owner, minlength=len(table))
    if not counts.all():
        without = [str(names[i]) for i in np.flatnonzero(counts == 0)]
        raise ZooError(f"{table.where}: {counted(without, f'of {len(table):,} graphs have no nodes')}")
    order = np.argsort(owner, kind="stable")
    local = np.empty(len(order), np.int64)
    local[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    of_edge = owner[found.edges[:, 0]] if len(found.edges) else np.zeros(0, int)
    by_graph = np.split(order, np.cumsum(counts)[:-1])
    edge_order = np.argsort(of_edge, kind="stable")
    edge_counts = np.bincount(of_edge, minlength=len(table))
    edges = np.split(local[found.edges[edge_order]], np.cumsum(edge_counts)[:-1])
    return [
        (found.features[nodes], pairs.astype(np.int32).reshape(-1, 2))
        for nodes, pairs in zip(by_graph, edges, strict=True)
    ]


def _unused(table: Table, data: Data, form: GraphForm) -> list[str]:
    taken = (form.graph, *data.targets, *data.ignore, data.split_column, data.group, data.time)
    others = [name for name in table.columns if name not in taken]
    return [f"{table.where}: no inputs: {counted(map(repr, others), 'columns')}"] if others else []


def _targets(
    values: np.ndarray, rows: dict[str, np.ndarray], table: Table, data: Data, task: Task
) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    read_targets = KINDS[task.kind].targets
    assert read_targets is not None, "no task on graphs forecasts"
    return read_targets(
        RawTargets(
            values={split: values[each] for split, each in rows.items()},
            where=f"{table.where}: column '{data.targets[0]}'",
            rows={split: [table.row(int(row)) for row in each] for split, each in rows.items()},
        )
    )


def _signature(found: GraphTable, form: GraphForm, data: Data, labels: Sequence[str]) -> Signature:
    return Signature(
        "graph",
        data.targets[0],
        (None, found.features.shape[1]),
        columns=found.columns,
        labels=tuple(labels),
        reading=found.nodes.reading,
        graph=form,
    )


def _cut_of(table: Table, data: Data, rows: np.ndarray) -> Cut | None:
    """Return how the training examples are cut; None where they are drawn."""
    return find_cut(table.take(rows), data)
