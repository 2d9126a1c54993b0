"""Two runs of one recipe with one seed agree to the last bit: random numbers and the order of every sum are fixed."""

from __future__ import annotations

import functools
import operator
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


def start_from_seed(seed: int) -> None:
    """Seed the random numbers and make TensorFlow's operations deterministic, for the rest of the process."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        _make_operations_deterministic()


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Leave the generators of Python and NumPy, from which Keras draws seeds, as they were."""
    state, arrays = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(arrays)


@functools.cache
def _make_operations_deterministic() -> None:
    """Fix the order of sums inside operations, and keep the graph as it was written.

    Arithmetic optimization would join the additions of `ordered_gradient_sums` again.

    Dependency optimization removes some of the edges that make the assignment of a variable wait for what reads it. A
    GAN's gradient penalty reads the discriminator's biases, whose update needs nothing of the penalty: in 2 to 4 of
    1,000 steps beside a pipeline that makes batches, it read them after the update.
    """
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False, "dependency_optimization": False})


@contextmanager
def ordered_gradient_sums() -> Iterator[None]:
    """Sum the gradients of a value that is used several times two at a time, in one order, within the block.

    TensorFlow sums them in one `AddN`, which adds three and more terms into whichever of its inputs nobody else reads
    any more; that depends on which thread comes first, even with `enable_op_determinism`.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf
    from tensorflow.python import pywrap_tfe
    from tensorflow.python.eager import backprop

    def add(gradients: Sequence[Any]) -> Any:
        if any(isinstance(one, tf.IndexedSlices) for one in gradients):
            return backprop._aggregate_grads(gradients)
        return functools.reduce(operator.add, gradients)

    pywrap_tfe.TFE_Py_RegisterVSpace(backprop._default_vspace._replace(aggregate_fn=add))
    try:
        yield
    finally:
        pywrap_tfe.TFE_Py_RegisterVSpace(backprop._default_vspace)
