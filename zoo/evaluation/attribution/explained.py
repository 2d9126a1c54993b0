"""One example explained: which of its parts speak for the answer that the model gave, a function a kind of input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.dataset import InputKind, Series
from zoo.data.table_encoding import encode_settings, has_parts
from zoo.evaluation.attribution.grad_cam import grad_cam
from zoo.evaluation.attribution.integrated_gradients import STEPS, Attribution, integrated_gradients
from zoo.evaluation.robustness.arrays import ARRAY
from zoo.evaluation.robustness.corruption import Training
from zoo.tasks import UNKNOWN

if TYPE_CHECKING:
    from zoo.training.inner_gradients import InnerGradients
    from zoo.training.input_gradients import InputGradients
    from zoo.training.problem import Problem

MAX_TOKENS = 512  # of a text that is explained, from its start
MAX_COLUMNS = 12  # of an example that stand in the report, the most telling
INTEGRATED = "integrated gradients"
LEFT_OUT = "each token replaced by the unknown one"
REPLACED = "each feature or step replaced by the mean"  # of networks without a gradient


@dataclass(kw_only=True)
class Explainer:
    """A trained model with what its explanations need.

    Attributes:
        problem: data and model.
        training: moments of the training split.
        model: the evaluated model.
        inner: the same, with access to its token embeddings or its last feature map; None where it has none.
        max_points: that an example is differentiated at.
    """

    problem: Problem
    training: Training
    model: InputGradients
    inner: InnerGradients | None
    max_points: int = sum(STEPS)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a model gave an answer.

    Attributes:
        facts: for `report.json`.
        pictures: for the page: `image`, `attribution` and `grad_cam`, or `values` and `by_step`.
    """

    facts: dict[str, Any]
    pictures: dict[str, np.ndarray] = field(default_factory=dict)


def explain(explainer: Explainer, position: int, index: int | None) -> Explanation:
    """Explain one output for one test example, or the mean of all outputs where `index` is None.

    Args:
        explainer: the model.
        position: of the example in the test split.
        index: of the output.
    """
    dataset = explainer.problem.dataset
    raw = dataset.test.take(np.array([position]))
    if dataset.series is not None:
        return _forecast(explainer, raw, index, dataset.series, position)
    return _BY_INPUT[dataset.signature.kind](explainer, raw, index)


def _integrate(explainer: Explainer, x: np.ndarray, reference: np.ndarray, index: int | None) -> Attribution:
    model = explainer.model
    return integrated_gradients(
        partial(model.output, index=index),
        partial(model.of_output, index=index),
        x,
        reference,
        max_points=explainer.max_points,
    )


def _facts(found: Attribution, method: str = INTEGRATED) -> dict[str, Any]:
    return {
        "method": method,
        "output": found.output,
        "reference": found.reference,
        "gap": found.gap,
        "steps": found.steps,
    }


def _prepared(explainer: Explainer, raw: Any) -> np.ndarray:
    """Return the one example as the network takes it, without the axis of examples."""
    x = np.asarray(explainer.problem.preprocessor.prepare(raw))[0]
    return x.astype(explainer.model.model.input.dtype)


def _image(explainer: Explainer, raw: Any, index: int | None) -> Explanation:
    """Explain pixels: the reference is a black image."""
    x = _prepared(explainer, raw)
    shown = np.round(np.clip(x, 0, 255)).astype(np.uint8)
    return _map(explainer, x, np.zeros_like(x), shown, index)


def _audio(explainer: Explainer, raw: Any, index: int | None) -> Explanation:
    """Explain the spectrogram: the reference is as loud everywhere as its quietest place."""
    x = _prepared(explainer, raw)
    return _map(explainer, x, np.full_like(x, x.min()), x, index)


def _map(
    explainer: Explainer, x: np.ndarray, reference: np.ndarray, shown: np.ndarray, index: int | None
) -> Explanation:
    found = _integrate(explainer, x, reference, index)
    pictures = {"image": shown, "attribution": found.values.sum(axis=-1)}
    if explainer.inner is not None:
        feature_map = explainer.inner.inner(x[None])[0]
        pictures["grad_cam"] = grad_cam(feature_map, explainer.inner.of_logit(x[None], index)[0])
    return Explanation(facts=_facts(found), pictures=pictures)


def _array(explainer: Explainer, raw: Any, index: int | None) -> Explanation:
    """Explain features, or steps and channels: the reference has the mean of each channel in the training split."""
    x = _prepared(explainer, raw)
    mean = np.broadcast_to(explainer.training.mean[ARRAY], x.shape).astype(x.dtype)
    reference = np.where(np.isnan(x), x, mean)
    found = _integrate(explainer, x, reference, index)
    if found.has_gradient:
        facts, values = _facts(found), found.values
    else:
        facts, values = _replaced(explainer, x, reference, index, found)
    if x.ndim == 1:
        names = [f"feature {i + 1}" for i in range(len(x))]
        return Explanation(facts=facts | {"columns": _columns(names, x, values)})
    return _steps(x, facts, values)


