"""Texts from files, as an exported model takes them: a text a line, a text a file, or a column of a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.columns import Column, ColumnType, take_columns
from zoo.data.sources.conll_file import read_conll
from zoo.data.sources.image_files import count_suffixes
from zoo.data.sources.text import read_text
from zoo.data.sources.text_folder import MAX_TEXT_BYTES, read_text_files
from zoo.data.tables.file import Table
from zoo.errors import ZooError, counted, first_few, listing
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.serving.exported_model import ExportedModel

Texts = tuple[list[str], list[str]]  # names of the texts, and the texts


def read_texts(model: ExportedModel, path: Path, notes: list[str]) -> Texts:
    """Return the name, with the number of its line, and the text of each line that is not blank.

    Of a model that was trained on whole files, the file is one text.

    Args:
        model: what the texts are for.
        path: a text file; a line ends with a line feed, whatever else the line holds.
        notes: what the vocabulary and the length limits of the model lose is added here.

    Raises:
        ZooError: the file is not readable, not UTF-8, or holds no text.
    """
    reading = model.signature.reading
    if reading.whole_files:
        text = read_text(path, other_encoding=reading.other_encoding, limit=MAX_TEXT_BYTES)
        _say_lost(model, {str(path): text}, str(path), "files", notes)
        return [str(path)], [text]
    lines = {str(number): line for number, line in enumerate(read_text(path).split("\n"), start=1) if line.strip()}
    if not lines:
        raise ZooError(f"{path}: the file holds no text")
    _say_lost(model, lines, str(path), "lines", notes)
    return [f"{path}:{number}" for number in lines], [*lines.values()]


def read_text_folder(model: ExportedModel, folder: Path, notes: list[str]) -> Texts:
    """Return the path and the text of each `.txt` file below a folder.

    Raises:
        ZooError: there is none, or some are not readable.
    """
    found = read_text_files(folder, other_encoding=model.signature.reading.other_encoding)
    if found.unreadable:
        reasons = [f"{path.relative_to(folder)} ({reason})" for path, reason in sorted(found.unreadable.items())]
        raise ZooError(f"{folder}: {counted(reasons, 'files cannot be read')}")
    if not found.files:
        raise ZooError(f"{folder}: expected .txt files, found none")
    if found.others:
        notes.append(f"{folder}: left out, no .txt files or hidden: {count_suffixes(found.others)}")
    texts = {str(path): text for path, text in zip(found.files, found.texts, strict=True)}
    _say_lost(model, texts, str(folder), "files", notes)
    return [*texts], [*texts.values()]


def texts_of_table(model: ExportedModel, table: Table, notes: list[str]) -> Texts:
    """Return the name, with the number of its row, and the text of each row of a table.

    The column is the one that the model was trained on or, where it was trained on no table, the only one.

    Raises:
        ZooError: the table lacks the column or has several, or a text is missing.
    """
    columns = model.columns
    if not columns:
        if len(table.columns) > 1:
            raise ZooError(
                f"{table.where}: the model was not trained on a table, and does not know which column holds the texts: "
                f"give it a file with this column alone (found: {listing(table.columns)})"
            )
        kind: ColumnType = "tokens" if TASKS[model.task].labels_tokens else "text"
        columns = [Column(next(iter(table.columns)), kind, missing=())]
    texts = take_columns(table, columns)[columns[0].name].tolist()
    _say_lost(model, {str(i): text for i, text in enumerate(texts, start=1)}, table.where, "rows", notes)
    return [f"{table.where}:{row}" for row in range(1, len(texts) + 1)], texts


def read_sentences(model: ExportedModel, path: Path, notes: list[str]) -> Texts:
    """Return the name, with the number of its first line, and the words of each sentence of a CoNLL file.

    Raises:
        ZooError: the file is not readable, or lines have no token.
    """
    said: list[str] = []
    read = read_conll(path, model.signature.reading, said)
    wanted = model.columns[0].name if model.columns else ""
    default = read.names.index("FORM") if "FORM" in read.names else 0
    known = wanted in read.names or wanted.isdecimal()
    at = read.column(wanted if known else None, default, "the column of tokens")
    texts, faults = {}, list[str]()
    for sentence in read.sentences:
        words = [row[at].strip() for row in sentence.rows]
        numbered = zip(sentence.lines, words, strict=True)
        faults += [f"line {line} ('{word}')" for line, word in numbered if word.split() != [word]]
        texts[str(sentence.lines[0])] = " ".join(words)
    if faults:
        raise ZooError(
            f"{path}: {len(faults)} lines have an empty token or one with a blank in it: {first_few(faults)}"
        )
    notes += [f"{path}: {note}" for note in said]
    _say_lost(model, texts, str(path), "sentences", notes)
    return [f"{path}:{line}" for line in texts], [*texts.values()]


def _say_lost(model: ExportedModel, texts: dict[str, str], where: str, what: str, notes: list[str]) -> None:
    """Note what the vocabulary and the length limits of the model lose of some texts, by their numbers or names."""
    task = TASKS[model.task]
    if model.tokenizer is not None and not task.fills_in:  # what is filled in is unknown
        affected = [name for name, text in texts.items() if model.tokenizer.note([text], "")]
        note = model.tokenizer.note([*texts.values()], f"{where} ({counted(affected, what)})")
        notes += [note] if note else []
    context = model.shape[0] if task.reads_corpus else None
    long = [name for name, text in texts.items() if context is not None and len(text) > context]
    if long:
        kept = "first" if task.fills_in else "last"
        notes.append(f"{where}: the model sees the {kept} {context} characters of {counted(long, what)}")
