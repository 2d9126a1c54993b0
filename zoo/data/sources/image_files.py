"""Which files below a folder are images, and what is left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.notes import unused_files
from zoo.data.sources.images import SUFFIXES, holds_image
from zoo.errors import counted, visible
from zoo.utils.files import check_regular

MAX_SUFFIXES = 12  # that a note shows
_NOT_DATA = ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin")  # what systems put beside files
# Files whose content begins as an image and that are none of the data: a camera's raw file, which Pillow takes for its
# thumbnail, and copies that editors and downloads leave behind.
_NOT_BY_CONTENT = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mos", ".nef", ".nrw", ".orf", ".pef"),
    *(".raf", ".raw", ".rw2", ".sr2", ".srw", ".x3f", ".thm"),
    *(".bak", ".crdownload", ".orig", ".part", ".swp", ".tmp"),
)


@dataclass
class ImageFiles:
    """The images below a folder.

    Attributes:
        folder: the folder.
        files: the images, sorted by path: what has the suffix of an image, or begins as one.
        unreadable: what should be an image or a folder and cannot be opened, with the reason: links that lead nowhere
            or in a circle, pipes, folders without permission.
        by_content: images among `files` that only their content shows to be some.
        others: files that are no images that can be read.
        hidden: images that are left out because they, or a folder on the way, have a hidden or a system's name.
        nested: images among `files` that lie in subfolders.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    by_content: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)

    @property
    def nested(self) -> list[Path]:
        """Images in subfolders of the folder."""
        return [path for path in self.files if path.parent != self.folder]


def image_files(folder: Path) -> ImageFiles:
    """Return the images below a folder; links are followed."""
    found = ImageFiles(folder)
    for path in walk(folder, found.unreadable):
        if any(is_hidden(part) for part in path.relative_to(folder).parts):
            if has_image_suffix(path) and path.is_file() and holds_image(path):
                found.hidden.append(path)
            continue
        try:
            check_regular(path)
        except OSError as error:
            if has_image_suffix(path):
                found.unreadable[path] = str(error.strerror)
            else:
                found.others.append(path)
            continue
        if has_image_suffix(path):
            found.files.append(path)
        elif path.suffix.lower() not in _NOT_BY_CONTENT and not path.name.endswith("~") and holds_image(path):
            found.files.append(path)
            found.by_content.append(path)
        else:
            found.others.append(path)
    found.files.sort()
    return found


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is none of the data by its name: hidden, or put there by a system."""
    return name.startswith(".") or name.lower() in _NOT_DATA


def has_image_suffix(path: Path) -> bool:
    """Return whether a file has the suffix of an image that can be read."""
    return path.suffix.lower() in SUFFIXES


def scan_notes(scans: list[ImageFiles], base: Path, *, nested: bool = True) -> list[str]:
    """Return what a reader of the results should know of some folders.

    Args:
        scans: what the folders hold.
        base: paths are given relative to it.
        nested: whether images in subfolders are worth a note.
    """
    notes: list[str] = []
    others = [path for scan in scans for path in scan.others]
    hidden = [path for scan in scans for path in scan.hidden]
    by_content = [path for scan in scans for path in scan.by_content]
    below = [path for scan in scans for path in scan.nested]
    if others:
        text = f"left out, no images that can be read: {count_suffixes(others)}"
        notes.append(unused_files(text, _relative(others, base)))
    if hidden:
        text = f"left out by the name of the file or its folder: {counted(_relative(hidden, base), 'images')}"
        notes.append(unused_files(text, _relative(hidden, base)))
    if by_content:
        notes.append(f"images by their content, whatever the suffix: {count_suffixes(by_content)}")
    if nested and below:
        folders = Counter(_relative([path.parent for path in below], base))
        listed = counted([f"{name} ({count:,})" for name, count in folders.items()], "subfolders")
        notes.append(f"images in subfolders count for the class above them: {len(below):,} in {listed}")
    return notes


def walk(folder: Path, unreadable: dict[Path, str], seen: set[tuple[int, int]] | None = None) -> Iterator[Path]:
    """Yield all that is no folder below a folder; links are followed.

    Args:
        folder: where to begin.
        unreadable: folders that cannot be read are added, with the reason.
        seen: folders that were read before: to come to one again is a circle of links.
    """
    seen = set() if seen is None else seen
    try:
        state = folder.stat()
        if (state.st_dev, state.st_ino) in seen:
            unreadable[folder] = "a link to a folder that is read already"
            return
        seen.add((state.st_dev, state.st_ino))
        with os.scandir(folder) as entries:
            paths = sorted(folder / entry.name for entry in entries)
        folders = {path for path in paths if path.is_dir()}
    except OSError as error:
        unreadable[folder] = str(error.strerror)
        return
    for path in paths:
        if path in folders:
            yield from walk(path, unreadable, seen)
        else:
            yield path


def _relative(files: list[Path], base: Path) -> list[str]:
    return [str(path.relative_to(base)) for path in files]


def count_suffixes(files: list[Path]) -> str:
    """Return the number of files, and of each suffix, the most frequent first."""
    counts = Counter(visible(path.suffix.lower()) or "no suffix" for path in files)
    each = ", ".join(f"{suffix} ({count:,})" for suffix, count in counts.most_common(MAX_SUFFIXES))
    return f"{len(files):,} files: {each}{', …' if len(counts) > MAX_SUFFIXES else ''}"
