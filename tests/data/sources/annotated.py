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


def write_coco(folder: Path, layout="annotations"):
    """Write COCO's JSON: category ids have gaps, the categories and annotations are in no order."""
    ids = {label: 3 + 7 * label for label in range(10)}
    for split, (images, _, objects) in scenes().items():
        images_in = folder / (f"images/{split}2017" if layout == "annotations" else split)
        names = save_images(images_in, images)
        annotations = [
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


def write_yolo(folder: Path):
    """Write `images/SPLIT`, `labels/SPLIT` and `data.yaml`; scenes without objects have no label file."""
    for split, (images, _, objects) in scenes().items():
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


def write_voc(folder: Path):
    """Write `JPEGImages`, `Annotations` and `ImageSets/Main` with pixels that count from 1."""
    (folder / "Annotations").mkdir(parents=True)
    (folder / "ImageSets/Main").mkdir(parents=True)
    for split, (images, _, objects) in scenes().items():
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
