"""Gradients of an evaluated model with respect to prepared examples, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.gradients import input_gradient
from zoo.tasks import Kind
from zoo.training.inner_gradients import chosen

MIN_PROBABILITY = 1e-30  # below it a cross-entropy has no gradient in float32
_CHUNK_EXAMPLES = 128


def _cross_entropy(y: Any, output: Any) -> Any:
    return -ops.sum(y * ops.log(ops.maximum(output, MIN_PROBABILITY)), axis=-1)


def _binary_cross_entropy(y: Any, output: Any) -> Any:
    return _cross_entropy(y, output) + _cross_entropy(1 - y, 1 - output)


def _squared_error(y: Any, output: Any) -> Any:
    return ops.sum(ops.square(ops.reshape(output, ops.shape(y)) - y))


def _classes(y: np.ndarray, output_shape: tuple[int | None, ...]) -> np.ndarray:
    return np.eye(int(output_shape[-1] or 0), dtype=np.float32)[y]


def _as_they_are(y: np.ndarray, output_shape: tuple[int | None, ...]) -> np.ndarray:
    return y.astype(np.float32)


def _future(y: np.ndarray, output_shape: tuple[int | None, ...]) -> np.ndarray:
    return y[:, :-1].astype(np.float32)  # the last is the scale of the error


# Kind of task to the loss, and to what it takes of the targets.
LOSSES: dict[Kind, tuple[Callable[[Any, Any], Any], Callable[..., np.ndarray]]] = {
    "classification": (_cross_entropy, _classes),
    "multi_label": (_binary_cross_entropy, _as_they_are),
    "regression": (_squared_error, _as_they_are),
    "forecasting": (_squared_error, _future),
}


class InputGradients:
    """An evaluated model that can be differentiated with respect to what it is given.

    Args:
        evaluated: prepared examples to probabilities or values (`zoo.training.views.Views.evaluated`).
        kind: of the task, one of `LOSSES`.
    """

    def __init__(self, evaluated: keras.Model, kind: Kind) -> None:
        self.model = takes_floats(evaluated)
        self.kind = kind

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs for prepared examples, `(examples, …)`."""
        parts = [ops.convert_to_numpy(self.model(self._tensor(part))) for part in _parts(x)]
        return np.concatenate(parts)

    def output(self, x: np.ndarray, index: int | None) -> np.ndarray:
        """Return one of the outputs of each example, or the mean of all where `index` is None, `(examples,)`."""
        return np.concatenate(
            [ops.convert_to_numpy(chosen(self.model(self._tensor(part)), index)) for part in _parts(x)]
        )

    def of_output(self, x: np.ndarray, index: int | None) -> np.ndarray:
        """Return the gradient of what `output` returns, of the shape of `x`."""
        return np.concatenate([self.gradient(lambda v: chosen(self.model(v), index), part) for part in _parts(x)])

    def of_loss(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the gradient of each example's loss, of the shape of `x`; 0 where there is none.

        Args:
            x: prepared examples.
            y: their targets, as the task's kind has them.
        """
        loss, targets = LOSSES[self.kind]
        parts = zip(_parts(x), _parts(targets(y, self.model.output_shape)), strict=True)
        return np.concatenate([self.gradient(partial(self._loss, loss, own), part) for part, own in parts])

    def _loss(self, loss: Callable[[Any, Any], Any], y: np.ndarray, x: Any) -> Any:
        return loss(ops.convert_to_tensor(y), self.model(x))

    def gradient(self, function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
        """Return the gradient of the sum of a function's values at `x`; 0 where there is none."""
        found = input_gradient(function, self._tensor(x))
        if found is None:
            return np.zeros_like(x)
        return np.nan_to_num(ops.convert_to_numpy(found))

    def _tensor(self, x: np.ndarray) -> Any:
        return ops.convert_to_tensor(x, dtype=self.model.input.dtype)


def takes_floats(model: keras.Model) -> keras.Model:
    """Return a model with the same layers whose input is float: whole numbers have no gradient."""
    if keras.backend.is_float_dtype(model.input.dtype):
        return model
    inputs = keras.Input(model.input.shape[1:], dtype="float32", name="prepared")
    return keras.models.clone_model(model, input_tensors=inputs, clone_function=lambda layer: layer)


def _parts(x: np.ndarray) -> list[np.ndarray]:
    return [x[start : start + _CHUNK_EXAMPLES] for start in range(0, len(x), _CHUNK_EXAMPLES)]
