"""What `zoo init` proposes for tables beyond one file, one target and short columns."""

import numpy as np
import pandas as pd
import pytest
import yaml

from zoo.commands.init import init
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import check_search, load_recipe
from zoo.tasks import TASKS

ROWS = 240
RNG = np.random.default_rng(0)
X = RNG.normal(size=ROWS).round(3)
PROSE = [f"the food was {'cold' if i % 2 else 'good'} on day {i}" for i in range(ROWS)]
LABELS = [";".join(n for n, keep in zip("abc", row, strict=True) if keep) for row in RNG.uniform(size=(ROWS, 3)) > 0.5]

CASES = {  # columns, target, task, keys of the recipe's `data:`, a part of the doubts
    "texts beside numbers": (
        {"x": X, "note": PROSE, "y": X > 0},
        "y",
        "tabular_classification",
        {"texts": ["note"]},
        "",
    ),
    "labels in a cell": (
        {"x": X, "tags": LABELS},
        "tags",
        "tabular_multi_label_classification",
        {"target": "tags"},
        "",
    ),
    "labels of texts": (
        {"note": PROSE, "tags": LABELS},
        "tags",
        "sequence_multi_label_classification",
        {"text": "note", "target": "tags"},
        "",
    ),
    "columns of labels": (
        {"x": X, "p": (X > 0).astype(int), "q": (X > 1).astype(int)},
        "p,q",
        "tabular_multi_label_classification",
        {"target": ["p", "q"]},
        "",
    ),
    "several numbers": ({"x": X, "p": X + 1, "q": 2 * X}, "p, q", "tabular_regression", {"target": ["p", "q"]}, ""),
    "a name with a comma": ({"x": X, "p, q": X + 1}, "p, q", "tabular_regression", {"target": "p, q"}, ""),
    "many categories": (
        {"x": X, "tail": [f"N{i % 90}" for i in range(ROWS)], "y": X > 0},
        "y",
        "tabular_classification",
        {"texts": None, "ignore": None},
        "column 'tail' has 90 different texts in 240 rows, and is embedded",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_tables(case, tmp_path, monkeypatch):
    columns, target, task, expected, doubt = CASES[case]
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(columns).to_csv("t.csv", index=False)
    made = init("t.csv", target)
    loaded = load_recipe("t.yaml")
    check_search(loaded)
    assert made["task"] == loaded.recipe.task == task
    written = yaml.safe_load((tmp_path / "t.yaml").read_text())["data"]
    assert {key: written.get(key) for key in expected} == expected
    assert doubt in " ".join(made["doubts"]) and bool(doubt) == bool(made["doubts"])
    dataset = load_dataset(loaded.recipe.data, TASKS[task], loaded.recipe.preprocess)
    assert min(map(len, (dataset.train, dataset.validation, dataset.test))) > 0


def test_a_folder_of_files_named_as_splits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales").mkdir()
    for i, split in enumerate(("Train", "valid", "test")):
        pd.DataFrame({"x": X + i, "y": X > 0}).to_csv(f"sales/{split}.csv", index=False)
    (tmp_path / "sales" / "README.md").write_text("about")
    made = init("sales", "y")
    assert made["task"] == "tabular_classification"
    recipe = load_recipe("sales.yaml").recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    assert len(dataset.train) == len(dataset.validation) == len(dataset.test) == ROWS
    assert recipe.data.source == f"csv:{tmp_path / 'sales'}"


def test_what_cannot_be_proposed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"x": X, "p": X > 0, "q": X, "r": ["u", "v"] * (ROWS // 2)}).to_csv("t.csv", index=False)
    with pytest.raises(ZooError, match="_base/tabular_anomaly_detection needs none"):
        init("t.csv")
    with pytest.raises(ZooError, match="several targets are numbers, or labels as 0 and 1; r hold something else"):
        init("t.csv", "q,r")
    with pytest.raises(ZooError, match="--target names the column 's', which the table lacks"):
        init("t.csv", "q,s")
