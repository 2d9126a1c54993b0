"""Starting from published weights or another run's encoder: its weights by name, frozen where that is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from zoo import registry
from zoo.errors import ZooError, prefixed
from zoo.layers.head import LOGITS
from zoo.pretrained.encoder import find_encoder, load_network_weights
from zoo.pretrained.source import is_source
from zoo.training.run import open_run
from zoo.training.run_files import check_unchanged


def load_pretrained(
    network: keras.Model, folder: str, *, freeze: bool, config: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Copy published weights, or those of a run's encoder, into a network of the same architecture.

    The head of a run's network is left as it is; that of published weights is taken where it has as many outputs. Of a
    network that is built around an encoder, that alone gets them where they are of a network without the other layers.

    Frozen layers keep their weights, and their norms the statistics that they came with.

    Args:
        network: what the registry built.
        folder: the source of published weights (`zoo.pretrained.load`), or the run folder. Any trained run will do
            whose model has layers of these names and sizes: an encoder that was trained by comparing or by masking, an
            autoencoder, or a supervised network.
        freeze: whether all but the head, or what is not loaded, is to stay as it is.
        config: settings of the network's builder.

    Returns:
        `run`, `recipe` and the file's `sha256`; of published weights `source`, `names`, `notes` and `sha256`; and
        `new_head`, whether the head has its first values still.

    Raises:
        ZooError: there is no such run, it is not trained, or its network is another. Nothing is copied then.
    """
    if is_source(folder):
        return _load_published(network, folder, freeze=freeze, config=config or {})
    run = open_run(folder)
    if not run.model_path.is_file():
        raise ZooError(f"model.pretrained: {folder} has no model.keras: the run did not finish its training")
    check_unchanged(run.model_path, "model_sha256")
    source = run.recipe()
    registry.builder(source.recipe.model.name)  # its module registers the layers of its family
    known = {layer.name: layer for layer in _weighted(_load(run.model_path))}
    plan = []
    encoder = find_encoder(network)
    needed = [layer.name for layer in _weighted(network) if layer.name != LOGITS]
    for layer in _weighted(network if encoder is None or all(name in known for name in needed) else encoder):
        if layer.name == LOGITS:
            continue
        theirs = known.get(layer.name)
        shapes = [tuple(w.shape) for w in layer.weights]
        found = None if theirs is None else [tuple(w.shape) for w in theirs.weights]
        if theirs is None or found != shapes:
            what = "it has no such layer" if found is None else f"its own are {_listed(found)}"
            raise ZooError(
                f"model.pretrained: the encoder of {folder} ({source.recipe.model.name}) is not the network of "
                f"model '{network.name}': layer '{layer.name}' has weights of the shapes {_listed(shapes)}, and {what}"
            )
        plan.append((layer, theirs))
    for layer, theirs in plan:
        layer.set_weights(theirs.get_weights())
        if freeze:
            layer.trainable = False
    content = hashlib.sha256(Path(run.model_path).read_bytes()).hexdigest()
    return {"run": str(folder), "recipe": source.name, "sha256": content, "new_head": True}


def _load_published(network: keras.Model, source: str, *, freeze: bool, config: Mapping[str, Any]) -> dict[str, Any]:
    with prefixed("model.pretrained"):
        loaded = load_network_weights(network, network.name, config, source)
    if freeze:
        for layer in _weighted(network):
            layer.trainable = layer.name == LOGITS or layer.name in loaded.kept
    facts = {"source": source, "names": loaded.names, "notes": list(loaded.notes), "sha256": loaded.sha256}
    return {**facts, "new_head": LOGITS in loaded.kept}


def _load(path: Path) -> keras.Model:
    try:
        return keras.saving.load_model(path, safe_mode=True, compile=False)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise ZooError(f"model.pretrained: {path} is not readable as a Keras model ({error})") from error


def _weighted(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers that have weights, of a model and of the models in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _weighted(layer)
        elif layer.weights:
            yield layer


def _listed(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "none"
