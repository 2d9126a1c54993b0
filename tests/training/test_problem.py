"""What is computed from the data before training."""

from types import SimpleNamespace

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.training.problem import class_weights


def problem(weights):
    """Return what `class_weights` reads: splits whose classes are not equally frequent."""

    def split(*counts):
        return SimpleNamespace(targets=np.repeat(np.arange(len(counts)), counts))

    dataset = SimpleNamespace(
        name="made",
        signature=SimpleNamespace(labels=("a", "b")),
        train=split(8, 2),
        validation=split(1, 5),
        test=split(1, 9),
    )
    return SimpleNamespace(dataset=dataset, recipe=SimpleNamespace(loss=SimpleNamespace(class_weights=weights)))


def test_balanced_weights_count_the_training_split():
    np.testing.assert_allclose(class_weights(problem("balanced")), [10 / (2 * 8), 10 / (2 * 2)])


def test_no_weights():
    assert class_weights(problem(None)) is None


def test_the_number_of_weights_is_that_of_the_classes():
    with pytest.raises(ZooError, match=r"expected 2 numbers, one for each class of made, received 3"):
        class_weights(problem([1.0, 2.0, 3.0]))
