"""Pages of the kinds of task beyond classes and numbers, which test_build has."""

import base64
import io
import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from in_ci import in_ci
from PIL import Image

from zoo.evaluation.metrics.intervals import draws
from zoo.evaluation.metrics.kinds import KINDS
from zoo.evaluation.metrics.probes import SPLITS, classify, probe
from zoo.evaluation.metrics.threshold import threshold_metrics
from zoo.evaluation.report.build import build_report, jsonable, write_report
from zoo.evaluation.report.page import render
from zoo.evaluation.report.pictures import class_color, class_picture, picture, spectrogram_picture
from zoo.evaluation.report.predictions import Predictions

ALL = tuple(kind for kind in KINDS if kind not in ("classification", "regression", "representation"))
EVIL = "<script>alert('x')</script>"


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """Intervals are tested elsewhere."""
    monkeypatch.setattr("zoo.evaluation.report.build.draws", partial(draws, resamples=20))


HEADINGS = {
    "forecasting": (
        "The end of the test split",
        "Error by step ahead",
        "Largest errors",
        "6 consecutive windows",
    ),
    "tokens": ("Texts that the model wrote", "Surprise", "Bits by position", "Where the bits go", "top-p 0.95"),
    "sequences": ("By length of the target", "Most edits", "source 8 &amp; &lt;more&gt;", "Wilson&#39;s|Wilson's"),
    "transcription": ("By length of the target", "Most edits", 'class="pixelated"', "<mark>"),
    "segmentation": ("Lowest IoU", "Typical", "Per class", "From left to right: image, truth, prediction"),
    "detection": ("Precision and recall", "Per class", "Most mistakes", "Typical", "missed"),
    "reconstruction": ("Typical", "Largest errors", "From left to right: image, reconstruction", "smaller error than"),
    "generation": ("Generated images", "Classes that the classifier finds: 3 of 3", "nearest to a training image"),
    "multi_label": ("average precision", "Furthest off", "log loss"),
    "anomaly": ("ROC curve", "Ranked worst", "wrong side", "abnormal"),
}


def test_representations(tmp_path):
    """The metrics are a classifier's, and the page has what the probes found beside them."""
    generator = np.random.default_rng(0)
    labels = ("round", "square", EVIL)
    y = generator.integers(0, 3, 60)
    embeddings = np.eye(3)[y] + 0.3 * generator.normal(size=(60, 3))
    outputs, linear = classify(dict.fromkeys(SPLITS, embeddings), dict.fromkeys(SPLITS, y), classes=3, seed=0)
    constant = np.full((60, 3), 1 / 3, np.float32)
    report = build_report(
        task="representation_learning",
        recipe="representation/shapes",
        model="simclr",
        outputs={split: (y, output) for split, output in outputs.items()},
        labels=labels,
        history=[{"loss": 2.0, "val_loss": 2.1, "learning_rate": 0.1}, {"loss": 1, "val_loss": 1, "learning_rate": 0}],
        data={"source": "npz:shapes.npz", "fingerprint": "0", "splits": {"test": 60}, "findings": []},
        seed=0,
        seconds=1.0,
        parameters=10,
        versions={},
        hardware="",
        config="",
        baseline={
            "name": "pca",
            "validation": constant,
            "test": constant,
            "seconds": 1.0,
            "examples": 60,
            "converged": True,
        },
    )
    found = probe(dict.fromkeys(SPLITS, embeddings), dict.fromkeys(SPLITS, y), seed=0, linear=linear)
    report |= {"probes": jsonable(found)}
    predictions = Predictions(y, outputs["test"], labels, pictures={"layout": (embeddings[:, :2], y)})
    write_report(tmp_path, report, predictions)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in (
        "linear probe",
        "nearest neighbors",
        "10 examples a class",
        "no collapse",
        "Confusion matrix",
        "t-SNE",
    ):
        assert words in text, words
    assert EVIL not in text and report["verdict"].startswith("better than PCA")
    assert json.loads((tmp_path / "report.json").read_text())["probes"]["linear"]["accuracy"] == pytest.approx(
        report["metrics"]["test"]["accuracy"]
    )
    page = render(report)  # without predictions
    assert "linear probe" in page and "t-SNE" not in page


