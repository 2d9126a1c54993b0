"""The labels of an example of a TFDS data set: a sequence of classes, or the classes of its objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError

if TYPE_CHECKING:
    import tensorflow as tf


def names_of_labels(feature: Any, name: str = "") -> tuple[str, ...]:
    """Return the names of the labels that a feature holds.

    Args:
        feature: of TFDS.
        name: its name, for messages.

    Raises:
        ZooError: the feature is no sequence of classes, and holds no objects with a `label`.
    """
    each = feature["label"] if _has_objects(feature) else getattr(feature, "feature", None)  # of a sequence
    names = tuple(getattr(each, "names", None) or ())
    if not names:
        raise ZooError(
            f"feature '{name}' must be a sequence of classes, or of objects with a 'label', to give an example "
            "several labels"
        )
    return names


def label_picker(features: Any, target: str) -> Callable[[Any], Any]:
    """Return a TensorFlow function from a TFDS example to 1 for each label that it has, uint8 `(labels,)`.

    Raises:
        ZooError: as of `names_of_labels`.
    """
    import tensorflow as tf

    count, objects = len(names_of_labels(features[target], target)), _has_objects(features[target])

    def pick(example: Any) -> tf.Tensor:
        labels = example[target]["label"] if objects else example[target]
        times = tf.reduce_sum(tf.one_hot(labels, count, dtype=tf.uint8), axis=0)
        return tf.ensure_shape(tf.minimum(times, 1), (count,))

    return pick


def _has_objects(feature: Any) -> bool:
    return hasattr(feature, "keys") and "label" in list(feature.keys())
