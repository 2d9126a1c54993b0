"""Digit scenes as COCO, YOLO, VOC and folders of masks: the same data and figures as from the built-in source.

    python benchmarks/scenes_from_files.py [--epochs 2] [FORM …]    prints a line for each, keeps it for docs/sources.md

FORM is coco, yolo, voc or masks; all by default. The training on the built-in source is kept, too, and not repeated.

The files hold what the built-in source has, in its order, so that the same examples are cut off for validation. Two
trainings of one recipe and seed then differ by what the files round: YOLO's boxes have six decimals.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scene_files import Objects, Scenes, write_coco, write_masks, write_voc, write_yolo

import zoo
from zoo.data.dataset import Dataset
from zoo.data.sources.load import load_dataset
from zoo.tasks import TASKS
from zoo.utils.files import read_json, write_json

KEPT = Path(__file__).resolve().parent / "results" / "scenes_from_files.json"
BOXES, MASKS = "cnn/digit_scenes_boxes", "cnn/digit_scenes_masks"
FORMS = {"coco": BOXES, "yolo": BOXES, "voc": BOXES, "masks": MASKS}  # the recipe that is trained from each
MAX_BOX_DIFFERENCE = {"coco": 0.0, "yolo": 2e-6, "voc": 0.0, "masks": 0.0}  # of an edge, as a fraction of the side


def load(recipe: str, source: str | None = None) -> Dataset:
    """Return the data of a recipe, from its own source or from another."""
    overrides = overrides_for(source, 1)
    section = zoo.load_recipe(recipe, overrides).recipe
    return load_dataset(section.data, TASKS[section.task], section.preprocess)


def overrides_for(source: str | None, epochs: int) -> dict[str, Any]:
    """Return what is changed of a recipe: the epochs, and the source."""
    changed: dict[str, Any] = {"training.epochs": epochs, "evaluation.baseline": None, "evaluation.baselines": []}
    if epochs < 26:
        changed["training.augment_until"] = None
    return changed if source is None else {**changed, "data.source": source, "data.target": None}


def in_order(dataset: Dataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return images and targets of training (with validation) and of the test, in the order of the source."""
    found = {}
    for name, parts in (("train", (dataset.train, dataset.validation)), ("test", (dataset.test,))):
        order = np.argsort(np.concatenate([part.indices for part in parts]))
        images = np.concatenate([part.take(np.arange(len(part))) for part in parts])[order]
        found[name] = images, np.concatenate([part.targets for part in parts])[order]
    return found


def scenes() -> tuple[Scenes, tuple[str, ...]]:
    """Return the built-in scenes in the order of their source, and the names of the classes of a mask."""
    boxes, masks = load(BOXES), load(MASKS)
    pixels = in_order(masks)
    made: dict[str, tuple[np.ndarray, np.ndarray, Objects]] = {}
    for split, (images, targets) in in_order(boxes).items():
        assert np.array_equal(images, pixels[split][0])
        objects = [[(row[:4].tolist(), int(row[4])) for row in rows if row[4] >= 0] for rows in targets]
        made[split] = images, pixels[split][1].astype(np.uint8), objects
    return made, masks.signature.labels


def write(form: str, made: Scenes, names: tuple[str, ...], folder: Path) -> str:
    """Write the scenes in a form and return the source."""
    if form == "masks":
        write_masks(folder, made, names)
    else:
        {"coco": write_coco, "yolo": write_yolo, "voc": write_voc}[form](folder, made)
    return f"{form}:{folder}"


def difference(form: str, source: str) -> dict[str, Any]:
    """Compare data from files with that of the built-in source: splits, pixels, classes; return what was compared.

    Raises:
        AssertionError: a split, a pixel or a class differs, or a box by more than the format rounds.
    """
    expected, found = load(FORMS[form]), load(FORMS[form], source)
    assert tuple(found.signature.labels) == tuple(expected.signature.labels)
    largest = 0.0
    for name in ("train", "validation", "test"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert np.array_equal(ours.indices, theirs.indices), f"{form}: other examples in the {name} split"
        places = np.arange(len(ours))
        assert np.array_equal(ours.take(places), theirs.take(places)), f"{form}: other pixels in the {name} split"
        gap = np.abs(ours.targets.astype(np.float64) - theirs.targets)
        largest = max(largest, float(gap.max()))
    assert largest <= MAX_BOX_DIFFERENCE[form], f"{form}: a target differs by {largest}"
    examples = len(found.train) + len(found.validation) + len(found.test)
    return {"examples": examples, "largest_difference": largest}


def figures(recipe: str, source: str | None, epochs: int, folder: Path) -> dict[str, float]:
    """Train for some epochs and return the metrics of the test split, and the last losses."""
    run = zoo.train(recipe, overrides_for(source, epochs), runs=folder / "runs", export=False)
    last = run.history.iloc[-1]
    return {**run.metrics["test"], "loss": float(last["loss"]), "val_loss": float(last["val_loss"])}


def main() -> None:
    """Write each form, compare, train, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("forms", nargs="*", metavar="FORM", default=list(FORMS))
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    kept: dict[str, Any] = read_json(KEPT) if KEPT.exists() else {"builtin": {}, "files": {}}
    made, names = scenes()
    for form in options.forms:
        recipe = FORMS[form]
        with tempfile.TemporaryDirectory() as folder:
            source = write(form, made, names, Path(folder) / "scenes")
            compared = difference(form, source)
            for what, key, given in (("builtin", recipe, None), ("files", form, source)):
                if what == "builtin" and kept[what].get(key, {}).get("epochs") == options.epochs:
                    continue
                found = figures(recipe, given, options.epochs, Path(folder))
                kept[what][key] = {"epochs": options.epochs, **({} if given is None else compared), "figures": found}
                write_json(KEPT, kept)
        print(form, compared, kept["builtin"][recipe]["figures"], found, sep="\n", flush=True)


if __name__ == "__main__":
    main()
