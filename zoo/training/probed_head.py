"""A new head begins where a probe of the pretrained features ends.

Gradients through a head that was drawn at random distort the features before it has learnt to use them (Kumar et al.,
2022, arXiv:2202.10054, who fit the head first, as here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.layers.head import LOGITS, features
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.training.problem import Problem

MAX_EXAMPLES = 10_000  # that the head is fitted to
_MAX_COMPARED = 2000  # of them, on which the penalty is chosen
_FOLDS = 4
_INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_PENALTIES = tuple(np.logspace(-2, 5, 15))
_MAX_STEPS = 200  # of L-BFGS
_BATCH = 64
_LOGISTIC = ("categorical_crossentropy", "sparse_categorical_crossentropy", "focal")
_LEAST_SQUARES = ("mean_squared_error", "mean_absolute_error", "huber")


def begin_with_probe(problem: Problem) -> str | None:
    """Fit the new head of a pretrained network to the features of training examples, without augmentation.

    Classes get logistic regression, values ridge regression, on standardised features; the penalty is chosen by
    cross-validation. Of more than 10,000 examples, so many are drawn. The features stay as they are.

    Returns:
        What was fitted, in words; None where the recipe asks for a head that is drawn at random, where the head came
        with the weights, and where the task or its loss is not one of classes or values.
    """
    recipe, learner = problem.recipe, problem.views.learner
    kind, loss = TASKS[recipe.task].kind, recipe.loss.name
    fits = {"classification": loss in _LOGISTIC, "regression": loss in _LEAST_SQUARES}.get(kind, False)
    found = problem.pretrained or {}
    layer = next((each for each in learner.layers if each.name == LOGITS), None)
    if recipe.model.head != "probed" or not found.get("new_head") or not fits:
        return None
    if layer is None or learner.outputs[0] is not layer.output or isinstance(learner.input, dict | list):
        return None
    chosen = np.arange(len(problem.train))
    if len(chosen) > MAX_EXAMPLES:
        chosen = np.sort(np.random.default_rng(recipe.training.seed).choice(chosen, MAX_EXAMPLES, replace=False))
    targets = problem.train.targets[chosen]
    if kind == "classification" and len(np.unique(targets.argmax(1))) < 2:
        return None
    x = _features(problem, chosen)
    mean, deviation = x.mean(0), x.std(0)
    deviation[deviation <= 1e-6 * np.abs(mean)] = 1  # constant up to rounding
    deviation[deviation == 0] = 1
    scaled = (x - mean) / deviation
    if kind == "classification":
        kernel, bias, how = _logistic(scaled, targets.argmax(1), targets.shape[1], recipe.training.seed)
    else:
        kernel, bias, how = _ridge(scaled, targets)
    kernel = kernel / deviation[:, None]
    weights = [kernel, bias - mean @ kernel] if layer.use_bias else [kernel]
    layer.set_weights(weights)
    return f"{how}, fitted to the features of {len(chosen):,} training examples"


def _features(problem: Problem, chosen: np.ndarray) -> np.ndarray:
    """Return the learner's features of training examples, in float64."""
    prepared, normalize = problem.train, problem.preprocessor.normalize()
    example = keras.Input(problem.preprocessor.shape, dtype=problem.preprocessor.dtype)
    model = keras.Model(example, features(problem.views.learner)(example if normalize is None else normalize(example)))
    read = prepared.reader()
    parts = np.split(chosen, range(_BATCH, len(chosen), _BATCH))
    return np.concatenate([model.predict_on_batch(read(part)) for part in parts]).astype(np.float64)


def _logistic(x: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Return kernel and bias for all classes, and what was fitted."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    found, counts = np.unique(labels, return_counts=True)
    folds, compared = min(_FOLDS, counts.min()), np.random.default_rng(seed).permutation(len(x))[:_MAX_COMPARED]
    best = _INVERSE_PENALTIES[len(_INVERSE_PENALTIES) // 2]
    if folds > 1 and np.unique(labels[compared], return_counts=True)[1].min() >= folds:
        split = StratifiedKFold(folds, shuffle=True, random_state=seed)
        scores = {
            c: cross_val_score(
                LogisticRegression(C=c, max_iter=_MAX_STEPS),
                x[compared],
                labels[compared],
                cv=split,
                scoring="neg_log_loss",
            ).mean()
            for c in _INVERSE_PENALTIES
        }
        best = max(scores, key=lambda c: scores[c])
    model = LogisticRegression(C=best, max_iter=_MAX_STEPS).fit(x, labels)
    own, offset = model.coef_, model.intercept_
    if len(found) == 2:  # scikit-learn keeps the difference alone
        own, offset = np.concatenate([-own, own]) / 2, np.concatenate([-offset, offset]) / 2
    kernel, bias = np.zeros((x.shape[1], classes)), np.full(classes, offset.min())
    kernel[:, found], bias[found] = own.T, offset
    return kernel, bias, f"logistic regression (C = {best:g})"


def _ridge(x: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Return kernel and bias for all values, and what was fitted."""
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(_PENALTIES).fit(x, targets)
    return model.coef_.reshape(targets.shape[1], -1).T, model.intercept_, f"ridge regression (penalty {model.alpha_:g})"