@pytest.mark.parametrize("kind", ALL)
def test_page(made, written, tmp_path, kind):
    inputs, predictions = made.report_inputs(kind)
    report, text, _ = written(tmp_path, inputs, predictions)
    for words in HEADINGS[kind]:
        assert re.search(words, text), words
    assert report["verdict"].startswith("better than the old way") and report["verdict"] in text
    assert (report["worst"] or kind == "generation") and report["confusion_matrix"] is None
    assert "None" not in re.sub(r"<(style|svg).*?</\1>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("kind", in_ci(ALL, but=ALL[:3]))
def test_page_without_examples_baseline_or_predictions(made, written, tmp_path, kind):
    inputs, predictions = made.report_inputs(kind)
    inputs |= {"baseline": None, "outputs": {"test": inputs["outputs"]["test"]}}
    bare = replace(
        predictions, example=None, baseline_output=None, samples=(), context=None, reconstruction=None, pictures={}
    )
    _, text, page = written(tmp_path, inputs, bare)
    assert "not compared: no baseline" in text and (kind == "segmentation" or not page.images)
    report, *_ = written(tmp_path, inputs, None)
    assert report["worst"] or kind == "generation"


@pytest.mark.parametrize("kind", [ALL[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in ALL[1:])])
def test_a_written_report_can_be_rendered_again(made, written, tmp_path, kind):
    inputs, predictions = made.report_inputs(kind)
    report, text, _ = written(tmp_path, inputs, predictions)
    write_report(tmp_path / "again", report, predictions)
    assert (tmp_path / "again" / "report.html").read_text() == text


@pytest.mark.parametrize("kind", ["forecasting", "tokens", "detection"])
def test_a_run_that_diverged(made, written, tmp_path, kind):
    inputs, predictions = made.report_inputs(kind)
    inputs["outputs"] = {split: (y, output * np.nan) for split, (y, output) in inputs["outputs"].items()}
    report, text, _ = written(tmp_path, inputs, replace(predictions, output=predictions.output * np.nan))
    assert report["diagnosis"]["state"] == "diverging" and "not finite" in text


@pytest.mark.parametrize("kind", in_ci(ALL, but=ALL[:3]))
def test_names_are_escaped(made, written, tmp_path, kind):
    inputs, predictions = made.report_inputs(kind)
    labels = [EVIL] * len(inputs["labels"])
    sample = [{"settings": EVIL, "text": EVIL}]
    inputs["labels"] = labels
    example = (lambda i: EVIL) if kind == "sequences" else predictions.example
    changed = replace(predictions, labels=labels, samples=sample, example=example)
    _, text, _ = written(tmp_path, inputs, changed)
    assert EVIL not in text


def test_keys_of_one_kind_alone(made):
    keys = {kind: set(build_report(**made.report_inputs(kind)[0])) for kind in ALL}
    shared = set.intersection(*keys.values())
    assert {kind: found - shared for kind, found in keys.items()} == {
        "forecasting": {"by_step", "overlap"},
        "tokens": {"by_position", "typical"},
        "sequences": {"by_length"},
        "transcription": {"by_length"},
        "segmentation": {"typical"},
        "detection": {"precision_recall", "typical"},
        "reconstruction": {"ahead", "typical"},
        "anomaly": {"roc", "histogram"},
        "multi_label": set(),
        "generation": {"classes"},
    }


def test_windows_that_do_not_overlap_follow_each_other_by_their_context(made, written, tmp_path):
    inputs, predictions = made.report_inputs("forecasting")
    y, output = (a[::6] for a in inputs["outputs"]["test"])
    inputs |= {"outputs": {"test": (y, output)}, "baseline": None}
    context = predictions.context
    apart = replace(predictions, y_true=y, output=output, baseline_output=None, context=lambda i: context(6 * i))
    report, text, _ = written(tmp_path, inputs, apart)
    assert report["overlap"] == 1 and "consecutive windows" not in text and "The end of the test split" in text
    _, text, _ = written(tmp_path, inputs, replace(apart, context=None))
    assert "The end of the test split" not in text


def test_everything_right(made, written, tmp_path):
    inputs, predictions = made.report_inputs("sequences")
    y = inputs["outputs"]["test"][0]
    inputs["outputs"] = {"test": (y, y)}
    _, text, _ = written(tmp_path, inputs | {"baseline": None}, replace(predictions, output=y))
    assert "Every test example was decoded correctly." in text


def test_few_classes_of_tokens_in_a_labeling_task(made, written, tmp_path):
    inputs, predictions = made.report_inputs("tokens")
    _, text, _ = written(tmp_path, inputs | {"task": "sequence_labeling"}, predictions)
    assert "Underlined: another token was the most probable." in text and ">Per class<" in text


def test_boxes_lie_where_they_are(made, written, tmp_path):
    inputs, predictions = made.report_inputs("detection")
    y = np.array([[[0.25, 0.5, 0.75, 1.0, 0]]], np.float32)
    output = np.array([[[0.25, 0.5, 0.75, 0.9, 1, 0.6], [0, 0, 1, 1, 1, 0.2]]], np.float32)
    changed = replace(predictions, y_true=y, output=output, baseline_output=None)
    _, text, _ = written(tmp_path, inputs | {"outputs": {"test": (y, output)}, "baseline": None}, changed)
    assert '<rect class="true" x="128.0" y="64.0" width="128.0" height="128.0"/>' in text
    assert text.count('<rect class="found"') == 1 * len(re.findall("<image", text)) and "square 0.60" in text


def test_pictures():
    def opened(found):
        return Image.open(io.BytesIO(base64.b64decode(found["source"].split(",")[1])))

    image = np.random.default_rng(0).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    found = picture(image, 90)
    np.testing.assert_array_equal(np.array(opened(found)), image)
    assert (found["width"], found["height"], found["pixelated"]) == (90, 60, True)
    mask = np.arange(12).reshape(3, 4)
    colors = np.array(opened(class_picture(mask)).convert("RGB"))
    assert ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in colors.reshape(-1, 3)] == [class_color(i) for i in range(12)]
    assert len({class_color(i) for i in range(36)}) == 36


