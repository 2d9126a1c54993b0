"""The files of a table: one, those of a folder, or those that a pattern fits; names may say which split they are."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.data.split_names import SPLIT_NAMES, split_of_folder
from zoo.data.tables.file import JSON_LINES, PARQUET, Table, read_table
from zoo.data.tables.join import join_tables
from zoo.data.tables.reading import AS_USUAL, Reading
from zoo.errors import ZooError, counted

SUFFIXES = {"csv": (".csv", ".tsv"), "jsonl": JSON_LINES, "parquet": PARQUET}  # of files in folders, by source
_PATTERN = re.compile(r"[*?\[]")
_NAMES = "|".join(name for names in SPLIT_NAMES.values() for name in names)
_SPLIT_FILE = re.compile(rf"(?:.*[-_. ])?({_NAMES})(?:[-_.]?\d.*)?", re.I)  # train, sales_train, train-00000-of-00002


def read_tables(name: str, reading: Reading = AS_USUAL, target: str = "", form: str = "") -> Table:
    """Read the file, the folder, or the files that a pattern such as `sales-*.csv` fits, as one table.

    In a folder, files and subfolders with usual names of splits are these splits.

    Args:
        name: of the file or folder, or the pattern.
        reading: how each file is read.
        target: a column that each file has to have, which tells between separators.
        form: the source: "csv", "parquet" or "jsonl".

    Raises:
        ZooError: nothing is there, a file cannot be read, or the files have different columns.
    """
    path = Path(name).expanduser()
    is_pattern = bool(_PATTERN.search(name)) and not path.exists()
    if not path.is_dir() and not is_pattern:
        return read_table(path, reading, target, form=form)
    files, others = (_fitting(path), []) if is_pattern else table_files(path, form)
    if not files:
        looked = "no file fits the pattern" if is_pattern else f"no {' or '.join(SUFFIXES[form])} file in the folder"
        raise ZooError(f"{path}: {looked}" + (f" ({counted(others, 'other files')})" if others else ""))
    splits = _splits(files, None if is_pattern else path, path)
    if splits is not None:
        ordered = sorted(zip(splits, files, strict=True), key=lambda pair: list(SPLIT_NAMES).index(pair[0]))
        splits, files = [split for split, _ in ordered], [file for _, file in ordered]
    tables = [read_table(file, reading, target, form=form) for file in files]
    places = [str(file if is_pattern else file.relative_to(path)) for file in files]
    table = tables[0] if len(files) == 1 and splits is None else None
    if table is None:
        table = join_tables(tables, places, splits=splits, where=str(path))
        named = [f"{place} ({len(each):,} rows)" for place, each in zip(places, tables, strict=True)]
        table.notes.insert(0, f"read as one table: {counted(named, 'files')}")
        if splits is not None:
            table.notes.insert(1, f"splits by the names of files: {_by_split(places, splits)}")
    if others:
        table.notes.append(f"no part of the table: {counted(others, 'other files or folders')}")
    return table


def _fitting(pattern: Path) -> list[Path]:
    root = Path(pattern.anchor or ".")
    return sorted(p for p in root.glob(str(pattern.relative_to(pattern.anchor))) if p.is_file() and p.name[0] != ".")


def table_files(folder: Path, form: str) -> tuple[list[Path], list[str]]:
    """Return the files of the source in a folder and its subfolders that are splits, and the names of what is left."""
    files, others = [], []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and split_of_folder(entry.name) is not None:
            inner, more = table_files(entry, form)
            files += inner
            others += [f"{entry.name}/{each}" for each in more]
        elif entry.is_file() and entry.suffix.lower() in SUFFIXES[form]:
            files.append(entry)
        else:
            others.append(entry.name)
    return files, others


def _splits(files: list[Path], folder: Path | None, where: Path) -> list[str] | None:
    """Return the split of each file by its name or its folder; None where no file names one.

    Raises:
        ZooError: some do and others do not, or none trains.
    """
    found = [_split_of(file, folder) for file in files]
    if not any(found):
        return None
    unnamed = [file.name for file, split in zip(files, found, strict=True) if split is None]
    if unnamed:
        named = [file.name for file, split in zip(files, found, strict=True) if split is not None]
        raise ZooError(
            f"{where}: {counted(named, 'files')} are named as splits, and {counted(unnamed, 'files')} are not; take "
            "out or rename what does not belong, or name the files by a pattern (csv:sales-*.csv)"
        )
    if "train" not in found:
        raise ZooError(f"{where}: no file is named as the training split: {counted([f.name for f in files], 'files')}")
    return [split for split in found if split is not None]


def _split_of(file: Path, folder: Path | None) -> str | None:
    inner = file.relative_to(folder).parts[:-1] if folder is not None else ()
    match = _SPLIT_FILE.fullmatch(file.stem)
    return split_of_folder(inner[0]) if inner else match and split_of_folder(match[1])


def _by_split(places: list[str], splits: list[str]) -> str:
    return "; ".join(
        f"{split} {', '.join(p for p, s in zip(places, splits, strict=True) if s == split)}"
        for split in dict.fromkeys(splits)
    )
