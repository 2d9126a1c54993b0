"""The loss of reconstructed pixels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class PixelBinaryCrossentropy(keras.losses.BinaryCrossentropy):
    """Binary cross-entropy of pixels in [0, 1], mean over pixels and channels, in float32 throughout.

    As a likelihood it takes a pixel for the chance of a white one (Kingma and Welling, 2013, appendix C.1).
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Map images `(batch, height, width, channels)` twice to `(batch, height, width)`."""
        return super().call(ops.cast(y_true, "float32"), ops.cast(y_pred, "float32"))