def test_the_report_is_json(made, written, tmp_path):
    inputs, predictions = made.report_inputs("detection")
    written(tmp_path, inputs, predictions)
    found = json.loads((tmp_path / "report.json").read_text())
    assert len(found["precision_recall"]["recall"]) == len(found["precision_recall"]["precision"]) == 101


def test_the_threshold_of_anomalies_is_told(made, written, tmp_path):
    inputs, predictions = made.report_inputs("anomaly")
    y, scores = inputs["outputs"]["test"]
    report = build_report(**inputs) | {"threshold": threshold_metrics(y, scores, 1.5)}
    write_report(tmp_path, report, predictions)
    text = (tmp_path / "report.html").read_text()
    recall = 100 * (scores[y == 1] > 1.5).mean()
    assert "a score above 1.5 is called abnormal" in text and f"finds {recall:.1f}% of the abnormal" in text
    assert ">threshold<" in text


def test_a_spectrogram_is_shown_with_time_to_the_right_and_low_frequencies_below():
    frames, bands = 6, 4
    spectrogram = np.zeros((frames, bands))
    spectrogram[5, 0], spectrogram[0, 3] = 2.0, -2.0  # loud and low at the end, quiet and high at the begin
    shown = spectrogram_picture(spectrogram)
    assert shown.shape == (bands, frames) and shown.dtype == np.uint8
    assert shown[3, 5] == 255 and shown[0, 0] == 0 and (np.delete(shown.ravel(), [0, 23]) == 128).all()
    assert (spectrogram_picture(np.ones((3, 2))) == 0).all()
