"""Activations by name, and the weight initializer that goes with each.

All are Keras's: "gelu" uses the error function, "swish" equals "silu", "leaky_relu" has slope 0.2 below zero.
"""

from __future__ import annotations

from typing import Literal

Activation = Literal[
    "relu",
    "leaky_relu",
    "relu6",
    "elu",
    "selu",
    "gelu",
    "silu",
    "swish",
    "mish",
    "hard_swish",
    "softplus",
    "tanh",
    "sigmoid",
]


def kernel_initializer(activation: Activation) -> str:
    """Return the initializer that keeps the variance of the signal from layer to layer.

    Glorot and Bengio (2010) for saturating activations; Klambauer et al., 2017, arXiv:1706.02515, for SELU; He et al.,
    2015, arXiv:1502.01852, for ReLU and those like it.
    """
    if activation in ("tanh", "sigmoid"):
        return "glorot_uniform"
    return "lecun_normal" if activation == "selu" else "he_normal"