def _forecast(explainer: Explainer, raw: Any, index: int | None, series: Series, position: int) -> Explanation:
    """Explain the past: the reference has the mean of the training part of the window's own series.

    Other channels of arrays have their mean in the training split, known and static covariates stay.
    """
    x, training = _prepared(explainer, raw), explainer.training
    place, history = series.series_of("test")[position], int(training.signature.shape[0] or 0)
    values = series.values.reshape(len(series.values), -1)[series.starts[place] : series.train_ends[place]]
    reference = x.copy()
    if training.signature.kind == "array":
        reference[:] = training.mean[ARRAY]
    reference[:history, : values.shape[1]] = values.mean(axis=0)
    found = _integrate(explainer, x, reference, index)
    channels = x.shape[1] if training.signature.kind == "array" else values.shape[1]
    own = (slice(None, history), slice(None, channels))
    if found.has_gradient:
        return _steps(x[own], _facts(found), found.values[own])
    facts, by_step = _replaced(explainer, x, reference, index, found)
    return _steps(x[own], facts, by_step[:history])


def _replaced(
    explainer: Explainer, x: np.ndarray, reference: np.ndarray, index: int | None, found: Attribution
) -> tuple[dict[str, Any], np.ndarray]:
    """Return facts, and how far the output falls when each feature or step is that of the reference, `(n,)`."""
    changed = np.repeat(x[None], len(x), axis=0)
    changed[np.arange(len(x)), np.arange(len(x))] = reference
    values = found.output - explainer.model.output(changed, index)
    return _facts(found, REPLACED) | {"gap": None, "steps": None}, values


def _steps(x: np.ndarray, facts: dict[str, Any], values: np.ndarray) -> Explanation:
    """Return the explanation of a sequence from its values by step, and by channel where they are known."""
    by_step = values if values.ndim == 1 else values.sum(axis=1)
    by_channel = None if values.ndim == 1 else values.sum(axis=0).tolist()
    return Explanation(
        facts=facts | {"by_step": by_step.tolist(), "by_channel": by_channel},
        pictures={"values": x[:, 0], "by_step": by_step},
    )


def _table(explainer: Explainer, raw: Any, index: int | None) -> Explanation:
    """Explain the columns of numbers: the reference has the mean of each, and the row's own other columns."""
    encode, training = encode_settings(explainer.problem.recipe.preprocess), explainer.training
    x = _prepared(explainer, raw)
    numbers = [c for c in training.signature.columns if c.type == "number" and not has_parts(c, encode)]
    reference = x.copy()
    reference[: len(numbers)] = [training.mean[column.name] for column in numbers]  # they stand first in a row
    found = _integrate(explainer, x, reference, index)
    return Explanation(facts=_facts(found) | {"columns": _columns([c.name for c in numbers], x, found.values)})


def _columns(names: list[str], x: np.ndarray, values: np.ndarray) -> list[dict[str, Any]]:
    order = np.argsort(-np.abs(values[: len(names)]), kind="stable")[:MAX_COLUMNS]
    return [{"name": names[i], "value": float(x[i]), "attribution": float(values[i])} for i in order]


def _text(explainer: Explainer, raw: Any, index: int | None) -> Explanation:
    """Explain tokens: by their embeddings, the reference being the unknown token; else by leaving each out."""
    tokenizer, inner = explainer.training.signature.tokenizer, explainer.inner
    assert tokenizer is not None
    tokens, ids = tokenizer.tokens(str(raw[0]))[:MAX_TOKENS], tokenizer.encode(raw)[:, :MAX_TOKENS]
    if inner is None:
        return _without_each(explainer, tokens, ids, index)
    own, reference = (inner.inner(tokens)[0] for tokens in (ids, np.full_like(ids, UNKNOWN)))

    def output(points: np.ndarray) -> np.ndarray:
        return inner.output(np.repeat(ids, len(points), 0), points, index)

    def gradient(points: np.ndarray) -> np.ndarray:
        return inner.of_output(np.repeat(ids, len(points), 0), points, index)

    found = integrated_gradients(output, gradient, own, reference)
    return Explanation(facts=_facts(found) | {"tokens": _tokens(tokens, found.values.sum(axis=1))})


def _without_each(explainer: Explainer, tokens: list[str], ids: np.ndarray, index: int | None) -> Explanation:
    changed = np.repeat(ids, len(tokens) + 1, 0)
    changed[1 + np.arange(len(tokens)), np.arange(len(tokens))] = UNKNOWN
    unknown = np.where(ids == 0, 0, UNKNOWN)
    outputs = explainer.model.output(np.concatenate([changed, unknown]), index)
    facts = {
        "method": LEFT_OUT,
        "output": float(outputs[0]),
        "reference": float(outputs[-1]),
        "gap": None,
        "steps": None,
    }
    return Explanation(facts=facts | {"tokens": _tokens(tokens, outputs[0] - outputs[1:-1])})


def _tokens(tokens: list[str], values: np.ndarray) -> list[dict[str, Any]]:
    return [{"text": text, "attribution": float(value)} for text, value in zip(tokens, values, strict=False)]


_BY_INPUT: dict[InputKind, Callable[[Explainer, Any, int | None], Explanation]] = {
    "image": _image,
    "audio": _audio,
    "array": _array,
    "table": _table,
    "text": _text,
}
