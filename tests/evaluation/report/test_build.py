import base64
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from zoo.evaluation.report.build import write_report
from zoo.evaluation.report.predictions import Predictions

HISTORY = [
    {
        "loss": 1 / e,
        "val_loss": 1.1 / e,
        "accuracy": 1 - 0.5 / e,
        "val_accuracy": 1 - 0.6 / e,
        "learning_rate": 0.01 / e,
    }
    for e in range(1, 5)
]
EVIL = "<script>alert('x')</script>"


def classification(classes=4, n=300, labels=None, **changes):
    """A report's inputs for a made-up classifier, with the test split's predictions."""
    generator = np.random.default_rng(0)

    def output(y, strength):
        p = np.exp(generator.normal(size=(len(y), classes)) + strength * np.eye(classes)[y])
        return p / p.sum(1, keepdims=True)

    y = {split: generator.integers(0, classes, n) for split in ("train", "validation", "test")}
    outputs = {split: (values, output(values, 3)) for split, values in y.items()}
    labels = labels or [f"class {i}" for i in range(classes)]
    baseline = {"name": "logistic_regression", "seconds": 1.5, "converged": True}
    baseline |= {split: output(y[split], 2) for split in ("validation", "test")}
    inputs = common() | {"outputs": outputs, "labels": labels, "baseline": baseline} | changes
    image = np.random.default_rng(1).integers(0, 255, (n, 8, 12, 3), dtype=np.uint8)
    test = inputs["outputs"]["test"]
    baseline_output = (inputs["baseline"] or {}).get("test")
    return inputs, Predictions(*test, labels, lambda i: image[i], baseline_output)


def regression():
    generator = np.random.default_rng(0)
    y = generator.normal(100, 10, size=1500)
    inputs = common() | {"task": "tabular_regression", "labels": []}
    inputs |= {"outputs": {split: (y, y + generator.normal(size=1500)) for split in ("train", "validation", "test")}}
    inputs |= {"baseline": {"name": "ridge", "validation": y + 3, "test": y + generator.normal(0, 2, size=1500)}}
    row = {"age": 41.0, "city": EVIL, "missing": None}
    return inputs, Predictions(*inputs["outputs"]["test"], [], lambda i: row, inputs["baseline"]["test"])


def common():
    return {
        "task": "image_classification",
        "recipe": "cnn/shapes",
        "model": "cnn",
        "history": HISTORY,
        "data": {
            "source": "builtin:shapes",
            "fingerprint": "abc",
            "splits": {"test": 300},
            "findings": [
                {
                    "name": "exact_duplicates",
                    "severity": "warning",
                    "count": 3,
                    "message": "3 duplicates",
                    "evidence": [],
                    "remedy": "remove <them>",
                }
            ],
        },
        "seed": 0,
        "seconds": 61.5,
        "parameters": 1234,
        "versions": {"keras": "3.15"},
        "hardware": {"device": "CPU"},
        "config": "model: {name: cnn}\n",
    }


def test_images(tmp_path, written):
    report, text, page = written(tmp_path, *classification())
    assert report["verdict"].startswith("better than logistic regression by") and report["verdict"] in text
    assert (
        "cnn/shapes" in text
        and "3 duplicates" in text
        and "remove &lt;them&gt;" in text
        and "model: {name: cnn}" in text
        and "1 min 2 s" in text
    )
    assert len(page.images) == min(24, 300 - correct(report)) > 0
    assert all(image["alt"] and (image["width"], image["height"]) == ("96", "64") for image in page.images)
    png = Image.open(io.BytesIO(base64.b64decode(page.images[0]["src"].split(",")[1])))
    assert png.size == (12, 8) and png.mode == "RGB"
    first = report["worst"][0]
    caption = f"{first['true']} → <b>{first['predicted']}</b> {first['confidence']:.2f}"
    assert caption in text
    for heading in ("Loss", "Accuracy", "Learning rate", "Confusion matrix", "Per class", "Reliability diagram"):
        assert f">{heading}<" in text
    assert "best epoch: 4" in text


def correct(report):
    return sum(report["confusion_matrix"][i][i] for i in range(len(report["labels"])))


