"""How near images are to others: squared error, signal-to-noise ratio and structural similarity.

Images have shape `(n, height, width, channels)`; uint8 pixels are divided by 255, floats as they are, in [0, 1].
"""

from __future__ import annotations

import numpy as np

WINDOW_SIDE = 11  # pixels of the window of SSIM, as in the paper
WINDOW_DEVIATION = 1.5  # pixels, standard deviation of its weights, as in the paper
K1 = 0.01  # keeps the comparison of luminance stable in dark windows
K2 = 0.03  # keeps the comparison of structure stable in flat windows
_PIXELS = 1 << 21  # pixels that are held at a time, several times over


def mean_squared_error(true: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return the mean squared error of each image over its pixels and channels, float64 of shape `(n,)`, black to 1.

    Raises:
        ValueError: shapes that do not fit, or true images that are not in [0, 1].
    """
    true, made = _pair(true, made)
    starts = parts(true)
    return np.concatenate([((_unit(true[i:j]) - _unit(made[i:j])) ** 2).mean((1, 2, 3)) for i, j in starts])


def psnr(error: float | np.ndarray) -> float | np.ndarray:
    """Return the peak signal-to-noise ratio in decibels of mean squared errors of any shape; infinite for 0."""
    with np.errstate(divide="ignore"):
        return -10 * np.log10(error)


def ssim(true: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return the structural similarity of each image, float64 of shape `(n,)`: 1 if both are the same, else less.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004,
    https://doi.org/10.1109/TIP.2003.819861: luminance, contrast and structure are compared in every window that fits
    into the image, Gaussian with a standard deviation of 1.5 and 11 pixels wide (in a smaller image, the greatest odd
    number of pixels that fits), with K1 = 0.01 and K2 = 0.03 and pixels from 0 to 1. The mean is over windows and
    channels.

    Raises:
        ValueError: shapes that do not fit, or true images that are not in [0, 1].
    """
    true, made = _pair(true, made)
    return np.concatenate([_ssim(_unit(true[i:j]), _unit(made[i:j])) for i, j in parts(true)])


def errors(true: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return what the metrics of a reconstruction need: squared error and SSIM of each image, float32 `(n, 2)`.

    Reconstructions are clipped to [0, 1] first, as they are when they are shown; values that are not finite stay so.

    Raises:
        ValueError: shapes that do not fit, or true images that are not in [0, 1].
    """
    if np.asarray(made).dtype != np.uint8:
        made = np.clip(made, 0, 1)
    return np.stack([mean_squared_error(true, made), ssim(true, made)], axis=1).astype(np.float32)


def _ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the similarity of images in float64; a window that slides along an axis is a product with a matrix."""
    x, y = np.moveaxis(x, -1, 1), np.moveaxis(y, -1, 1)
    side = min(WINDOW_SIDE, *x.shape[2:])
    side -= side % 2 == 0
    down, along = _window(x.shape[2], side), _window(x.shape[3], side).T

    def mean(values: np.ndarray) -> np.ndarray:
        return down @ values @ along

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + K1**2) / (mean_x**2 + mean_y**2 + K1**2)
    structure = (2 * covariance + K2**2) / (variance_x + variance_y + K2**2)
    return (luminance * structure).mean((1, 2, 3))


def _window(length: int, side: int) -> np.ndarray:
    """Return the matrix that takes `length` pixels to their weighted means, shape `(length - side + 1, length)`."""
    weights = np.exp(-((np.arange(side) - side // 2) ** 2) / (2 * WINDOW_DEVIATION**2))
    matrix = np.zeros((length - side + 1, length))
    for row in range(len(matrix)):
        matrix[row, row : row + side] = weights / weights.sum()
    return matrix


def _pair(true: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true, made = np.asarray(true), np.asarray(made)
    if true.ndim != 4 or true.shape != made.shape or not true.size:
        raise ValueError(
            f"expected two arrays of images of one shape (n, height, width, channels); "
            f"received {true.shape} and {made.shape}"
        )
    if true.dtype != np.uint8 and not (true.min() >= -1e-6 and true.max() <= 1 + 1e-6):
        raise ValueError(f"true images must lie in [0, 1]; received {true.min():.3g} to {true.max():.3g}")
    return true, made


def _unit(images: np.ndarray) -> np.ndarray:
    return images / 255 if images.dtype == np.uint8 else images.astype(np.float64)


def parts(images: np.ndarray) -> list[tuple[int, int]]:
    """Return where the parts begin and end in which images of shape `(n, …)` are taken."""
    part = max(1, _PIXELS // max(1, images[0].size)) if len(images) else 1
    return [(i, i + part) for i in range(0, len(images), part)]


def as_rows(x: np.ndarray) -> np.ndarray:
    """Return examples of any shape `(n, …)` as float32 rows `(n, values)`, uint8 divided by 255."""
    x = np.asarray(x)
    rows = x.reshape(len(x), -1).astype(np.float32)
    return rows / np.float32(255) if x.dtype == np.uint8 else rows
