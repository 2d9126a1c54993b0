"""The batches that training and evaluation read.

Their order, augmentation and blending are pure functions of (seed, epoch, position), so that a run can start anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.augmentation.blending import build_blending
from zoo.data.augmentation.image_steps import Augment, build_augmentation, build_mask_augmentation
from zoo.data.augmentation.masking import hide_tokens
from zoo.data.inputs import CHUNK_VALUES
from zoo.data.kinds import KINDS
from zoo.data.prepared import MAX_RESIDENT_BYTES_ONCE, Prepared
from zoo.recipe.schedules import steps_of
from zoo.recipe.schema import Recipe
from zoo.tasks import TASKS

if TYPE_CHECKING:
    import tensorflow as tf

VIEWS = 2  # of an example, augmented independently
_EVALUATION_BATCH = 512  # examples
_PREFETCHED_BATCHES = 4  # of training
_MAX_PARALLEL_CALLS = 16  # batches that are made at the same time, each of which is in memory


def views_of(x: Any, augment: Augment, seed: Any) -> tf.Tensor:
    """Return views of prepared examples, `(batch, 2, *shape)`. Each view has draws of its own from the seed `(2,)`."""
    import tensorflow as tf

    x = tf.cast(x, tf.float32)
    fold = tf.random.experimental.stateless_fold_in
    return tf.stack([augment(x, fold(seed, view)) for view in range(VIEWS)], axis=1)


def step_counter() -> tf.Variable:
    """Return a counter of steps that `training_batches` takes as `start` and that can be set between epochs."""
    import tensorflow as tf

    return tf.Variable(0, dtype=tf.int64, trainable=False)


def training_batches(
    prepared: Prepared, recipe: Recipe, *, start: int | tf.Variable, steps: int, part: tuple[int, int] = (0, 1)
) -> tf.data.Dataset:
    """Return `steps` training batches from step `start` of the run, which may lie in any epoch.

    An epoch is a seeded permutation of the examples, cut into whole batches; each epoch leaves out other examples at
    its end. Each iterator reads a variable `start` (int64) anew.

    Args:
        prepared: the examples.
        recipe: sets batch size, seed, augmentation and blending.
        start: number of the first step.
        steps: number of batches.
        part: index of this process and number of processes: each batch is cut into equal parts, one a process.
    """
    import tensorflow as tf

    seed, size = recipe.training.seed, recipe.training.batch_size
    count = len(prepared)
    read = prepared.reader()
    targets = tf.constant(prepared.targets)
    transform = _build_transform(prepared, recipe)
    index, processes = part
    rows = size // processes

    def batch(offset: tf.Tensor) -> tuple[Any, Any]:
        step = start + offset
        positions = tf.ensure_shape(batch_positions(step, seed, size, count), (size,))
        # A fixed shape gives the same graph, and so the same bits, whatever the examples are read from.
        x = tf.nest.map_structure(lambda values: tf.ensure_shape(values, (size, *values.shape[1:])), read(positions))
        pair = prepared.pair(*transform(x, tf.gather(targets, positions), step))
        if processes == 1:
            return pair
        return tf.nest.map_structure(lambda values: values[index * rows : (index + 1) * rows], pair)

    calls = min(os.cpu_count() or 1, _MAX_PARALLEL_CALLS)
    dataset = tf.data.Dataset.range(steps).map(batch, num_parallel_calls=calls, deterministic=True)
    return _without_autotuning(dataset.prefetch(_PREFETCHED_BATCHES))


def _build_transform(prepared: Prepared, recipe: Recipe) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """Return a function that augments, hides and blends a batch: examples, targets and step to examples and targets."""
    import tensorflow as tf

    training = recipe.training
    augment = build_augmentation(recipe.augment) if recipe.augment else None
    masks = bool(recipe.augment) and KINDS[TASKS[recipe.task].kind].targets_are_masks
    augment_masks = build_mask_augmentation(recipe.augment) if masks else None
    blend = build_blending(recipe.regularization.mixup, recipe.regularization.cutmix)
    vocabulary = prepared.preprocessor.signature.vocabulary or 0
    duration = "100%" if training.augment_until is None else training.augment_until
    until = round(steps_of(duration, len(prepared) // training.batch_size, training.epochs))

    def transform(x: Any, y: tf.Tensor, step: tf.Tensor) -> tuple[Any, tf.Tensor]:
        seed = tf.stack([tf.constant(training.seed, tf.int64), step])
        if prepared.form == "views" and augment is not None:
            x = views_of(x, augment, seed)
        elif augment is not None:
            x = tf.cast(x, tf.float32)
            x = tf.cond(step < until, lambda: tf.ensure_shape(augment(x, seed), x.shape), lambda: x)
        if augment_masks is not None:
            y = tf.cond(step < until, lambda: tf.ensure_shape(augment_masks(y, seed), y.shape), lambda: y)
        if prepared.form == "hidden":
            x, y = hide_tokens(x, vocabulary, seed)
        if blend is not None:
            x, y = blend(x if x.dtype == tf.float64 else tf.cast(x, tf.float32), y, seed)
        return x, y

    return transform


def batch_positions(step: Any, seed: int, size: int, count: int) -> tf.Tensor:
    """Return which examples a training step reads, int64 `(size,)`.

    Args:
        step: number of the step in the run, from 0.
        seed: `training.seed`.
        size: examples in a batch.
        count: examples of the split.
    """
    import tensorflow as tf

    step, per_epoch = tf.cast(step, tf.int64), count // size
    places = (step % per_epoch) * size + tf.range(size, dtype=tf.int64)
    order_seed = tf.stack([tf.constant(seed, tf.int64), step // per_epoch])
    return tf.random.experimental.index_shuffle(places, order_seed, tf.constant(count - 1, tf.int64))


def evaluation_batches(prepared: Prepared, *, targets: bool = True, size: int | None = None) -> tf.data.Dataset:
    """Return all examples in order, with their targets or alone.

    Args:
        prepared: the examples.
        targets: whether targets come with them.
        size: examples in a batch, where a metric depends on it.
    """
    import tensorflow as tf

    read = prepared.reader(MAX_RESIDENT_BYTES_ONCE)
    values = tf.constant(prepared.targets)
    count = len(prepared)
    if size is None:
        limit = max(1, min(_EVALUATION_BATCH, CHUNK_VALUES // int(np.prod(prepared.preprocessor.shape))))
        size = _even_batch(count, limit) or limit
    # Without a smaller batch at the end, all batches have one shape, for which kernels can be compiled.
    positions = tf.data.Dataset.range(count).batch(size, drop_remainder=count % size == 0)
    augment = build_augmentation(prepared.augment) if prepared.form == "views" else None

    def batch(places: tf.Tensor) -> Any:
        x, y = read(places), tf.gather(values, places)
        if augment is not None:  # the same views each time
            x = views_of(x, augment, tf.stack([tf.constant(0, tf.int64), places[0]]))
        x, y = prepared.pair(x, y)
        return (x, y) if targets else x

    return _without_autotuning(positions.map(batch, num_parallel_calls=1, deterministic=True).prefetch(2))


def _even_batch(count: int, limit: int) -> int | None:
    """Return the largest batch size that divides `count`, from half of `limit` to `limit`; None where there is none."""
    sizes = (size for size in range(min(limit, count), min((limit - 1) // 2, count - 1), -1) if count % size == 0)
    return next(sizes, None)


def _without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Switch off the tuning of buffers and threads.

    An epoch's iterator waits at its end for the tuning thread, which may sleep for ten seconds more.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
