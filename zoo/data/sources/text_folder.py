"""`folder:PATH` for texts: `.txt` files sorted into one subfolder a class, each file a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import Signature, SourceData, Split, whole
from zoo.data.inputs import TextInputs
from zoo.data.notes import Note, damaged_files, unused_files
from zoo.data.sources.folder_layout import class_names, find_classes, find_splits, similar_names
from zoo.data.sources.image_files import count_suffixes, is_hidden, walk
from zoo.data.sources.text import read_text
from zoo.data.tables.reading import Reading
from zoo.errors import ZooError, counted
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data

MAX_TEXT_BYTES = 1 << 24  # of a file that is one example; the longest novels have some 5 MB


@dataclass
class TextFiles:
    """The text files below a folder, and what of them cannot be read.

    Attributes:
        files: the files that were read, sorted by path.
        texts: their contents.
        unreadable: files and folders that cannot be read, with the reason.
        others: files that are no `.txt`, and hidden ones that are.
    """

    files: list[Path] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    others: list[Path] = field(default_factory=list)


def is_text_file(path: Path) -> bool:
    """Return whether a file holds a text by its suffix."""
    return path.suffix.lower() == ".txt"


def read_text_files(folder: Path, encoding: str | None = None, other_encoding: str | None = None) -> TextFiles:
    """Read the `.txt` files below a folder; the encodings are as of `read_text`."""
    found = TextFiles()
    for path in sorted(walk(folder, found.unreadable)):
        if not is_text_file(path) or any(is_hidden(part) for part in path.relative_to(folder).parts):
            found.others += [path] if is_text_file(path) or not is_hidden(path.name) else []
            continue
        try:
            text = read_text(path, encoding, other_encoding=other_encoding, limit=MAX_TEXT_BYTES)
        except ZooError as error:
            found.unreadable[path] = str(error).removeprefix(f"{path}: ")
            continue
        found.files.append(path)
        found.texts.append(text)
    return found


def load_text_folder(name: str, data: Data, task: Task) -> SourceData:
    """Load texts by class: `PATH/CLASS/*.txt`, or `PATH/SPLIT/CLASS/*.txt` where the folder holds splits.

    Raises:
        ZooError: a folder is missing or empty, its subfolders are not one a class, or files cannot be read and
            `data.on_error` does not leave them out.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    roots, notes = find_splits(path, data.splits, is_text_file, "texts")
    classes = {split: find_classes(root, is_text_file) for split, root in roots.items()}
    labels = class_names(roots, classes)
    read = {
        split: {label: read_text_files(folder, data.encoding) for label, folder in folders.items()}
        for split, folders in classes.items()
    }
    every = [files for split in read.values() for files in split.values()]
    notes += similar_names([*labels]) + _file_notes(every, [path, *roots.values()])
    notes += _unreadable(every, path, skip=data.on_error == "skip")
    _refuse_empty(roots, labels, read)
    signature = Signature("text", "class", labels=labels, reading=Reading(encoding=data.encoding, whole_files=True))
    splits = {split: _split(found, labels) for split, found in read.items()}
    return SourceData(signature=signature, splits=splits, notes=notes)


def _split(read: dict[str, TextFiles], labels: tuple[str, ...]) -> Split:
    texts = [text for label in labels for text in read[label].texts]
    counts = [len(read[label].texts) for label in labels]
    targets = np.repeat(np.arange(len(labels), dtype=np.int32), counts)
    return whole(TextInputs(np.array(texts, dtype=object)), targets)


def _file_notes(every: list[TextFiles], roots: list[Path]) -> list[str]:
    """Return notes on files that are left out, and on texts that hold nothing."""
    notes: list[str] = []
    others = [path for files in every for path in files.others]
    if others:
        notes.append(unused_files(f"left out, no .txt files or hidden: {count_suffixes(others)}", others))
    loose = [p for root in dict.fromkeys(roots) for p in root.iterdir() if is_text_file(p) and not p.is_dir()]
    if loose:
        names = sorted(str(path.relative_to(roots[0])) for path in loose)
        text = f"left out, as they lie in no class folder: {counted(names, 'texts')}"
        notes.append(unused_files(text, names))
    blank = [p for files in every for p, text in zip(files.files, files.texts, strict=True) if not text.strip()]
    if blank:
        total = sum(len(files.files) for files in every)
        names = [str(path.relative_to(roots[0])) for path in blank]
        text = f"empty or blank: {counted(names, f'of {total:,} texts')}"
        evidence = [{"file": name} for name in names]
        notes.append(Note(text, "empty_texts", severity="warning", affected=len(blank), evidence=evidence))
    return notes


def _unreadable(every: list[TextFiles], base: Path, *, skip: bool) -> list[str]:
    """Refuse files that cannot be read, or return a note where the recipe leaves them out.

    Raises:
        ZooError: there are some, and the recipe does not.
    """
    broken = {path: reason for files in every for path, reason in files.unreadable.items()}
    if not broken:
        return []
    total = sum(len(files.files) for files in every) + len(broken)
    listed = [f"{path.relative_to(base)} ({reason})" for path, reason in sorted(broken.items())]
    message = counted(listed, f"of {total:,} texts cannot be read")
    if not skip:
        raise ZooError(
            f"{base}: {message}; save them as UTF-8 or name their data.encoding, or leave them out with "
            "data.on_error=skip"
        )
    return [damaged_files(f"left out by data.on_error: {message}", listed)]


def _refuse_empty(roots: dict[str, Path], labels: tuple[str, ...], read: dict[str, dict[str, TextFiles]]) -> None:
    empty = [
        str(roots[split] / label)
        for split, found in read.items()
        for label in labels
        if label not in found or not found[label].texts
    ]
    if empty:
        raise ZooError(f"{counted(empty, 'classes have no .txt files')}; add some, or remove the folders")
