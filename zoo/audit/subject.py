"""What is audited: a data set, and what several detectors ask of it, computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from zoo.data.dataset import Dataset, Split
from zoo.data.hashes import split_hashes
from zoo.data.split_names import SPLIT_NAMES
from zoo.tasks import TASKS, Task

if TYPE_CHECKING:
    from zoo.recipe import Recipe

HELD_OUT = ("validation", "test")
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is audited.

    Attributes:
        dataset: the data set.
        recipe: that is to be trained on it; None where only the data is known.
    """

    dataset: Dataset
    recipe: Recipe | None = None

    @cached_property
    def splits(self) -> dict[str, Split]:
        """The splits by name."""
        return {name: getattr(self.dataset, name) for name in SPLIT_NAMES}

    @property
    def task(self) -> Task | None:
        """The recipe's task."""
        return None if self.recipe is None else TASKS[self.recipe.task]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.dataset.signature.labels

    @property
    def has_classes(self) -> bool:
        """Whether each example has one class."""
        return bool(self.labels) and self.dataset.train.targets.ndim == 1

    @property
    def has_numbers(self) -> bool:
        """Whether each example has one number to predict."""
        return not self.labels and self.dataset.train.targets.ndim == 1 and self.dataset.train.targets.dtype.kind == "f"

    @cached_property
    def hashes(self) -> dict[str, np.ndarray]:
        """Of each split, a hash of each example, uint64."""
        return {name: split_hashes(split) for name, split in self.splits.items()}

    @property
    def is_cut_in_time(self) -> bool:
        """Whether the splits follow one another in time."""
        cut = self.dataset.cut
        return self.dataset.series is not None or (cut is not None and cut.values.dtype.kind == "M")

    @cached_property
    def _kept(self) -> dict[tuple[object, ...], Any]:
        return {}

    def once(self, *key: object, compute: Callable[[], Value]) -> Value:
        """Return what `compute` gives, which is called once for a key."""
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def is_own(self, split: str) -> bool:
        """Return whether the source has a split of its own: one that is drawn differs from training by chance alone."""
        return split not in self.dataset.held_out

    def example(self, split: str, position: int, **facts: Any) -> dict[str, Any]:
        """Return what names an example in the evidence of a finding."""
        held = self.splits[split]
        index = int(held.indices[position])
        named: dict[str, Any] = {"split": split, "index": index}
        names = getattr(held.inputs, "names", None)
        if names is not None:
            named["file"] = str(names[index])
        elif self.dataset.table is not None:
            named["row"] = self.dataset.table.row(index)
        if self.has_classes:
            named["label"] = self.labels[int(held.targets[position])]
        return named | facts

    def column(self, split: str, name: str) -> np.ndarray:
        """Return the values of a table's column in a split."""
        held = self.splits[split]
        return held.inputs.columns[name][held.indices]  # type: ignore[attr-defined]  # asked of tables alone
