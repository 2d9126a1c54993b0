"""GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415) and SiLU (Elfwing et al. 2017, arXiv:1702.03118).

Second derivatives are TensorFlow's, of the formulas of the first.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from zoo.backend.cpu_kernels.common import elementwise_program, is_supported


def gelu(x: Any, approximate: bool = True) -> Any:
    """Return x times the normal distribution function of x, as Keras's backend does with `approximate=False`."""
    return None if approximate or not is_supported(x) else _gelu(x)


def silu(x: Any) -> Any:
    """Return x times the logistic function of x, as Keras's backend does."""
    return _silu(x) if is_supported(x) else None


@elementwise_program
def _gelu_forward(x: Any) -> Any:
    return 0.5 * x * (1.0 + tf.math.erf(x * math.sqrt(0.5)))


@elementwise_program
def _gelu_backward(x: Any, dy: Any) -> Any:
    density = tf.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return dy * (0.5 * (1.0 + tf.math.erf(x * math.sqrt(0.5))) + x * density)


@tf.custom_gradient
def _gelu(x: Any) -> Any:
    return _gelu_forward(x), lambda dy: _gelu_backward(x, dy)


@elementwise_program
def _silu_forward(x: Any) -> Any:
    return x * tf.sigmoid(x)


@elementwise_program
def _silu_backward(x: Any, dy: Any) -> Any:
    gate = tf.sigmoid(x)
    return dy * gate * (1.0 + x * (1.0 - gate))


@tf.custom_gradient
def _silu(x: Any) -> Any:
    return _silu_forward(x), lambda dy: _silu_backward(x, dy)
