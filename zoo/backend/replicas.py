"""Losses and random numbers where several replicas of `tf.distribute` share a batch.

Each replica sees its rows, and gradients are summed. JAX runs one program over the whole batch and needs none of this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def replica_count() -> int:
    """Return the number of replicas that share a batch; 1 outside of `tf.distribute`."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def part_of_batch_mean(loss: Any) -> Any:
    """Scale a mean over this replica's rows so that the sum over the replicas is the mean over the batch."""
    count = replica_count()
    return loss if count == 1 else loss / count


def own_rows(draw: Callable[[Any], Any], rows: Any) -> Any:
    """Draw random numbers for the rows of all replicas and return those of this replica.

    Replicas hold equal generators. Drawing only for their own rows, all would draw the same numbers, and others than
    one device draws.

    Args:
        draw: maps a number of rows to random numbers `(rows, ...)`.
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
    """Return an optimizer's learning rate as a number, also where each replica holds its own copy."""
    rate = optimizer.learning_rate
    value = getattr(rate, "value", rate)
    return float(value.numpy() if hasattr(value, "numpy") else value)
