"""`folder:PATH` for audio: WAV, FLAC and OGG files sorted into one subfolder a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.notes import unused_files
from zoo.data.sources.audio import FORMATS, has_audio_suffix
from zoo.data.sources.clips import Clips, clips_of_files, unify
from zoo.data.sources.decode_files import unreadable
from zoo.data.sources.folder_layout import class_names, find_classes, find_splits, similar_names
from zoo.data.sources.image_files import count_suffixes, is_hidden, walk
from zoo.errors import ZooError, counted
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


@dataclass
class AudioFiles:
    """The audio files below a folder.

    Attributes:
        files: what has the suffix of one, sorted by path.
        unreadable: folders that cannot be read, with the reason.
        others: other files, and hidden ones that have such a suffix.
    """

    files: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    others: list[Path] = field(default_factory=list)


def audio_files(folder: Path) -> AudioFiles:
    """Return the audio files below a folder; links are followed."""
    found = AudioFiles()
    for path in sorted(walk(folder, found.unreadable)):
        hidden = any(is_hidden(part) for part in path.relative_to(folder).parts)
        if has_audio_suffix(path) and not hidden:
            found.files.append(path)
        elif has_audio_suffix(path) or not hidden:
            found.others.append(path)
    return found


def load_audio_folder(name: str, data: Data, task: Task) -> SourceData:
    """Load clips by class: `PATH/CLASS/*.wav`, or `PATH/SPLIT/CLASS/*.wav` where the folder holds splits.

    Raises:
        ZooError: a folder is missing or empty, its subfolders are not one a class, or clips cannot be read and
            `data.on_error` does not leave them out.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    roots, notes = find_splits(path, data.splits, has_audio_suffix, "clips")
    classes = {split: find_classes(root, has_audio_suffix) for split, root in roots.items()}
    labels = class_names(roots, classes)
    scans = {
        split: {label: audio_files(folder) for label, folder in folders.items()} for split, folders in classes.items()
    }
    notes += [*similar_names([*labels]), *_left_out(scans, [path, *roots.values()])]
    listed = {split: _listed(found, labels) for split, found in scans.items()}
    broken = {p: why for split in scans.values() for scan in split.values() for p, why in scan.unreadable.items()}
    total = sum(len(files) for files, _ in listed.values()) + len(broken)
    clips, targets, files = {}, {}, {}
    for split, (every, label) in listed.items():
        faults: dict[int, str] = {}
        clips[split], kept = clips_of_files(every, faults)
        broken |= {every[i]: why for i, why in faults.items()}
        targets[split], files[split] = label[kept], [every[i] for i in kept]
    unified = unify(_some(clips, broken, path), data)
    for split, faulty in unified.broken.items():
        broken |= {files[split][i]: why for i, why in faulty.items()}
        targets[split] = targets[split][unified.kept[split]]
    notes += [*unreadable(broken, total, path, data, "clips"), *unified.notes]
    _refuse_empty(targets, labels, roots)
    signature = Signature("audio", "class", (unified.samples,), labels=labels, sample_rate=unified.rate)
    splits = {split: whole(unified.inputs[split], targets[split]) for split in targets}
    return SourceData(signature=signature, splits=splits, notes=notes)


def _listed(scans: dict[str, AudioFiles], labels: Sequence[str]) -> tuple[list[Path], np.ndarray]:
    """Return the files of a split, sorted by class, and the class of each."""
    files = [path for label in labels if label in scans for path in scans[label].files]
    counts = [len(scans[label].files) if label in scans else 0 for label in labels]
    return files, np.repeat(np.arange(len(labels), dtype=np.int32), counts)


def _some(clips: dict[str, Clips], broken: dict[Path, str], base: Path) -> dict[str, Clips]:
    """Return the clips.

    Raises:
        ZooError: there are none.
    """
    if any(each.headers for each in clips.values()):
        return clips
    found = [f"{path.relative_to(base)} ({why})" for path, why in sorted(broken.items())]
    detail = (
        counted(found, "clips, none of which can be read") if found else f"no clips in its class folders ({FORMATS})"
    )
    raise ZooError(f"{base}: {detail}")


def _left_out(scans: dict[str, dict[str, AudioFiles]], folders: Sequence[Path]) -> list[str]:
    """Return notes on files that are left out."""
    notes: list[str] = []
    others = [path for split in scans.values() for scan in split.values() for path in scan.others]
    if others:
        text = f"left out, none of {FORMATS} by their suffix, or hidden: {count_suffixes(others)}"
        notes.append(unused_files(text, others))
    loose = [p for f in dict.fromkeys(folders) for p in f.iterdir() if has_audio_suffix(p) and not p.is_dir()]
    if loose:
        names = sorted(str(path.relative_to(folders[0])) for path in loose)
        text = f"left out, as they lie in no class folder: {counted(names, 'clips')}"
        notes.append(unused_files(text, names))
    return notes


def _refuse_empty(targets: dict[str, np.ndarray], labels: Sequence[str], roots: dict[str, Path]) -> None:
    counts = {split: Counter(labels[i] for i in found) for split, found in targets.items()}
    empty = [str(roots[split] / label) for split in targets for label in labels if not counts[split][label]]
    if empty:
        raise ZooError(f"{counted(empty, 'classes have no clips')}; add some ({FORMATS}), or remove the folders")
