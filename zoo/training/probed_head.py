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
from zoo.training.problem import class_weights

if TYPE_CHECKING:
    from zoo.training.problem import Problem

MAX_EXAMPLES = 10_000  # that the head is fitted to
_MAX_COMPARED = 2000  # of them, on which the penalty is chosen
_FOLDS = 4
_INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_PENALTIES = tuple(np.logspace(-2, 5, 15))
_MAX_STEPS = 200  # of L-BFGS
_BATCH = 64
_ONE_CLASS = ("categorical_crossentropy", "sparse_categorical_crossentropy", "focal")
_EACH_LABEL = ("binary_crossentropy",)  # of several labels, or of classes each against all others
_LEAST_SQUARES = ("mean_squared_error", "mean_absolute_error", "huber")


def begin_with_probe(problem: Problem) -> str | None:
    """Fit the new head of a pretrained network to the features of training examples, without augmentation.

    Classes get logistic regression with the loss's class weights, several labels one each, values ridge regression, on
    standardised features; the penalty is chosen by cross-validation. Of more than 10,000 examples, so many are drawn.
    The features stay as they are.

    Returns:
        In words what was fitted, or why the head is drawn at random although the recipe asks for a probe; None where
        it does not, and where the head came with the weights.
    """
    recipe = problem.recipe
    if recipe.model.head != "probed" or not (problem.pretrained or {}).get("new_head"):
        return None
    reason = _refused(problem)
    if reason is not None:
        return f"drawn at random: no probe is fitted for {reason}"
    chosen = np.arange(len(problem.train))
    if len(chosen) > MAX_EXAMPLES:
        chosen = np.sort(np.random.default_rng(recipe.training.seed).choice(chosen, MAX_EXAMPLES, replace=False))
    targets = problem.train.targets[chosen]
    x = _features(problem, chosen)
    mean, deviation = x.mean(0), x.std(0)
    deviation[deviation <= 1e-6 * np.abs(mean)] = 1  # constant up to rounding
    deviation[deviation == 0] = 1
    scaled = (x - mean) / deviation
    seed, weights = recipe.training.seed, _class_weights(problem)
    if recipe.loss.name in _LEAST_SQUARES:
        kernel, bias, how = _ridge(scaled, targets)
    elif recipe.loss.name in _EACH_LABEL:
        kernel, bias, how = _logistic_of_each(scaled, targets, seed, weights)
    else:
        kernel, bias, how = _logistic(scaled, targets.argmax(1), targets.shape[1], seed, weights)
    layer = problem.views.learner.get_layer(LOGITS)
    kernel = kernel / deviation[:, None]
    layer.set_weights([kernel, bias - mean @ kernel] if layer.use_bias else [kernel])
    return f"{how}, fitted to the features of {len(chosen):,} training examples"


def _refused(problem: Problem) -> str | None:
    """Return what no head is fitted for, in words; None where one is."""
    recipe, learner = problem.recipe, problem.views.learner
    kind, loss = TASKS[recipe.task].kind, recipe.loss.name
    losses = {
        "classification": (*_ONE_CLASS, *_EACH_LABEL),
        "multi_label": _EACH_LABEL,
        "regression": _LEAST_SQUARES,
    }.get(kind)
    layer = next((each for each in learner.layers if each.name == LOGITS), None)
    if losses is None:
        return f"the task {recipe.task}"
    if loss not in losses:
        return f"a model with the loss {loss}"
    if recipe.model.ensemble is not None:
        return "an ensemble"
    if isinstance(learner.input, dict | list):
        return "a model of several inputs"
    if layer is None or learner.outputs[0] is not layer.output:
        return "a model that does not end in one linear layer"
    if kind == "classification" and len(np.unique(problem.train.targets.argmax(1))) < 2:
        return "examples of one class"
    return None


def _class_weights(problem: Problem) -> np.ndarray | None:
    """Return the weight of each class in the recipe's loss, `(classes,)`; None where all are alike."""
    given, balanced = getattr(problem.recipe.loss, "class_weights", None), class_weights(problem)
    return balanced if given in (None, "balanced") else np.asarray(given, dtype=np.float64)


