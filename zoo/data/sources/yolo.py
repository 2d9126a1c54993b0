"""`yolo:PATH`: images with a text file of boxes each."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

from zoo.data.dataset import SourceData
from zoo.data.sources.boxes import Box, BoxFiles, BoxImage, load_boxes
from zoo.data.sources.class_names import Classes, found_classes
from zoo.data.sources.faults import Faults
from zoo.data.sources.image_files import has_image_suffix
from zoo.data.sources.yolo_files import YoloFiles, find_yolo_files
from zoo.errors import ZooError, counted, visible
from zoo.recipe.data_section import Data
from zoo.tasks import Task
from zoo.utils.files import read_regular

MAX_LABEL_BYTES = 1 << 24  # of the boxes of one image
_CLASS_OF_NO_NAME = "boxes of a class that has no name"


def load_yolo(name: str, data: Data, task: Task) -> SourceData:
    """Load images with lines of `class center_x center_y width height` in fractions of the image.

    Splits and names come from `data.yaml`, or from the folders `images` and `labels`. An image without a label file
    has no boxes. Of a polygon (`class x y x y x y …`) the box around it is taken.

    Raises:
        ZooError: a folder or a file is missing or damaged, or lines do not fit and `data.on_error` does not leave their
            images out.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    notes: list[str] = []
    faults = Faults()
    files = find_yolo_files(path, data, notes, faults)
    polygons = Counter[str]()
    splits = {
        split: [BoxImage(image, _read(image, files, path, faults, polygons)) for image in images]
        for split, images in files.splits.items()
    }
    _say_labels(splits, files, path, faults, notes)
    if polygons["polygons"]:
        notes.append(
            f"{polygons['polygons']:,} of {polygons['lines']:,} objects are polygons, of which the box around is taken"
        )
    classes = files.classes
    if classes is None:
        seen = {box.label for image in splits["train"] for box in image.boxes}
        if not seen:
            raise ZooError(f"{path}: no image of the training split has a box to train on")
        classes = found_classes(seen, "the training labels", notes)
    _number(splits, classes, faults)
    found = BoxFiles(base=path, splits=splits, labels=classes.labels, in_pixels=False, faults=faults, notes=notes)
    return load_boxes(found, data)


def _read(image: Path, files: YoloFiles, base: Path, faults: Faults, polygons: Counter[str]) -> list[Box]:
    """Return the boxes of an image; their labels are the numbers that the file has."""
    file = files.label_file(image)
    if not file.exists():
        return []
    shown = visible(file.relative_to(base))
    try:
        text = read_regular(file, MAX_LABEL_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        faults.add("label files that cannot be read", f"{shown} ({reason})", image)
        return []
    boxes = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        found = _parse(line)
        if isinstance(found, str):
            faults.add(found, f"{shown}:{number} ({_short(line)})", image)
            continue
        label, edges, is_polygon = found
        polygons.update({"lines": 1, "polygons": int(is_polygon)})
        boxes.append(Box(edges, label, f"{shown}:{number}"))
    return boxes


def _short(line: str) -> str:
    text = visible(line.strip())
    return text if len(text) <= 60 else f"{text[:60]}…"


def _parse(line: str) -> tuple[int, tuple[float, float, float, float], bool] | str:
    """Return a line's class, its box and whether it was a polygon; or what is wrong with it."""
    first, *rest = line.split()
    if len(rest) != 4 and (len(rest) < 6 or len(rest) % 2):
        return "lines that are neither class and four numbers nor class and a polygon"
    try:
        values = [float(value) for value in rest]
        label = float(first)
    except ValueError:
        return "lines that hold something else than numbers"
    if not all(math.isfinite(value) for value in (label, *values)) or label != int(label) or label < 0:
        return "lines whose class is no whole number from 0, or that hold a number that is not finite"
    if not all(0 <= value <= 1 for value in values):
        return "lines with numbers outside 0 to 1, which are fractions of the image"
    if len(values) > 4:
        x, y = values[::2], values[1::2]
        return int(label), (min(y), min(x), max(y), max(x)), True
    center_x, center_y, width, height = values
    top, left = center_y - height / 2, center_x - width / 2
    return int(label), (top, left, top + height, left + width), False


def _say_labels(
    splits: dict[str, list[BoxImage]], files: YoloFiles, base: Path, faults: Faults, notes: list[str]
) -> None:
    """Say which images have no label file, and refuse label files without an image.

    Raises:
        ZooError: no image has a label file.
    """
    images = [image.path for found in splits.values() for image in found]
    wanted = {files.label_file(image) for image in images}
    without = [visible(image.relative_to(base)) for image in images if not files.label_file(image).exists()]
    if len(without) == len(images) and images:
        expected = files.label_file(images[0]).relative_to(base)
        raise ZooError(f"{base}: no image has a label file; expected {visible(expected)} for {without[0]}")
    if without:
        notes.append(f"without a label file, and so without boxes: {counted(without, 'images')}")
    for folder in sorted({file.parent for file in wanted}):
        for file in sorted(folder.glob("*.txt")) if folder.is_dir() else []:
            if file not in wanted and file.name != "classes.txt":
                beside = [p for p in file.parent.glob(f"{file.stem}.*") if has_image_suffix(p)]
                if not beside:
                    faults.add("label files without an image", visible(file.relative_to(base)), file)


def _number(splits: dict[str, list[BoxImage]], classes: Classes, faults: Faults) -> None:
    """Replace the number that the files have for a class by its index."""
    index = {key: place for place, key in enumerate(classes.ids)}
    for images in splits.values():
        for image in images:
            for box in image.boxes:
                if box.label not in index:
                    faults.add(_CLASS_OF_NO_NAME, f"{box.place} (class {box.label})", image.path)
            image.boxes = [box._replace(label=index[box.label]) for box in image.boxes if box.label in index]
