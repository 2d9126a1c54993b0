"""Text files, one text a line, as an exported model takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.sources.text import read_text
from zoo.errors import ZooError, counted
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.serving.exported_model import ExportedModel


def read_texts(model: ExportedModel, path: Path, notes: list[str]) -> tuple[list[str], list[str]]:
    """Return the name, with the number of its line, and the text of each line that is not blank.

    Args:
        model: what the texts are for.
        path: a text file; a line ends with a line feed, whatever else the line holds.
        notes: what the vocabulary and the length limits of the model lose is added here.

    Raises:
        ZooError: the file is not readable, not UTF-8, or holds no text.
    """
    lines = {number: line for number, line in enumerate(read_text(path).split("\n"), start=1) if line.strip()}
    if not lines:
        raise ZooError(f"{path}: the file holds no text")
    task, texts = TASKS[model.task], [*lines.values()]
    if model.tokenizer is not None and not task.fills_in:  # what is filled in is unknown
        affected = [number for number, line in lines.items() if model.tokenizer.note([line], "")]
        note = model.tokenizer.note(texts, f"{path} ({counted(affected, 'lines')})")
        notes += [note] if note else []
    context = model.shape[0] if task.reads_corpus else None
    long = [number for number, line in lines.items() if context is not None and len(line) > context]
    if long:
        kept = "first" if task.fills_in else "last"
        notes.append(f"{path}: the model sees the {kept} {context} characters of {counted(long, 'lines')}")
    return [f"{path}:{number}" for number in lines], texts
