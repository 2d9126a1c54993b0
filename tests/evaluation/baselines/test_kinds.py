"""The baseline of every task, through the one function that the workflow calls."""

from dataclasses import replace

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.evaluation.baselines import segmentation
from zoo.evaluation.baselines.data import BaselineData
from zoo.evaluation.baselines.detection import template_boxes
from zoo.evaluation.baselines.kinds import KINDS
from zoo.evaluation.baselines.run import fit_and_run_baseline
from zoo.evaluation.baselines.segmentation import most_frequent_class
from zoo.evaluation.baselines.sequences import nearest_source
from zoo.evaluation.baselines.tokens import most_frequent_token
from zoo.evaluation.baselines.transcription import most_frequent_text
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.generation import image_rows
from zoo.tasks import IGNORED_PIXEL, TASKS

SPLITS = ("train", "validation", "test")


@pytest.fixture
def data_for(made):
    """Return a function from a task to made-up data for its baselines."""

    def build(task):
        kind = TASKS[task].kind
        generator = np.random.default_rng(0)
        if kind in ("classification", "regression"):
            x = {split: generator.normal(size=(60, 4)) for split in SPLITS}
            score = {split: values[:, 0] + 0.1 * generator.normal(size=60) for split, values in x.items()}
            y = {split: (s > 0).astype(int) if kind == "classification" else s for split, s in score.items()}
            return BaselineData(y, x.__getitem__, classes=2)
        if kind == "multi_label":
            y = {split: getattr(made, kind)(seed)[0] for seed, split in enumerate(SPLITS)}
            x = {split: values + 0.3 * generator.normal(size=values.shape) for split, values in y.items()}
            return BaselineData(y, x.__getitem__, classes=4)
        if kind == "representation":
            y = {split: generator.integers(0, 3, 90) for split in SPLITS}
            places = np.arange(36).reshape(6, 6, 1)
            images = {
                s: 0.3 * generator.uniform(size=(90, 6, 6, 1)) + 0.2 * (places % 3 == v[:, None, None, None])
                for s, v in y.items()
            }
            return BaselineData(y, images.__getitem__, classes=3, code=5)
        if kind == "forecasting":
            series = 10 + np.sin(np.arange(140) / 2) + 0.05 * generator.normal(size=140)
            origins = {"train": np.arange(10, 75), "validation": np.arange(80, 100), "test": np.arange(101, 130)}
            y = {
                split: np.column_stack([series[o[:, None] + np.arange(5)], np.ones(len(o))])
                for split, o in origins.items()
            }
            return BaselineData(y, series=series, origins=origins, season=12, train_ends=np.array([80]))
        made_up = {split: getattr(made, kind)(seed)[0] for seed, split in enumerate(SPLITS)}
        inputs = {split: np.where(y > 2, y, 0)[:, ::-1] for split, y in made_up.items()} if kind == "sequences" else {}
        text = None
        if kind in ("reconstruction", "anomaly"):
            shape = (12, 1) if task == "series_anomaly_detection" else (12, 12, 1)
            examples = {split: generator.uniform(size=(len(y), *shape)) for split, y in made_up.items()}
            return BaselineData(made_up, examples.__getitem__, code=5)
        if kind == "generation":
            images = {split: generator.integers(0, 256, (30, 6, 6, 1)).astype(np.uint8) for split in made_up}

            def features(x):
                return image_rows(np.eye(2)[(x.mean((1, 2, 3)) > 128).astype(int)], x.reshape(len(x), -1) / 255)

            y = {split: features(x) for split, x in images.items()}
            return BaselineData(y, images.__getitem__, image_features=features, samples=40)
        if kind == "segmentation":
            inputs = {split: np.stack([y * 60, 255 - y * 60], axis=-1) for split, y in made_up.items()}
        if TASKS[task].labels_tokens:
            inputs = {split: y * 2 for split, y in made_up.items()}
        if TASKS[task].reads_corpus:
            text = np.concatenate([row[row != 0] for row in made_up["train"]])
            inputs = {split: np.pad(y, ((0, 0), (1, 0)))[:, :-1] for split, y in made_up.items()}
        classes = {"tokens": 31, "segmentation": 4, "detection": 4}.get(kind, 31)
        return BaselineData(made_up, inputs.__getitem__, classes=classes, text=text)

    return build