def _features(problem: Problem, chosen: np.ndarray) -> np.ndarray:
    """Return the learner's features of training examples, in float64."""
    prepared, normalize = problem.train, problem.preprocessor.normalize()
    example = keras.Input(problem.preprocessor.shape, dtype=problem.preprocessor.dtype)
    model = keras.Model(example, features(problem.views.learner)(example if normalize is None else normalize(example)))
    read = prepared.reader()
    parts = np.split(chosen, range(_BATCH, len(chosen), _BATCH))
    return np.concatenate([model.predict_on_batch(read(part)) for part in parts]).astype(np.float64)


def _logistic(
    x: np.ndarray, labels: np.ndarray, classes: int, seed: int, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Return kernel and bias for all classes, and what was fitted."""
    found, own, offset, penalty = _fit(x, labels, seed, None if weights is None else weights[labels])
    if len(found) == 2:  # scikit-learn keeps the difference alone
        own, offset = np.concatenate([-own, own]) / 2, np.concatenate([-offset, offset]) / 2
    kernel, bias = np.zeros((x.shape[1], classes)), np.full(classes, offset.min())
    kernel[:, found], bias[found] = own.T, offset
    return kernel, bias, f"logistic regression (C = {penalty:g})"


def _logistic_of_each(
    x: np.ndarray, targets: np.ndarray, seed: int, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Return kernel and bias for each label against its absence, and what was fitted.

    A label that all examples have, or none, gets the log odds of its rate with one example more on either side.
    """
    kernel, bias, penalties = np.zeros((x.shape[1], targets.shape[1])), np.zeros(targets.shape[1]), []
    examples = None if weights is None else weights[targets.argmax(1)]
    for label, given in enumerate((targets > 0.5).astype(int).T):
        if given.min() == given.max():
            bias[label] = np.log((given.sum() + 1) / (len(given) - given.sum() + 1))
            continue
        _, own, offset, penalty = _fit(x, given, seed, examples)
        kernel[:, label], bias[label] = own[0], offset[0]
        penalties.append(penalty)
    if not penalties:
        return kernel, bias, "log odds of the labels"
    low, high = min(penalties), max(penalties)
    return kernel, bias, f"logistic regression of each label (C = {low:g}{'' if low == high else f' to {high:g}'})"


def _fit(
    x: np.ndarray, labels: np.ndarray, seed: int, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return the classes found, scikit-learn's coefficients and intercepts, and the penalty's inverse."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    found, counts = np.unique(labels, return_counts=True)
    folds, compared = min(_FOLDS, counts.min()), np.random.default_rng(seed).permutation(len(x))[:_MAX_COMPARED]
    best = _INVERSE_PENALTIES[len(_INVERSE_PENALTIES) // 2]
    rarest = np.bincount(np.searchsorted(found, labels[compared]), minlength=len(found)).min()
    if folds > 1 and rarest >= folds:
        part, known = x[compared], labels[compared]
        own = np.ones(len(part)) if weights is None else weights[compared]
        split = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(part, known))

        def loss(penalty: float) -> float:
            total = 0.0
            for train, rest in split:
                model = LogisticRegression(C=penalty, max_iter=_MAX_STEPS).fit(part[train], known[train], own[train])
                column = np.searchsorted(found, known[rest])
                likelihood = model.predict_log_proba(part[rest])[np.arange(len(rest)), column]
                total -= float((own[rest] * likelihood).sum())
            return total

        best = min(_INVERSE_PENALTIES, key=loss)
    model = LogisticRegression(C=best, max_iter=_MAX_STEPS).fit(x, labels, weights)
    return found, model.coef_, model.intercept_, best


def _ridge(x: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Return kernel and bias for all values, and what was fitted."""
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(_PENALTIES).fit(x, targets)
    return model.coef_.reshape(targets.shape[1], -1).T, model.intercept_, f"ridge regression (penalty {model.alpha_:g})"
