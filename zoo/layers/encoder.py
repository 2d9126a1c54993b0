"""The encoder inside a network that learns representations, and the features of such a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import keras

from zoo.errors import ZooError
from zoo.layers.head import FEATURES, features

ENCODER = "encoder"
FIRST_LAYER = "block1_attention_norm"  # of the blocks of a transformer
LAST_LAYER = "blocks_norm"
Part = Literal["tokens", "blocks"]


def encoder_of(model: keras.Model) -> keras.Model:
    """Return the submodel from an image to features `(batch, channels)`; the weights are shared.

    Its layers have the names that the classification builder of the encoder gives them.

    Raises:
        ZooError: the model has no encoder.
    """
    for layer in model.layers:
        inner = layer if layer.name == ENCODER else getattr(layer, ENCODER, None)  # of a layer that holds a teacher
        if isinstance(inner, keras.Model):
            return inner
    raise ZooError(f"model '{model.name}' has no encoder of its own")


def representation(model: keras.Model) -> keras.Model:
    """Return the model from an image to its representation, `(batch, channels)`; the weights are shared.

    The representation is the layer "features" if there is one, and the encoder's output otherwise.

    Raises:
        ZooError: the model has neither.
    """
    return features(model) if any(layer.name == FEATURES for layer in model.layers) else encoder_of(model)


@keras.saving.register_keras_serializable("zoo")
class PatchEncoder(keras.Model):
    """A vision transformer, from images to features, whose halves can also be called separately.

    With `part="tokens"` it maps images to their patches with positions, `(batch, patches, width)`. With
    `part="blocks"` it maps any number of such steps, `(batch, steps, width)`, to the output of the last block. All
    three share the layers and their weights. It is built and saved like a functional model.
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
        """None: each part has its own input."""
        return None

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        pass

    def _part(self, part: Part) -> _Half:
        """Return one part; both are built on the first use."""
        if "_parts" not in self.__dict__:
            first, last = self.get_layer(FIRST_LAYER).input, self.get_layer(LAST_LAYER).output
            steps = keras.Input((None, first.shape[-1]), dtype=first.dtype)  # any number of visible patches
            blocks = keras.Function(steps, keras.Function(first, last).call(steps))
            # not as an attribute: Keras would save the parts in addition to their layers
            self.__dict__["_parts"] = {"tokens": _half(keras.Function(self.input, first)), "blocks": _half(blocks)}
        return self.__dict__["_parts"][part]


class _Half(NamedTuple):
    """The functions that run a part of a model, and that return shape and type of its output."""

    run: Callable[[Any], Any]
    spec: Callable[[Any], Any]


def _half(function: keras.Function) -> _Half:
    return _Half(function.call, function.compute_output_spec)
