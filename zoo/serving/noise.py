"""What a file that makes images takes: noise, and where the model takes them classes and their weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from zoo.errors import ZooError, did_you_mean, listing
from zoo.serving.feeds import MAX_BATCH, Feeds
from zoo.serving.metadata import FileSignature
from zoo.serving.noise_form import Noise
from zoo.serving.values import as_floats, whole_number

_LARGEST_GUIDANCE = 1e6  # far above what makes an image; float32 overflows behind it


def draw_noise(
    inputs: Sequence[str],
    signature: FileSignature,
    *,
    count: int,
    seed: int,
    labels: Sequence[str] | None,
    guidance: float | None,
) -> Feeds:
    """Return all inputs of a file that makes images.

    Args:
        inputs: their names.
        signature: what the file says of them.
        count: number of images.
        seed: of the noise.
        labels: class of each image; all in turn where it is None.
        guidance: weight of the class; the file's own where it is None.

    Raises:
        ZooError: the count or the seed is no whole number, the model does not take classes or guidance, or not these.
    """
    count, seed = whole_number(count, "count", least=1), whole_number(seed, "seed", least=0)
    if labels is not None and ("label" not in inputs or not signature.labels):
        raise ZooError("this model takes no classes, so labels would have no effect")
    if guidance is not None and "guidance" not in inputs:
        raise ZooError("this model takes no guidance, so it would have no effect; diffusion models with classes do")
    generator = np.random.default_rng(seed)
    feeds: Feeds = {}
    for name in inputs:
        if name == "label":
            feeds[name] = _classes(labels, signature.labels, count)
        elif name == "guidance":
            feeds[name] = np.array([signature.guidance if guidance is None else _weight(guidance)], np.float32)
        else:
            lead = (signature.steps, count) if name == "step_noise" else (count,)
            drawn = generator.standard_normal((*lead, *(n or 1 for n in signature.shape)), np.float32)
            if signature.noise.mean and name == signature.noise.input:
                mean, deviation = (np.array(x, np.float32) for x in (signature.noise.mean, signature.noise.deviation))
                drawn = mean + deviation * drawn
            feeds[name] = drawn
    return feeds


def noise_parts(feeds: Feeds, count: int) -> Iterator[Feeds]:
    """Yield the inputs of some images at a time."""
    for i in range(0, count, MAX_BATCH):
        part = slice(i, i + MAX_BATCH)
        yield {n: x if n == "guidance" else x[:, part] if n == "step_noise" else x[part] for n, x in feeds.items()}


def _classes(labels: Sequence[str] | None, known: Sequence[str], count: int) -> np.ndarray:
    if labels is None:
        return (np.arange(count) % max(1, len(known))).astype(np.int32)
    if isinstance(labels, str):
        raise ZooError(f"labels: expected a list with the class of each image, received the text '{labels}'")
    for name in labels:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ZooError(f"unknown class '{name}'{hint} (known: {listing(known)})")
    if len(labels) != count:
        raise ZooError(f"labels: expected one for each of {count} images, received {len(labels)}")
    return np.array([known.index(name) for name in labels], np.int32)


def _weight(guidance: Any) -> float:
    try:
        weight = float(guidance)
    except (TypeError, ValueError) as error:
        raise ZooError(f"guidance: expected a number, received {guidance!r}") from error
    if not 0 <= weight <= _LARGEST_GUIDANCE:
        raise ZooError(f"guidance: expected 0 to {_LARGEST_GUIDANCE:g}, received {guidance}")
    return weight


def embedding_parts(embeddings: Any, signature: FileSignature) -> Iterator[Feeds]:
    """Yield embeddings `(examples, features)` as inputs of a decoder, some at a time; none as one part without any.

    Raises:
        ZooError: the file is no decoder, or takes other sizes.
    """
    name = signature.noise.input
    if name == Noise().input:
        raise ZooError(f"reconstructing is for decoder.onnx, and the file's task is {signature.task}")
    values = as_floats(embeddings, signature.shape, name)
    for i in range(0, max(1, len(values)), MAX_BATCH):
        yield {name: values[i : i + MAX_BATCH]}
