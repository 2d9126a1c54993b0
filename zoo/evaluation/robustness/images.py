"""Corruptions of images, after Hendrycks and Dietterich, "Benchmarking neural network robustness to common
corruptions and perturbations", 2019, https://arxiv.org/abs/1903.12261; lengths are fractions of the shorter side.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from zoo.evaluation.robustness.corruption import Corruption, Generators, Training

MIN_BLURRED_SIDE = 32  # pixels, as which a shorter side counts: less than a third of a pixel blurs nothing
_One = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]  # of one image, float64 in 0..255


def _each(change: _One, raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Change each image, uint8 `(height, width, channels)`, of an array or a list."""
    images = [
        np.round(np.clip(change(image.astype(np.float64), strength, generator), 0, 255)).astype(np.uint8)
        for image, generator in zip(raw, generators, strict=True)
    ]
    return images if isinstance(raw, list) else np.stack(images)


def noise(image: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise of this standard deviation, white being 1."""
    return image + 255 * strength * generator.normal(size=image.shape)


def blur(image: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Blur by a Gaussian of this standard deviation."""
    from scipy.ndimage import gaussian_filter

    sigma = strength * max(min(image.shape[:2]), MIN_BLURRED_SIDE)
    return gaussian_filter(image, (sigma, sigma, 0), mode="nearest")


def contrast(image: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Keep this fraction of the distance from the mean of each channel."""
    mean = image.mean(axis=(0, 1), keepdims=True)
    return mean + strength * (image - mean)


def brightness(image: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Add this fraction of white, or take it away, by chance."""
    return image + 255 * strength * _sign(generator)


def shift(image: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Move the image by this distance in a random direction; pixels of the edge fill the gap."""
    from scipy.ndimage import shift as move

    angle = generator.uniform(0, 2 * np.pi)
    distance = strength * min(image.shape[:2])
    return move(image, (distance * np.sin(angle), distance * np.cos(angle), 0), order=1, mode="nearest")


def rotation(image: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Turn the image by this angle, to the left or to the right by chance."""
    from scipy.ndimage import rotate

    return rotate(image, strength * _sign(generator), reshape=False, order=1, mode="nearest")


def jpeg(image: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Compress as JPEG of this quality; channels that are not one or three by themselves."""
    from PIL import Image

    def compressed(pixels: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(buffer, format="JPEG", quality=int(strength))
        return np.asarray(Image.open(buffer, formats=("JPEG",)))

    if image.shape[-1] == 3:
        return compressed(image)
    return np.stack([compressed(channel) for channel in np.moveaxis(image, -1, 0)], axis=-1)


def _sign(generator: np.random.Generator) -> float:
    return 1.0 if generator.random() < 0.5 else -1.0


def _corruption(name: str, unit: str, strengths: tuple[float, ...], change: _One) -> Corruption:
    return Corruption(name=name, unit=unit, strengths=strengths, apply=partial(_each, change))


CORRUPTIONS = (
    _corruption("noise", "standard deviation, white is 1", (0.04, 0.08, 0.12, 0.18, 0.26), noise),
    _corruption("blur", "standard deviation in sides", (0.01, 0.02, 0.03, 0.045, 0.06), blur),
    _corruption("contrast", "fraction kept", (0.7, 0.5, 0.4, 0.3, 0.2), contrast),
    _corruption("brightness", "change, white is 1", (0.05, 0.1, 0.2, 0.3, 0.4), brightness),
    _corruption("shift", "distance in sides", (0.03, 0.06, 0.1, 0.15, 0.2), shift),
    _corruption("rotation", "degrees", (5, 10, 15, 25, 40), rotation),
    _corruption("JPEG", "quality", (60, 40, 25, 15, 7), jpeg),
)
