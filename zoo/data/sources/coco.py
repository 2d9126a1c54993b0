"""`coco:PATH`: images with boxes in COCO's JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data.dataset import SourceData
from zoo.data.sources.boxes import Box, BoxFiles, BoxImage, load_boxes
from zoo.data.sources.coco_files import AnnotationFile, find_annotation_files
from zoo.data.sources.faults import Faults, is_there, path_within
from zoo.errors import ZooError, counted, listing, visible
from zoo.recipe.data_section import Data
from zoo.tasks import Task
from zoo.utils.files import read_regular


def load_coco(name: str, data: Data, task: Task) -> SourceData:
    """Load images with the boxes of `PATH/annotations.json`, `PATH/annotations/instances_*.json` or
    `PATH/SPLIT/_annotations.coco.json`.

    Boxes are left, top, width and height in pixels. Classes are the categories in the order of their ids, which may
    have gaps. Boxes with `iscrowd` are ignored.

    Raises:
        ZooError: a file is missing or no such JSON, splits have different categories, or images and boxes do not fit
            and `data.on_error` does not leave the images out.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    notes: list[str] = []
    faults = Faults()
    documents = {split: _read(file, path) for split, file in find_annotation_files(path, data.splits, notes).items()}
    ids = _categories(documents, path)
    index = {key: place for place, key in enumerate(ids)}
    splits = {split: _images(document, index, path, faults) for split, document in documents.items()}
    files = BoxFiles(base=path, splits=splits, labels=tuple(ids.values()), in_pixels=True, faults=faults, notes=notes)
    return load_boxes(files, data)


@dataclass
class _Document:
    """The lists of one annotation file.

    Attributes:
        file: where it is, and where its images may be.
        shown: its path, for messages.
    """

    file: AnnotationFile
    shown: str
    images: list[Any]
    annotations: list[Any]
    categories: list[Any]


def _read(file: AnnotationFile, base: Path) -> _Document:
    """Read an annotation file.

    Raises:
        ZooError: it is not readable, no JSON, or lacks a list.
    """
    shown = visible(file.path.relative_to(base))
    try:
        found = json.loads(read_regular(file.path).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ZooError(f"{file.path}: not readable as JSON ({reason})") from error
    wanted = ("images", "annotations", "categories")
    lists = [found.get(key) if isinstance(found, Mapping) else None for key in wanted]
    lacking = [key for key, value in zip(wanted, lists, strict=True) if not isinstance(value, list)]
    if lacking:
        has = f"found the keys {listing(found)}" if isinstance(found, Mapping) and found else "found none"
        raise ZooError(f"{file.path}: expected COCO's lists {', '.join(wanted)}; {listing(lacking)} missing, {has}")
    images, annotations, categories = lists
    return _Document(file, shown, images or [], annotations or [], categories or [])


def _categories(documents: Mapping[str, _Document], base: Path) -> dict[Any, str]:
    """Return the categories, id to name, in the order of the ids.

    Raises:
        ZooError: an entry is no category, ids or names repeat, or splits have different categories.
    """
    found = {}
    for split, document in documents.items():
        wrong = [
            str(place)
            for place, entry in enumerate(document.categories, start=1)
            if not (isinstance(entry, Mapping) and _is_id(entry.get("id")) and _is_name(entry.get("name")))
        ]
        if wrong:
            raise ZooError(f"{base}: {document.shown}: {counted(wrong, 'categories without an id or a name')}")
        ids = [entry["id"] for entry in document.categories]
        names = [entry["name"].strip() for entry in document.categories]
        for what, values in (("ids", ids), ("names", names)):
            repeated = {value for value in values if values.count(value) > 1}
            if repeated:
                raise ZooError(f"{base}: {document.shown}: categories have the same {what}: {listing(repeated)}")
        if not ids:
            raise ZooError(f"{base}: {document.shown}: the list of categories is empty")
        found[split] = dict(sorted(zip(ids, names, strict=True), key=lambda pair: (isinstance(pair[0], str), pair[0])))
    for split, categories in found.items():
        differ = set(categories.items()) ^ set(found["train"].items())
        if differ:
            raise ZooError(
                f"{base}: {documents[split].shown} and {documents['train'].shown} have different categories: "
                f"{counted([f'{key} {name}' for key, name in sorted(differ, key=str)], 'ids and names in one alone')}"
            )
    return found["train"]


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _images(document: _Document, index: Mapping[Any, int], base: Path, faults: Faults) -> list[BoxImage]:
    """Return the images of a file with their boxes."""
    listed: dict[Any, BoxImage] = {}
    folder = document.file.image_folder(
        [e["file_name"] for e in document.images if isinstance(e, Mapping) and isinstance(e.get("file_name"), str)]
    )
    for place, entry in enumerate(document.images, start=1):
        where = f"{document.shown}: image {place}"
        if not (isinstance(entry, Mapping) and _is_id(entry.get("id")) and _is_name(entry.get("file_name"))):
            faults.add("images without an id or a file_name", where)
            continue
        path = path_within(base, folder, entry["file_name"])
        if path is None:
            faults.add("images outside the folder", f"{where} ({visible(entry['file_name'])})")
            continue
        if entry["id"] in listed:
            faults.add("image ids that several images have", f"{where} (id {entry['id']})")
            continue
        if not is_there(path):
            faults.add("images that do not exist", visible(path.relative_to(base)), path)
        listed[entry["id"]] = BoxImage(path, [], _size(entry))
    for place, entry in enumerate(document.annotations, start=1):
        _add_box(entry, f"{document.shown}: annotation {place}", listed, index, faults)
    return [image for image in listed.values() if is_there(image.path)]


def _size(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return height and width of an image, where its entry gives them."""
    height, width = entry.get("height"), entry.get("width")
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return height, width
    return None


def _add_box(entry: Any, place: str, listed: Mapping[Any, BoxImage], index: Mapping[Any, int], faults: Faults) -> None:
    """Add the box of an annotation to its image."""
    if not isinstance(entry, Mapping):
        faults.add("annotations that are no objects", place)
        return
    shown = f"{place} (id {entry['id']})" if _is_id(entry.get("id")) else place
    image = listed.get(entry["image_id"]) if _is_id(entry.get("image_id")) else None
    if image is None:
        faults.add("annotations of images that are not listed", f"{shown}, image_id {entry.get('image_id')!r}")
        return
    label = index.get(entry["category_id"]) if _is_id(entry.get("category_id")) else None
    if label is None:
        what = f"{shown}, category_id {entry.get('category_id')!r}"
        faults.add("annotations of unknown categories", what, image.path)
        return
    box = entry.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(_is_number(value) for value in box)):
        faults.add("annotations without a bbox of four numbers", shown, image.path)
        return
    left, top, width, height = map(float, box)
    crowd = entry.get("iscrowd", 0)
    if crowd not in (0, 1, None):
        faults.add("annotations whose iscrowd is neither 0 nor 1", shown, image.path)
        return
    edges = (top, left, top + height, left + width)
    image.boxes.append(Box(edges, label, shown, "crowd" if crowd else None))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
