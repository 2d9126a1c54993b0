"""The scikit-learn estimators: scikit-learn's own checks, its tools, frames, and what is left of a fit when pickled."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_regression
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import zoo
from zoo.sklearn import ZooClassifier, ZooRegressor


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(n_samples=90, centers=3, random_state=1)
    return X, np.array(["a", "b", "c"])[y]


@pytest.fixture(scope="module")
def fitted(blobs):
    return make_pipeline(StandardScaler(), ZooClassifier(settings={"widths": [16]}, epochs=20)).fit(*blobs)


def test_a_classifier_in_a_pipeline(fitted, blobs):
    X, y = blobs
    assert fitted.score(X, y) > 0.9
    assert fitted.classes_.tolist() == ["a", "b", "c"]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(X)).all()
    np.testing.assert_array_equal(fitted.predict_proba(X[:1]), probabilities[:1])


def test_a_pickle_predicts_the_same_and_holds_no_live_model(fitted, blobs):
    estimator = fitted[-1]
    state = pickle.dumps(estimator)
    assert b"keras.src.models" not in state[:200] and len(state) < 200_000
    again = pickle.loads(state)
    assert "model" not in vars(again.network_)
    X = fitted[:-1].transform(blobs[0])
    np.testing.assert_array_equal(again.predict_proba(X), estimator.predict_proba(X))


def test_a_clone_has_the_parameters_and_no_fit(fitted):
    copied = clone(fitted[-1])
    assert copied.get_params() == fitted[-1].get_params() and not hasattr(copied, "network_")
    assert copied.set_params(builder="mlp", epochs=3).epochs == 3
    assert zoo.sklearn.ZooClassifier is ZooClassifier


def test_a_frame_with_text_and_gaps():
    generator = np.random.default_rng(0)
    rooms, city = generator.integers(1, 8, 80).astype(float), generator.choice(["Ulm", "Rom"], 80)
    price = 1000 * rooms + 3000 * (city == "Rom")
    rooms[::20] = np.nan
    frame = pd.DataFrame({"rooms": rooms, "city": city, "y": 1.0, "row": np.arange(80)})
    model = ZooRegressor(settings={"widths": [16], "dropout": 0.0}, epochs=40).fit(frame, price)
    whole = ~np.isnan(rooms)
    assert model.score(frame[whole], price[whole]) > 0.8
    assert [column.name for column in model.network_.signature.columns] == ["rooms", "city", "y"]
    assert any(note.startswith("column 'row'") for note in model.notes_)
    np.testing.assert_array_equal(model.predict(frame[["row", "y", "city", "rooms"]][:3].iloc[:, [3, 2, 1, 0]]),
                                  model.predict(frame)[:3])  # fmt: skip
    with pytest.raises(ValueError, match="The feature names should match"):
        model.predict(frame.rename(columns={"city": "town"}))
    with pytest.raises(ValueError, match="column 'rooms' holds numbers, but row 1 has 'many'"):
        model.predict(frame.assign(rooms="many"))


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (ZooClassifier(), [1, 1, 1, 1], "needs at least two classes; y has one class: 1"),
        (
            ZooClassifier(builder="resnet18"),
            [0, 1, 0, 1],
            "resnet18 serves image_classification, .*, not tabular_class",
        ),
        (ZooClassifier(settings={"width": 3}), [0, 1, 0, 1], "model.width: "),
        (ZooRegressor(learning_rate=-1), [0, 1, 2, 3], "optimizer.learning_rate.peak"),
        (ZooRegressor(overrides=["training.epochs=0"]), [0, 1, 2, 3], "override 'training.epochs=0': training.epochs"),
        (ZooRegressor(epochs=1, batch_size=8), [0, 1, 2, 3], "training.batch_size is 8, and the training split"),
        (
            ZooRegressor(overrides={"regularization.early_stopping": {"patience": 3}}),
            [0, 1, 2, 3],
            "early_stopping needs",
        ),
    ],
)
def test_what_does_not_fit_is_a_value_error(estimator, y, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(np.arange(8.0).reshape(4, 2), y)


def test_no_rows_and_no_features_are_value_errors():
    for estimator in (ZooClassifier(), ZooRegressor()):
        for shape in ((0, 3), (4, 0)):
            with pytest.raises(ValueError, match=r"0 (sample|feature)\(s\)"):
                estimator.fit(np.empty(shape), np.arange(shape[0]))
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            estimator.fit(np.ones((4, 2)), [1, 2, 3])


@pytest.mark.ci
def test_cross_validation_and_search(blobs):
    X, y = blobs
    quick = ZooClassifier(settings={"widths": [8]}, epochs=15)
    assert cross_val_score(quick, X, y, cv=2).mean() > 0.9
    search = GridSearchCV(quick, {"learning_rate": [1e-5, 1e-2]}, cv=2).fit(X, y)
    assert search.best_params_ == {"learning_rate": 1e-2}


@pytest.mark.ci
def test_a_held_out_fraction_chooses_the_epoch(blobs):
    X, y = blobs
    every = ZooClassifier(settings={"widths": [8]}, epochs=5).fit(X, y)
    held = ZooClassifier(settings={"widths": [8]}, epochs=5, validation=0.2).fit(X, y)
    assert held.score(X, y) > 0.5
    assert (held.predict_proba(X) != every.predict_proba(X)).any()


@pytest.mark.ci
def test_a_linear_function_is_learned_as_by_linear_regression():
    X, y = make_regression(n_samples=200, n_features=5, noise=1.0, random_state=0)
    linear = LinearRegression().fit(X[:150], y[:150]).score(X[150:], y[150:])
    assert ZooRegressor().fit(X[:150], y[:150]).score(X[150:], y[150:]) > linear - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [ZooClassifier(), ZooRegressor()], ids=lambda each: type(each).__name__)
def test_the_checks_of_scikit_learn(estimator):
    found = check_estimator(estimator, on_skip=None, on_fail=None)
    failed = {each["check_name"]: each["exception"] for each in found if each["status"] not in ("passed", "skipped")}
    assert len(found) > 50 and failed == {}
