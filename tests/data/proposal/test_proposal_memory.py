"""Recipes for data that a Python program holds: the task that its values tell, and data that the recipe loads."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import yaml
from in_ci import in_ci
from PIL import Image

import zoo
from zoo.errors import ZooError
from zoo.recipe import load_recipe

ROWS = 120
RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.normal(size=ROWS).round(3)
CLASSES = RANDOM.choice(["no", "yes"], ROWS)
DAYS = pd.date_range("2023-01-01", periods=ROWS)
PROSE = [f"the food was cold {i}" for i in range(ROWS)]
WORDS = [f"word{i}" for i in range(ROWS)]
IMAGES = [Image.fromarray(RANDOM.integers(0, 255, (20 + i % 3, 20, 3), np.uint8)) for i in range(ROWS)]
REGRESSION = "tabular_regression"
FRAME = pd.DataFrame({"x": NUMBERS, "c": CLASSES, "churned": CLASSES[::-1]})

DATA = {  # data, target, task
    "a frame": (FRAME, "churned", "tabular_classification"),
    "a frame of Polars": (pl.DataFrame({"x": NUMBERS, "y": NUMBERS[::-1]}), None, "tabular_regression"),
    "columns": ({"x": CLASSES, "price": NUMBERS}, "price", "tabular_regression"),
    "numbers that are categories": (
        pd.DataFrame({"x": NUMBERS, "b": pd.Categorical([0.5, 1.5] * 60)}),
        "b",
        "tabular_classification",
    ),
    "a frame and y": ((FRAME, np.roll(CLASSES, 7)), None, "tabular_classification"),
    "arrays": ((RANDOM.normal(size=(ROWS, 3)), NUMBERS), "price", "tabular_regression"),
    "sequences": ((RANDOM.normal(size=(ROWS, 9, 2)), CLASSES), None, "sequence_classification"),
    "texts": ((PROSE, CLASSES), None, "sequence_classification"),
    "short texts": ((WORDS, NUMBERS), "score", "sequence_regression"),
    "a column of texts": (pd.DataFrame({"review": PROSE, "y": CLASSES}), None, "sequence_classification"),
    "images": ((IMAGES, CLASSES), None, "image_classification"),
    "numbers of images": ((IMAGES, NUMBERS), None, "image_regression"),
    "arrays with two numbers each": ((RANDOM.normal(size=(ROWS, 3)), RANDOM.normal(size=(ROWS, 2))), None, REGRESSION),
    "a frame and two numbers each": ((FRAME, pd.DataFrame({"p": NUMBERS, "q": -NUMBERS})), None, REGRESSION),
    "a frame and labels": (
        (FRAME, pd.DataFrame({"a": [0, 1, 1] * 40, "b": [0, 0, 1, 1] * 30})),
        None,
        "tabular_multi_label_classification",
    ),
    "images with two numbers each": ((IMAGES, np.stack([NUMBERS, -NUMBERS], 1)), None, "image_regression"),
    "texts with two numbers each": ((PROSE, np.stack([NUMBERS, -NUMBERS], 1)), None, "sequence_regression"),
    "several series": (
        pd.DataFrame({"day": [*DAYS, *DAYS], "shop": ["a"] * ROWS + ["b"] * ROWS, "sold": [*NUMBERS] * 2}),
        "sold",
        "forecasting",
    ),
    "images in an array": ((np.zeros((ROWS, 8, 8), np.uint8), np.arange(ROWS) % 3), None, "image_classification"),
    "boxes": ((IMAGES, [{"boxes": [[0, 0, 5, 5]], "labels": ["a"]}] * ROWS), None, "object_detection"),
    "images in dicts": (
        [{"image": image, "boxes": [[0, 0, 5, 5]], "labels": [1]} for image in IMAGES],
        None,
        "object_detection",
    ),
    "masks": (
        (IMAGES, [np.arange(image.width * image.height).reshape(image.height, -1) % 2 for image in IMAGES]),
        None,
        "semantic_segmentation",
    ),
    "texts on images": ((IMAGES, WORDS), None, "transcription"),
    "tags": (([["a", "b"]] * ROWS, [["O", "X"]] * ROWS), None, "sequence_labeling"),
    "graphs": (
        ([{"nodes": NUMBERS.reshape(-1, 2), "edges": [[0, 1]]}] * ROWS, CLASSES),
        None,
        "graph_classification",
    ),
    "texts with texts": ((PROSE, WORDS), None, "sequence_to_sequence"),
    "running text": (" ".join(PROSE), None, "language_modeling"),
    "a series": (pd.Series(NUMBERS, index=DAYS, name="sold"), None, "forecasting"),
    "a frame with time": (pd.DataFrame({"sold": NUMBERS, "rain": NUMBERS}, index=DAYS), "sold", "forecasting"),
}


QUICK = ("columns", "images", "tags", "graphs", "running text", "a series")


@pytest.mark.parametrize("name", in_ci(DATA, but=QUICK))
def test_the_task_is_told_by_the_data_and_the_recipe_loads_it(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, target, task = DATA[name]
    (found,) = zoo.check(data=data, target=target)
    assert found["ok"] and sum(found["splits"].values()) > ROWS / 8, found["problems"]
    assert any(note.startswith(f"no recipe was named; proposed is task: {task}: ") for note in found["notes"])
    made = zoo.init(data, target)
    assert (made["recipe"], made["task"]) == ("data.yaml", task) and target in (None, made["target"])
    assert load_recipe("data.yaml").recipe.task == task
    assert zoo.check("data.yaml", data=data)[0]["splits"] == found["splits"]
    assert zoo.init(data, target) == made  # a cell of a notebook that is run again


def test_splits_of_their_own_are_not_cut_and_take_no_column(tmp_path):
    ordered = pd.DataFrame({"patient_id": np.arange(ROWS) // 4, "day": DAYS, "x": NUMBERS, "y": CLASSES})
    made = zoo.init(ordered, "y", output=tmp_path / "a.yaml")
    assert any(reason.startswith("data.group: patient_id") for reason in made["reasons"])
    made = zoo.init(ordered, "y", validation=ordered[:30], test=ordered[30:60], output=tmp_path / "b.yaml")
    assert "group" not in yaml.safe_load((tmp_path / "b.yaml").read_text())["data"]
    (found,) = zoo.check(tmp_path / "b.yaml", data=ordered, validation=ordered[:30], test=ordered[30:60])
    assert found["splits"] == {"train": ROWS, "validation": 30, "test": 30}


@pytest.mark.parametrize(
    ("data", "target", "message"),
    [
        (pd.DataFrame({"a": NUMBERS, "b": CLASSES}), None, r"which column .*\? Name it with target='COLUMN' .*a, b"),
        (pd.DataFrame({"a": NUMBERS}), "b", r"data: target='COLUMN' names the column 'b', which the table lacks"),
        ({"a": [1, 2], "b": [1]}, "b", r"data: the columns have different numbers of rows"),
        (object(), None, r"data: expected a data frame, a dict of columns, .*, received object"),
        ((NUMBERS, CLASSES), None, r"'x' float64 \(120,\) with <U3 targets fits no task; expected images"),
        ((NUMBERS[:, None], np.eye(2)[[0, 1] * 60]), None, r"one-hot targets give the number of the class"),
        ((NUMBERS[:, None], np.ones((ROWS, 2))), None, r"'y' holds 2 labels of 0 and 1 .* beside a frame"),
        ((NUMBERS[:, None], np.stack([NUMBERS, NUMBERS], 1)), "price", r"names one target, and y has 2 columns"),
        ((NUMBERS[:, None], np.array([["a", "b"]] * ROWS)), None, r"several targets an example must be numbers"),
        ((NUMBERS[:, None], CLASSES[:5]), None, r"data: x has 120 examples, and y 5"),
        ((FRAME, CLASSES[:5]), None, r"data: x has 120 examples, and y 5"),
        (pd.Series(NUMBERS), None, r"the index of the series is no time .*_base/forecasting"),
        (Path("nothing.csv"), None, r"nothing\.csv: no such file or folder"),
        ("nothing.csv", None, r"nothing\.csv: no such file or folder"),
    ],
)
def test_what_tells_no_task_is_refused(data, target, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match=message):
        zoo.init(data, target)
    with pytest.raises(ZooError, match=message):
        zoo.train(data=data, target=target)
    assert not any(tmp_path.iterdir())


def test_paths_stand_for_their_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("mine.csv", index=False)
    (found,) = zoo.check(data="mine.csv", target="churned")
    sections = {
        "model": {"name": "mlp", "widths": [8]},
        "optimizer": {"name": "adamw", "learning_rate": 0.01},
        "training": {"epochs": 1, "batch_size": 8},
    }
    (same,) = zoo.check("_base/tabular_classification", sections, data=Path("mine.csv"), target="churned")
    assert found["ok"] and same["ok"] and found["splits"] == same["splits"]
    with pytest.raises(ZooError, match=r"test=: data= is a path, whose splits are folders or files of its own"):
        zoo.train(data="mine.csv", target="churned", test=FRAME)


def test_a_column_that_numbers_blocks_of_rows_is_a_group(tmp_path):
    """People who chose among four ways each, as statsmodels' `modechoice` has them."""
    person, cost = np.repeat(np.arange(1, 31), 4), np.tile(NUMBERS, 1)
    frame = pd.DataFrame({"individual": person, "cost": cost, "choice": np.tile([0, 0, 1, 0], 30)})
    made = zoo.init(frame, "choice", output=tmp_path / "a.yaml")
    assert any(reason.startswith("data.group: individual") for reason in made["reasons"])
    for other in (frame.assign(individual=person[::-1]), frame.assign(individual=np.minimum(person, 29))):
        zoo.init(other, "choice", output=(path := tmp_path / f"{other.individual.max()}.yaml"))
        assert "group" not in yaml.safe_load(path.read_text())["data"]
