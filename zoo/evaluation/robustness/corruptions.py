"""The corruptions of each kind of input, one file a kind, and what they need to know of the training split."""

from __future__ import annotations

import numpy as np

from zoo.data.dataset import Dataset, InputKind
from zoo.evaluation.metrics.common import draw_at_most
from zoo.evaluation.robustness import arrays, audio, images, tables, texts
from zoo.evaluation.robustness.corruption import Corruption, Training

MAX_TRAIN_EXAMPLES = 10_000  # that means and deviations are computed on

# Windows of series that are forecast are not here: `forecasts` corrupts the series that they are cut from.
BY_INPUT: dict[InputKind, tuple[Corruption, ...]] = {
    "image": images.CORRUPTIONS,
    "text": texts.CORRUPTIONS,
    "table": tables.CORRUPTIONS,
    "audio": audio.CORRUPTIONS,
    "array": arrays.CORRUPTIONS,
    "series": (),
    "tokens": (),
    "graph": (),
}


def corruptions_of(training: Training) -> list[Corruption]:
    """Return the corruptions that apply to such examples."""
    return [each for each in BY_INPUT[training.signature.kind] if each.fits(training)]


def known_of_training(dataset: Dataset) -> Training:
    """Return the moments of the training split: of at most 10,000 examples, and without missing values."""
    signature, train = dataset.signature, dataset.train
    if signature.kind not in ("table", "array"):
        return Training(signature=signature)
    raw = train.take(draw_at_most(len(train), MAX_TRAIN_EXAMPLES, 0))
    if signature.kind == "array":
        values = {arrays.ARRAY: np.reshape(raw, (-1, np.shape(raw)[-1]))}
    else:
        values = {column.name: raw[column.name] for column in signature.columns if column.type == "number"}
    return Training(
        signature=signature,
        mean={name: np.nanmean(x, axis=0, dtype=np.float64) for name, x in values.items()},
        deviation={name: np.nanstd(x, axis=0, dtype=np.float64) for name, x in values.items()},
    )
