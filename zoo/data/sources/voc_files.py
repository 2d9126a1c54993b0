"""Where a `voc:` source has its images, annotations and splits."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from zoo.data.notes import unused_files
from zoo.data.sources.faults import Faults
from zoo.data.sources.folder_layout import split_folders, subfolders
from zoo.data.sources.image_files import image_files, scan_notes
from zoo.data.sources.split_choice import choose_splits
from zoo.errors import ZooError, counted, listing, visible
from zoo.recipe.data_section import Splits
from zoo.utils.files import read_regular

MAX_LIST_BYTES = 1 << 26  # of a file that lists the images of a split
_IMAGES, _ANNOTATIONS, _SETS = ("JPEGImages", "images"), ("Annotations", "annotations"), ("ImageSets", "Main")
Pairs = dict[str, list[tuple[Path, Path]]]  # split to images, each with its annotation


def find_voc_files(path: Path, names: Splits, faults: Faults, notes: list[str]) -> Pairs:
    """Return the images of each split with their annotations.

    Args:
        path: the source's folder.
        names: names of the splits.
        faults: images without an annotation, and the other way round, are added here.
        notes: what a reader of the results should know is added here.

    Raises:
        ZooError: folders are missing, there is no training split, or a list of images is not readable.
    """
    images = next((path / name for name in _IMAGES if (path / name).is_dir()), None)
    annotations = next((path / name for name in _ANNOTATIONS if (path / name).is_dir()), None)
    if images and annotations:
        found = _pair(images, annotations, path, faults, notes)
        lists = _lists(path.joinpath(*_SETS), names, notes)
        return _by_list(found, lists, path, faults, notes) if lists else {"train": [*found.values()]}
    folders = {s: f for s, f in split_folders(path, names).items() if any(f.glob("*.xml"))}
    if "train" not in folders:
        raise ZooError(
            f"{path}: expected {_IMAGES[0]}/ with {_ANNOTATIONS[0]}/, or folders of splits with images and their XML "
            f"files; found the folders {listing(f.name for f in subfolders(path)) or 'none'}"
        )
    return {split: [*_pair(folder, folder, path, faults, notes).values()] for split, folder in folders.items()}


def _pair(
    images: Path, annotations: Path, base: Path, faults: Faults, notes: list[str]
) -> dict[str, tuple[Path, Path]]:
    """Return each image with its annotation, by the name that they share."""
    scan = image_files(images)
    scan.others = [path for path in scan.others if path.suffix.lower() != ".xml"]
    notes += scan_notes([scan], base, nested=False)
    for path, reason in scan.unreadable.items():
        faults.add("images that cannot be read", f"{visible(path.relative_to(base))} ({reason})", path)
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in scan.files:
        by_name[str(path.relative_to(images).with_suffix(""))].append(path)
    for paths in by_name.values():
        if len(paths) > 1:
            faults.add("names that several images have", " and ".join(visible(p.relative_to(base)) for p in paths))
    files = {str(file.relative_to(annotations).with_suffix("")): file for file in sorted(annotations.rglob("*.xml"))}
    for name in sorted(set(by_name) - set(files)):
        faults.add("images without an annotation", visible(by_name[name][0].relative_to(base)), by_name[name][0])
    for name in sorted(set(files) - set(by_name)):
        faults.add("annotations without an image", visible(files[name].relative_to(base)), files[name])
    return {name: (by_name[name][0], files[name]) for name in sorted(set(by_name) & set(files))}


def _lists(folder: Path, names: Splits, notes: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Return the names of each split's images, each with its place, from the lists of `ImageSets/Main`.

    Raises:
        ZooError: there are lists, and none for the training split; or one is not readable.
    """
    files = {file.stem: file for file in sorted(folder.glob("*.txt"))}
    if not files:
        return {}
    chosen = choose_splits(files, names, folder, "list")
    if "train" not in chosen:
        raise ZooError(f"{folder}: expected train.txt; found {listing(files)}; name one under data.splits.train")
    unused = [file.name for file in files.values() if file not in chosen.values()]
    if unused:
        notes.append(f"of {folder.name} are not used: {counted(unused, 'lists')}")
    found = {}
    for split, file in chosen.items():
        try:
            lines = read_regular(file, MAX_LIST_BYTES).decode("utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ZooError(f"{file}: not readable ({getattr(error, 'strerror', None) or error})") from error
        found[split] = [(line.split()[0], f"{file.name}:{n}") for n, line in enumerate(lines, start=1) if line.strip()]
    return found


def _by_list(
    found: dict[str, tuple[Path, Path]],
    lists: dict[str, list[tuple[str, str]]],
    base: Path,
    faults: Faults,
    notes: list[str],
) -> Pairs:
    """Return the pairs that each split lists."""
    splits: Pairs = {}
    for split, names in lists.items():
        splits[split] = []
        for name, place in names:
            if name in found:
                splits[split].append(found[name])
            else:
                faults.add("listed images that lack a file or an annotation", f"{place} ({visible(name)})", base / name)
    listed = {name for names in lists.values() for name, _ in names}
    rest = [visible(found[name][0].relative_to(base)) for name in found if name not in listed]
    if rest:
        notes.append(unused_files(f"left out, as no list names them: {counted(rest, 'annotated images')}", rest))
    return splits
