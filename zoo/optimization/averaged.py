"""Averages of a model's weights over training.

A moving one (Polyak and Juditsky 1992, doi:10.1137/0330046), or the mean from some update on (stochastic weight
averaging, Izmailov et al. 2018, arXiv:1803.05407).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.optimization.grouped import WrappedOptimizer, innermost


@keras.saving.register_keras_serializable("zoo")
class AveragedOptimizer(WrappedOptimizer):
    """Apply another optimiser, and hold a moving average of all that a model's answers depend on.

    Averaged are the weights and the statistics of the norms, as averaged weights need statistics of their own. After
    `t` updates the average keeps `min(momentum, (1 + t) / (10 + t))` of itself, so that the weights at the start count
    for next to nothing after a few updates. It moves once an update, however many steps there are to one. With `start`
    it is the mean of the weights after each of the updates from then on, and before the weights as they are.

    `averaged_step` moves it: an optimiser does not see the statistics.

    Args:
        optimizers: the one optimiser.
        groups: a zero for each variable.
        momentum: what the average keeps of itself at most.
        start: number of updates before the first whose weights are in the mean; None for a moving average.
        state_shapes: shapes of the statistics.
    """

    def __init__(
        self,
        optimizers: Sequence[Any],
        groups: Sequence[int],
        *,
        momentum: float = 0.0,
        start: int | None = None,
        state_shapes: Sequence[Sequence[int]] = (),
        **options: Any,
    ) -> None:
        super().__init__(optimizers, groups, **options)
        self.momentum, self.start, self.state_shapes = momentum, start, [list(shape) for shape in state_shapes]

    @classmethod
    def around(
        cls, optimizer: Any, model: Any, momentum: float = 0.0, *, start: int | None = None
    ) -> AveragedOptimizer:
        """Return an optimiser that averages a model's weights, whose average begins with those that it has now."""
        weights = averaged_variables(model)
        count = len(model.trainable_variables)
        shapes = [tuple(v.shape) for v in weights[count:]]
        averaged = cls([optimizer], [0] * count, momentum=momentum, start=start, state_shapes=shapes)
        averaged.build(model.trainable_variables)
        for average, weight in zip(averaged.averages, weights, strict=True):
            average.assign(ops.copy(weight))  # JAX gives a buffer away once, and so no two may share one
        return averaged

    def build(self, variables: Sequence[Any]) -> None:
        """Build the optimiser and the averages."""
        if self.built:
            return
        super().build(variables)
        self._averaged_updates = self.add_variable((), dtype="int", name="averaged_updates")
        self.averages = [self.add_variable_from_reference(v, name="average") for v in variables]
        self.averages += [self.add_variable(tuple(shape), name="average") for shape in self.state_shapes]

    def move(self, weights: Sequence[Any]) -> None:
        """Move the average towards weights, if there was an update since the last call."""
        updates = ops.convert_to_tensor(self.iterations)
        count = ops.cast(updates, "float32")
        kept = ops.minimum(self.momentum, (1.0 + count) / (10.0 + count))
        if self.start is not None:
            averaged = ops.maximum(count - self.start, 1.0)  # updates whose weights are in the mean, with this one
            kept = (averaged - 1.0) / averaged
        moves = ops.not_equal(updates, self._averaged_updates)
        for average, weight in zip(self.averages, weights, strict=True):
            value = ops.convert_to_tensor(average)  # JAX's operations take no variables
            moved = value + ops.cast(1.0 - kept, value.dtype) * (ops.convert_to_tensor(weight) - value)
            average.assign(ops.where(moves, moved, value))
        self._averaged_updates.assign(ops.copy(updates))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the optimiser."""
        own = {"momentum": self.momentum, "start": self.start, "state_shapes": self.state_shapes}
        return {**super().get_config(), **own}


def averaged_variables(model: Any) -> list[Any]:
    """Return a model's trainable weights, then the other numbers that its answers depend on."""
    metrics = {id(v) for v in model.metrics_variables}
    others = [
        v for v in model.non_trainable_variables if id(v) not in metrics and keras.backend.is_float_dtype(v.dtype)
    ]
    return [*model.trainable_variables, *others]


def averaged_step(model: Any, result: Any) -> Any:
    """Move a model's average after a training step, if it has one; return what `train_step` returned.

    Args:
        model: the compiled model.
        result: what `train_step` of its base class returned: on JAX the logs and the state of the four kinds of
            variables.
    """
    optimizer = innermost(model.optimizer, AveragedOptimizer)
    if optimizer is None:
        return result
    if keras.backend.backend() != "jax":
        optimizer.move(averaged_variables(model))
        return result
    logs, (trainable, others, state, metrics) = result
    own = model.optimizer.variables
    pairs = [
        *zip(model.trainable_variables, trainable, strict=True),
        *zip(model.non_trainable_variables, others, strict=True),
        *zip(own, state, strict=True),
    ]
    with keras.StatelessScope(state_mapping=pairs) as scope:
        optimizer.move(averaged_variables(model))
    return logs, (trainable, others, [scope.get_current_value(v) for v in own], metrics)
