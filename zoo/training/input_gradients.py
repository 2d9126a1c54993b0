"""Gradients of an evaluated model with respect to prepared examples, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.gradients import compiled_gradient
from zoo.tasks import Kind
from zoo.training.inner_gradients import as_array, chosen, parts, place

MIN_PROBABILITY = 1e-30  # below it a cross-entropy has no gradient in float32


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
        loss, self._targets = LOSSES[kind]
        self._of_loss = compiled_gradient(lambda x, y: loss(y, self.model(x)))
        self._of_output = compiled_gradient(lambda x, index: chosen(self.model(x), index))

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs for prepared examples, `(examples, …)`."""
        return np.concatenate([self.model.predict_on_batch(part) for part in parts(x)])

    def output(self, x: np.ndarray, index: int | None) -> np.ndarray:
        """Return one of the outputs of each example, or the mean of all where `index` is None, `(examples,)`."""
        return ops.convert_to_numpy(chosen(ops.convert_to_tensor(self.outputs(x)), place(index)))

    def of_output(self, x: np.ndarray, index: int | None) -> np.ndarray:
        """Return the gradient of what `output` returns, of the shape of `x`; 0 where there is none."""
        return np.concatenate([as_array(self._of_output(self._tensor(part), place(index)), part) for part in parts(x)])

    def of_loss(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the gradient of each example's loss, of the shape of `x`; 0 where there is none.

        Args:
            x: prepared examples.
            y: their targets, as the task's kind has them.
        """
        pairs = zip(parts(x), parts(self._targets(y, self.model.output_shape)), strict=True)
        return np.concatenate(
            [as_array(self._of_loss(self._tensor(part), ops.convert_to_tensor(own)), part) for part, own in pairs]
        )

    def _tensor(self, x: np.ndarray) -> Any:
        return ops.convert_to_tensor(x, dtype=self.model.input.dtype)


def takes_floats(model: keras.Model) -> keras.Model:
    """Return a model with the same layers whose input is float: whole numbers have no gradient."""
    if keras.backend.is_float_dtype(model.input.dtype):
        return model
    inputs = keras.Input(model.input.shape[1:], dtype="float32", name="prepared")
    return keras.models.clone_model(model, input_tensors=inputs, clone_function=lambda layer: layer)
