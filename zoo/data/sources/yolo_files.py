"""Where a `yolo:` source has its images, its labels and the names of its classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from zoo.data.sources.class_names import Classes, check_names, named_classes, read_names
from zoo.data.sources.faults import Faults, is_there, path_within
from zoo.data.sources.folder_layout import split_folders
from zoo.data.sources.image_files import image_files, scan_notes
from zoo.data.sources.split_choice import choose_splits
from zoo.errors import ZooError, counted, listing, visible
from zoo.recipe.data_section import Data
from zoo.utils.files import read_regular

MAX_YAML_BYTES = 1 << 20  # of data.yaml
MAX_LIST_BYTES = 1 << 28  # of a file that lists images
IMAGES, LABELS = "images", "labels"
_YAML_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


@dataclass(frozen=True)
class YoloFiles:
    """The files of a source.

    Attributes:
        base: the source's folder.
        splits: the images of each split.
        classes: the classes, where they are named.
    """

    base: Path
    splits: dict[str, list[Path]]
    classes: Classes | None

    def label_file(self, image: Path) -> Path:
        """Return where the boxes of an image stand: beside it, or in `labels` in place of the last `images`."""
        parts = list(image.relative_to(self.base).with_suffix(".txt").parts)
        places = [place for place, part in enumerate(parts[:-1]) if part == IMAGES]
        if places:
            parts[places[-1]] = LABELS
        return self.base.joinpath(*parts)


def find_yolo_files(path: Path, data: Data, notes: list[str], faults: Faults) -> YoloFiles:
    """Return the images of each split and the classes.

    Args:
        path: the source's folder.
        data: the recipe's section.
        notes: what a reader of the results should know is added here.
        faults: files that are wrong are added here.

    Raises:
        ZooError: `data.yaml` is damaged or names what is not there, or there are no folders of images.
    """
    file = next((path / name for name in _YAML_NAMES if (path / name).is_file()), None)
    if file is None:
        folders, classes = _by_folders(path, data), named_classes(path, data, notes)
        inner = path / LABELS / "classes.txt"  # where labelling tools write it
        if classes is None and inner.is_file():
            classes = Classes.numbered(read_names(inner))
        sources = {split: [folder] for split, folder in folders.items()}
    else:
        found = _read_yaml(file)
        classes = Classes.numbered(_names(found, file))
        if data.classes is not None:
            raise ZooError(f"{file}: names the classes; leave data.classes out, or names out of the file")
        sources = _by_yaml(found, file, data, notes)
    splits = {split: _images(places, path, faults, notes) for split, places in sources.items()}
    empty = [split for split, images in splits.items() if not images]
    if empty:
        raise ZooError(f"{path}: no images in the split {listing(empty)}")
    return YoloFiles(path, splits, classes)


def _by_folders(path: Path, data: Data) -> dict[str, Path]:
    """Return the folder of each split's images: `images`, `images/SPLIT` or `SPLIT/images`."""
    if (path / IMAGES).is_dir():
        found = split_folders(path / IMAGES, data.splits) or {"train": path / IMAGES}
    else:
        found = {
            split: folder / IMAGES
            for split, folder in split_folders(path, data.splits).items()
            if (folder / IMAGES).is_dir()
        }
    if "train" not in found:
        raise ZooError(f"{path}: expected data.yaml, {IMAGES}/ with {LABELS}/, or train/{IMAGES} with train/{LABELS}")
    return found


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(read_regular(file, MAX_YAML_BYTES).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        reason = visible(getattr(error, "strerror", None) or error)
        raise ZooError(f"{file}: not readable as YAML ({reason})") from error
    if not isinstance(found, Mapping):
        raise ZooError(f"{file}: expected a mapping with names, train and val, received {type(found).__name__}")
    if "kpt_shape" in found:
        raise ZooError(f"{file}: kpt_shape: labels with keypoints are not read; expected boxes or polygons")
    return {str(key): value for key, value in found.items()}


def _names(found: Mapping[str, Any], file: Path) -> list[str]:
    """Return the names of the classes: a list, or a mapping from the numbers from 0.

    Raises:
        ZooError: they are missing, have gaps, or are not as many as `nc` says.
    """
    names = found.get("names")
    if isinstance(names, Mapping):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise ZooError(f"{file}: names: expected the numbers 0 to {len(names) - 1}, received {listing(names)}")
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str | int | float) for name in names):
        raise ZooError(f"{file}: names: expected a list of the classes' names, received {visible(names)}")
    if found.get("nc", len(names)) != len(names):
        raise ZooError(f"{file}: nc is {visible(found['nc'])}, and names has {len(names)}")
    texts = [str(name).strip() for name in names]
    check_names(texts, f"{file}: names")
    return texts


def _by_yaml(found: Mapping[str, Any], file: Path, data: Data, notes: list[str]) -> dict[str, list[Path]]:
    """Return the folders and lists of images that each split names.

    Raises:
        ZooError: there is no training split, or a path is missing or outside the folder.
    """
    root = file.parent
    given = found.get("path")
    if given is not None and str(given).strip() not in ("", "."):
        inner = path_within(root, root, str(given))
        if inner is not None and inner.is_dir():
            root = inner
        else:
            notes.append(f"path of {file.name} ({visible(given)}) is not in its folder: paths are taken from there")
    entries = {key: value for key, value in found.items() if isinstance(value, str | list) and value and key != "names"}
    chosen = choose_splits(entries, data.splits, file, "key")
    if "train" not in chosen:
        raise ZooError(f"{file}: expected the key train, a folder of images; found {listing(found)}")
    splits: dict[str, list[Path]] = {}
    missing = []
    for split, entry in chosen.items():
        for name in entry if isinstance(entry, list) else [entry]:
            place = _inside(file.parent, root, str(name))
            if place is None:
                missing.append(f"{split}: {name}")
            else:
                splits.setdefault(split, []).append(place)
    if missing:
        raise ZooError(f"{file}: {counted(missing, 'paths are not there, or outside the folder')}")
    return splits


def _inside(base: Path, root: Path, name: str) -> Path | None:
    """Return an existing path in the folder. `../train/images`, as some tools write it, may be meant from `root`."""
    for tried in (name, name.removeprefix("../")):
        place = path_within(base, root, tried)
        if place is not None and is_there(place):
            return place
    return None


def _images(places: list[Path], base: Path, faults: Faults, notes: list[str]) -> list[Path]:
    """Return the images of some folders and lists."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            scan = image_files(place)
            for path, reason in scan.unreadable.items():
                faults.add("images that cannot be read", f"{visible(path.relative_to(base))} ({reason})", path)
            scan.others = [path for path in scan.others if path.suffix != ".txt"]  # labels beside their images
            notes += scan_notes([scan], base, nested=False)
            found += scan.files
        else:
            found += _listed(place, base, faults)
    return found


def _listed(file: Path, base: Path, faults: Faults) -> list[Path]:
    """Return the images that a text file lists, one a line, relative to the file's folder or the source's.

    Raises:
        ZooError: the file is not readable.
    """
    try:
        lines = read_regular(file, MAX_LIST_BYTES).decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(
            f"{file}: not readable as a list of images ({getattr(error, 'strerror', None) or error})"
        ) from error
    found = []
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if not name:
            continue
        tried = [path_within(base, folder, name) for folder in (file.parent, base)]
        place = next((path for path in tried if path is not None and is_there(path)), None)
        if place is None:
            where = f"{file.relative_to(base)}:{number} ({visible(name)})"
            faults.add("listed images that do not exist or lie outside", where, base / name)
        else:
            found.append(place)
    return found
