"""`adding_problem` and `copy_memory`: what a recurrent network must remember over many steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.data.builtin.definition import Definition

STEPS = 100  # of the adding problem
# Of the copy problem:
SYMBOLS = 8  # ids 1 to 8
RECALLED = 10  # symbols to repeat
BLANKS = 50  # steps to remember them
BLANK, DELIMITER = SYMBOLS + 1, SYMBOLS + 2  # ids
LENGTH = BLANKS + 2 * RECALLED  # steps


def adding_problem() -> Definition:
    """Define sequences of a hundred values, two of them marked, with the sum of those two.

    Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9(8), in the form of Le, Jaitly & Hinton
    2015 (https://arxiv.org/abs/1504.00941).
    """
    import tensorflow_datasets as tfds

    return Definition(
        description=(
            f"The adding problem (Hochreiter & Schmidhuber 1997, in the form of https://arxiv.org/abs/1504.00941): "
            f"{STEPS} steps of a value uniform in [0, 1) and a marker, which is 1 at one step of each half and else 0; "
            "the target is the sum of the two marked values. Predicting 1.0 always has a mean squared error of "
            "1/6 = 0.1667."
        ),
        features={
            "sequence": tfds.features.Tensor(shape=(STEPS, 2), dtype=np.float32, encoding="bytes"),
            "target": tfds.features.Scalar(np.float32),
        },
        splits=lambda: {"train": _sums(20_000, [1997, 0]), "test": _sums(2_000, [1997, 1])},
        keys=("sequence", "target"),
        metadata={"baseline_mse": 1 / 6},
    )


def copy_memory() -> Definition:
    """Define sequences of ten symbols to repeat after fifty blanks.

    Hochreiter & Schmidhuber 1997, in the form of Arjovsky, Shah & Bengio 2016 (https://arxiv.org/abs/1511.06464).
    """
    import tensorflow_datasets as tfds

    tokens = tfds.features.Tensor(shape=(LENGTH,), dtype=np.int32)
    return Definition(
        description=(
            f"The copy memory problem (https://arxiv.org/abs/1511.06464) with T = {BLANKS}: {RECALLED} symbols (ids 1 "
            f"to {SYMBOLS}), {BLANKS - 1} blanks (id {BLANK}), a delimiter (id {DELIMITER}), {RECALLED} blanks; the "
            f"labels are the symbols in their order at the last {RECALLED} steps, and 0 (not to be predicted) before "
            f"them. Without a memory nothing beats a guess: log {SYMBOLS} = {math.log(SYMBOLS):.4f} nats, and "
            f"{1 / SYMBOLS:.1%} right, per symbol."
        ),
        features={"tokens": tokens, "labels": tfds.features.Tensor(shape=(LENGTH,), dtype=np.int32)},
        splits=lambda: {"train": _copies(10_000, [1511, 0]), "test": _copies(1_000, [1511, 1])},
        keys=("tokens", "labels"),
        metadata={"vocabulary": DELIMITER + 1, "baseline_nats": math.log(SYMBOLS)},
    )


def _sums(count: int, seed: list[int]) -> Iterator[dict[str, Any]]:
    generator = np.random.default_rng(seed)
    values = generator.random((count, STEPS), np.float32)
    half = STEPS // 2
    marked = np.stack([generator.integers(0, half, count), generator.integers(half, STEPS, count)], axis=1)
    sequences = np.zeros((count, STEPS, 2), np.float32)
    sequences[..., 0] = values
    np.put_along_axis(sequences[..., 1], marked, 1.0, axis=1)
    targets = np.take_along_axis(values, marked, axis=1).sum(axis=1)
    for sequence, target in zip(sequences, targets, strict=True):
        yield {"sequence": sequence, "target": target}


def _copies(count: int, seed: list[int]) -> Iterator[dict[str, Any]]:
    symbols = np.random.default_rng(seed).integers(1, SYMBOLS + 1, (count, RECALLED), np.int32)
    tokens = np.full((count, LENGTH), BLANK, np.int32)
    tokens[:, :RECALLED] = symbols
    tokens[:, -RECALLED - 1] = DELIMITER
    labels = np.zeros_like(tokens)
    labels[:, -RECALLED:] = symbols
    for row, answer in zip(tokens, labels, strict=True):
        yield {"tokens": row, "labels": answer}