def test_json_holds_what_other_tools_read(tmp_path, written):
    report, *_ = written(tmp_path, *classification())
    assert report["metrics"]["test"]["accuracy"] == pytest.approx(correct(report) / 300)
    low, high = report["intervals"]["test"]["accuracy"]
    assert low < report["metrics"]["test"]["accuracy"] < high
    assert report["baseline"]["name"] == "logistic_regression" and report["baseline"]["converged"] is True
    assert report["baseline"]["test"]["accuracy"] < report["metrics"]["test"]["accuracy"]
    assert report["comparison"]["difference"] > 0 and report["comparison"]["p_value"] < 0.05
    assert report["diagnosis"]["state"] and report["history"] == HISTORY
    assert report["per_class"][0]["support"] == sum(report["confusion_matrix"][0])
    assert report["seconds"] == 61.5 and report["parameters"] == 1234 and report["flops"] is None
    keys = (
        "recipe task model metrics intervals baseline comparison verdict diagnosis history confusion_matrix per_class "
    )
    keys += "worst data seed seconds parameters versions hardware created"
    assert set(keys.split()) <= set(report)


def test_regression_with_rows_of_a_table(tmp_path, written):
    report, text, page = written(tmp_path, *regression())
    assert report["confusion_matrix"] is None and report["per_class"] is None and len(report["worst"]) == 24
    errors = [abs(item["error"]) for item in report["worst"]]
    assert errors == sorted(errors, reverse=True)
    assert "a sample of 1,000" in text and ">Residuals<" in text and "Largest errors" in text
    assert "in mean absolute error (95% CI" in text and not page.images
    assert '<th scope="col">city</th>' in text and EVIL not in text and "&lt;script&gt;" in text


def test_names_are_escaped(tmp_path, written):
    labels = [EVIL, "a & b", '"quoted"', "<b>"]
    _, text, _ = written(tmp_path, *classification(labels=labels, recipe=EVIL, config=EVIL, model="<i>"))
    assert EVIL not in text and "&lt;script&gt;" in text and "a &amp; b" in text


def test_many_classes_show_the_most_confused_pairs_instead_of_the_matrix(tmp_path, written):
    report, text, _ = written(tmp_path, *classification(classes=40, n=600))
    assert len(report["confusion_matrix"]) == 40
    assert "Confusion matrix" not in text and "Most confused" in text and "40 classes" in text


def test_without_baseline_validation_pictures_or_predictions(tmp_path, written):
    inputs, _ = classification(baseline=None)
    inputs["outputs"] = {"test": inputs["outputs"]["test"]}
    inputs["history"] = [{"loss": 1.0}]
    inputs["data"] = {}
    report, text, page = written(tmp_path, inputs, None)
    assert report["baseline"] is None and report["comparison"] is None
    assert "not compared: no baseline was fitted" in text and not page.images and report["worst"][0]["true"] in text


def test_a_run_that_diverged_is_reported(tmp_path, written):
    inputs, _ = classification()
    inputs["outputs"] = {split: (y, p * np.nan) for split, (y, p) in inputs["outputs"].items()}
    inputs["history"] = [{"loss": np.nan, "val_loss": np.inf}]
    predictions = Predictions(*inputs["outputs"]["test"], inputs["labels"])
    report, text, _ = written(tmp_path, inputs, predictions)
    assert report["diagnosis"]["state"] == "diverging" and report["metrics"]["test"]["accuracy"] is None
    assert report["history"] == [{"loss": None, "val_loss": None}] and "Diverging" in text and "not finite" in text


def test_a_written_report_can_be_rendered_again(tmp_path, written):
    inputs, predictions = classification()
    report, text, _ = written(tmp_path, inputs, predictions)
    write_report(tmp_path / "again", report, predictions)
    assert (tmp_path / "again" / "report.html").read_text() == text


def test_importing_loads_no_heavy_package():
    code = (
        "import sys, zoo.evaluation.report.build, zoo.evaluation.report.page, zoo.evaluation.baselines.estimators\n"
        "print({'sklearn', 'scipy', 'matplotlib', 'jinja2', 'PIL', 'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
