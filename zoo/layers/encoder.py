"""The encoder inside a network that learns representations, and what the network's features are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import keras

from zoo.errors import ZooError
from zoo.layers.head import FEATURES, features

ENCODER = "encoder"
FIRST, LAST = "block1_attention_norm", "blocks_norm"  # between these are the blocks of a transformer
Part = Literal["tokens", "blocks"]


def encoder_of(model: keras.Model) -> keras.Model:
    """Return the model inside `model` that maps an image to features `(batch, channels)`; the weights are shared.

    Its layers have the names that they have in the builder for classification of the same name and settings.

    Raises:
        ZooError: the model has no such part.
    """
    for layer in model.layers:
        if layer.name == ENCODER and isinstance(layer, keras.Model):
            return layer
    raise ZooError(f"model '{model.name}' has no encoder of its own")


def representation(model: keras.Model) -> keras.Model:
    """Return the model from an image to its representation, `(batch, channels)`; the weights are shared.

    That is the layer "features" where there is one, and the encoder's output otherwise.

    Raises:
        ZooError: the model has neither.
    """
    return features(model) if any(layer.name == FEATURES for layer in model.layers) else encoder_of(model)


@keras.saving.register_keras_serializable("zoo")
class PatchEncoder(keras.Model):
    """A vision transformer, from images to features, whose halves can also be called one by one.

    With `part="tokens"` it maps images to their patches with positions, `(batch, patches, width)`; with
    `part="blocks"` any number of such steps, `(batch, steps, width)`, to what the last block makes of them. All three
    share the layers, and so the weights. Made and saved as a functional model is.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None, part: Part | None = None) -> Any:
        """Run the whole model or one part of it."""
        if part is None:
            return super().call(inputs, training=training, mask=mask)
        return self._part(part).run(inputs)

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None, part: Part | None = None
    ) -> Any:
        """Return shape and type of the output."""
        if part is None:
            return super().compute_output_spec(inputs, training=training, mask=mask)
        return self._part(part).spec(inputs)

    @property
    def input_spec(self) -> None:
        """Nothing: each part has an input of its own."""
        return None

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        pass

    def _part(self, part: Part) -> _Half:
        """Return one part; they are made on the first use, which is while a network is put together."""
        if "_parts" not in self.__dict__:
            first, last = self.get_layer(FIRST).input, self.get_layer(LAST).output
            steps = keras.Input((None, first.shape[-1]), dtype=first.dtype)  # as many as are visible
            blocks = keras.Function(steps, keras.Function(first, last).call(steps))
            # past Keras, which would save the parts beside the layers that they are made of
            self.__dict__["_parts"] = {"tokens": _half(keras.Function(self.input, first)), "blocks": _half(blocks)}
        return self.__dict__["_parts"][part]


class _Half(NamedTuple):
    """What runs a part of a model, and what tells shape and type of its output."""

    run: Callable[[Any], Any]
    spec: Callable[[Any], Any]


def _half(function: keras.Function) -> _Half:
    return _Half(function.call, function.compute_output_spec)
