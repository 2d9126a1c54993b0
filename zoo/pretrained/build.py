"""`zoo.build`: a network, with published weights where these are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.errors import ZooError

if TYPE_CHECKING:
    import keras

# timm's `config.json` names the architecture; `tf_` before it stands for networks that TensorFlow trained.
_TENSORFLOW: dict[str, Any] = {"padding": "same", "epsilon": 1e-3}
_PYTORCH: dict[str, Any] = {"padding": "symmetric", "epsilon": 1e-5}


def build(
    name: str,
    *,
    input_shape: Sequence[int | None] | None = None,
    outputs: int | None = None,
    vocabulary: int | None = None,
    every_step: bool = False,
    weights: str | None = None,
    **config: Any,
) -> keras.Model:
    """Build a model.

    Args:
        name: registry key, for example `"resnet18"`.
        input_shape: shape of one example, without the batch axis, None for an axis that varies; the builder's default
            where it is left out.
        outputs: number of classes or values, for models that have a head; the builder's default where it is left out.
        vocabulary: number of token ids, where the input is tokens; the builder's default where `input_shape` and
            `vocabulary` are both left out.
        every_step: give one output for each step of a sequence.
        weights: published weights to start from: `file:PATH`, `package:NAME`, `hf:ORG/NAME[@REVISION]` or
            `keras:NAME`. The head keeps its first values where its number of outputs is another, and a network around
            an encoder all but that, where the weights are the encoder's.
        **config: the builder's own settings; `defaults(name)` lists them. With weights, those of the network that they
            are of are the default.

    Returns:
        A built model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step` and for dense tasks, to
        one output for each step or pixel; without a final activation.

    Raises:
        ZooError: unknown name, an argument that is unknown, of the wrong type or out of range, or weights that are not
            there, damaged, or of another architecture.
    """
    given: dict[str, Any] = {
        "input_shape": input_shape,
        "outputs": outputs,
        "vocabulary": vocabulary,
        "every_step": every_step,
    }
    if weights is None:
        return registry.build(name, **given, **config)
    settings = settings_for(name, weights, config)
    model = registry.build(name, **given, **settings)
    from zoo.pretrained.encoder import load_network_weights

    load_network_weights(model, name, settings, weights)
    return model


def settings_for(name: str, source: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a builder for weights: those that are given, and the weights' own for all others.

    Raises:
        ZooError: there is no such source.
    """
    from zoo.pretrained.config_settings import settings_of_config
    from zoo.pretrained.known import known_weights
    from zoo.pretrained.source import find_weights

    registry.entry(name)
    known = known_weights(name, source)
    if known is not None:
        return {**known.settings, **config}
    found = find_weights(source)
    of_config = settings_of_config(name, found.config, source) | _settings_of_timm(name, found.config)
    return {**_settings_of_names(name, found.path), **of_config, **config}


def _settings_of_names(name: str, path: Path | None) -> dict[str, Any]:
    """Return the settings that all networks with the names in a file have."""
    from zoo.pretrained.fill import choose_naming
    from zoo.pretrained.known import namings_of
    from zoo.pretrained.tensor_files import read_tensors

    namings = [naming for naming in namings_of(name) if naming.settings]
    if path is None or not namings:
        return {}
    try:
        naming = choose_naming(read_tensors(path), namings)
    except ZooError:  # loading will say what is wrong with the file
        return {}
    own = registry.defaults(name)
    return {} if naming is None else {key: value for key, value in naming.settings.items() if key in own}


def _settings_of_timm(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that follow from the architecture that timm's `config.json` names."""
    if "architecture" not in facts or "padding" not in registry.defaults(name):
        return {}
    return _TENSORFLOW if str(facts["architecture"]).startswith("tf_") else _PYTORCH
