"""Which kind of data a path holds, and the recipe that it is proposed."""

from __future__ import annotations

from pathlib import Path

from zoo.data.proposal.arrays import propose_arrays
from zoo.data.proposal.audio import propose_clip_table
from zoo.data.proposal.folder import folder_source, propose_folder
from zoo.data.proposal.graph import graph_source, propose_graphs
from zoo.data.proposal.image_table import propose_image_table
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sequences import ts_proposal
from zoo.data.proposal.table import propose_table
from zoo.data.proposal.text_file import conll_files, propose_sentences, propose_text
from zoo.data.sources.archive import Archive
from zoo.data.sources.conll_file import CONLL_SUFFIXES
from zoo.data.sources.ts_text import SUFFIX
from zoo.data.tables.file import JSON_LINES, PARQUET
from zoo.errors import ZooError, listing, visible
from zoo.tasks import TABLE_SOURCES

_SUFFIXES = {
    "csv": (".csv", ".tsv"),
    "jsonl": JSON_LINES,
    "parquet": PARQUET,
    "npz": (".npz",),
    "conll": CONLL_SUFFIXES,
    "text": (".txt",),
    "ts": (SUFFIX,),
}
_KINDS = (
    f"a table ({', '.join(('.csv', '.tsv', *JSON_LINES, *PARQUET))}), arrays (.npz), sentences with tags "
    f"({', '.join(CONLL_SUFFIXES)}), running text (.txt), sequences ({SUFFIX}), or a folder"
)


def propose(path: Path, name: str, target: str | None = None) -> Proposal:
    """Return a recipe for the data at a path.

    Args:
        path: a file or a folder.
        name: the path as the recipe names it.
        target: the column of a table to predict.

    Raises:
        ZooError: there is nothing, or nothing that the zoo trains on; or a target is given for what is no table.
    """
    form = form_of(path)
    source = f"{form}:{name}"
    if form in TABLE_SOURCES and path.is_dir() and graph_source(path) is not None:
        return propose_graphs(path, source, target)
    if form in TABLE_SOURCES:
        if path.is_dir():
            return propose_table(path, source, target)
        files = propose_image_table(path, source, target) or propose_clip_table(path, source, target)
        return files or propose_table(path, source, target)
    if form == "conll":
        return propose_sentences(path, source, target)
    if target is not None:
        raise ZooError(f"{visible(path)}: --target names a column, and this is no table")
    if form == "ts":
        return ts_proposal(path, name)
    read = {"npz": _arrays, "text": propose_text}.get(form, propose_folder)
    return read(path, source)


def form_of(path: Path) -> str:
    """Return which source reads a path: "csv", "folder", …

    Raises:
        ZooError: there is nothing, or nothing that a source reads.
    """
    if not path.exists():
        raise ZooError(f"{visible(path)}: no such file or folder")
    if path.is_dir():
        if any(path.glob(f"*_TRAIN{SUFFIX}")):
            return "ts"
        return graph_source(path) or ("conll" if conll_files(path) else folder_source(path))
    found = next((form for form, suffixes in _SUFFIXES.items() if path.suffix.lower() in suffixes), None)
    if found is None:
        raise ZooError(f"{visible(path)}: cannot tell what it holds; expected {_KINDS}")
    return found


def _arrays(path: Path, source: str) -> Proposal:
    """Return a recipe for the arrays of an npz file."""
    archive = Archive(path)
    pairs = [("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y")]
    pair = next((pair for pair in pairs if set(pair) <= set(archive.names)), None)
    if pair is None:
        raise ZooError(f"{path}: expected arrays x_train and y_train, or x and y; found {listing(archive.names)}")
    own_test = any(name.startswith(("x_test", "test_")) for name in archive.names)
    return propose_arrays(*map(archive.read, pair), names=pair, where=str(path), source=source, own_test=own_test)