CASES = [(task, name) for task in TASKS for name in TASKS[task].baselines]
LONGER = [
    *((task, "random_forest") for task in TASKS if task != "image_classification"),
    *((task, name) for task, name in CASES if "multi_label" in task),
    ("forecasting", "arima"),
]


def test_every_baseline_has_a_task_and_every_task_a_baseline():
    for task in TASKS.values():
        assert set(task.baselines) <= set(KINDS[task.kind].methods) and task.baselines
    offered = {(TASKS[task].kind, name) for task, name in CASES}
    assert offered == {(kind, name) for kind, entry in KINDS.items() for name in entry.methods}


@pytest.mark.parametrize(
    ("task", "name"),
    [pytest.param(*case, marks=pytest.mark.ci if case in LONGER else []) for case in CASES if "tabular" not in case[0]],
)
def test_every_baseline_of_every_task(task, name, data_for, monkeypatch):
    monkeypatch.setattr(segmentation, "TREES", 5)
    data = data_for(task)
    found = fit_and_run_baseline(task, name, data, seed=1)
    assert set(found) - {"notes"} == {"name", "validation", "test", "seconds", "examples", "converged"}
    assert found["name"] == name and found["seconds"] >= 0 and found["converged"] is True
    assert found["examples"] == len(data.targets["train"])
    again = fit_and_run_baseline(task, name, data, seed=1)
    for split in ("validation", "test"):
        np.testing.assert_array_equal(found[split], again[split])
        assert np.isfinite(evaluate(task, data.targets[split], found[split])[TASKS[task].primary])


@pytest.mark.parametrize(
    ("task", "name"),
    [
        pytest.param(*case, marks=() if case[0] == "tabular_regression" else pytest.mark.ci)
        for case in CASES
        if "tabular" in case[0]
    ],
)
def test_examples_in_parts_give_what_all_at_once_do(task, name, data_for):
    data = data_for(task)

    def parts(split):
        return iter(np.array_split(data.inputs(split), 7))

    one, other = (fit_and_run_baseline(task, name, d) for d in (data, replace(data, parts=parts)))
    for split in ("validation", "test"):
        np.testing.assert_allclose(other[split], one[split], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("task", "name"), [("tabular_classification", "majority_class"), ("tabular_regression", "mean")]
)
def test_what_says_the_same_of_all_reads_no_example(task, name, data_for):
    data = data_for(task)
    found = fit_and_run_baseline(task, name, replace(data, inputs=lambda split: pytest.fail("reads")))
    np.testing.assert_array_equal(found["test"], fit_and_run_baseline(task, name, data)["test"])
    assert len(found["test"]) == len(data.targets["test"])


def test_a_constant_answer_is_beaten(data_for):
    for task, name, constant in (
        ("language_modeling", "ngram", "unigram"),
        ("semantic_segmentation", "pixel_forest", "most_frequent_class"),
        ("forecasting", "exponential_smoothing", "naive"),
    ):
        data = data_for(task)
        primary, y = TASKS[task].primary, data.targets["test"]
        good, poor = (evaluate(task, y, fit_and_run_baseline(task, n, data)["test"])[primary] for n in (name, constant))
        assert (good > poor) == TASKS[task].greater_is_better, task


@pytest.mark.parametrize("name", ["most_frequent_class", "pixel_forest"])
def test_ignored_pixels_are_no_class_of_a_baseline(name, data_for, monkeypatch):
    monkeypatch.setattr(segmentation, "TREES", 2)
    data = data_for("semantic_segmentation")
    ignored = np.random.default_rng(0).random(data.targets["train"].shape) < 0.7
    targets = {**data.targets, "train": np.where(ignored, np.uint8(IGNORED_PIXEL), data.targets["train"])}
    y = data.targets["test"]
    found, other = (
        fit_and_run_baseline("semantic_segmentation", name, d)["test"] for d in (replace(data, targets=targets), data)
    )
    score, expected = (evaluate("semantic_segmentation", y, output)["mean_iou"] for output in (found, other))
    assert found.max() < 4 and score == pytest.approx(expected, abs=0.1)


