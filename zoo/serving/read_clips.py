"""Audio files and folders of them, as an exported model takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.sources.audio import FORMATS, Clip, Header, read_clip, read_header
from zoo.data.sources.audio_folder import audio_files
from zoo.data.sources.clips import clip_notes
from zoo.data.sources.image_files import count_suffixes
from zoo.errors import ZooError, counted
from zoo.serving.read_images import files_of_table

if TYPE_CHECKING:
    from zoo.data.tables.file import Table
    from zoo.serving.exported_model import ExportedModel

_TAKEN = 64  # clips that are predicted at a time


def read_clips(model: ExportedModel, path: Path, notes: list[str]) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield the names and the samples of an audio file, or of some of those below a folder at a time.

    Args:
        model: what the clips are for: they are brought to its rate and length.
        path: an audio file, or a folder.
        notes: what a reader of the answers should know is added here.

    Raises:
        ZooError: the folder holds no clips, or some are damaged.
    """
    files, broken = [path], dict[Path, str]()
    if path.is_dir():
        found = audio_files(path)
        files, broken = found.files, dict(found.unreadable)
        if found.others:
            notes.append(
                f"{path}: left out, none of {FORMATS} by their suffix, or hidden: {count_suffixes(found.others)}"
            )
        if not files and not broken:
            raise ZooError(f"input {path}: the folder holds no clips ({FORMATS})")
    yield from clips_of_files(model, {str(file): file for file in files}, broken, f"{path}: ", notes)
    if broken:
        each = [f"{file.relative_to(path) if file != path else file} ({why})" for file, why in sorted(broken.items())]
        raise ZooError(f"input {path}: {counted(each, 'clips cannot be read')}; mend or remove them")


def clips_of_table(model: ExportedModel, table: Table, notes: list[str]) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield the names, with the numbers of their rows, and the samples of the clips of a table, some at a time.

    Raises:
        ZooError: the table lacks the column of paths, or clips are missing or damaged.
    """
    places = files_of_table(model, table, notes, "audio")
    broken: dict[Path, str] = {}
    yield from clips_of_files(model, places, broken, f"{table.where}: ", notes)
    faults = [f"{name} ({broken[path]})" for name, path in places.items() if path in broken]
    if faults:
        raise ZooError(f"{table.where}: {counted(faults, 'clips cannot be read')}; mend the files")


def clips_of_files(
    model: ExportedModel, files: dict[str, Path], broken: dict[Path, str], where: str, notes: list[str]
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield the names and samples of the files that can be read; the others are added to `broken`."""
    headers: list[Header] = []
    clips: list[Clip] = []
    names: list[str] = []
    rate, samples = model.signature.sample_rate, int(model.shape[0] or 0)
    remarks: list[str] = []
    for name, file in files.items():
        try:
            header, clip = read_header(file), read_clip(file, rate, samples)
        except ZooError as error:
            broken[file] = str(error)
            continue
        headers.append(header)
        remarks += clip.remarks
        names.append(name)
        clips.append(clip)
        if len(clips) == _TAKEN:
            yield names, np.stack([clip.samples for clip in clips])
            names, clips = [], []
    if clips:
        yield names, np.stack([clip.samples for clip in clips])
    if headers:
        notes += [f"{where}{note}" for note in clip_notes(headers, remarks, rate, samples)]
