"""Recipes from data: task, target, split and columns that are right or asked for, each with its reason."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from in_ci import in_ci
from PIL import Image

from zoo.commands.init import init
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import check_search, load_recipe
from zoo.tasks import TASKS

ROWS = 120
DAYS = np.datetime64("2023-01-01") + np.arange(ROWS)
RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.normal(size=ROWS).round(3)
CLASSES = RANDOM.choice(["no", "yes"], ROWS)
WORDS = ["the food was cold and late", "we were very happy with it", "never again in this place", "a good evening out"]
PROSE = [f"{WORDS[i % 4]} {i}" for i in range(ROWS)]

TABLES = {  # columns, target, and keys of the recipe that follow
    "classes": ({"x": NUMBERS, "y": CLASSES}, "y", {"task": "tabular_classification"}),
    "numbers": ({"x": CLASSES, "y": NUMBERS}, "y", {"task": "tabular_regression"}),
    "two whole numbers": ({"x": NUMBERS, "y": np.arange(ROWS) % 2}, "y", {"task": "tabular_classification"}),
    "whole numbers": ({"x": NUMBERS, "y": RANDOM.integers(0, 99, ROWS)}, "y", {"task": "tabular_regression"}),
    "prices": ({"x": NUMBERS, "y": [f"${1000 + i:,}" for i in range(ROWS)]}, "y", {"task": "tabular_regression"}),
    "group": (
        {"patient_id": [f"p{i % 30}" for i in range(ROWS)], "x": NUMBERS, "y": CLASSES},
        "y",
        {"task": "tabular_classification", "data.group": "patient_id"},
    ),
    "id": (
        {"order_id": np.arange(ROWS) + 5000, "x": NUMBERS, "y": CLASSES},
        "y",
        {"task": "tabular_classification", "data.ignore": ["order_id"], "data.group": None},
    ),
    "time": ({"sold": DAYS, "x": NUMBERS, "y": CLASSES}, "y", {"data.time": "sold", "task": "tabular_classification"}),
    "not in order": ({"born": RANDOM.permutation(DAYS), "x": NUMBERS, "y": CLASSES}, "y", {"data.time": None}),
    "split": (
        {"split": ["train", "train", "train", "val", "test"] * 24, "x": NUMBERS, "y": CLASSES},
        "y",
        {"data.split_column": "split"},
    ),
    "series": (
        {"day": DAYS, "sold": NUMBERS},
        "sold",
        {"task": "forecasting", "data.time": "day", "data.window": {"history": 21, "horizon": 6, "season": 7}},
    ),
    "panel": (
        {
            "day": np.tile(DAYS, 2),
            "shop": np.repeat(["a", "b"], ROWS),
            "sold": np.tile(NUMBERS, 2),
            "x": np.tile(NUMBERS, 2),
        },
        "sold",
        {"task": "forecasting", "data.series": "shop", "data.time": "day", "data.static_covariates": None},
    ),
    "panel of two columns": (
        {
            "day": np.tile(DAYS, 4),
            "shop": np.repeat(["a", "a", "b", "b"], ROWS),
            "item": np.repeat(["x", "y", "x", "y"], ROWS),
            "size": np.repeat([1, 1, 5, 5], ROWS),
            "sold": np.tile(NUMBERS, 4),
        },
        "sold",
        {"task": "forecasting", "data.series": ["shop", "item"], "data.static_covariates": ["size"]},
    ),
    "long form": (
        {
            "move_id": np.repeat([f"m{i:02d}" for i in range(24)], 5),
            "step": np.tile(np.arange(5), 24),
            "x": NUMBERS,
            "kind": np.repeat(["up", "down"] * 12, 5),
        },
        "kind",
        {"task": "sequence_classification", "data.series": "move_id", "data.time": "step", "data.sort": None},
    ),
    "short panel": (
        {"year": np.tile(np.arange(1990, 2010), 6), "firm": np.repeat(list("abcdef"), 20), "y": NUMBERS},
        "y",
        {"task": "tabular_regression"},
    ),
    "quarters of years": (
        {"year": 1990 + np.arange(ROWS) // 4, "quarter": np.arange(ROWS) % 4 + 1, "sold": NUMBERS},
        "sold",
        {"task": "forecasting", "data.time": None},
    ),
    "texts": ({"review": PROSE, "y": CLASSES}, "y", {"task": "sequence_classification", "data.text": "review"}),
    "scores of texts": ({"review": PROSE, "y": NUMBERS}, "y", {"task": "sequence_regression", "data.text": "review"}),
    "lacking": (
        {"x": NUMBERS, "y": [*CLASSES[:-2], "", ""]},
        "y",
        {"task": "tabular_classification", "data.on_error": "skip"},
    ),
    "a usual name": ({"target": CLASSES, "x": NUMBERS}, None, {"data.target": "target"}),
}


def write_table(path, columns):
    rows = zip(*[[str(value) for value in values] for values in columns.values()], strict=True)
    quoted = ["\t".join(row) for row in rows]
    path.write_text("\n".join(["\t".join(columns), *quoted]) + "\n")
    return path


def value_of(recipe, key):
    for part in key.split("."):
        recipe = recipe.get(part) if recipe is not None else None
    return recipe


QUICK = ("classes", "prices", "group", "series", "panel", "texts", "a usual name")


@pytest.mark.parametrize("name", in_ci(TABLES, but=QUICK))
def test_tables(name, tmp_path, monkeypatch):
    """The recipe loads its data unedited, and says what it was decided by."""
    columns, target, expected = TABLES[name]
    monkeypatch.chdir(tmp_path)
    made = init(write_table(tmp_path / "mine.csv", columns), target)
    assert made["recipe"] == "mine.yaml" and (target is None or made["target"] == target)
    loaded = load_recipe("mine.yaml")
    check_search(loaded)
    written = {**yaml.safe_load((tmp_path / "mine.yaml").read_text()), "task": loaded.recipe.task}
    assert {key: value_of(written, key) for key in expected} == expected
    assert made["task"] == loaded.recipe.task and made["reasons"][0].startswith(f"task: {made['task']}: ")
    dataset = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess)
    assert min(map(len, (dataset.train, dataset.validation, dataset.test))) > 0
    doubtful = ("a usual name", "series", "quarters of years", "long form")
    assert bool(made["doubts"]) == (name in doubtful or "panel" in name)
    if name == "short panel":
        assert made["doubts"][0].startswith(
            "rows seem to be the steps of 6 series by 'firm', too few to forecast (20 at"
        )


def test_the_history_of_a_series_shows_its_longest_usual_season(tmp_path, monkeypatch):
    """Half hours of twelve weeks: errors are scaled by a day, and the network sees a week."""
    monkeypatch.chdir(tmp_path)
    times = np.datetime64("2024-01-01T00:00") + np.arange(12 * 336) * np.timedelta64(30, "m")
    write_table(tmp_path / "load.csv", {"time": times, "load": RANDOM.normal(size=len(times)).round(3)})
    made = init("load.csv", "load")
    recipe = load_recipe("load.yaml").recipe
    assert recipe.data.window.model_dump() == {"history": 336, "horizon": 48, "season": 48}
    assert "a season of 48 and of 336 steps is usual" in " ".join(made["reasons"])
    assert recipe.model.name == "nlinear" and [step.kind for step in recipe.preprocess] == ["standardize"]
    steps = round(0.7 * len(times)) - 384
    assert 3_500 < recipe.training.epochs * (steps // recipe.training.batch_size) < 4_500


@pytest.mark.parametrize(("others", "model"), [((), "dlinear"), (("size",), "mlp")])
def test_panels_keep_the_level_of_each_series_apart(others, model, tmp_path, monkeypatch):
    """A map of the history does not take what tells series apart."""
    monkeypatch.chdir(tmp_path)
    columns = {
        "day": np.tile(DAYS, 4),
        "shop": np.repeat(["a", "b", "c", "d"], ROWS),
        "sold": np.tile(NUMBERS, 4),
        "size": np.repeat([1, 1, 2, 2], ROWS),
    }
    kept = {name: values for name, values in columns.items() if name != "size" or others}
    init(write_table(tmp_path / "mine.csv", kept), "sold")
    recipe = load_recipe("mine.yaml").recipe
    assert recipe.model.name == model and [step.kind for step in recipe.preprocess] == ["standardize_window"]


def images(folder, sizes):
    folder.mkdir(parents=True)
    for i in range(12):
        Image.fromarray(RANDOM.integers(0, 255, (*sizes[i % len(sizes)], 3), np.uint8)).save(folder / f"{i}.png")


def test_folders_of_images_and_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for label in ("cat", "dog"):
        images(tmp_path / "photos" / label, [(48, 64), (40, 64), (48, 60)])
        images(tmp_path / "icons" / label, [(16, 16)])
        (tmp_path / "mail" / label).mkdir(parents=True)
        for i in range(12):
            (tmp_path / "mail" / label / f"{i}.txt").write_text(f"a text on a {label} {i}")
    found = {}
    for name in ("photos", "icons", "mail"):
        init(name)
        recipe = load_recipe(f"{name}.yaml").recipe
        load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
        resize = next((step.resize for step in recipe.preprocess if step.kind == "resize"), None)
        found[name] = (recipe.task, resize and (resize.height, resize.width), recipe.data.source.rsplit("/")[-1])
    assert found == {
        "photos": ("image_classification", (48, 64), "photos"),
        "icons": ("image_classification", None, "icons"),
        "mail": ("sequence_classification", None, "mail"),
    }


def test_sentences_and_running_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentence = "in\tIN\tO\nNew\tNNP\tB-LOC\nYork\tNNP\tI-LOC\n\n"
    (tmp_path / "names.conll").write_text(sentence * 60)
    (tmp_path / "split").mkdir()
    for name in ("train", "dev", "test"):
        (tmp_path / "split" / f"{name}.conll").write_text(sentence * 60)
    (tmp_path / "story.txt").write_text("the cat sat on the mat. " * 300)
    found = {}
    for path, target in (("names.conll", None), ("split", None), ("names.conll", "2"), ("story.txt", None)):
        made = init(path, target, output=f"{len(found)}.yaml")
        recipe = load_recipe(made["recipe"]).recipe
        dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
        found[path, target] = (made["task"], dataset.signature.labels[1:3], len(made["doubts"]))
    assert found == {
        ("names.conll", None): ("sequence_labeling", ("B-LOC", "I-LOC"), 1),
        ("split", None): ("sequence_labeling", ("B-LOC", "I-LOC"), 1),
        ("names.conll", "2"): ("sequence_labeling", ("IN", "NNP"), 0),
        ("story.txt", None): ("language_modeling", ("<unknown>", "<start>"), 1),
    }
    (tmp_path / "words.conll").write_text("a\nb\n")
    with pytest.raises(ZooError, match=r"expected a word and its tag a line, and found 1 columns"):
        init("words.conll")
    (tmp_path / "u.conllu").write_text("# global.columns = FORM UPOS\na\tX\nb\tY\n")
    with pytest.raises(ZooError, match=r"which column holds the tags\? Name it with --target .*FORM, UPOS"):
        init("u.conllu")


@pytest.mark.parametrize(
    ("x", "y", "task"),
    [
        (np.zeros((60, 8, 8), np.uint8), np.arange(60) % 3, "image_classification"),
        (np.ones((60, 5)), np.arange(60) % 3, "tabular_classification"),
        (np.ones((60, 5)), np.arange(60) / 7, "tabular_regression"),
        (np.ones((60, 9, 2)), np.arange(60) % 3, "sequence_classification"),
    ],
)
def test_arrays(x, y, task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", x=x, y=y)
    made = init("a.npz")
    recipe = load_recipe(made["recipe"]).recipe
    assert made["task"] == recipe.task == task
    load_dataset(recipe.data, TASKS[task], recipe.preprocess)


@pytest.mark.parametrize(
    ("columns", "target", "message"),
    [
        ({"a": NUMBERS, "b": CLASSES}, None, r"which column is to be predicted\? Name it with --target .*a, b"),
        ({"a": NUMBERS, "b": CLASSES}, "c", r"--target names the column 'c', which the table lacks"),
        ({"a": NUMBERS, "b": PROSE}, "b", r"column 'b' holds 120 different texts in 120 rows, which are no classes"),
        ({"a": NUMBERS, "b": ["x"] * ROWS}, "b", r"'b' holds 'x' \(120\) alone; there is nothing to predict"),
        ({"a": NUMBERS, "b": [""] * ROWS}, "b", r"column 'b' has no value in any row"),
        ({"a": NUMBERS, "b": RANDOM.permutation(DAYS)}, "b", r"column 'b' holds moments"),
    ],
)
def test_what_tells_no_task_is_refused(columns, target, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match=message):
        init(write_table(tmp_path / "mine.csv", columns), target)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_rare_classes_and_doubtful_numbers_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stars = np.repeat([1, 2, 3, 4, 5], 24)
    write_table(tmp_path / "a.csv", {"x": NUMBERS, "y": stars})
    assert init("a.csv", "y")["doubts"] == [
        "'y' holds 5 whole numbers, taken as classes; for a number, take tabular_regression"
    ]
    write_table(tmp_path / "b.csv", {"x": NUMBERS, "y": ["rare"] * 4 + ["often"] * 116})
    (doubt,) = init("b.csv", "y")["doubts"]
    assert doubt.startswith("class 'rare' has 3.3% of the rows")


def test_on_the_command_line(zoo, tmp_path):
    write_table(tmp_path / "mine.csv", {"x": NUMBERS, "y": CLASSES})
    code, out, err = zoo("init", "mine.csv", "--target", "y")
    assert (code, out) == (0, "mine.yaml\n") and "task: tabular_classification" in err
    code, _, err = zoo("init", "mine.csv", "--target", "y")
    assert code == 2 and "mine.yaml is there already" in err
    code, out, _ = zoo("init", "mine.csv", "--target", "y", "--output", "other.yaml", "--json")
    assert set(json.loads(out)) == {"recipe", "task", "target", "reasons", "doubts"}
    code, _, err = zoo("init", "mine.txt")
    assert code == 2 and "mine.txt: no such file or folder" in err
    code, _, err = zoo("train", "mlp/wine", "--target", "y")
    assert code == 2 and "--target is for data" in err


@pytest.mark.ci
def test_train_makes_the_recipe_first(zoo, tmp_path):
    write_table(tmp_path / "mine.csv", {"x": NUMBERS, "y": CLASSES})
    code, out, err = zoo("train", "mine.csv", "--target", "y", "training.epochs=2", "evaluation.baselines=[]")
    assert code == 0 and "task: tabular_classification: 'y' holds 2 classes" in err
    assert (tmp_path / "mine.yaml").is_file() and out.startswith("runs/mine/")


def test_folders_of_clips(tmp_path, monkeypatch):
    import soundfile

    for i in range(40):
        name = tmp_path / "clips" / "ab"[i % 2] / f"{i}.{('wav', 'flac')[i % 4 > 1]}"
        name.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(name, RANDOM.normal(0, 0.1, 22_050 + 441 * i), 44_100)
    monkeypatch.chdir(tmp_path)
    found = init("clips", output="mine.yaml")
    recipe = load_recipe("mine.yaml").recipe
    assert found["task"] == recipe.task == "audio_classification"
    assert (recipe.data.sample_rate, recipe.data.seconds) == (16_000, 0.9)
    assert any("where a speaker or a recording has several" in doubt for doubt in found["doubts"])
    dataset = load_dataset(recipe.data, TASKS[recipe.task])
    assert dataset.signature.shape == (14_400,) and dataset.signature.labels == ("a", "b")


def test_tables_of_clips(tmp_path, monkeypatch):
    import soundfile

    (tmp_path / "clips").mkdir()
    for i in range(60):
        soundfile.write(tmp_path / f"clips/{i}.wav", RANDOM.normal(0, 0.1, 4_000), 8_000)
    names = [f"clips/{i}.wav" for i in range(60)]
    speakers = [f"speaker{i // 6}" for i in range(60)]
    write_table(tmp_path / "words.csv", {"path": names, "label": CLASSES[:60], "speaker_id": speakers})
    monkeypatch.chdir(tmp_path)
    found = init("words.csv")
    recipe = load_recipe("words.yaml").recipe
    assert (found["task"], found["target"]) == (recipe.task, "label") == ("audio_classification", "label")
    assert (recipe.data.audio, recipe.data.group, recipe.data.sample_rate) == ("path", "speaker_id", 8_000)
    assert load_dataset(recipe.data, TASKS[recipe.task]).signature.kind == "audio"


@pytest.mark.parametrize("many", [False, True])
def test_folders_of_graphs(tmp_path, monkeypatch, many):
    folder = tmp_path / "data"
    folder.mkdir()
    nodes = {"node": np.arange(ROWS), "venue": CLASSES, "score": NUMBERS, "graph": np.arange(ROWS) // 4}
    if many:
        write_table(folder / "graphs.csv", {"graph": np.arange(ROWS // 4), "label": CLASSES[: ROWS // 4]})
    else:
        del nodes["graph"]
        nodes |= {"label": CLASSES, "split": ["train", "train", "val", "test"] * (ROWS // 4)}
    write_table(folder / "nodes.csv", nodes)
    first = np.arange(ROWS)[np.arange(ROWS) % 4 < 3]
    write_table(folder / "edges.csv", {"from": first, "to": first + 1})
    monkeypatch.chdir(tmp_path)
    found = init("data", output="mine.yaml")
    recipe = load_recipe("mine.yaml").recipe
    assert found["task"] == recipe.task == ("graph_classification" if many else "node_classification")
    assert found["target"] == "label" and recipe.data.ignore == ["venue"]
    assert (recipe.data.graph.node, recipe.data.graph.source, recipe.data.graph.target) == ("node", "from", "to")
    assert recipe.data.split_column == (None if many else "split")
    dataset = load_dataset(recipe.data, TASKS[recipe.task])
    assert dataset.signature.shape == (None, 1) and dataset.signature.labels == ("no", "yes")


def test_validation_has_an_example_of_each_class(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"c{i}" for i in range(8)]
    head = f"@problemName moves\n@classLabel true {' '.join(names)}\n@data\n"
    for split, times in (("TRAIN", 5), ("TEST", 1)):
        (tmp_path / f"moves_{split}.ts").write_text(
            head + "".join(f"1,2,3,{i}:{n}\n" for i, n in enumerate(names)) * times
        )
    recipe = load_recipe(init("moves_TRAIN.ts")["recipe"]).recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    assert recipe.data.validation == 0.2 and sorted(dataset.validation.targets) == list(range(8))


@pytest.mark.parametrize("given", ["moves_TRAIN.ts", "moves"])
@pytest.mark.parametrize("steps, model", [(("1,2,3", "4,5"), "gru"), (("1,2,3,4,5,6,7,8,9",) * 2, "minirocket")])
def test_files_of_sequences(given, steps, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moves").mkdir()
    folder = tmp_path / "moves" if given == "moves" else tmp_path
    head = "@problemName moves\n@classLabel true a b\n@data\n"
    cases = f"{steps[0]}:a\n{steps[1]}:b\n"
    (folder / "moves_TRAIN.ts").write_text(head + cases * 20)
    (folder / "moves_TEST.ts").write_text(head + cases)
    made = init(given)
    recipe = load_recipe(made["recipe"]).recipe
    assert recipe.task == made["task"] == "sequence_classification" and recipe.model.name == model
    assert len(load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess).test) == 2


@pytest.mark.parametrize(("repeats", "digits", "dropped"), [(12, 6, True), (2, 6, False), (40, 0, False)])
def test_rare_rows_that_repeat_are_not_trained_on_where_the_test_has_them(
    tmp_path, monkeypatch, repeats, digits, dropped
):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(400, 5)).round(digits) + 0.0, columns=list("abcde"))
    frame["sold"] = generator.normal(size=400)
    pd.concat([frame, frame[:repeats]]).to_csv("t.csv", index=False)
    made = init("t.csv", "sold")
    said = [reason for reason in made["reasons"] if reason.startswith("data.leaked_examples: drop")]
    assert bool(said) == dropped
    assert not dropped or f"{repeats} rows repeat another" in said[0]
