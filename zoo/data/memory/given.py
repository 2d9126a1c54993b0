"""What a Python program gives as data, and what its parts are called in messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.tasks import MEMORY

PLACES = {"train": "data", "validation": "validation", "test": "test"}  # split: the argument that holds it

WANTED = (
    "a data frame, a dict of columns, (x, y) with arrays, texts or images, a tf.data.Dataset, a keras.utils.PyDataset "
    "or a Hugging Face Dataset"
)


_CHARACTERS = 64  # of running text that count as one example


@dataclass(frozen=True, kw_only=True)
class MemoryData:
    """Data of a Python program; data sets of other libraries have been read (`zoo.data.memory.datasets.hold`).

    Attributes:
        train: all examples, or those of the training split where others are given: a data frame, a dict of columns, or
            `(x, y)`.
        validation: the same for the validation split; None to cut it from `train`.
        test: the same for the test split.
        name: of the type that was given, which `data.source` of a run says.
    """

    train: Any
    validation: Any = None
    test: Any = None
    name: str

    @property
    def splits(self) -> dict[str, Any]:
        """The splits that are given."""
        every = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: value for name, value in every.items() if value is not None}

    @property
    def source(self) -> str:
        """What `data.source` of a run's recipe says of it."""
        return f"{MEMORY}:{self.name}"

    def __len__(self) -> int:
        """Return the number of examples of `train`; 0 where it is in no form that is read."""
        if isinstance(self.train, str):
            return -(-len(self.train) // _CHARACTERS)
        value = self.train[1] if is_pair(self.train) else self.train
        if isinstance(value, Mapping):
            value = next(iter(value.values()), ())
        return len(value) if hasattr(value, "__len__") else 0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Examples and their targets, in memory.

    Attributes:
        x: numbers `(examples, …)`, texts or images, one for each example.
        y: targets `(examples,)`, None in place of one that is missing; or a list of what is no single value.
        where: what holds them, for messages.
    """

    x: Any
    y: Any
    where: str


def is_frame(value: Any) -> bool:
    """Return whether a value is a data frame, of pandas or Polars, or a dict of columns."""
    return isinstance(value, Mapping) or (hasattr(value, "columns") and hasattr(value, "__getitem__"))


def is_pair(value: Any) -> bool:
    """Return whether a value is `(x, y)`."""
    return isinstance(value, tuple | list) and len(value) == 2 and not isinstance(value[0], int | float | str | bool)


def is_texts(x: Any) -> bool:
    """Return whether a value holds texts, one for each example."""
    if isinstance(x, str) or not hasattr(x, "__len__") or not len(x):
        return False
    first = next((value for value in x if value is not None), None)
    return isinstance(first, str)


def type_of(value: Any) -> str:
    """Return what a message calls a value: its type, and its shape where it has one."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    name = kind.__name__ if module in ("builtins", "numpy", "__main__") else f"{module}.{kind.__name__}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{name} {shape}"
    return f"{name} of {len(value)}" if isinstance(value, tuple | list | dict) else name
