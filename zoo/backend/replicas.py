"""Losses, gradients and random numbers where several replicas of `tf.distribute` share a batch.

Each replica sees its rows, and gradients are summed. JAX runs one program over the whole batch and needs none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops


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


def whole_gradients(gradients: Sequence[Any]) -> list[Any]:
    """Return each gradient over the whole batch, as one tensor; None stays.

    TensorFlow's gradient of an embedding is a list of rows in which a row may occur several times, so that its norm is
    not that of the gradient; and each replica has the gradient of its own rows.
    """
    if keras.backend.backend() != "tensorflow":
        return list(gradients)
    import tensorflow as tf

    whole = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
    if replica_count() == 1:
        return whole
    given = [i for i, g in enumerate(whole) if g is not None]
    context = tf.distribute.get_replica_context()
    sums = context.all_reduce(tf.distribute.ReduceOp.SUM, [whole[i] for i in given])
    for i, total in zip(given, sums, strict=True):
        whole[i] = total
    return whole


def update_if(due: Any, update: Callable[[], None], *, changes: Sequence[keras.Variable]) -> None:
    """Call a function that changes variables, if a tensor is true.

    Args:
        due: a boolean tensor, the same in all replicas.
        update: changes the variables.
        changes: the variables that it changes.
    """
    if keras.backend.backend() != "tensorflow":  # a branch that changes variables is TensorFlow's alone
        before = [v.value for v in changes]
        update()
        for variable, value in zip(changes, before, strict=True):
            variable.assign(ops.where(due, variable.value, value))
        return
    if replica_count() == 1:
        ops.cond(due, update, lambda: None)
        return
    import tensorflow as tf

    def in_all(strategy: Any, due: Any) -> None:  # a branch within a replica could not exchange gradients
        first = strategy.experimental_local_results(due)[0]
        ops.cond(first, lambda: strategy.extended.call_for_each_replica(update), lambda: None)

    tf.distribute.get_replica_context().merge_call(in_all, args=(due,))


def learning_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Return an optimizer's learning rate as a number, also where each replica holds its own copy."""
    rate = optimizer.learning_rate
    value = getattr(rate, "value", rate)
    return float(value.numpy() if hasattr(value, "numpy") else value)
