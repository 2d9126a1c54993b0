"""A split as the model takes it: preprocessed, in memory or read as it is needed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zoo.data.dataset import Split
from zoo.data.inputs import GraphInputs, ImageInputs
from zoo.data.neighborhoods import NeighborhoodInputs
from zoo.data.preprocessor import Preprocessor, chunks
from zoo.data.shape_images import shape_images
from zoo.recipe.augment_steps import AugmentStep
from zoo.tasks import START

if TYPE_CHECKING:
    import tensorflow as tf

MAX_RESIDENT_BYTES = 1 << 30  # of prepared examples that "auto" holds in memory
MAX_WATCHED_BYTES = 1 << 29  # the same for those that training is validated on, beside its own
MAX_RESIDENT_BYTES_ONCE = 1 << 25  # the same for examples that are read once: TensorFlow copies them on the way
Form = Literal["target", "decoder_input", "itself", "normalized", "normalized_with_class", "views", "hidden"]
Reader = Callable[[Any], Any]  # TensorFlow: positions `(n,)` to prepared examples `(n, *shape)`, or a dict of them


@dataclass(frozen=True)
class Prepared:
    """The prepared examples of a split: in memory where `array` is given, else read as they are needed.

    Attributes:
        split: the raw examples.
        preprocessor: turns raw into prepared examples.
        array: all prepared examples `(examples, *shape)`; of graphs a dict of `nodes` and `edges`.
        targets: what the model is trained on: one-hot `(examples, classes)`, standardised `(examples, values)`, or as
            the kind of task has them (`zoo.data.kinds`).
        form: what the model takes and what its outputs are compared with:
            "target": the example; its target.
            "decoder_input": the example, and the target shifted by one behind a start mark; the target.
            "itself": the example; the example, normalised.
            "normalized": the example, normalised; its target.
            "normalized_with_class": the example, normalised, and its target; its target.
            "views": two views of the example, augmented independently, `(batch, 2, *shape)`; its target.
            "hidden": tokens of which training hides some; these.
        augment: the steps that make views, in evaluation as well as in training.
    """

    split: Split
    preprocessor: Preprocessor
    array: Any
    targets: np.ndarray
    form: Form = "target"
    augment: Sequence[AugmentStep] = ()

    def __len__(self) -> int:
        return len(self.split)

    def pair(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return what the model takes and what its outputs are compared with, from prepared examples and targets."""
        return _FORMS[self.form](self.preprocessor, x, y)

    def reader(self, max_constant_bytes: int | None = None) -> Reader:
        """Return a TensorFlow function from positions `(n,)` to prepared examples `(n, *shape)`, or a dict of them.

        Args:
            max_constant_bytes: of an array that becomes a constant of the pipeline's graph, which is fast and holds
                copies of it; a larger array is read where it lies. None: any array becomes a constant.
        """
        array, split, preprocessor = self.array, self.split, self.preprocessor
        if isinstance(array, np.ndarray) and max_constant_bytes is not None and array.nbytes > max_constant_bytes:
            return _array_reader(lambda p: array[p], array.dtype, array.shape[1:])
        if array is not None:
            return _constant_reader(array)
        if isinstance(split.inputs, ImageInputs) and preprocessor.to_shape is not None:
            return _image_reader(split, preprocessor)
        if isinstance(split.inputs, GraphInputs | NeighborhoodInputs):
            return _graph_reader(split, preprocessor)
        return _array_reader(lambda p: preprocessor.prepare(split.take(p)), preprocessor.dtype, preprocessor.shape)


def prepare(
    split: Split,
    preprocessor: Preprocessor,
    targets: np.ndarray,
    memory: str,
    *,
    form: Form = "target",
    augment: Sequence[AugmentStep] = (),
    max_bytes: int | None = None,
) -> Prepared:
    """Prepare a split: in memory where `memory` is "resident", or where it is "auto" and the split is small enough.

    "auto" allows `max_bytes`, `MAX_RESIDENT_BYTES` unless given.
    """
    limit = MAX_RESIDENT_BYTES if max_bytes is None else max_bytes
    size = len(split) * int(np.prod(preprocessor.shape)) * np.dtype(preprocessor.dtype).itemsize
    resident = memory == "resident" or (memory == "auto" and size <= limit)
    array = _in_memory(split, preprocessor) if resident else None
    return Prepared(split, preprocessor, array, targets, form, augment)


