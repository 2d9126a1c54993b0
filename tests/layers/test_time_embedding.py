"""Embeddings of time and class against their formulas."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from keras import ops

from zoo.errors import ZooError
from zoo.layers.time_embedding import LabelEmbedding, TimeWaves, class_count


def test_time_waves_are_those_of_the_thousand_steps():
    time = np.array([0, 0.25, 1])
    expected = []
    for step in 1000 * time:
        angles = [step / 10_000 ** (2 * k / 6) for k in range(3)]
        expected.append([np.sin(a) for a in angles] + [np.cos(a) for a in angles])
    np.testing.assert_allclose(ops.convert_to_numpy(TimeWaves(6)(time.astype("float32"))), expected, atol=1e-4)


def test_time_waves_resolve_times_under_mixed_precision():
    time = np.array([0.999, 0.9991], "float32")
    waves = TimeWaves(8, dtype="mixed_float16")(time)
    assert waves.dtype == "float16"
    np.testing.assert_allclose(ops.convert_to_numpy(waves), ops.convert_to_numpy(TimeWaves(8)(time)), atol=1e-3)


def test_waves_come_in_pairs():
    with pytest.raises(ValueError, match=r"even number of waves\. Received: size=5"):
        TimeWaves(5)


def test_every_label_has_its_own_vector_and_so_has_no_class():
    layer = LabelEmbedding(3, 4)
    found = ops.convert_to_numpy(layer(np.array([3, 0, 3], "int32")))
    np.testing.assert_array_equal(found, ops.convert_to_numpy(layer.embeddings)[[3, 0, 3]])
    assert layer.embeddings.shape == (4, 4)
    assert all((a != b).any() for a, b in pairwise(ops.convert_to_numpy(layer.embeddings)))


def test_a_denoiser_with_a_label_of_another_kind_is_refused():
    image, label = keras.Input((2, 2, 1), name="image"), keras.Input((), dtype="int32", name="label")
    with pytest.raises(ZooError, match="which one stands for no class"):
        class_count(keras.Model([image, label], image))
