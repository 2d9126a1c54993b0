"""The sample beside an exported file: a few test examples as the file takes them, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.export.predictors import decoder_input
from zoo.serving.examples import check_examples
from zoo.serving.feeds import Feeds, as_inputs
from zoo.serving.metadata import read_signature
from zoo.serving.noise import draw_noise
from zoo.serving.onnx_file import scan
from zoo.serving.sample_files import Sample
from zoo.tasks import TASKS
from zoo.utils.onnx_session import open_session, run_session

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.data.dataset import Dataset, Split
    from zoo.serving.metadata import FileSignature

_EXAMPLES = 4
_MAX_NUMBERS = 24_000  # in all tensors together: larger ones have fewer examples, at least one


def take_sample(path: Path, dataset: Dataset) -> Sample:
    """Return a few examples of the test split, evenly spaced, or noise, with what a file answers.

    Args:
        path: the file.
        dataset: the run's data.
    """
    content = path.read_bytes()
    signature, session = read_signature(scan(content, path), path, verify=False), open_session(content, path)
    inputs, outputs = ([each.name for each in part()] for part in (session.get_inputs, session.get_outputs))

    def sample(count: int) -> Sample:
        feeds = _feeds(dataset, signature, inputs, count)
        return Sample(inputs=feeds, outputs=run_session(session, outputs, feeds, path))

    first = sample(_EXAMPLES)
    numbers = sum(values.size for values in (*first.inputs.values(), *first.outputs.values()))
    return first if numbers <= _MAX_NUMBERS else sample(max(1, _EXAMPLES * _MAX_NUMBERS // numbers))


def _feeds(dataset: Dataset, signature: FileSignature, inputs: list[str], count: int) -> Feeds:
    if TASKS[signature.task].makes_images:
        return draw_noise(inputs, signature, count=count, seed=0, labels=None, guidance=None)
    positions = np.unique(np.linspace(0, len(dataset.test) - 1, count).astype(int))
    return example_feeds(dataset.test, positions, signature)


def example_feeds(split: Split, positions: np.ndarray, signature: FileSignature) -> Feeds:
    """Return some examples of a split as inputs of the file; of images of any size, those of the first one's."""
    raw = split.take(positions)
    if isinstance(raw, list):
        raw = np.stack([image for image in raw if image.shape == raw[0].shape])
    target = decoder_input(split.targets[positions]) if TASKS[signature.task].decodes else None
    examples = check_examples(raw, signature)
    if signature.tokenizer is not None:
        examples = signature.tokenizer.encode(examples)
    return as_inputs(examples, signature, target)
