"""Columns as the tensors of a file, where not each of them is an input as it stands in the table.

All numbers may be one tensor, and categories their ids, for runtimes without texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class TensorForm:
    """How columns become tensors.

    Attributes:
        input: name of the input with the numbers of a row side by side; empty where each column is an input.
        numbers: the columns in it, in their order.
        ids: of columns of categories the id of each category; empty where the file takes texts.
        unknown: of these columns the id of all other categories.
    """

    input: str = ""
    numbers: tuple[str, ...] = ()
    ids: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)

    def join(self, columns: Mapping[str, np.ndarray], inputs: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Return the inputs of a file by name.

        Args:
            columns: each column `(rows, width)`, by name.
            inputs: the names of the inputs of columns, but for those in `numbers`.
        """
        found = {}
        if self.numbers:
            found[self.input] = np.concatenate([columns[name] for name in self.numbers], axis=1)
        for name, values in columns.items():
            if name in self.ids:
                ids, unknown = self.ids[name], self.unknown[name]
                numbers = [ids.get(value, unknown) for value in values.ravel().tolist()]
                values = np.array(numbers, np.int64).reshape(values.shape)
            if name not in self.numbers:
                found[inputs[name]] = values
        return found

    def split(self, feeds: Mapping[str, np.ndarray], inputs: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Return the columns of inputs, the reverse of `join`; an id without a category is a text that has none."""
        found = {}
        for place, name in enumerate(self.numbers):
            found[name] = feeds[self.input][:, place : place + 1]
        for name, own in inputs.items():
            found[name] = feeds[own]
            if name in self.ids:
                texts = {number: text for text, number in self.ids[name].items()}
                texts[self.unknown[name]] = _unseen(self.ids[name])
                values = [texts.get(number, texts[self.unknown[name]]) for number in feeds[own].ravel().tolist()]
                found[name] = np.array(values, object).reshape(feeds[own].shape)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the form as plain data, which a file carries."""
        facts: dict[str, Any] = {}
        if self.numbers:
            facts["numbers"] = {"input": self.input, "columns": list(self.numbers)}
        if self.ids:
            facts["categories"] = {
                name: {"ids": dict(ids), "unknown": self.unknown[name]} for name, ids in self.ids.items()
            }
        return facts


def form_from_json(facts: Mapping[str, Any]) -> TensorForm:
    """Return what `TensorForm.to_json` wrote.

    Raises:
        ValueError: it holds something else.
    """
    numbers, categories = facts.get("numbers"), facts.get("categories", {})
    form = TensorForm(
        input="" if numbers is None else numbers["input"],
        numbers=() if numbers is None else tuple(numbers["columns"]),
        ids={name: each["ids"] for name, each in categories.items()},
        unknown={name: each["unknown"] for name, each in categories.items()},
    )
    texts = (form.input, *form.numbers, *(text for ids in form.ids.values() for text in ids))
    counts = (*form.unknown.values(), *(number for ids in form.ids.values() for number in ids.values()))
    if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in counts):
        raise ValueError("expected names, and ids of categories")
    return form


def _unseen(known: Mapping[str, int]) -> str:
    """Return a text that is none of the categories."""
    text = "\N{REPLACEMENT CHARACTER}"
    while text in known:
        text += "\N{REPLACEMENT CHARACTER}"
    return text
