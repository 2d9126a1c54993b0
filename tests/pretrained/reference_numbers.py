"""Weights and inputs that follow from names and shapes alone: reference and test make the same ones."""

import zlib
from pathlib import Path

import numpy as np

REFERENCES = Path(__file__).parent / "references"


def numbers(name, shape):
    """Return the weights of a tensor: matrices that keep the size of what goes through, and no idle number."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith(("running_var", "gamma", "layer_scale")):
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    if len(shape) < 2:
        shift = rng.normal(0, 0.1, shape).astype("float32")
        return shift if name.endswith(("bias", "running_mean")) or not shape else 1 + shift
    if "embed" in name or "token" in name or ".wte" in name or ".wpe" in name:
        return rng.normal(0, 0.5, shape).astype("float32")
    return rng.normal(0, (1.5 / np.prod(shape[1:])) ** 0.5, shape).astype("float32")


def images(height, width, channels=3):
    """Return two images `(2, height, width, channels)`."""
    return np.random.default_rng(height * 1000 + width).normal(size=(2, height, width, channels)).astype("float32")


def tokens(length, vocabulary):
    """Return three texts `(3, length)`, of which the last two end earlier and are padded with 0."""
    ids = np.random.default_rng(length).integers(4, vocabulary, (3, length)).astype("int32")
    ids[1, length // 2 :] = 0
    ids[2, 2:] = 0
    return ids
