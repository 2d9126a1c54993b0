"""The proof: onnxruntime on the exported file against the saved Keras model, on the same raw examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.class_decisions import OOD_SCORE, ClassDecisions
from zoo.data.raw_tensors import as_tensors
from zoo.errors import ZooError
from zoo.postprocessing.compact import MAX_EXTRA_TOKENS, decode
from zoo.tasks import LABEL_THRESHOLD
from zoo.utils.padding import pad_rows

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from zoo.data.dataset import Signature, Split
    from zoo.serving.exported_model import ExportedModel
    from zoo.serving.prediction import Prediction


@dataclass(frozen=True)
class OutputParity:
    """How far one output is from the model's.

    Attributes:
        max_abs_difference: largest difference of a number.
        scale: largest absolute value.
        tolerance: largest difference that is allowed.
        mean_abs_difference: mean difference of its numbers.
        numbers: how many there are.
    """

    max_abs_difference: float
    scale: float
    tolerance: float = 0.0
    mean_abs_difference: float = 0.0
    numbers: int = 0

    def joined(self, other: OutputParity) -> OutputParity:
        """Return the same of these examples and others together."""
        numbers = self.numbers + other.numbers
        total = self.mean_abs_difference * self.numbers + other.mean_abs_difference * other.numbers
        return OutputParity(
            max_abs_difference=max(self.max_abs_difference, other.max_abs_difference),
            scale=max(self.scale, other.scale),
            mean_abs_difference=total / max(1, numbers),
            numbers=numbers,
        )


@dataclass(frozen=True)
class Parity:
    """How far the file is from the model.

    Attributes:
        max_abs_difference: largest difference of a number; where tolerances are known, that of the output nearest to
            its own.
        label_flips: decisions that differ: labels, decoded texts, the class of a pixel, the most probable token;
            always 0 for numbers and boxes.
        samples: number of examples compared.
        scale: largest absolute value of that output.
        outputs: the same for each output by name.
        mean_abs_difference: mean difference of the numbers of that output.
    """

    max_abs_difference: float
    label_flips: int
    samples: int
    scale: float
    outputs: Mapping[str, OutputParity] = field(default_factory=dict)
    mean_abs_difference: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Some examples, and what model and file answer.

    Attributes:
        model: the saved Keras model.
        exported: the file.
        split: the split that the examples are of.
        signature: the raw input.
        raw: the examples.
        expected: the model's outputs.
        prediction: the file's.
    """

    model: keras.Model
    exported: ExportedModel
    split: Split
    signature: Signature
    raw: Any
    expected: Any
    prediction: Prediction


def hold_to(parity: Parity, tolerance: float, *, bounded: bool) -> tuple[Parity, float]:
    """Give each output its own tolerance, and return the parity with that of the output nearest to its own.

    Args:
        parity: as measured.
        tolerance: allowed difference of an output within [-1, 1].
        bounded: all outputs of the task are; else the tolerance of each grows with its largest value.
    """
    outputs = {
        name: replace(output, tolerance=tolerance * (1.0 if bounded and name != OOD_SCORE else max(1.0, output.scale)))
        for name, output in parity.outputs.items()
    }
    worst = max(outputs.values(), key=lambda output: output.max_abs_difference / output.tolerance)
    held = replace(
        parity,
        outputs=outputs,
        max_abs_difference=worst.max_abs_difference,
        mean_abs_difference=worst.mean_abs_difference,
        scale=worst.scale,
    )
    return held, worst.tolerance


_ROUNDING = 1e-5  # of probabilities in float32, where two answers are equally good but for it

Decisions = Callable[[Compared], int]  # counts the decisions that differ


def no_decisions(compared: Compared) -> int:
    """Return 0: numbers, boxes and embeddings are no decisions."""
    return 0


def different_labels(compared: Compared) -> int:
    """Count the examples whose labels, or prediction sets, differ, but for those that rounding decides on."""
    names, decisions = compared.signature.labels, compared.signature.decisions
    if decisions is None:
        decisions = ClassDecisions()
    expected = decisions.classes(compared.expected)
    flips = np.array([names[i] for i in expected]) != np.array(compared.prediction.labels or [], dtype=object)
    if decisions.costs is not None:  # the choice lies where examples do, unlike the middle between two classes
        two = np.sort(decisions.expected_costs(compared.expected), axis=1)[:, :2]
        flips &= two[:, 1] - two[:, 0] > _ROUNDING * np.abs(two).max(1)
    if compared.prediction.prediction_sets is not None:
        apart = np.abs(compared.expected - decisions.set_probability) > _ROUNDING
        flips |= ((compared.prediction.prediction_sets != decisions.sets(compared.expected)) & apart).any(1)
    return int(flips.sum())


def different_classes(compared: Compared) -> int:
    """Count the tokens, steps or pixels whose most probable classes differ."""
    return int((compared.prediction.output.argmax(axis=-1) != compared.expected.argmax(axis=-1)).sum())


def different_sets(compared: Compared) -> int:
    """Count the labels that are on the other side of `LABEL_THRESHOLD`."""
    found, expected = compared.prediction.output, compared.expected
    return int(((found >= LABEL_THRESHOLD) != (expected >= LABEL_THRESHOLD)).sum())


def different_sequences(compared: Compared) -> int:
    """Count the examples that are decoded to different sequences."""
    targets = compared.split.targets
    source = as_tensors(compared.raw, compared.signature)
    expected = decode(compared.model.predict_on_batch, source, targets)
    found = compared.exported.decode(compared.raw, targets.shape[1] + MAX_EXTRA_TOKENS)
    both = pad_rows([expected, found])
    return int((both[: len(expected)] != both[len(expected) :]).any(axis=1).sum())


def difference(found: Any, expected: Any, path: Path) -> OutputParity:
    """Return the largest and the mean difference, infinite where one is not finite, and the largest expected value.

    Values in float64 lie far from 0 for what differs between them: of them it is the largest distance from their mean.

    Raises:
        ZooError: the shapes differ.
    """
    if found.shape != expected.shape:
        raise ZooError(f"{path}: the file gives outputs of the shape {found.shape}, the model {expected.shape}")
    distance = np.abs(found.astype(np.float64) - expected)
    finite = bool(np.isfinite(distance).all())
    centre = expected.mean() if expected.dtype == np.float64 else 0.0
    return OutputParity(
        max_abs_difference=float(distance.max()) if finite else float("inf"),
        mean_abs_difference=float(distance.mean()) if finite else float("inf"),
        scale=float(np.abs(expected - centre).max()),
        numbers=distance.size,
    )
