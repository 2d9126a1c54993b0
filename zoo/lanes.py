"""Networks in lanes: each processor takes its own part of a batch through the whole network.

TensorFlow shares the work of each operation among the processors, and they wait for one another at the end of each.
Where the batch is shared instead, and every operation of a part runs on one processor, they wait for one another once a
step, and a part's maps stay in its processor's cache. The gradients of the parts are added, so that it is the same
step, but for rounding and the draws of dropout. An LSTM's steps are unrolled there (see `zoo.unrolled`).

How many threads share an operation is set before TensorFlow starts, for the whole process. So it is done by the
commands, each of which has a process and a recipe, and not by the functions of the package.

`benchmarks/speed.py` has the figures.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from zoo.backend.startup import import_keras, quiet_startup, start_keras

if TYPE_CHECKING:
    from zoo.recipe import Recipe

# Where it was measured to be faster; the last is the same U-Net.
MODELS = ("lstm", "transformer", "ddpm", "conditional_ddpm")
MOST = 4  # lanes; each is a copy of the network in the graph
_LEAST = 1 << 22  # weights times examples of a batch; below, a step is too short
_state = {"alone": False}


def alone() -> None:
    """Say that this process trains or evaluates one recipe and nothing else."""
    _state["alone"] = True


def start(recipe: Recipe) -> None:
    """Start Keras's backend for a recipe, in lanes where this process is alone and they are faster."""
    if _state["alone"] and recipe.training.processors == 1 and recipe.model.name in MODELS:
        _start_in_lanes(_processors())
    start_keras(recipe.training.processors)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_in_lanes(count: int) -> None:
    import_keras()
    import keras

    if keras.backend.backend() != "tensorflow" or not 2 <= count <= MOST:
        return
    with quiet_startup():
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            return
        try:
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(count)
        except RuntimeError:  # it has been started
            return
    run_in_lanes(count)


@cache
def run_in_lanes(count: int) -> None:
    """Have every functional model that is called from now on, and can be, take parts of a batch side by side."""
    import tensorflow as tf
    from keras.src.models.functional import Functional

    from zoo import unrolled
    from zoo.layers.recurrent import LSTM

    one_lane, one_loop, inside = Functional.call, LSTM.inner_loop, [False]

    def call(self: Any, inputs: Any, training: Any = None, mask: Any = None, **more: Any) -> Any:
        flat = tf.nest.flatten(inputs)
        masked = any(one is not None for one in tf.nest.flatten(mask))
        if inside[0] or masked or not (_can_be_shared(flat) and _by_example(self, flat[0].shape[0])):
            return one_lane(self, inputs, training=training, mask=mask, **more)
        parts = zip(*(tf.split(x, count) for x in flat), strict=True)
        inside[0] = True
        try:
            results = [
                one_lane(self, tf.nest.pack_sequence_as(inputs, part), training=training, **more) for part in parts
            ]
        finally:
            inside[0] = False
        if self.losses:  # of a mean over the examples, which each lane would add
            self._clear_losses()
            return one_lane(self, inputs, training=training, **more)
        return tf.nest.map_structure(lambda *each: tf.concat(each, 0), *results)

    def _can_be_shared(flat: list[Any]) -> bool:
        return (
            tf.inside_function()
            and all(isinstance(x, tf.Tensor) and x.shape.rank and x.shape[0] for x in flat)
            and len({x.shape[0] for x in flat}) == 1
            and flat[0].shape[0] % count == 0
            and all(getattr(x, "_keras_mask", None) is None for x in flat)
        )

    def _by_example(model: Any, size: int) -> bool:
        """Tell whether the network is large, and what it gives for an example is the same beside any others.

        What depends on the others keeps a mean of them for later: in a variable that is not trained.
        """
        seeds = {id(g.state) for layer in model._flatten_layers() for g in layer._seed_generators}
        kept = [v for v in model.non_trainable_variables if id(v) not in seeds]
        return size * model.count_params() >= _LEAST and not kept

    def inner_loop(self: Any, sequences: Any, initial_state: Any, mask: Any, training: Any = False) -> Any:
        found = unrolled.lstm(self, sequences, initial_state) if inside[0] and mask is None else None
        return one_loop(self, sequences, initial_state, mask, training) if found is None else found

    Functional.call, LSTM.inner_loop = call, inner_loop