def _in_memory(split: Split, preprocessor: Preprocessor) -> Any:
    """Return all prepared examples, which are never held twice: an array, or a dict of arrays for graphs."""
    parts = chunks(split, preprocessor)
    first = next(parts)
    if isinstance(first, dict):
        every = [first, *parts]
        return {name: np.concatenate([part[name] for part in every]) for name in first}
    array = np.empty((len(split), *first.shape[1:]), first.dtype)
    filled = 0
    for part in itertools.chain([first], parts):
        array[filled : filled + len(part)] = part
        filled += len(part)
    return array


def decoder_input(targets: Any) -> tf.Tensor:
    """Return what the decoder sees, `(examples, length)`: the start mark, then the targets shifted by one."""
    import tensorflow as tf

    return tf.concat([tf.fill([tf.shape(targets)[0], 1], START), targets[:, :-1]], axis=1)


def _normalized(preprocessor: Preprocessor, x: Any) -> tf.Tensor:
    import tensorflow as tf

    dtype = tf.float64 if x.dtype == tf.float64 else tf.float32  # what float32 would merge is centred first
    scale, offset = (tf.constant(v, dtype) for v in (preprocessor.scale, preprocessor.offset))
    return tf.cast(tf.cast(x, dtype) * scale + offset, tf.float32)


_FORMS: dict[Form, Callable[[Preprocessor, Any, Any], tuple[Any, Any]]] = {
    "target": lambda preprocessor, x, y: (x, y),
    "decoder_input": lambda preprocessor, x, y: ((x, decoder_input(y)), y),
    "itself": lambda preprocessor, x, y: (x, _normalized(preprocessor, x)),
    "normalized": lambda preprocessor, x, y: (_normalized(preprocessor, x), y),
    "normalized_with_class": lambda preprocessor, x, y: ((_normalized(preprocessor, x), y), y),
    "views": lambda preprocessor, x, y: (x, y),
    "hidden": lambda preprocessor, x, y: (x, y),
}


def _constant_reader(array: Any) -> Reader:
    import tensorflow as tf

    examples = tf.nest.map_structure(tf.constant, array)
    return lambda positions: tf.nest.map_structure(lambda values: tf.gather(values, positions), examples)


def _array_reader(read: Callable[[np.ndarray], np.ndarray], dtype: Any, shape: tuple[int, ...]) -> Reader:
    """Return a reader of examples that a Python function reads."""
    import tensorflow as tf

    def read_several(positions: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(read, [positions], dtype), (positions.shape[0], *shape))

    return read_several


def _image_reader(split: Split, preprocessor: Preprocessor) -> Reader:
    """Return a reader of images of different sizes, one by one."""
    import tensorflow as tf

    channels, shape = preprocessor.signature.shape[-1], preprocessor.shape
    spec = tf.TensorSpec(shape, tf.as_dtype(preprocessor.dtype))

    def read_one(position: tf.Tensor) -> tf.Tensor:
        image = tf.numpy_function(lambda p: split.take([p])[0], [position], tf.uint8)
        image.set_shape((None, None, channels))
        return tf.ensure_shape(shape_images(image[None], preprocessor.image_steps)[0], shape)

    return lambda positions: tf.map_fn(read_one, positions, fn_output_signature=spec)


def _graph_reader(split: Split, preprocessor: Preprocessor) -> Reader:
    import tensorflow as tf

    def read(p: np.ndarray) -> list[np.ndarray]:
        graphs = preprocessor.prepare(split.take(p))
        return [graphs["nodes"], graphs["edges"]]

    def read_several(positions: tf.Tensor) -> dict[str, tf.Tensor]:
        nodes, edges = tf.numpy_function(read, [positions], [tf.float32, tf.int32])
        count, width = positions.shape[0], preprocessor.shape[-1]
        return {
            "nodes": tf.ensure_shape(nodes, (count, None, width)),
            "edges": tf.ensure_shape(edges, (count, None, 2)),
        }

    return read_several
