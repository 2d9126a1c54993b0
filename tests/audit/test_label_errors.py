"""Labels that are likely wrong."""

import numpy as np
import pytest
from audited import dataset_of, found, table
from cleanlab.filter import find_label_issues
from sklearn import datasets

import zoo.audit.label_errors as label_errors
from zoo.audit.label_errors import contradicted, label_findings, likely_errors
from zoo.audit.probabilities import held_out_probabilities
from zoo.audit.subject import Subject
from zoo.data.dataset import Signature
from zoo.data.inputs import ArrayInputs
from zoo.errors import ZooError
from zoo.recipe import load_recipe

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    """Return a data set of digits, and which of its labels are wrong: 8% of them."""
    bunch = datasets.load_digits()
    y = bunch.target.astype(np.int32)
    wrong = RNG.choice(len(y), round(0.08 * len(y)), replace=False)
    y[wrong] = (y[wrong] + RNG.integers(1, 10, len(wrong))) % 10
    signature = Signature("image", "y", (8, 8, 1), labels=tuple("0123456789"))
    array = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    return dataset_of(ArrayInputs(array), y, signature), wrong


def test_flipped_labels_are_a_warning_with_the_class_that_they_more_likely_have(digits):
    dataset, wrong = digits
    subject = Subject(dataset=dataset, recipe=load_recipe("cnn/digits").recipe)
    errors = likely_errors(subject)
    planted = set(wrong.tolist()) & set(dataset.train.indices.tolist())
    listed = set(dataset.train.indices[errors.positions].tolist())
    assert len(listed & planted) > 0.8 * len(planted) and len(listed & planted) > 0.9 * len(listed)
    truth = datasets.load_digits().target[dataset.train.indices[errors.positions]]
    assert (errors.suggested == truth).mean() > 0.85
    (warning,) = found(label_findings, dataset, "cnn/digits").values()
    assert (warning.name, warning.severity, warning.count) == ("label_errors", "warning", len(errors.positions))
    assert set(warning.evidence[0]) == {"split", "index", "label", "suggested", "probability"}


def test_the_listed_examples_are_those_that_cleanlab_finds_in_the_probabilities(digits):
    dataset, _ = digits
    subject = Subject(dataset=dataset, recipe=load_recipe("cnn/digits").recipe)
    positions, probabilities = held_out_probabilities(subject, np.arange(10))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    issues = find_label_issues(dataset.train.targets[positions], probabilities, n_jobs=1)
    assert set(likely_errors(subject).positions.tolist()) <= set(positions[issues].tolist())


def test_classes_that_are_hard_to_tell_are_no_wrong_labels():
    x = RNG.normal(size=(1500, 4))
    y = (x[:, 0] + RNG.normal(size=1500) > 0).astype(np.int32)
    hard = table({f"n{i}": x[:, i].astype(np.float32) for i in range(4)}, y, labels=("no", "yes"))
    assert {severity for _, severity in found(label_findings, hard, "mlp/wine")} <= {"note"}
    often = (RNG.random(1500) < 0.2).astype(np.int32)  # nothing tells them, and most are of one class
    told = table({f"n{i}": x[:, i].astype(np.float32) for i in range(4)}, often, labels=("no", "yes"))
    assert {severity for _, severity in found(label_findings, told, "mlp/wine")} <= {"note"}
    easy = (x[:, 0] > 0).astype(np.int32)
    flipped = np.where(RNG.random(1500) < 0.1, 1 - easy, easy).astype(np.int32)
    noisy = table({f"n{i}": x[:, i].astype(np.float32) for i in range(4)}, flipped, labels=("no", "yes"))
    assert ("label_errors", "warning") in found(label_findings, noisy, "mlp/wine")


def test_what_is_contradicted_is_counted_where_the_probabilities_are_surest():
    p = np.linspace(0.5, 1, 2000)
    probabilities = np.stack([p, 1 - p], axis=1)
    y = np.zeros(2000, int)
    y[-40:] = 1
    assert contradicted(y, probabilities) == 40 / 200
    y[:] = 0
    y[:900] = 1
    assert contradicted(y, probabilities) == 0


def test_without_cleanlab_a_note_says_how_to_install_it(digits, monkeypatch):
    def missing(module, who):
        raise ZooError(f'{who} needs {module}: pip install ".[audit]"')

    monkeypatch.setattr(label_errors, "import_extra", missing)
    (note,) = found(label_findings, digits[0], "cnn/digits").values()
    assert (note.name, note.severity) == ("source_note", "note") and '".[audit]"' in note.message
