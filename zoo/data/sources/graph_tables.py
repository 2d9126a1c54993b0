"""Tables of nodes and edges to arrays: unknown nodes, double edges and gaps are counted, and said or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zoo.data.arrays import as_features
from zoo.data.columns import Column, check_columns, numbers
from zoo.data.graph_form import GraphForm
from zoo.data.tables.file import Table, read_table, refuse_nested
from zoo.data.tables.infer import infer_number
from zoo.data.tables.reading import Reading
from zoo.data.tables.uninformative import names_splits
from zoo.errors import ZooError, counted

MASKS = {  # usual names of the columns of 0 and 1 that say which split a node is in
    "train": ("train_mask",),
    "validation": ("val_mask", "valid_mask", "validation_mask"),
    "test": ("test_mask",),
}


@dataclass(frozen=True, kw_only=True)
class GraphTable:
    """Nodes and edges of one graph or of many, as their tables hold them.

    Attributes:
        nodes: the table of the nodes.
        columns: those of its columns that are features.
        features: float32 `(nodes, features)`.
        edges: source and target of each edge, as positions of nodes, int32 `(edges, 2)`, each once, sorted by target,
            then source.
        names: name of each node.
        notes: what a reader of the results should know.
    """

    nodes: Table
    columns: tuple[Column, ...]
    features: np.ndarray
    edges: np.ndarray
    names: np.ndarray
    notes: list[str] = field(default_factory=list)


def read_folder_table(folder: Path, name: str, reading: Reading) -> Table:
    """Read one table of a folder.

    Raises:
        ZooError: it is missing, not readable, or lies elsewhere.
    """
    path = folder / name
    if not path.is_file():
        found = sorted(p.name for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []
        listed = ", ".join(found) or "none"
        raise ZooError(f"{folder}: there is no file '{name}', which data.graph names or expects (found: {listed})")
    return read_table(path, reading)


def read_graph_tables(
    folder: Path,
    form: GraphForm,
    reading: Reading,
    *,
    leave_out: tuple[str, ...] = (),
    columns: tuple[Column, ...] | None = None,
) -> GraphTable:
    """Read the nodes and edges of a folder.

    Args:
        folder: holds the tables.
        form: names of files and columns.
        reading: how they are read.
        leave_out: columns of the nodes that are no features.
        columns: the features that a trained model takes; None to find them out.

    Raises:
        ZooError: a table or column is missing, nodes have no name or one name twice, features are no numbers or have
            gaps, or edges name nodes that are not there and the recipe does not leave them out.
    """
    nodes, edges = (read_folder_table(folder, name, reading) for name in (form.nodes, form.edges))
    many = bool(form.graphs)
    check_columns(nodes, [form.node, *([form.graph] if many else [])], "data.graph")
    check_columns(edges, [form.source, form.target], "data.graph")
    notes = [*nodes.notes, *edges.notes]
    names = _names(nodes, form.node)
    in_graph = _names(nodes, form.graph) if many else np.full(len(nodes), "", object)
    by_graph = many and form.graph in edges.columns
    keys = list(zip(in_graph if by_graph else [""] * len(names), names, strict=True))
    _refuse_repeated(nodes, keys, form)
    place = {key: i for i, key in enumerate(keys)}
    pairs, edge_notes = _edges(edges, form, place, in_graph, by_graph=by_graph, skip=reading.skip)
    if columns is None:
        apart = (form.node, *leave_out, *((form.graph,) if many else ()))
        columns, more = _feature_columns(nodes, [name for name in nodes.columns if name not in apart])
        notes += more
    features = _features(nodes, columns)
    return GraphTable(
        nodes=nodes, columns=columns, features=features, edges=pairs, names=names, notes=[*notes, *edge_notes]
    )


def _names(table: Table, column: str) -> np.ndarray:
    """Return the names in a column as text.

    Raises:
        ZooError: rows have none.
    """
    refuse_nested(table, [column])
    texts = table.texts(column)
    missing = [i for i, text in enumerate(texts) if not text]
    if missing:
        raise ZooError(
            f"{table.where}: column '{column}' is empty in {len(missing):,} of {len(table):,} rows: "
            f"{table.rows(missing)}"
        )
    return texts


def _refuse_repeated(nodes: Table, keys: list[tuple[str, str]], form: GraphForm) -> None:
    seen: dict[tuple[str, str], int] = {}
    twice = [f"{key[1]} ({nodes.row(i)})" for i, key in enumerate(keys) if seen.setdefault(key, i) != i]
    if twice:
        several = f" in one graph; where names repeat over graphs, give the edges a column '{form.graph}'"
        raise ZooError(
            f"{nodes.where}: column '{form.node}' names nodes twice{several if form.graphs else ''}: "
            f"{counted(twice, 'rows')}"
        )


def _edges(
    table: Table,
    form: GraphForm,
    place: dict[tuple[str, str], int],
    in_graph: np.ndarray,
    *,
    by_graph: bool,
    skip: bool,
) -> tuple[np.ndarray, list[str]]:
    """Return the edges as positions of nodes, and notes on what was dropped or added.

    Raises:
        ZooError: an edge has an end that is no node, or its ends are in two graphs.
    """
    graphs = _names(table, form.graph) if by_graph else np.full(len(table), "", object)
    ends = [_names(table, column) for column in (form.source, form.target)]
    found = np.array(
        [[place.get((graph, a), -1), place.get((graph, b), -1)] for graph, a, b in zip(graphs, *ends, strict=True)],
        np.int64,
    ).reshape(-1, 2)
    unknown = np.flatnonzero((found < 0).any(axis=1))
    faults = [f"{table.row(int(i))}: {ends[0][i]} to {ends[1][i]}" for i in unknown]
    notes = []
    message = counted(faults, f"of {len(table):,} edges have an end that is no node")
    if faults and not skip:
        raise ZooError(f"{table.where}: {message}; mend the files, or leave these edges out with data.on_error=skip")
    if faults:
        notes.append(f"left out by data.on_error: {message}")
        found = np.delete(found, unknown, axis=0)
    if form.graphs:
        apart = np.flatnonzero(in_graph[found[:, 0]] != in_graph[found[:, 1]])
        if len(apart):
            raise ZooError(f"{table.where}: {len(apart):,} edges join nodes of two graphs; each graph stands alone")
    return _unique(found, form, notes, table.where)


def _unique(found: np.ndarray, form: GraphForm, notes: list[str], where: str) -> tuple[np.ndarray, list[str]]:
    """Return each edge once, in both directions where the graph has none, sorted by target, then source."""
    count = len(found)
    once = np.unique(found, axis=0)
    if len(once) < count:
        notes.append(f"{where}: {count - len(once):,} of {count:,} edges are there twice, and are taken once")
    loops = int((once[:, 0] == once[:, 1]).sum())
    if loops:
        notes.append(f"{where}: {loops:,} edges lead from a node to itself, and stay")
    if not form.directed:
        both = np.unique(np.concatenate([once, once[:, ::-1]]), axis=0)
        added = len(both) - len(once)
        if added:
            notes.append(
                f"{where}: {added:,} of {len(once):,} edges are written in one direction, and are taken in both "
                "(data.graph.directed: true takes them as they are)"
            )
        once = both
    order = np.lexsort((once[:, 0], once[:, 1]))
    return once[order].astype(np.int32), notes


def _feature_columns(nodes: Table, names: list[str]) -> tuple[tuple[Column, ...], list[str]]:
    """Return the columns of numbers that are features of the nodes, and notes on how they are written.

    Raises:
        ZooError: there is none, or one holds text.
    """
    columns, notes, texts = [], [], []
    refuse_nested(nodes, names)
    for name in names:
        column, more = infer_number(nodes, name)
        if column.type == "category":
            texts.append(name)
            continue
        columns.append(column)
        notes += more
    if texts:
        split = next((f"; split the nodes by data.split_column: {name}" for name in texts if _splits(nodes, name)), "")
        raise ZooError(
            f"{nodes.where}: features of nodes are numbers, and text is in {counted(map(repr, texts), 'columns')}; "
            f"write categories as columns of 0 and 1, or list such columns under data.ignore{split}"
        )
    if not columns:
        raise ZooError(
            f"{nodes.where}: no column of features is left; give nodes a number, such as how many edges it has"
        )
    return tuple(columns), notes


def _splits(nodes: Table, name: str) -> bool:
    return names_splits(name, list(dict.fromkeys(nodes.texts(name).tolist())))


def _features(nodes: Table, columns: tuple[Column, ...]) -> np.ndarray:
    """Return the features, float32 `(nodes, features)`.

    Raises:
        ZooError: values are missing or no numbers, or float32 would lose what differs between nodes.
    """
    check_columns(nodes, [column.name for column in columns], "the model")
    values = np.stack([numbers(nodes, column) for column in columns], axis=1)
    gaps = np.argwhere(~np.isfinite(values))
    if len(gaps):
        first = f"{nodes.row(int(gaps[0][0]))} of column '{columns[int(gaps[0][1])].name}'"
        rows = len(np.unique(gaps[:, 0]))
        raise ZooError(
            f"{nodes.where}: {len(gaps):,} values of {rows:,} nodes are missing or no numbers, the first in {first}; "
            "fill them in, or list such columns under data.ignore"
        )
    return as_features(values, f"{nodes.where}: features")
