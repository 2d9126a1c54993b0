"""Tensors of another shape than the network's: channels of the first convolution, positions, and ids of tokens."""

from __future__ import annotations

import math

import keras
import numpy as np

from zoo.errors import ZooError


def with_channels(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Return the kernel of a first convolution for another number of channels, as timm does.

    One channel has the sum over the channels; more have the given ones in turn, scaled so that the sum keeps its size.

    Args:
        kernel: `(height, width, channels, filters)`.
        channels: of the images.
    """
    given = kernel.shape[2]
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)
    tiled = np.tile(kernel, (1, 1, math.ceil(channels / given), 1))[:, :, :channels]
    return tiled * (given / channels)


def with_positions(positions: np.ndarray, count: int, prefix: int, *, grid: tuple[int, int] | None) -> np.ndarray:
    """Return learned positions for another number of steps.

    Those of the patches of an image are resized by bicubic interpolation, those of a text are cut.

    Args:
        positions: `(steps, width)`.
        count: steps of the network.
        prefix: steps before the patches, which stay.
        grid: rows and columns of the network's patches; None for a text.

    Raises:
        ZooError: a text's positions are too few, or the file's patches are no square.
    """
    if grid is None:
        if count > len(positions):
            raise ZooError(
                f"the weights have {len(positions)} positions; set maximum_length to at most that, not {count}"
            )
        return positions[:count]
    side = math.isqrt(len(positions) - prefix)
    if count == len(positions) and (side**2 != count - prefix or grid == (side, side)):
        return positions  # else they are of a square image, and this one is not
    if side**2 != len(positions) - prefix:
        raise ZooError(f"{len(positions) - prefix} positions of patches are no square")
    patches = positions[prefix:].reshape(side, side, -1)
    resized = keras.ops.image.resize(patches, grid, interpolation="bicubic", antialias=True)
    flat = keras.ops.convert_to_numpy(resized).reshape(grid[0] * grid[1], -1)
    return np.concatenate([positions[:prefix], flat]).astype(np.float32)


def with_special_ids(
    embeddings: np.ndarray, special: tuple[int | None, ...], count: int, *, are_logits: bool = False
) -> np.ndarray:
    """Return embeddings for ids that begin with padding, unknown, start and end, and go on with the file's own.

    Args:
        embeddings: `(ids, width)`.
        special: for each of the first ids, the one of the file that it stands for; None for zeros.
        count: ids in all; the file's last ones, which no token has, are left out.
        are_logits: logits are computed with them, and None is for the mean: its logit is then the mean of all logits,
            and its probability at most one in the number of ids.
    """
    other = embeddings.mean(axis=0) if are_logits else np.zeros_like(embeddings[0])
    rows = [embeddings[i] if i is not None and i < len(embeddings) else other for i in special]
    return np.concatenate([np.stack(rows), embeddings])[:count]
