"""Positions of patches and ids of tokens, brought to another number."""

import numpy as np
import pytest

from zoo.pretrained.adapt import with_channels, with_positions

# `timm.layers.resample_abs_pos_embed` of a class token and 4x4 patches, timm 1.0.31
RESAMPLED = {
    (6, 5): [
        [0.12573, -0.132105],
        [0.772953, 0.0965044],
        [-0.232225, 0.271321],
        [0.592184, 0.895929],
        [0.992892, 0.434943],
        [-0.808813, -1.43108],
        [0.0494135, 0.0169924],
        [-1.2006, -0.00589229],
        [-0.762777, 0.101328],
        [-0.0377228, -0.162667],
        [-0.74776, -0.883411],
        [-0.48915, 0.190812],
        [-1.7707, 0.0619336],
        [-1.9008, -0.414435],
        [-0.987123, -0.605],
        [-0.306447, -0.196588],
        [0.371034, 1.02627],
        [-0.163675, 1.25038],
        [-0.711575, 0.759955],
        [-0.338185, 0.105382],
        [0.859066, 0.020909],
        [-0.137536, 0.0272746],
        [-0.118316, 0.683099],
        [-0.573115, 0.520339],
        [-0.511114, 0.132409],
        [0.479655, 0.364931],
        [-0.834211, -1.10269],
        [-0.535442, -0.162961],
        [-0.78477, -0.0269258],
        [-0.846266, -0.0448091],
        [-0.194388, 0.605564],
    ],
    (3, 2): [
        [0.12573, -0.132105],
        [-0.278279, 0.168643],
        [-0.191116, -0.253909],
        [-0.768656, 0.52754],
        [-0.520879, -0.0997434],
        [-0.411656, 0.0807796],
        [-0.3386, 0.289539],
    ],
}


@pytest.mark.parametrize("grid", RESAMPLED)
def test_positions_are_resized_as_timm_does(grid):
    positions = np.random.default_rng(0).normal(size=(17, 2)).astype("float32")
    found = with_positions(positions, 1 + grid[0] * grid[1], 1, grid=grid)
    np.testing.assert_allclose(found, RESAMPLED[grid], atol=1e-5)


def test_positions_of_the_same_grid_stay():
    positions = np.random.default_rng(0).normal(size=(17, 2)).astype("float32")
    np.testing.assert_array_equal(with_positions(positions, 17, 1, grid=(4, 4)), positions)
    np.testing.assert_array_equal(with_positions(positions[:16], 16, 1, grid=(3, 5)), positions[:16])
    assert not np.array_equal(with_positions(positions, 17, 1, grid=(2, 8)), positions)  # they are of a square


def test_one_channel_has_the_sum_of_the_others():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 4))
    np.testing.assert_allclose(with_channels(kernel, 1)[:, :, 0], kernel.sum(axis=2))
    np.testing.assert_allclose(with_channels(kernel, 6).sum(axis=2), kernel.sum(axis=2))
