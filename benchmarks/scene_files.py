"""Digit scenes written as the files that people have: COCO, YOLO, Pascal VOC, folders of masks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.data.builtin.scenes import SIZE

DIGITS = tuple("0123456789")
Box = Sequence[float]  # top, left, bottom, right, as fractions of the image's sides
Objects = Sequence[Sequence[tuple[Box, int]]]  # of each scene, the box and the class of every object
Scenes = Mapping[str, tuple[np.ndarray, np.ndarray, Objects]]  # split: images (n, 64, 64, 1), masks


def save_images(folder: Path, images: np.ndarray | Sequence[np.ndarray]) -> list[str]:
    """Write images as PNG and return the names of the files, which sort in the order of the images."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{i:04}.png" for i in range(len(images))]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image[..., 0] if image.ndim == 3 else image).save(folder / name)
    return names


def write_masks(folder: Path, scenes: Scenes, names: Sequence[str], layout: str = "{split}/{what}") -> Path:
    """Write palette masks of every split below a folder, and `classes.txt` with the names of the classes."""
    for split, (images, masks, _) in scenes.items():
        save_images(folder / layout.format(split=split, what="images"), images)
        target = folder / layout.format(split=split, what="masks")
        target.mkdir(parents=True, exist_ok=True)
        for i, mask in enumerate(masks):
            image = Image.fromarray(mask)
            image.putpalette(list(range(256)) * 3)
            image.save(target / f"{i:04}.png")
    (folder / "classes.txt").write_text("\n".join(names) + "\n")
    return folder


def pixels(box: Box) -> list[int]:
    """Return a box in whole pixels: top, left, bottom, right, the last two exclusive."""
    return [round(edge * SIZE) for edge in box]


def write_json(path: Path, value: Any) -> None:
    """Write JSON and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_coco(folder: Path, scenes: Scenes, layout: str = "annotations") -> Path:
    """Write COCO's JSON: category ids have gaps, the categories and annotations are in no order."""
    ids = {label: 3 + 7 * label for label in range(10)}
    for split, (images, _, objects) in scenes.items():
        images_in = folder / (f"images/{split}2017" if layout == "annotations" else split)
        names = save_images(images_in, images)
        annotations: list[dict[str, Any]] = [
            {
                "id": 100 * i + k,
                "image_id": 1000 + i,
                "category_id": ids[label],
                "bbox": [left, top, right - left, bottom - top],
                "area": 1,
                "iscrowd": 0,
            }
            for i, boxes in enumerate(objects)
            for k, (box, label) in enumerate(boxes)
            for top, left, bottom, right in [pixels(box)]
        ]
        document = {
            "images": [
                {"id": 1000 + i, "file_name": name, "height": SIZE, "width": SIZE} for i, name in enumerate(names)
            ],
            "annotations": sorted(annotations, key=lambda a: (-a["image_id"], a["id"])),
            "categories": [{"id": ids[label], "name": DIGITS[label]} for label in (5, 0, 9, 1, 8, 2, 7, 3, 6, 4)],
        }
        place = (
            f"annotations/instances_{split}2017.json" if layout == "annotations" else f"{split}/_annotations.coco.json"
        )
        write_json(folder / place, document)
    return folder


def write_yolo(folder: Path, scenes: Scenes) -> Path:
    """Write `images/SPLIT`, `labels/SPLIT` and `data.yaml`; scenes without objects have no label file."""
    for split, (images, _, objects) in scenes.items():
        names = save_images(folder / "images" / split, images)
        (folder / "labels" / split).mkdir(parents=True)
        for name, boxes in zip(names, objects, strict=True):
            lines = [
                f"{label} {(left + right) / 2:.6f} {(top + bottom) / 2:.6f} {right - left:.6f} {bottom - top:.6f}"
                for (top, left, bottom, right), label in boxes
            ]
            (folder / "labels" / split / name).with_suffix(".txt").write_text("\n".join(lines) + "\n")
    text = "path: ../datasets/digits\ntrain: images/train\ntest: images/test\nnc: 10\nnames:\n"
    (folder / "data.yaml").write_text(text + "".join(f"  {i}: '{name}'\n" for i, name in enumerate(DIGITS)))
    return folder


def write_voc(folder: Path, scenes: Scenes) -> Path:
    """Write `JPEGImages`, `Annotations` and `ImageSets/Main` with pixels that count from 1."""
    (folder / "Annotations").mkdir(parents=True)
    (folder / "ImageSets/Main").mkdir(parents=True)
    for split, (images, _, objects) in scenes.items():
        names = []
        for i, (image, boxes) in enumerate(zip(images, objects, strict=True)):
            names.append(f"{split}_{i:04}")
            (folder / "JPEGImages").mkdir(exist_ok=True)
            Image.fromarray(image[..., 0]).save(folder / "JPEGImages" / f"{names[-1]}.png")
            found = "".join(
                f"<object><name>{DIGITS[label]}</name><difficult>0</difficult><bndbox><xmin>{left + 1}</xmin>"
                f"<ymin>{top + 1}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
                for box, label in boxes
                for top, left, bottom, right in [pixels(box)]
            )
            size = f"<size><width>{SIZE}</width><height>{SIZE}</height><depth>1</depth></size>"
            text = f"<annotation><filename>{names[-1]}.png</filename>{size}{found}</annotation>"
            (folder / "Annotations" / f"{names[-1]}.xml").write_text(text)
        (folder / "ImageSets/Main" / f"{split}.txt").write_text("\n".join(names) + "\n")
    return folder
