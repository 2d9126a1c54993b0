"""Published weights into the encoder that a network is built around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras

from zoo import registry
from zoo.layers.encoder import ENCODER
from zoo.layers.head import LOGITS
from zoo.pretrained.forms import leaves
from zoo.pretrained.load import load_weights
from zoo.pretrained.source import find_weights
from zoo.pretrained.tensor_files import read_tensors

if TYPE_CHECKING:
    from zoo.pretrained.load import LoadedWeights

_NEW_HEAD = "the head is new"


def find_encoder(network: keras.Model) -> keras.Model | None:
    """Return the encoder that a network is built around; None for one that is not."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found = layer if layer.name == ENCODER else find_encoder(layer)
            if found is not None:
                return found
    return None


def load_network_weights(network: keras.Model, builder: str, config: Mapping[str, Any], source: str) -> LoadedWeights:
    """Put published weights into a network or, where they are those of its encoder's builder, into its encoder.

    Args:
        network: what the builder built.
        builder: its name.
        config: its settings.
        source: as `zoo.pretrained.load.load_weights` takes it.

    Raises:
        ZooError: there is no such source, the file is damaged, or it is of another architecture.
    """
    encoder = find_encoder(network)
    settings = {} if encoder is None else {**registry.defaults(builder), **config}
    if encoder is None or not settings.get("encoder") or _is_of_whole(network, encoder, source):
        return load_weights(network, source)
    model = registry.build_encoder(settings["encoder"], encoder.input_shape[1:], settings.get("encoder_config"))
    loaded = load_weights(model, source)
    taken = [path for path, layer in leaves(encoder)]
    for name in dict.fromkeys(path.partition("/")[0] for path in taken):
        encoder.get_layer(name).set_weights(model.get_layer(name).get_weights())
    notes = [note for note in loaded.notes if not note.startswith(_NEW_HEAD)]
    kept = [path for path, _ in leaves(network) if path not in taken]
    return replace(
        loaded, kept=tuple(kept), notes=(*notes, f"only the encoder is taken, {model.name} without its head")
    )


def _is_of_whole(network: keras.Model, encoder: keras.Model, source: str) -> bool:
    """Return whether a file has weights of layers behind the encoder, by the names that this package gives them."""
    path = find_weights(source).path
    if path is None:
        return False
    inside = {path for path, _ in leaves(encoder)}
    others = [f"/{name}/" for name, _ in leaves(network) if name not in inside and name != LOGITS]
    return any(other in f"/{name}" for name in read_tensors(path) for other in others)
