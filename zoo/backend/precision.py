"""Mixed precision (Micikevicius et al., 2017, arXiv:1710.03740): the network computes in 16 bits.

Its weights stay float32, and so do the layers before and after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build layers under a dtype policy within the block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def with_loss_scale(optimizer: keras.optimizers.Optimizer, policy: str) -> keras.optimizers.Optimizer:
    """Return the optimiser; for float16, where small gradients would become 0, wrapped in one that scales the loss.

    The scale starts at 2 ** 15. A step whose gradients are not finite is skipped and halves it; 2,000 finite steps in a
    row double it.
    """
    return keras.optimizers.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer
