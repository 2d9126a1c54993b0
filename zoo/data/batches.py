"""The batches that training and evaluation read.

The order of examples, their augmentation and their blending are pure functions of (seed, epoch, position): no iterator
holds state, so a run can start at any step and see what it would have seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zoo.data.augmentation.blending import build_blending
from zoo.data.augmentation.image_steps import Augment, build_augmentation, build_mask_augmentation
from zoo.data.augmentation.masking import hide
from zoo.data.dataset import CHUNK_VALUES, GraphInputs, ImageInputs, Split
from zoo.data.preprocessing import Preprocessor, chunks
from zoo.recipe.schedules import steps_of
from zoo.recipe.schema import Recipe
from zoo.recipe.steps import AugmentStep
from zoo.tasks import START, TASKS

if TYPE_CHECKING:
    import tensorflow as tf

RESIDENT_BYTES = 1 << 30  # prepared examples up to this size are held in memory
RESIDENT_BYTES_ONCE = 1 << 25  # the same for those that are read once, which are copied on their way
_EVALUATION_BATCH = 512
_AHEAD = 4  # training batches that are made ahead
_CALLS = 16  # and at most so many at once, each of which is in memory
Form = Literal["target", "decoder_input", "itself", "normalized", "normalized_with_class", "views", "hidden"]
VIEWS = 2  # of an example, augmented apart from each other


@dataclass(frozen=True)
class Prepared:
    """The prepared examples of a split: in memory where `array` is given, else read as they are needed.

    Attributes:
        split: the raw examples.
        preprocessor: what prepares them.
        array: all prepared examples `(examples, *shape)`; of graphs a dict of `nodes` and `edges`.
        targets: what the model is trained on: one-hot `(examples, classes)`, standardised `(examples, values)`, or as
            the task has them.
        form: what the model is given, and its target: the example and its "target"; the example with the
            "decoder_input" (the start token, then the target shifted by one), and the target; the example and "itself",
            normalised; the example "normalized", alone or "normalized_with_class"; two "views" of the example, each
            augmented by itself, `(batch, 2, *shape)`; or tokens of which training hides some ("hidden"), and these.
        augment: the steps that tell views apart, in evaluation as well as in training.
    """

    split: Split
    preprocessor: Preprocessor
    array: Any
    targets: np.ndarray
    form: Form = "target"
    augment: Sequence[AugmentStep] = ()

    def __len__(self) -> int:
        return len(self.split)

    def given(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return what the model takes and what it is held to, of prepared examples and their targets."""
        import tensorflow as tf

        if self.form == "decoder_input":
            return (x, decoder_input(y)), y
        if self.form in ("target", "views", "hidden"):
            return x, y
        scale, offset = (tf.constant(v, tf.float32) for v in (self.preprocessor.scale, self.preprocessor.offset))
        normalized = tf.cast(x, tf.float32) * scale + offset
        if self.form == "itself":
            return x, normalized
        return (normalized, y) if self.form == "normalized" else ((normalized, y), y)

    def reader(self, most: int | None = None) -> Callable[[Any], Any]:
        """Return a TensorFlow function from positions `(n,)` to prepared examples `(n, *shape)`, or a dict of them.

        Args:
            most: bytes of an array that is made part of the pipeline's graph, which reads fast and holds copies of it;
                a larger one is read where it lies. Any array is where this is left out.
        """
        import tensorflow as tf

        array = self.array
        if isinstance(array, np.ndarray) and most is not None and array.nbytes > most:
            return _array_reader(lambda p: array[p], array.dtype, array.shape[1:])
        if array is not None:
            examples = tf.nest.map_structure(tf.constant, array)
            return lambda positions: tf.nest.map_structure(lambda values: tf.gather(values, positions), examples)
        preprocessor, split = self.preprocessor, self.split
        shape = preprocessor.shape
        if isinstance(split.inputs, ImageInputs) and preprocessor.to_shape is not None:
            channels = preprocessor.signature.shape[-1]

            def one(position: tf.Tensor) -> tf.Tensor:
                image = tf.numpy_function(lambda p: split.take([p])[0], [position], tf.uint8)
                image.set_shape((None, None, channels))
                return tf.ensure_shape(preprocessor.to_shape(image[None])[0], shape)  # type: ignore[misc]

            dtype = tf.as_dtype(preprocessor.dtype)
            return lambda positions: tf.map_fn(one, positions, fn_output_signature=tf.TensorSpec(shape, dtype))

        if isinstance(split.inputs, GraphInputs):
            return _graph_reader(split, preprocessor)

        return _array_reader(lambda p: preprocessor.prepare(split.take(p)), preprocessor.dtype, shape)


def prepare(
    split: Split,
    preprocessor: Preprocessor,
    targets: np.ndarray,
    memory: str,
    *,
    form: Form = "target",
    augment: Sequence[AugmentStep] = (),
    most: int | None = None,
) -> Prepared:
    """Prepare a split, in memory where `memory` is "resident", or "auto" and it is small enough.

    "auto" means at most `most` bytes, `RESIDENT_BYTES` where that is left out.
    """
    size = len(split) * int(np.prod(preprocessor.shape)) * np.dtype(preprocessor.dtype).itemsize
    resident = memory == "resident" or (memory == "auto" and size <= (RESIDENT_BYTES if most is None else most))
    array = joined(list(chunks(split, preprocessor))) if resident else None
    return Prepared(split, preprocessor, array, targets, form, augment)


def views_of(x: Any, augment: Augment, seed: Any) -> Any:
    """Return views of prepared examples, `(batch, 2, *shape)`: each view has draws of its own from the seed `(2,)`."""
    import tensorflow as tf

    x = tf.cast(x, tf.float32)
    fold = tf.random.experimental.stateless_fold_in
    return tf.stack([augment(x, fold(seed, view)) for view in range(VIEWS)], axis=1)


def joined(parts: list[Any]) -> Any:
    """Put arrays, or dicts of arrays, one after the other."""
    if isinstance(parts[0], dict):
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return np.concatenate(parts)


def _array_reader(read: Callable[[np.ndarray], np.ndarray], dtype: Any, shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """Return a TensorFlow function from positions `(n,)` to examples `(n, *shape)` that Python reads."""
    import tensorflow as tf

    def several(positions: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(read, [positions], dtype), (positions.shape[0], *shape))

    return several


def _graph_reader(split: Split, preprocessor: Preprocessor) -> Callable[[Any], Any]:
    """Return a TensorFlow function from positions `(n,)` to graphs that are read as they are needed."""
    import tensorflow as tf

    def several(positions: tf.Tensor) -> dict[str, tf.Tensor]:
        def read(p: np.ndarray) -> list[np.ndarray]:
            graphs = preprocessor.prepare(split.take(p))
            return [graphs["nodes"], graphs["edges"]]

        nodes, edges = tf.numpy_function(read, [positions], [tf.float32, tf.int32])
        count, width = positions.shape[0], preprocessor.shape[-1]
        return {
            "nodes": tf.ensure_shape(nodes, (count, None, width)),
            "edges": tf.ensure_shape(edges, (count, None, 2)),
        }

    return several


def decoder_input(targets: Any) -> Any:
    """Return the decoder's input, `(examples, length)`: the start token, then the target shifted by one."""
    import tensorflow as tf

    return tf.concat([tf.fill([tf.shape(targets)[0], 1], START), targets[:, :-1]], axis=1)


def step_counter() -> Any:
    """Return a counter of steps that `training_batches` takes as `start`, which can be moved between epochs."""
    import tensorflow as tf

    return tf.Variable(0, dtype=tf.int64, trainable=False)


def training_batches(
    prepared: Prepared, recipe: Recipe, *, start: int | tf.Variable, steps: int, part: tuple[int, int] = (0, 1)
) -> tf.data.Dataset:
    """Return `steps` training batches from step `start` of the run on, which may lie in any epoch.

    An epoch is a seeded permutation of the examples, cut into whole batches; what is left over at the end of one
    epoch is a different part in each. A variable `start` (int64) is read anew by each iterator. Of each batch, one of
    as many equal parts as there are processes is given on.
    """
    import tensorflow as tf

    seed, size = recipe.training.seed, recipe.training.batch_size
    count = len(prepared)
    read = prepared.reader()
    targets = tf.constant(prepared.targets)
    augment = build_augmentation(recipe.augment) if recipe.augment else None
    pairs, vocabulary = prepared.form == "views", prepared.preprocessor.signature.vocabulary or 0
    masks = recipe.augment and TASKS[recipe.task].kind == "segmentation"
    augment_masks = build_mask_augmentation(recipe.augment) if masks else None
    duration = recipe.training.augment_until
    until = round(steps_of("100%" if duration is None else duration, count // size, recipe.training.epochs))
    blend = build_blending(recipe.regularization.mixup, recipe.regularization.cutmix)

    def batch(offset: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        step = start + offset
        positions = tf.ensure_shape(batch_positions(step, seed, size, count), (size,))
        # with one shape, whatever is read from, the graph is the same, and so are the bits
        x = tf.nest.map_structure(lambda values: tf.ensure_shape(values, (size, *values.shape[1:])), read(positions))
        y = tf.gather(targets, positions)
        step_seed = tf.stack([tf.constant(seed, tf.int64), step])
        if pairs and augment is not None:
            x = views_of(x, augment, step_seed)
        elif augment is not None:
            x = tf.cast(x, tf.float32)
            x = tf.cond(step < until, lambda: tf.ensure_shape(augment(x, step_seed), x.shape), lambda: x)
        if augment_masks is not None:
            y = tf.cond(step < until, lambda: tf.ensure_shape(augment_masks(y, step_seed), y.shape), lambda: y)
        if prepared.form == "hidden":
            x, y = hide(x, vocabulary, step_seed)
        if blend is not None:
            x, y = blend(tf.cast(x, tf.float32), y, step_seed)
        rows = size // part[1]
        given = prepared.given(x, y)
        if part[1] == 1:
            return given
        return tf.nest.map_structure(lambda values: values[part[0] * rows : (part[0] + 1) * rows], given)

    calls = min(os.cpu_count() or 1, _CALLS)
    dataset = tf.data.Dataset.range(steps).map(batch, num_parallel_calls=calls, deterministic=True)
    return _untuned(dataset.prefetch(_AHEAD))


def batch_positions(step: Any, seed: int, size: int, count: int) -> Any:
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
        size: examples in a batch, where a figure depends on it.
    """
    import tensorflow as tf

    read = prepared.reader(most=RESIDENT_BYTES_ONCE)
    values = tf.constant(prepared.targets)
    count = len(prepared)
    if size is None:
        most = max(1, min(_EVALUATION_BATCH, CHUNK_VALUES // int(np.prod(prepared.preprocessor.shape))))
        size = _whole_batch(count, most) or most
    # without a smaller one at the end all batches have one shape, for which kernels can be made
    positions = tf.data.Dataset.range(count).batch(size, drop_remainder=count % size == 0)
    augment = build_augmentation(prepared.augment) if prepared.form == "views" else None

    def batch(places: tf.Tensor) -> Any:
        x, y = read(places), tf.gather(values, places)
        if augment is not None:  # the same views each time
            x = views_of(x, augment, tf.stack([tf.constant(0, tf.int64), places[0]]))
        x, y = prepared.given(x, y)
        return (x, y) if targets else x

    return _untuned(positions.map(batch, num_parallel_calls=1, deterministic=True).prefetch(2))


def _whole_batch(count: int, most: int) -> int | None:
    """Return the largest batch, of half of `most` at least where there are so many examples, that leaves none over."""
    sizes = (size for size in range(min(most, count), min((most - 1) // 2, count - 1), -1) if count % size == 0)
    return next(sizes, None)


def _untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Switch off the tuning of buffers and threads.

    An epoch's iterator waits at its end for the thread that tunes, which may sleep for ten seconds more.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
