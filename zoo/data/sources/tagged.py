"""`conll:PATH`, and tables with a list of tokens and a list of tags a row: sentences for sequence labeling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.columns import Column, check_columns
from zoo.data.cuts import find_cut
from zoo.data.dataset import Signature, SourceData, Split, whole
from zoo.data.inputs import TextInputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.sources.conll_file import ConllFile, read_conll
from zoo.data.sources.table import reading_of, split_rows, unused_columns
from zoo.data.split_names import SPLIT_NAMES, split_of_folder
from zoo.data.tables.files import read_tables
from zoo.data.tables.reading import Reading
from zoo.data.tables.token_lists import as_tokens, fault_of, joined, token_texts
from zoo.errors import ZooError, first_few, listing
from zoo.recipe.data_section import Data
from zoo.tasks import Task

_MAX_SKIPPED_FRACTION = 0.5  # of the sentences; a file with more faults is another file than the recipe says


@dataclass
class Tagged:
    """The sentences of a split: tokens, tags, and what messages call each."""

    tokens: list[list[str]] = field(default_factory=list)
    tags: list[list[str]] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)


def load_tagged_table(name: str, data: Data, task: Task) -> SourceData:
    """Load the rows of a table, each with tokens and as many tags.

    Raises:
        ZooError: the file is not readable, lacks a column that the recipe names, or has rows that are no such
            sentences and that the recipe does not leave out.
    """
    text, target = str(data.text), str(data.one_target)
    table = read_tables(name, reading_of(data), target, form=data.source.partition(":")[0])
    for key, named in (("text", [text]), ("target", [target]), ("ignore", data.ignore)):
        check_columns(table, named, f"data.{key}")
    apart = [name for name in (data.split_column, data.group, data.time) if name]
    for key in ("split_column", "group", "time"):
        check_columns(table, [name] if (name := getattr(data, key)) else [], f"data.{key}")
    others = [c for c in table.columns if c not in (text, target, *apart, *data.ignore)]
    notes = [*table.notes, *unused_columns(table, text, others)]
    faults = {
        i: fault
        for i in range(len(table))
        if (fault := sentence_fault(table.columns[text][i], table.columns[target][i], text, target))
    }
    what = (
        f"{len(faults)} of {len(table)} rows hold no tokens with a tag each: "
        f"{first_few([f'{table.row(i)} ({fault})' for i, fault in faults.items()])}"
    )
    if faults and (not table.reading.skip or len(faults) > _MAX_SKIPPED_FRACTION * len(table)):
        raise ZooError(f"{table.where}: {what}; correct them, or leave such rows out (data.on_error=skip)")
    if faults:
        notes.append(f"{what}; they are left out")
        table = table.take(np.setdiff1d(np.arange(len(table)), [*faults]))
    rows = split_rows(table, data.split_column)
    parts = {
        split: Tagged(
            [as_tokens(table.columns[text][i]) for i in own],
            [as_tokens(table.columns[target][i]) for i in own],
            [table.row(int(i)) for i in own],
        )
        for split, own in rows.items()
    }
    where = f"{table.where}: column '{target}'"
    found = sentence_source(parts, where, target, Column(text, "tokens", missing=()), table.reading, notes, task)
    every = TextInputs(token_texts(table, text, table.where))  # a cut goes by the rows of the table
    splits = {split: Split(every, rows[split], own.targets) for split, own in found.splits.items()}
    return replace(found, splits=splits, cut=find_cut(table, data))


def sentence_fault(tokens: Any, tags: Any, text: str, target: str) -> str:
    """Return why a row holds no tokens with a tag each; an empty text where it does.

    Args:
        tokens: what the row has as tokens.
        tags: what it has as tags.
        text: what messages call the tokens.
        target: what messages call the tags.
    """
    for name, fault in ((text, fault_of(tokens)), (target, fault_of(tags, numbers=True))):
        if fault:
            return f"'{name}' has {fault}"
    counts = len(as_tokens(tokens)), len(as_tokens(tags))
    return "" if counts[0] == counts[1] else f"{counts[0]} tokens and {counts[1]} tags"


def load_conll(name: str, data: Data, task: Task) -> SourceData:
    """Load a file of sentences, or a folder with a file a split, such as `train.conll` and `dev.conll`.

    Raises:
        ZooError: a file is missing, not readable, or has lines without a token and a tag.
    """
    path = Path(name).expanduser()
    notes: list[str] = []
    parts, reading, target = {}, Reading(), ""
    for split, file in _files(path, notes).items():
        said: list[str] = []
        read = read_conll(file, reading_of(data), said)
        parts[split], target = _columns(read, data, said)
        notes += [f"{file.name}: {note}" for note in said]
        reading = read.reading
    column = Column(data.text or "tokens", "tokens", missing=())
    return sentence_source(parts, str(path), target, column, reading, notes, task)


def _files(path: Path, notes: list[str]) -> dict[str, Path]:
    """Return the file of each split: the file itself, or those of a folder by their names without suffixes."""
    if not path.is_dir():
        return {"train": path}
    files = sorted(p for p in path.iterdir() if not p.name.startswith(".") and not p.is_dir())
    found = {file: split_of_folder(file.name.partition(".")[0]) for file in files}
    named: dict[str, list[Path]] = {
        split: [file for file, own in found.items() if own == split] for split in SPLIT_NAMES
    }
    several = [file.name for files in named.values() if len(files) > 1 for file in files]
    if several or not named["train"]:
        problem = f"several files for one split: {listing(several)}" if several else "no file for the training split"
        raise ZooError(
            f"{path}: {problem} (found: {listing(file.name for file in files) or 'none'}); expected one file a split, "
            "such as train.conll, dev.conll and test.conll"
        )
    unused = [file.name for file, split in found.items() if split is None]
    notes += [f"not used, as they name no split: {listing(unused)}"] if unused else []
    return {split: files[0] for split, files in named.items() if files}


def _columns(read: ConllFile, data: Data, notes: list[str]) -> tuple[Tagged, str]:
    """Return tokens and tags of a file, and the name of the tags' column.

    Raises:
        ZooError: a column is missing, or lines have no token or no tag, and the recipe does not leave them out.
    """
    if read.width < 2:
        raise ZooError(f"{read.where}: has one column, and tags are expected beside the tokens")
    if read.names and data.one_target is None:
        raise ZooError(f"{read.where}: data.target: required, and missing: one of the columns {', '.join(read.names)}")
    form = read.names.index("FORM") if "FORM" in read.names else 0
    token, tag = read.column(data.text, form, "data.text"), read.column(data.one_target, read.width - 1, "data.target")
    if token == tag:
        raise ZooError(f"{read.where}: data.target: column {tag + 1} holds the tokens; name another one")
    found, faults = Tagged(), list[str]()
    for sentence in read.sentences:
        tokens, tags = ([row[at].strip() for row in sentence.rows] for at in (token, tag))
        wrong = [
            f"line {line} (token '{word}', tag '{name}')"
            for line, word, name in zip(sentence.lines, tokens, tags, strict=True)
            if word.split() != [word] or name.split() != [name]
        ]
        faults += wrong
        if not wrong:
            found.tokens.append(tokens)
            found.tags.append(tags)
            found.rows.append(f"line {sentence.lines[0]}")
    if faults:
        lost = len(read.sentences) - len(found.tokens)
        what = f"{len(faults)} lines have an empty token or tag, or one with a blank in it: {first_few(faults)}"
        if not read.reading.skip or lost > _MAX_SKIPPED_FRACTION * len(read.sentences):
            raise ZooError(f"{read.where}: {what}; correct them, or leave their sentences out (data.on_error=skip)")
        notes.append(f"{what}; their {lost} of {len(read.sentences)} sentences are left out")
    return found, read.names[tag] if read.names else f"column {tag + 1}"


def sentence_source(
    parts: Mapping[str, Tagged],
    where: str,
    target: str,
    column: Column,
    reading: Reading,
    notes: list[str],
    task: Task,
) -> SourceData:
    """Return sentences as texts in which blanks separate the tokens, and a tag for each token as target.

    Args:
        parts: the sentences of each split.
        where: the source, for messages.
        target: what the tags are called.
        column: of the tokens.
        reading: how they were read.
        notes: what a reader of the results should know.
        task: the recipe's task.
    """
    read_targets = KINDS[task.kind].targets
    assert read_targets is not None
    values = {split: np.fromiter(part.tags, object, len(part.tags)) for split, part in parts.items()}
    rows = {split: part.rows for split, part in parts.items()}
    labels, targets = read_targets(RawTargets(values=values, where=where, notes=notes, rows=rows))
    signature = Signature("text", target, columns=(column,), labels=labels, reading=reading)
    splits = {split: whole(TextInputs(joined(part.tokens)), targets[split]) for split, part in parts.items()}
    counts = ", ".join(
        f"{sum(map(len, part.tokens)):,} tokens in {len(part.tokens):,} sentences" for part in parts.values()
    )
    return SourceData(signature=signature, splits=splits, notes=[*notes, f"{counts}, {len(labels) - 1} tags"])
