"""What a loss has to know where several replicas share a batch, as `tf.distribute` has them.

Each replica sees its rows of the batch and adds its gradient to that of the others. On JAX there is one program over
the whole batch, and nothing of this applies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def replica_count() -> int:
    """Return how many replicas share a batch where this is called; 1 outside of `tf.distribute`."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def share(loss: Any) -> Any:
    """Return what a mean over a replica's rows adds to the mean over the batch."""
    count = replica_count()
    return loss if count == 1 else loss / count


def own_rows(draw: Callable[[Any], Any], rows: Any) -> Any:
    """Draw for the rows of all replicas, and return those of this one.

    Replicas hold equal generators: without this they would all draw the same, and other numbers than one device does.

    Args:
        draw: from a number of rows to random numbers `(rows, ...)`.
        rows: rows of this replica.
    """
    count = replica_count()
    if count == 1:
        return draw(rows)
    import tensorflow as tf

    replica = tf.distribute.get_replica_context()
    number = 0 if replica is None else replica.replica_id_in_sync_group
    return draw(rows * count)[number * rows : (number + 1) * rows]


def learning_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Return an optimizer's learning rate, of which several replicas hold one each."""
    rate = optimizer.learning_rate
    value = getattr(rate, "value", rate)
    return float(value.numpy() if hasattr(value, "numpy") else value)
