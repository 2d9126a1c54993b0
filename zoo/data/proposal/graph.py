"""A recipe for a folder with tables of nodes and edges."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_training
from zoo.data.proposal.targets import find_target
from zoo.data.sources.graph_tables import MASKS
from zoo.data.tables.file import TABLE_SUFFIXES, Table, read_table
from zoo.data.tables.infer import infer_number
from zoo.data.tables.uninformative import looks_like_id, names_splits
from zoo.errors import ZooError, listing

_SOURCES = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl"}
_MOST_CLASSES = 20  # of whole graphs; more different numbers are predicted as numbers
_IDS = ("id", "node", "node_id", "name")  # usual names of the column of nodes' names
_ENDS = (("source", "target"), ("from", "to"), ("src", "dst"), ("citing", "cited"))


def graph_source(path: Path) -> str | None:
    """Return the source that reads a folder's tables `nodes` and `edges`; None where it has none."""
    found = (form for suffix, form in _SOURCES.items() if (path / f"nodes{suffix}").is_file())
    form = next(found, None)
    return form if form and (path / f"edges.{form}").is_file() else None


def propose_graphs(path: Path, source: str, target: str | None) -> Proposal:
    """Return a recipe for nodes or for whole graphs.

    Raises:
        ZooError: the tables have no usual column of names, ends or targets.
    """
    suffix = f".{source.partition(':')[0]}"
    assert suffix in TABLE_SUFFIXES
    nodes, edges = read_table(path / f"nodes{suffix}"), read_table(path / f"edges{suffix}")
    many = (path / f"graphs{suffix}").is_file()
    examples = read_table(path / f"graphs{suffix}") if many else nodes
    target, doubts = find_target(examples, target, "--target COLUMN")
    node = _first(nodes, _IDS, "names of the nodes")
    pair = next((pair for pair in _ENDS if set(pair) <= set(edges.columns)), None)
    if pair is None:
        raise ZooError(f"{edges.where}: no columns of both ends of an edge, such as source and target")
    counts = Counter(text for text in examples.texts(target).tolist() if text)
    numbers = many and len(counts) > _MOST_CLASSES and infer_number(examples, target)[0].type == "number"
    task = "graph_regression" if numbers else "graph_classification" if many else "node_classification"
    reason = f"{len(nodes):,} nodes, {len(edges):,} edges" + (f" and {len(examples):,} graphs" if many else "")
    proposal = Proposal(task, bases=(f"_base/{task}", "_base/adamw_cosine"), reason=reason, target=target)
    proposal.doubts += doubts
    proposal.add("data.source", source)
    values = f"{len(counts):,} different numbers" if numbers else f"{len(counts)} classes: {listing(list(counts)[:10])}"
    proposal.add("data.target", target, values)
    form = {key: name for key, name, usual in (("node", node, "id"), *_ends(pair)) if name != usual}
    if form:
        proposal.add("data.graph", form, "by the names of the columns")
    split = next((name for name in examples.columns if _says_split(examples, name)), None)
    if split:
        proposal.add("data.split_column", split, "its values name splits")
    masks = {name for names in MASKS.values() for name in names}
    apart = {node, target, split, *masks, *(["graph"] if many else [])}
    ignored = [name for name in nodes.columns if name not in apart and not _is_feature(nodes, name)]
    if ignored:
        proposal.add("data.ignore", ignored, "text or ids, and features of nodes are numbers")
        proposal.doubts.append(f"{listing(ignored)}: categories are features as columns of 0 and 1")
    proposal.doubts.append("edges are taken in both directions; where they lead one way: data.graph.directed: true")
    proposal.add("model.name", "graph_sage" if many else "gcn")
    proposal.add("model.width", 64, reason)
    if many:
        proposal.add("model.pool", "mean")
    add_training(proposal, sum(counts.values()))
    return proposal


def _ends(pair: tuple[str, str]) -> tuple[tuple[str, str, str], ...]:
    return (("source", pair[0], "source"), ("target", pair[1], "target"))


def _first(table: Table, names: tuple[str, ...], what: str) -> str:
    found = next((name for name in names if name in table.columns), None)
    if found is None:
        raise ZooError(f"{table.where}: no column of {what}, such as {names[0]} (found: {', '.join(table.columns)})")
    return found


def _says_split(table: Table, name: str) -> bool:
    return names_splits(name, list(dict.fromkeys(text for text in table.texts(name).tolist() if text)))


def _is_feature(table: Table, name: str) -> bool:
    return infer_number(table, name)[0].type == "number" and not looks_like_id(name)
