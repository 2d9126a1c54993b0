"""Mixed precision (Micikevicius et al., 2017, arXiv:1710.03740): a network of the run computes in fewer bits.

Its weights stay float32, and so does all that stands before and after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build layers under a dtype policy, and leave that of the process as it was."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def with_loss_scale(optimizer: keras.optimizers.Optimizer, policy: str) -> keras.optimizers.Optimizer:
    """Return the optimiser; for float16, whose small gradients would vanish, within one that scales the loss.

    The factor begins at 2 ** 15. Gradients that are not finite halve it, and their step is left out; 2,000 steps
    without double it.
    """
    return keras.optimizers.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer
