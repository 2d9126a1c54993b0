"""Digit scenes as they are built in, and the same written as the files that people have."""

import json
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.builtin.scenes import MASK_LABELS, SIZE, digit_scenes

DIGITS = MASK_LABELS[1:]
COUNTS = {"train": 60, "test": 20}


@cache
def scenes():
    """Return, of each split, images `(n, 64, 64, 1)`, masks `(n, 64, 64)` and a list of objects of each scene."""
    made = {}
    for split, examples in digit_scenes().splits().items():
        rows = [example for example, _ in zip(examples, range(COUNTS[split]), strict=False)]
        images = np.stack([np.asarray(Image.open(row["image"])) for row in rows])[..., None]
        masks = np.stack([np.asarray(Image.open(row["mask"])) for row in rows])
        objects = [[((*row["bbox"],), int(row["label"])) for row in example["objects"]] for example in rows]
        made[split] = images, masks, objects
    return made


def expected_boxes(split):
    """Return the targets of a split: float32 `(n, most, 5)`, padded with -1 to the most objects of any scene."""
    most = max(len(objects) for _, _, scenes_ in scenes().values() for objects in scenes_)
    boxes = np.full((COUNTS[split], most, 5), -1, np.float32)
    for row, objects in enumerate(scenes()[split][2]):
        for place, (box, label) in enumerate(objects):
            boxes[row, place] = [*box, label]
    return boxes


def save_images(folder: Path, images):
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{i:04}.png" for i in range(len(images))]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image[..., 0] if image.ndim == 3 else image).save(folder / name)
    return names


def write_masks(folder: Path, layout="{split}/{what}"):
    """Write palette masks of every split below a folder, and `classes.txt`."""
    for split, (images, masks, _) in scenes().items():
        save_images(folder / layout.format(split=split, what="images"), images)
        target = folder / layout.format(split=split, what="masks")
        target.mkdir(parents=True, exist_ok=True)
        for i, mask in enumerate(masks):
            image = Image.fromarray(mask)
            image.putpalette(list(range(256)) * 3)
            image.save(target / f"{i:04}.png")
    (folder / "classes.txt").write_text("\n".join(MASK_LABELS) + "\n")
    return folder


def pixels(box):
    """Return a box in whole pixels: top, left, bottom, right, the last two exclusive."""
    return [round(edge * SIZE) for edge in box]


def write_json(path: Path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
