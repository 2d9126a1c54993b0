"""What published weights expect of their input: from the list of known ones, or the files beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError, listing
from zoo.models.weights.naming import ImagePreprocessing, TextPreprocessing
from zoo.pretrained.keras_networks import NETWORKS
from zoo.pretrained.known import known_weights

if TYPE_CHECKING:
    from zoo.pretrained.source import WeightsFile

_PIXEL = 255.0
_MAX_BYTES = 1 << 20


def preprocessing_of(builder: str, found: WeightsFile) -> ImagePreprocessing | TextPreprocessing:
    """Return what weights expect.

    Raises:
        ZooError: neither the list nor a file beside the weights says it.
    """
    known = known_weights(builder, found.source)
    if known is not None:
        return known.preprocessing
    if found.keras:
        own = [each.source for each in NETWORKS.get(builder, ())]
        which = f"of it there are {listing(own)}" if own else f"there are some for {listing(NETWORKS)}"
        raise ZooError(f"{found.source}: not known as weights of Keras Applications for '{builder}'; {which}")
    said = found.config
    images = said.get("pretrained_cfg", said)
    if {"mean", "std", "input_size"} <= set(images):  # timm's config.json
        return _of_timm(images, found)
    if found.tokenizer is not None:
        return _of_sentence_transformers(said, found)
    raise ZooError(
        f"{found.source}: how its inputs are prepared is not known. Beside the weights there is neither a config.json "
        "of timm (mean, std, input_size) nor a tokenizer.json"
    )


def _of_timm(facts: dict[str, Any], found: WeightsFile) -> ImagePreprocessing:
    try:
        size = int(facts["input_size"][-1])
        mean, std = (tuple(_PIXEL * float(value) for value in facts[key]) for key in ("mean", "std"))
        resize = int(size / float(facts.get("crop_pct", 1.0)))  # timm rounds down
    except (TypeError, ValueError, LookupError, ZeroDivisionError) as error:
        raise ZooError(f"{found.source}: config.json beside it is damaged: {error}") from error
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0 or not 0 < size <= resize:
        raise ZooError(f"{found.source}: config.json beside it says mean {mean}, std {std}, size {size} of {resize}")
    return ImagePreprocessing(
        size=size,
        resize=resize,
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        interpolation=str(facts.get("interpolation", "bilinear")),
    )


def _of_sentence_transformers(config: dict[str, Any], found: WeightsFile) -> TextPreprocessing:
    length = _read(found.beside("sentence_bert_config.json")).get("max_seq_length")
    modules = _read(found.beside("modules.json"), [])
    unit = any(str(module.get("type", "")).endswith("Normalize") for module in modules if isinstance(module, dict))
    longest = length or config.get("max_position_embeddings") or config.get("n_positions")
    if not isinstance(longest, int) or longest < 3:
        raise ZooError(f"{found.source}: nothing beside it says how long a text may be (max_position_embeddings)")
    return TextPreprocessing(length=longest, unit=unit)


def _read(path: Path | None, otherwise: Any = None) -> Any:
    if path is None or path.stat().st_size > _MAX_BYTES:
        return {} if otherwise is None else otherwise
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ZooError(f"{path}: not readable as JSON: {error}") from error
