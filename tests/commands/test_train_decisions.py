"""A whole training of a classifier that is calibrated, weighs costs, gives sets and tells unusual examples."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import fbeta_score

import zoo

SETTINGS = [
    *("evaluation.metric=f_beta", "evaluation.beta=2", "evaluation.positive=malignant", "evaluation.temperature=true"),
    *("evaluation.cost={false_positive: 1, false_negative: 5}", "evaluation.conformal=0.9", "evaluation.ood=true"),
    *("data.validation=0.2", "training.epochs=6", "evaluation.baseline=logistic_regression", "evaluation.baselines=[]"),
]


@pytest.mark.ci
def test_report_file_and_answers_agree(tmp_path):
    data = load_breast_cancer(as_frame=True)
    frame = data.data.assign(diagnosis=np.where(data.target == 0, "malignant", "benign"))
    run = zoo.train(None, SETTINGS, data=frame, target="diagnosis", runs=tmp_path)
    report = run.report.facts
    assert report["metric"] == report["comparison"]["metric"] == "f_beta"
    values = [row["val_f_beta"] for row in report["history"]]
    assert values[report["kept_epoch"] - 1] == max(values)
    assert set(report["calibration"]) == {"temperature", "examples", "before", "after"}

    test = frame.sample(120, random_state=0)
    found = run.predict(test.drop(columns="diagnosis"))
    p, decision, sets = found.probabilities, report["decision"], report["prediction_sets"]
    called = np.array(found.labels) == "malignant"
    np.testing.assert_array_equal(called, p[:, run.exported.labels.index("malignant")] > decision["threshold"])
    clear = np.abs(p - sets["probability"]) > 1e-5
    np.testing.assert_array_equal(found.prediction_sets[clear], p[clear] >= sets["probability"])
    assert run.exported.ood_threshold == report["out_of_distribution"]["quantiles"]["0.99"]
    strange = test.drop(columns="diagnosis") * 30
    assert run.predict(strange).ood_scores.min() > run.exported.ood_threshold

    matrix = np.array(decision["confusion_matrix"])  # of the decisions; the metrics are of the most probable class
    costs = np.array(decision["costs"])
    assert decision["cost"]["test"] == pytest.approx((matrix * costs).sum() / matrix.sum())
    again = zoo.evaluate(run)
    assert again["metrics"] == pytest.approx(report["metrics"]["test"], rel=1e-5)
    whole = zoo.evaluate(run, frame)["metrics"]["f_beta"]
    answers = run.predict(frame.drop(columns="diagnosis")).probabilities.argmax(1)
    labels = np.array(run.exported.labels)[answers]
    assert whole == pytest.approx(fbeta_score(frame["diagnosis"], labels, beta=2, pos_label="malignant"))
    card, certificate = run / "export" / "card.md", json.loads((run / "export" / "certificate.json").read_text())
    assert "least expected cost, by a threshold" in card.read_text() and certificate["label_flips"] == 0
    assert set(certificate["outputs"]) == {"probabilities", "ood_score", "unusual"}
    page = (run / "report.html").read_text()
    assert all(title in page for title in ("Cost of the decisions", "Prediction sets", "Unusual examples", "Slices"))
