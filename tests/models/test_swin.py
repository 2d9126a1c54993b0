"""Swin Transformer. Its outputs are compared with timm's and torchvision's in `tests/pretrained/test_references.py`."""

import keras
import numpy as np
import pytest

from zoo import ZooError, registry

SMALL = {"width": 8, "depths": (2, 2), "heads": (2, 2), "patch": 2, "window": 3}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_shape": (14, 13, 3)}, r"patches must tile the image. Received: patch=2, input_shape=\(14, 13, 3\)"),
        ({"input_shape": (14, 14)}, "needs images"),
        ({"heads": (2,)}, r"needs heads for each stage. Received: depths=\(2, 2\), heads=\(2,\)"),
        ({"heads": (2, 3)}, "width must be a multiple of heads. Received: width=16, heads=3"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, message):
    with pytest.raises(ZooError, match=message):
        registry.build("swin_tiny", **{"input_shape": (14, 14, 3), **SMALL, **settings})


@pytest.mark.parametrize(("depth", "reached"), [(1, 3), (2, 4)])
def test_a_shifted_window_reaches_into_the_next_one_and_not_around_the_edge(depth, reached):
    """Windows of 3 patches; shifted by 1 they are patches 1 to 3, and 4 to 5, which patch 0 stays out of."""
    rng = np.random.default_rng(0)
    settings = {**SMALL, "depths": (depth,), "heads": (2,)}
    model = registry.build("swin_tiny", input_shape=(12, 12, 3), outputs=2, **settings)
    maps = keras.Model(model.input, model.get_layer("blocks_norm").output)
    for weight in maps.weights:
        if weight.path.endswith("kernel"):
            weight.assign(rng.normal(0, 0.5, weight.shape))
    x = rng.normal(size=(1, 12, 12, 3)).astype("float32")
    other = x.copy()
    other[:, :6, :6] += rng.normal(size=(6, 6, 3))  # the first window
    changed = np.abs(np.array(maps(x)) - np.array(maps(other))).max(axis=(0, 3)) > 0
    expected = np.zeros((6, 6), bool)
    expected[:reached, :reached] = True
    np.testing.assert_array_equal(changed, expected)
