"""Digit scenes as they are built in, and the same written as the files that people have."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.builtin.scenes import MASK_LABELS, digit_scenes

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
try:
    import scene_files
    from scene_files import save_images, write_json  # noqa: F401
finally:
    sys.path.pop(0)
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


def write_masks(folder: Path, layout="{split}/{what}"):
    return scene_files.write_masks(folder, scenes(), MASK_LABELS, layout)


def write_coco(folder: Path, layout="annotations"):
    return scene_files.write_coco(folder, scenes(), layout)


def write_yolo(folder: Path):
    return scene_files.write_yolo(folder, scenes())


def write_voc(folder: Path):
    return scene_files.write_voc(folder, scenes())


# === A few small images, for what is refused ===

COUNT, HEIGHT, WIDTH = 20, 20, 40


def small_images(folder: Path, sizes=((HEIGHT, WIDTH),)):
    generator = np.random.default_rng(0)
    return save_images(
        folder, [generator.integers(0, 256, sizes[i % len(sizes)]).astype(np.uint8) for i in range(COUNT)]
    )


def box_loader(form):
    """Return a function that loads a folder of a form."""
    from zoo.data.sources.load import load_dataset
    from zoo.recipe.data_section import Data
    from zoo.tasks import TASKS

    return lambda folder, **settings: load_dataset(
        Data(source=f"{form}:{folder}", **settings), TASKS["object_detection"]
    )


def all_boxes(dataset):
    """Return the boxes of each image, by its number in the source, without padding."""
    found = {}
    for part in (dataset.train, dataset.validation, dataset.test):
        for index, rows in zip(part.indices, part.targets, strict=True):
            found[int(index)] = [tuple(np.round(row.astype(float), 6).tolist()) for row in rows if row[4] != -1]
    return found


def noted(dataset, text):
    return [note for note in dataset.notes if text in note]
