"""A recipe for a CoNLL file, or a folder of them, and for running text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_training
from zoo.data.sources.conll_file import CONLL_SUFFIXES, read_conll
from zoo.data.sources.text import read_text
from zoo.data.split_names import split_of_folder
from zoo.data.tables.reading import AS_USUAL
from zoo.errors import ZooError, listing, visible
from zoo.recipe.default_sections import default_model

_SHOWN_TAGS = 8


def conll_files(folder: Path) -> list[Path]:
    """Return the CoNLL files of a folder."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in CONLL_SUFFIXES and path.is_file())


def propose_sentences(path: Path, source: str, target: str | None) -> Proposal:
    """Return a recipe for sentences with a tag for each word.

    Args:
        path: a file, or a folder with a file a split.
        source: as the recipe names it.
        target: the column of the tags, by name or number; the last where it is left out.

    Raises:
        ZooError: a file is not readable, or has no column of tags.
    """
    files = conll_files(path) if path.is_dir() else [path]
    splits = {split_of_folder(file.name.partition(".")[0]): file for file in files}
    file = splits.get("train", files[0])
    read = read_conll(file, AS_USUAL, [])
    if read.width < 2 or not read.sentences:
        raise ZooError(f"{visible(file)}: expected a word and its tag a line, and found {read.width} columns")
    if read.names and target is None:
        raise ZooError(
            f"{visible(file)}: which column holds the tags? Name it with --target COLUMN (columns: "
            f"{', '.join(read.names)})"
        )
    place = read.column(target, read.width - 1, "--target")
    tags = Counter(row[place] for sentence in read.sentences for row in sentence.rows)
    common = listing(tag for tag, _ in tags.most_common(_SHOWN_TAGS))
    reason = (
        f"{len(read.sentences):,} sentences, and column {place + 1} of {read.width} holds {len(tags)} tags: {common}"
    )
    bases = ("_base/sequence_labeling", "_base/adamw_cosine")
    proposal = Proposal("sequence_labeling", bases=bases, reason=reason, target=target)
    proposal.add("data.source", source)
    if target is not None:
        proposal.add("data.target", target)
    elif read.width > 2:
        proposal.doubts.append(
            f"the last of {read.width} columns is taken for the tags; another one: --target with its name or number"
        )
    _add_network(proposal, len(read.sentences), own_test="test" in splits)
    return proposal


def propose_text(path: Path, source: str) -> Proposal:
    """Return a recipe for running text.

    Raises:
        ZooError: the file is not readable as text.
    """
    characters = len(read_text(path))
    bases = ("_base/language_modeling", "_base/adamw_cosine")
    proposal = Proposal("language_modeling", bases=bases, reason=f"running text of {characters:,} characters")
    proposal.doubts.append(
        "a text alone tells no other task; texts with classes lie in a folder a class, or in a table"
    )
    proposal.add("data.source", source)
    _add_network(proposal, max(1, characters // 128), own_test=False)
    return proposal


def _add_network(proposal: Proposal, examples: int, *, own_test: bool) -> None:
    for key, value in default_model(proposal.task).items():
        proposal.add(f"model.{key}", value)
    add_training(proposal, examples, own_test=own_test)
