"""The networks whose latency is compared with torch's own export: the zoo's builder, and the same network in torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

STEPS = 50  # of tokens, where the length is open
CAPACITY, HELD = 256, 200  # steps that a cache has room for, and holds
_RECURRENT: dict[str, Any] = {"input_shape": (None,), "outputs": 5, "vocabulary": 100, "units": 128, "embedding": 64}
_IMAGE = (224, 224, 3)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One network in both frameworks.

    Attributes:
        title: what the table calls it.
        builder: name in the zoo's registry.
        settings: of the builder.
        network: the class in `torch_networks` or `latency_networks`, or a name in timm.
        arguments: of the class, or of `timm.create_model`.
        published: the network is timm's, whose weights the zoo reads.
        step: the network is a step of the builder's, with a cache.
        padded: every second row of tokens ends in padding.
    """

    title: str
    builder: str
    settings: Mapping[str, Any]
    network: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    published: bool = False
    step: bool = False
    padded: bool = False


CASES = {
    "mlp": Case(
        title="MLP 784-256-128-10",
        builder="mlp",
        settings={"input_shape": (28, 28, 1), "outputs": 10},
        network="MLP",
        arguments={"inputs": 784, "widths": [256, 128], "outputs": 10, "dropout": 0.0},
    ),
    "resnet20": Case(
        title="ResNet-20, 32×32",
        builder="resnet20",
        settings={"input_shape": (32, 32, 3), "outputs": 10},
        network="ResNet20",
        arguments={"channels": 3, "outputs": 10},
    ),
    "resnet18": Case(
        title="ResNet-18, 224×224",
        builder="resnet18",
        settings={"input_shape": _IMAGE, "outputs": 1000},
        network="resnet18",
        published=True,
    ),
    "lstm": Case(
        title="LSTM 128, 50 tokens, padded",
        padded=True,
        builder="lstm",
        settings=_RECURRENT,
        network="TokenRecurrent",
        arguments={"kind": "LSTM"},
    ),
    "gru": Case(
        title="GRU 128, 50 tokens, padded",
        padded=True,
        builder="gru",
        settings=_RECURRENT,
        network="TokenRecurrent",
        arguments={"kind": "GRU"},
    ),
    "transformer": Case(
        title="Transformer encoder, 4 blocks of 128, 128 tokens, padded",
        padded=True,
        builder="transformer",
        settings={"input_shape": (128,), "outputs": 4, "vocabulary": 8000},
        network="Transformer",
        arguments={"vocabulary": 8000, "steps": 128, "width": 128, "depth": 4, "heads": 4, "outputs": 4},
    ),
    "gpt_step": Case(
        title=f"GPT step, 4 blocks of 128, one token after {HELD}",
        builder="gpt",
        settings={"input_shape": (CAPACITY,), "outputs": 260, "vocabulary": 260, "maximum_length": CAPACITY},
        network="GPTStep",
        arguments={"vocabulary": 260, "longest": CAPACITY, "width": 128, "depth": 4, "heads": 4, "outputs": 260},
        step=True,
    ),
    "vit_tiny": Case(
        title="ViT-tiny, 224×224",
        builder="vit_tiny",
        settings={"input_shape": _IMAGE, "outputs": 1000},
        network="vit_tiny_patch16_224",
        published=True,
    ),
    "unet": Case(
        title="U-Net 16 to 256, 128×128",
        builder="unet",
        settings={"input_shape": (128, 128, 3), "outputs": 4, "widths": (16, 32, 64, 128, 256)},
        network="SegmentationUNet",
        arguments={"channels": 3, "widths": [16, 32, 64, 128, 256], "outputs": 4},
    ),
    "center_net": Case(
        title="detector (CenterNet 32 to 256), 128×128",
        builder="center_net",
        settings={"input_shape": (128, 128, 3), "outputs": 10, "widths": (32, 64, 128, 256)},
        network="CenterNet",
        arguments={"channels": 3, "widths": [32, 64, 128, 256], "depth": 2, "head_width": 64, "outputs": 14},
    ),
}


def random_inputs(case: Case, model: keras.Model, batch: int) -> list[np.ndarray]:
    """Return inputs of the zoo's model."""
    draw, found = np.random.default_rng(0), list[np.ndarray]()
    for given in model.inputs:
        open_size = CAPACITY if case.step else STEPS
        shape = [batch, *(size or open_size for size in given.shape[1:])]
        if "int" not in keras.backend.standardize_dtype(given.dtype):
            found.append(draw.normal(size=shape).astype(np.float32))
        elif case.step:
            found.append(np.full((batch,), HELD, np.int32) if len(shape) == 1 else np.ones((batch, 1), np.int32))
        else:
            tokens = draw.integers(1, case.settings["vocabulary"], shape).astype(np.int32)
            if case.padded:
                tokens[::2, shape[1] // 2 :] = 0
            found.append(tokens)
    return found


def torch_inputs(given: list[np.ndarray], *, step: bool) -> list[np.ndarray]:
    """Return the same inputs as torch's network takes them: channels first, 64-bit tokens, keys as rows."""
    found = []
    for i, values in enumerate(given):
        if values.dtype == np.int32:
            values = values.astype(np.int64)
        elif step:
            values = values.swapaxes(2, 3) if i % 2 == 0 else values  # tokens, length, keys, values, keys, …
        elif values.ndim == 4:
            values = values.transpose(0, 3, 1, 2)
        found.append(np.ascontiguousarray(values))
    return found


def channels_last(values: np.ndarray) -> np.ndarray:
    """Return torch's first output as the zoo's model gives it."""
    return values.transpose(0, 2, 3, 1) if values.ndim == 4 else values


def make_distinct(model: keras.Model) -> None:
    """Move all weights from where they start, so that none is 0 or 1 and an error in any of them shows."""
    draw = np.random.default_rng(0)
    for variable in model.weights:
        values = keras.ops.convert_to_numpy(variable)
        if values.dtype == np.float32:
            moved = values + 0.05 * draw.normal(size=values.shape).astype(np.float32)
            variable.assign(abs(moved) if variable.path.endswith("moving_variance") else moved)
