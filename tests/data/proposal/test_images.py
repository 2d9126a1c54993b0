"""Recipes from tables of images and from folders of them: they load their data unedited."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.data.sources.annotated import write_coco, write_masks, write_voc, write_yolo
from tests.data.sources.test_mvtec import write_mvtec
from zoo.commands.init import init
from zoo.data.sources.load import load_dataset
from zoo.recipe import check_search, load_recipe
from zoo.tasks import TASKS

COUNT = 120
RANDOM = np.random.default_rng(0)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write images of different sizes, and a table of them with more columns."""
    monkeypatch.chdir(tmp_path)

    def table(**columns):
        (tmp_path / "photos").mkdir()
        for number in range(COUNT):
            pixels = RANDOM.integers(0, 256, (20 + number % 3, 30, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"photos/{number}.png")
        pd.DataFrame({"path": [f"photos/{i}.png" for i in range(COUNT)], **columns}).to_csv("photos.csv", index=False)

    return table


def recipe_of(path, target=None):
    """Return the recipe that `zoo init` writes, checked, its data, and what it says of itself."""
    found = init(path, target, output="made.yaml")
    loaded = load_recipe("made.yaml")
    check_search(loaded)
    recipe = loaded.recipe
    return recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess), found


TARGETS = {
    "classes": (["cat", "dog", "emu"] * (COUNT // 3), "image_classification"),
    "numbers": (RANDOM.normal(size=COUNT).round(3), "image_regression"),
    "labels": ([("a;b", "b", "", "a;c")[i % 4] for i in range(COUNT)], "image_multi_label_classification"),
    "texts": ([f"{i * 7919:06}x" for i in range(COUNT)], "transcription"),
}


@pytest.mark.parametrize("name", TARGETS)
def test_tables_of_images(name, write):
    values, task = TARGETS[name]
    write(said=values, owner_id=[f"o{i // 4}" for i in range(COUNT)])
    recipe, dataset, found = recipe_of("photos.csv", "said")
    assert recipe.task == found["task"] == task and recipe.data.image == "path" and recipe.data.group == "owner_id"
    assert (recipe.preprocess[0].resize.height, recipe.preprocess[0].resize.width) == (16, 32)
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == COUNT
    assert any(reason.startswith("data.image: path: its texts are paths of images") for reason in found["reasons"])


def test_missing_images_are_left_out_and_counted(write, tmp_path):
    write(label=["cat", "dog"] * (COUNT // 2))
    (tmp_path / "photos/7.png").unlink()
    recipe, dataset, found = recipe_of("photos.csv")
    assert recipe.data.on_error == "skip" and recipe.data.target == "label"
    assert any("1 images that are not there: row 8 (line 9)" in reason for reason in found["reasons"])
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == COUNT - 1


def test_a_table_that_names_no_images_is_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"path": [f"gone/{i % 9}.png" for i in range(60)], "x": range(60), "label": ["a", "b"] * 30})
    frame.to_csv("t.csv", index=False)
    assert init("t.csv", None, output="made.yaml")["task"] == "tabular_classification"


WRITERS = {"coco": write_coco, "voc": write_voc, "yolo": write_yolo, "masks": write_masks, "mvtec": write_mvtec}


@pytest.mark.parametrize("form", WRITERS)
def test_folders_with_boxes_masks_or_faults(form, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    WRITERS[form](tmp_path / "data")
    recipe, dataset, _ = recipe_of("data")
    tasks = {"masks": "semantic_segmentation", "mvtec": "anomaly_detection"}
    assert recipe.task == tasks.get(form, "object_detection") and recipe.data.source.startswith(f"{form}:")
    assert len(dataset.train) and len(dataset.test)


def test_one_folder_of_images(write):
    write()
    recipe, dataset, found = recipe_of("photos")
    assert recipe.task == "image_generation" and len(dataset.train) == 86
    assert any("zoo init TABLE" in doubt for doubt in found["doubts"])
