"""What the data stage does for each kind of task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.columns import ColumnType
from zoo.data.dataset import Signature, Split
from zoo.data.feature_labels import label_picker, names_of_labels
from zoo.data.label_sets import label_names, multi_hot
from zoo.data.mask_steps import follow_steps
from zoo.data.structured_targets import (
    Arrays,
    box_picker,
    box_targets,
    boxes_left_out,
    mask_targets,
    tag_targets,
    text_targets,
    token_targets,
    transcription_targets,
)
from zoo.data.tables.precision import needs_double
from zoo.data.targets import UNLABELED, class_indices, class_labels, number_targets, separate_abnormal
from zoo.errors import ZooError
from zoo.tasks import Kind

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data
    from zoo.recipe.steps import PreprocessStep

Targets = tuple[tuple[str, ...], dict[str, np.ndarray]]  # names of the classes, and each split's targets


@dataclass(frozen=True, kw_only=True)
class RawTargets:
    """Targets as a source gives them.

    Attributes:
        values: of each split.
        where: the source, for messages.
        feature: the TFDS feature that they come from; None where the source is a file.
        metadata: of the TFDS data set.
        splits: the source's own name of each split, for messages.
        notes: what reading the targets did that a reader of the results should know is added here.
        rows: what messages call each example of a split; its number where it is left out.
        ignore_index: the value of pixels that take no part.
        names: of the labels, or of several numbers, in the order of the outputs, where the source gives them.
    """

    values: Arrays
    where: str
    feature: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignore_index: int | None = None
    names: tuple[str, ...] = ()


def _feature_value(features: Any, target: str) -> Callable[[Any], Any]:
    return lambda example: example[target]


@dataclass(frozen=True, kw_only=True)
class DataKind:
    """What the data stage does for one kind of task.

    Attributes:
        targets: turns the raw targets of all splits into class names and arrays. None where examples are windows of
            one series, which have their targets in themselves.
        column: what the column of a table is that holds the targets.
        picker: takes the features of a TFDS data set and the name of the target; returns a TensorFlow function from an
            example to its raw target.
        relabel: changes classes and splits after the cut. Takes signature, splits and `data:`; returns the first two.
        follow: takes the targets of a split, the recipe's steps and the source; returns the targets moved as the steps
            move the images. None where targets stay as they are.
        targets_are_masks: targets have a class for each pixel, so that images must have one size, and augmentation
            moves a target with its image.
    """

    targets: Callable[[RawTargets], Targets] | None
    column: ColumnType = "category"
    picker: Callable[[Any, str], Callable[[Any], Any]] = _feature_value
    relabel: Callable[[Signature, Sequence[Split], Data], tuple[Signature, list[Split]]] | None = None
    follow: Callable[[np.ndarray, Sequence[PreprocessStep], str], np.ndarray] | None = None
    targets_are_masks: bool = False


def _classes(raw: RawTargets) -> Targets:
    names = getattr(raw.feature, "names", None)
    labels = tuple(names) if names else class_labels(raw.values["train"], raw.where, raw.rows.get("train"))
    targets = {}
    for split, y in raw.values.items():
        unlabeled = int(((y < 0) | (y >= len(labels))).sum()) if names else 0
        if unlabeled:
            raise ZooError(
                f"{raw.where}: {unlabeled} of {len(y)} examples of the split '{raw.splits[split]}' have no "
                f"label; name another split under data.splits.{split}"
            )
        targets[split] = y.astype(np.int32) if names else class_indices(y, labels, raw.where, raw.rows.get(split))
    return labels, targets


def _label_sets(raw: RawTargets) -> Targets:
    if raw.feature is not None:
        return names_of_labels(raw.feature), dict(raw.values)
    labels = raw.names or label_names(raw.values["train"], raw.where)
    return labels, {s: multi_hot(sets, labels, raw.where, raw.rows.get(s)) for s, sets in raw.values.items()}


def _numbers(raw: RawTargets) -> Targets:
    found = {split: _numbers_of(raw, split) for split in raw.values}
    every = np.concatenate(list(found.values()))
    if any(map(needs_double, every.T if every.ndim == 2 else [every])):
        return (), found
    return (), {split: y.astype(np.float32) for split, y in found.items()}


def _numbers_of(raw: RawTargets, split: str) -> np.ndarray:
    """Return the numbers of a split: `(examples,)`, or `(examples, targets)` of several targets."""
    values, rows = raw.values[split], raw.rows.get(split)
    if values.ndim == 1:
        return number_targets(values, raw.where, rows)
    columns = zip(raw.names, values.T, strict=True)
    return np.stack([number_targets(column, f"{raw.where}: '{name}'", rows) for name, column in columns], axis=1)


def _tokens(raw: RawTargets) -> Targets:
    if raw.values["train"].dtype == object:  # lists of tags by name
        return tag_targets(raw.values, raw.where)
    return token_targets(raw.values, raw.where)


def _texts(raw: RawTargets) -> Targets:
    return text_targets(raw.values, raw.notes)


def _transcriptions(raw: RawTargets) -> Targets:
    return transcription_targets(raw.values, raw.where)


def _masks(raw: RawTargets) -> Targets:
    return mask_targets(raw.values, raw.metadata.get("mask_labels"), raw.where, raw.ignore_index)


def _boxes(raw: RawTargets) -> Targets:
    labels = tuple(raw.feature["label"].names)
    raw.notes.extend(boxes_left_out(raw.values))
    return labels, box_targets({split: y[:, :-1] for split, y in raw.values.items()}, raw.where)


def _normal_and_abnormal(raw: RawTargets) -> Targets:
    """Return the classes; of rows without labels the only one there is."""
    only = set(raw.values["train"].tolist()) if raw.values["train"].dtype == object else set()
    if only == {UNLABELED}:
        return (UNLABELED,), {split: np.zeros(len(y), np.int32) for split, y in raw.values.items()}
    return _classes(raw)


_LABELED = DataKind(targets=_classes)

KINDS: dict[Kind, DataKind] = {
    "classification": _LABELED,
    "multi_label": DataKind(targets=_label_sets, picker=label_picker),
    "regression": DataKind(targets=_numbers, column="number"),
    "forecasting": DataKind(targets=None, column="number"),
    "tokens": DataKind(targets=_tokens),
    "sequences": DataKind(targets=_texts, column="text"),
    "transcription": DataKind(targets=_transcriptions, column="text"),
    "segmentation": DataKind(targets=_masks, follow=follow_steps, targets_are_masks=True),
    "detection": DataKind(targets=_boxes, picker=box_picker),
    "reconstruction": _LABELED,
    "anomaly": DataKind(targets=_normal_and_abnormal, relabel=separate_abnormal),
    "generation": _LABELED,
    "representation": _LABELED,
}