def test_nearest_source_finds_what_it_knows(made):
    target = made.sequences(0, n=300)[0]
    source = np.where(target > 3, target, 0)
    queries = source[:50].copy()
    queries[:, 0] = np.where(queries[:, 0] == 5, 6, 5)  # one symbol is another
    found = nearest_source(source, target, queries)
    long = (source[:50] > 0).sum(1) > 5
    assert (found == source[:50]).all(1)[long].all() and found.dtype == np.int32
    assert nearest_source(source[:3], target[:3], np.zeros((2, 5), int)).shape == (2, target.shape[1])


def test_most_frequent_text_and_token():
    y = np.array([[1, 2, 0], [1, 2, 3], [1, 2, 0]])
    assert most_frequent_text(y, 2).tolist() == [[1, 2, 0], [1, 2, 0]]
    found = most_frequent_token(y, np.array([[1, 4, 0]]), 5)
    np.testing.assert_allclose(found[0, :, 0], [-np.log(4 / 11), -np.log(1 / 11), 0], rtol=1e-6)
    assert found[0, :, 1].tolist() == [1, 0, 0]
    counts = np.exp(-most_frequent_token(y, np.array([[1, 2, 3, 4]]), 5)[..., 0])
    assert counts.sum() == pytest.approx(1)


def test_unigram_tagger_answers_with_the_tags_of_a_word():
    words = {"train": np.array([[5, 6, 5], [5, 6, 0]]), "test": np.array([[5, 6, 9]])}
    tags = {"train": np.array([[1, 2, 1], [3, 2, 0]]), "test": np.array([[1, 2, 3]])}
    data = BaselineData(
        {**tags, "validation": tags["test"]}, {**words, "validation": words["test"]}.__getitem__, classes=4
    )
    found = fit_and_run_baseline("sequence_labeling", "unigram_tagger", data)["test"][0]
    every = np.array([2 + 1, 2 + 1, 1 + 1]) / 8  # of all five tokens, each tag once more
    np.testing.assert_allclose(np.exp(-found[:, 0]), [(2 + every[0]) / 4, (2 + every[1]) / 3, every[2]], rtol=1e-6)
    assert found[:, 1].tolist() == [1, 1, 0]  # of a word that is not there, the most frequent tag


def test_constant_images():
    masks = np.array([[[0, 1], [1, 1]]], dtype=np.uint8)
    assert most_frequent_class(masks, 3).tolist() == [[[1, 1], [1, 1]]] * 3
    train = np.array([[[0, 0, 0.5, 0.5, 1], [0.2, 0.2, 0.5, 0.5, 1]], [[0.5, 0.5, 1, 1, 0], [0, 0, 0, 0, -1]]])
    train = np.concatenate([train, train[:1]])
    found = template_boxes(train, 2, 3)
    np.testing.assert_allclose(found[1][0], [0.1, 0.1, 0.5, 0.5, 1, 2 / 3], rtol=1e-6)
    assert found[1, 1, 4:].tolist() == pytest.approx([0, 1 / 3]) and found[1, 2, 5] == 0


def test_errors(data_for):
    with pytest.raises(ZooError, match=r"unknown baseline 'trigram'; valid for language_modeling: .*mean 'unigram'"):
        fit_and_run_baseline("language_modeling", "trigram", data_for("language_modeling"))
    with pytest.raises(ValueError, match=r"needs BaselineData\.text"):
        fit_and_run_baseline("language_modeling", "ngram", replace(data_for("language_modeling"), text=None))


def test_a_training_split_too_large_for_memory_is_fitted_in_part(monkeypatch, tmp_path):
    """Seeded, and said: the number of examples is that of the part."""
    from zoo.data.preprocessing import fit_preprocessor
    from zoo.data.sources.load import load_dataset
    from zoo.evaluation.baselines import run as module
    from zoo.recipe import load_recipe
    from zoo.tasks import TASKS

    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    recipe = load_recipe("mlp/digits", ["evaluation.baseline=logistic_regression"]).recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    preprocessor = fit_preprocessor(recipe.preprocess, dataset)
    monkeypatch.setattr(module, "_MAX_TRAIN_VALUES", 200 * 64)
    found = module.run_baseline(recipe, dataset, preprocessor, name="logistic_regression")
    assert found["examples"] == 200 and len(found["test"]) == len(dataset.test)
    assert (found["test"].argmax(1) == dataset.test.targets).mean() > 0.85
