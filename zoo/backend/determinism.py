"""Two runs of one recipe with one seed agree to the last bit: every random number and every order of summation is set.

TensorFlow: `enable_op_determinism` is not enough. An `AddN` of three and more terms adds into whichever of its inputs
nobody else reads any more, which depends on which thread came first; gradients of what is used several times, such as
the input of a layer norm, are such sums. So they are made of additions of two, which the graph's arithmetic
optimisation, left on, would join again.

The graph's optimisation of dependencies is off, too. It takes out some of the edges that make the assignment of a
variable wait for what reads it. A GAN's gradient penalty reads the discriminator's biases, whose update needs nothing
of it: in 2 to 4 of 1,000 steps beside a pipeline that makes batches it saw them as they were after the update.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import keras


def start_from_seed(seed: int) -> None:
    """Seed the random numbers, and have every operation sum in one order."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        _sum_in_order()


@functools.cache
def _sum_in_order() -> None:
    import tensorflow as tf
    from tensorflow.python import pywrap_tfe
    from tensorflow.python.eager import backprop

    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False, "dependency_optimization": False})

    def add(gradients: Sequence[Any]) -> Any:
        if any(isinstance(one, tf.IndexedSlices) for one in gradients):
            return backprop._aggregate_grads(gradients)
        return functools.reduce(operator.add, gradients)

    pywrap_tfe.TFE_Py_RegisterVSpace(backprop._default_vspace._replace(aggregate_fn=add))
