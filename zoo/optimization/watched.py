"""An optimiser that records the size of gradients and updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.replicas import whole_gradients
from zoo.optimization.grouped import WrappedOptimizer


@keras.saving.register_keras_serializable("zoo")
class WatchedOptimizer(WrappedOptimizer):
    """Apply another optimiser, and sum the norms of gradients and updates over the steps.

    Args:
        optimizers: the one optimiser to watch.
        groups: a zero for each variable.
    """

    @classmethod
    def around(cls, optimizer: keras.optimizers.Optimizer, variables: Sequence[Any]) -> WatchedOptimizer:
        """Return an optimiser that watches another, built for the variables."""
        watched = cls([optimizer], [0] * len(variables))
        watched.build(variables)
        return watched

    def build(self, variables: Sequence[Any]) -> None:
        """Build the optimiser and the sums."""
        if self.built:
            return
        super().build(variables)
        self._norms, self._ratios, self._steps = (
            self.add_variable((), name=name) for name in ("gradient_norms", "update_ratios", "steps")
        )

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Apply the gradients; add up the norms of the gradients before clipping and of the relative updates."""
        variables = list(self.built_for if trainable_variables is None else trainable_variables)
        before = [ops.copy(v) for v in variables]  # TensorFlow would give the variable itself
        super().apply(grads, trainable_variables)
        self._norms.assign_add(_norm([g for g in whole_gradients(grads) if g is not None]))
        moved = [ops.subtract(v, old) for v, old in zip(variables, before, strict=True)]
        self._ratios.assign_add(_norm(moved) / ops.maximum(_norm(before), keras.config.epsilon()))
        self._steps.assign_add(1.0)

    def read(self) -> dict[str, float]:
        """Return the means over the steps since the last call, and reset the sums."""
        steps = max(float(self._steps), 1.0)
        found = {"gradient_norm": float(self._norms) / steps, "update_ratio": float(self._ratios) / steps}
        for total in (self._norms, self._ratios, self._steps):
            total.assign(0.0)
        return found


def _norm(tensors: Sequence[Any]) -> Any:
    """Return the norm of all values of all tensors together."""
    return ops.sqrt(sum(ops.sum(ops.square(ops.cast(t, "float32"))) for t in tensors))
