"""Grad-CAM: Selvaraju et al., "Grad-CAM: visual explanations from deep networks", 2017,
https://arxiv.org/abs/1610.02391.
"""

from __future__ import annotations

import numpy as np


def grad_cam(feature_map: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return where in an image a convolutional feature map speaks for a class.

    Args:
        feature_map: of one image, `(height, width, channels)`.
        gradient: of the class's logit with respect to it, of the same shape.

    Returns:
        The channels weighted by the means of their gradients, summed, and 0 where negative: `(height, width)`.
    """
    return np.maximum((feature_map * gradient.mean(axis=(0, 1))).sum(axis=-1), 0)
