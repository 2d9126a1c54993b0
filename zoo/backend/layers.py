"""The layers inside a layer, which Keras lists in a private method alone."""

from __future__ import annotations

from collections.abc import Iterator

import keras


def flatten_layers(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Yield a layer or model and all layers inside it, at any depth."""
    yield from layer._flatten_layers()
