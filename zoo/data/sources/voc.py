"""`voc:PATH`: images with boxes in Pascal VOC's XML."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from zoo.data.dataset import SourceData
from zoo.data.sources.boxes import Box, BoxFiles, BoxImage, load_boxes
from zoo.data.sources.class_names import named_classes
from zoo.data.sources.faults import Faults
from zoo.data.sources.safe_xml import Element, read_xml
from zoo.data.sources.voc_files import find_voc_files
from zoo.errors import ZooError, counted, listing, visible
from zoo.recipe.data_section import Data
from zoo.tasks import Task

_EDGES = ("ymin", "xmin", "ymax", "xmax")
_NO_CLASS = "objects of a class that is not named or that the training split lacks"


def load_voc(name: str, data: Data, task: Task) -> SourceData:
    """Load `PATH/JPEGImages/*` with `PATH/Annotations/*.xml`, split by `PATH/ImageSets/Main/{train,val,test}.txt`.

    Pixels count from 1, and the last row and column belong to the box, as in VOC: a box over the whole of an image 100
    wide has xmin 1 and xmax 100. Objects marked as difficult are ignored. Classes are those of `data.classes` or
    `classes.txt`, or else the names in the training split, sorted.

    Raises:
        ZooError: a folder or a file is missing or damaged, or objects do not fit and `data.on_error` does not leave
            their images out.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    notes: list[str] = []
    faults = Faults()
    pairs = find_voc_files(path, data.splits, faults, notes)
    named = named_classes(path, data, notes)
    read = {split: [_read(*pair, path, faults) for pair in found] for split, found in pairs.items()}
    labels = named.labels if named else tuple(sorted({o.name for found in read["train"] for o in found.objects}))
    if not labels:
        raise ZooError(f"{path}: no image of the training split has a box to train on")
    _say(read, notes)
    splits = {split: [_numbered(found, labels, faults) for found in images] for split, images in read.items()}
    return load_boxes(
        BoxFiles(base=path, splits=splits, labels=labels, in_pixels=True, faults=faults, notes=notes), data
    )


class _Object(NamedTuple):
    name: str
    box: Box


class _Annotation(NamedTuple):
    """An image and the objects of its annotation; `size` is None where it gives none."""

    image: Path
    objects: list[_Object]
    size: tuple[int, int] | None


def _read(image: Path, file: Path, base: Path, faults: Faults) -> _Annotation:
    """Return the objects of an annotation."""
    shown = visible(file.relative_to(base))
    try:
        root = read_xml(file)
    except ZooError as error:
        faults.add("annotations that cannot be read", f"{shown} ({str(error).removeprefix(f'{file}: ')})", image)
        return _Annotation(image, [], None)
    if root.tag != "annotation":
        faults.add("files that are no VOC annotation", f"{shown} (<{visible(root.tag)}>)", image)
    size = [_number(root.findtext(f"size/{side}")) for side in ("height", "width")]
    objects = []
    for place, entry in enumerate(root.findall("object"), start=1):
        found = _object(entry, f"{shown}: object {place}")
        if isinstance(found, str):
            faults.add(found, f"{shown}: object {place}", image)
        else:
            objects.append(found)
    given = (int(size[0]), int(size[1])) if size[0] and size[1] else None
    return _Annotation(image, objects, given)


def _object(entry: Element, place: str) -> _Object | str:
    """Return an object, or what is wrong with it."""
    name = (entry.findtext("name") or "").strip()
    if not name:
        return "objects without a name"
    edges = [_number(entry.findtext(f"bndbox/{edge}")) for edge in _EDGES]
    ymin, xmin, ymax, xmax = edges
    if ymin is None or xmin is None or ymax is None or xmax is None:
        return "objects without a bndbox of four numbers"
    difficult = (entry.findtext("difficult") or "0").strip()
    if difficult not in ("0", "1", "Unspecified"):
        return "objects whose difficult is neither 0 nor 1"
    box = Box((ymin - 1, xmin - 1, ymax, xmax), 0, f"{place} ({visible(name)})")
    return _Object(name, box._replace(ignored="difficult") if difficult == "1" else box)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _numbered(found: _Annotation, labels: tuple[str, ...], faults: Faults) -> BoxImage:
    boxes = []
    for name, box in found.objects:
        if name in labels:
            boxes.append(box._replace(label=labels.index(name)))
        else:
            faults.add(f"{_NO_CLASS} (classes: {_few(labels)})", box.place, found.image)
    return BoxImage(found.image, boxes, found.size)


def _few(labels: tuple[str, ...]) -> str:
    return listing(labels) if len(labels) <= 20 else f"{listing(labels[:20])}, …"


def _say(read: dict[str, list[_Annotation]], notes: list[str]) -> None:
    """Say what of the annotations could mean another thing than VOC's."""
    every = [found for images in read.values() for found in images]
    zero = sum(min(o.box.edges[:2]) == -1 for found in every for o in found.objects)
    if zero:
        notes.append(
            f"{zero:,} boxes begin at pixel 0, and VOC counts from 1: they are cut at the image's edge; where these "
            "files count from 0, every box is read one pixel too far to the left and top"
        )
    without = [visible(found.image.name) for found in every if found.size is None]
    if without:
        notes.append(f"without a size, which is not compared with the image: {counted(without, 'annotations')}")
