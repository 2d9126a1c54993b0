"""Edits of the data: what the audit found, and how it is split."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.evaluation.report.diagnosis.edits.edit import Context, Edit, Lever, edit
from zoo.evaluation.report.diagnosis.findings import Finding
from zoo.recipe.findings import FINDINGS
from zoo.recipe.source import parse_value

_PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")  # such as COLUMN, in a remedy that is of any data
_MAX_REASONS = 3  # findings of one name whose messages a reason holds


def remedies(context: Context) -> Iterator[Edit]:
    """Yield the remedies of what the audit takes for more than a note, one edit for each name, errors first.

    Lists, such as those of columns to ignore, are joined with the recipe's own.
    """
    found = [f for f in context.situation.findings if f.severity in ("error", "warning") and f.remedy]
    for name in dict.fromkeys(f.name for f in sorted(found, key=lambda f: f.severity != "error")):
        own = [f for f in found if f.name == name]
        changes: dict[str, Any] = {}
        for finding in own:
            for key, value in ({} if _is_general(finding) else _changes(finding.remedy)).items():
                before = changes.get(key, _value(context.tree, key))
                changes[key] = (
                    list(dict.fromkeys([*before, *value]))
                    if isinstance(value, list) and isinstance(before, list)
                    else value
                )
        if changes:
            lever: Lever = "loss" if all(key.startswith("loss.") for key in changes) else "data"
            yield edit(lever, changes, " ".join(f.message or f.name for f in own[:_MAX_REASONS]))


def _is_general(finding: Finding) -> bool:
    """Return whether a remedy is that of the finding's kind, with a placeholder where these data have a name."""
    kind = FINDINGS.get(finding.name)
    return kind is not None and kind.remedy == finding.remedy and bool(_PLACEHOLDER.search(finding.remedy))


def _changes(remedy: str) -> dict[str, Any]:
    """Return a remedy as keys and values; nothing where it is advice in words, or changes no training.

    A remedy of several steps of preprocessing is left to the reader: it would take the place of those that are there.
    """
    parsed = parse_value(remedy.strip())
    flat = dict(_flat(parsed)) if isinstance(parsed, dict) else {}
    trains_otherwise = all(key.startswith(("data.", "loss.")) and key != "data.accept" for key in flat)
    return flat if trains_otherwise else {}


def _flat(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _value(tree: Any, key: str) -> Any:
    for part in key.split("."):
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


def own_test(context: Context) -> Iterator[Edit]:
    """Yield a test split that is cut anew, where the source's own is not like the other splits."""
    data = context.recipe.data
    if "leak" not in context.causes:
        return
    if data.split_column is not None:
        yield edit(
            "data",
            {"data.split_column": None},
            f"The test rows that '{data.split_column}' names are not like the others: cut a new test split.",
        )
    elif data.splits.test is not None and data.source.partition(":")[0] in ("tfds", "folder"):
        yield edit(
            "data",
            {"data.splits.test": None},
            "The source's own test split is not like the others: cut a new one from the training examples.",
        )


def more_examples(context: Context) -> Iterator[Edit]:
    """Yield the use of all training examples, where the recipe takes a part of them."""
    data = context.recipe.data
    for key in ("per_class", "train_fraction"):
        if getattr(data, key) is not None:
            yield edit(
                "data", {f"data.{key}": None}, f"data.{key} leaves training examples out: more of them generalise."
            )


def folds(context: Context) -> Iterator[Edit]:
    """Yield cross-validation, which tells whether one split was lucky."""
    if context.recipe.evaluation.folds is None:
        yield edit(
            "data",
            {"evaluation.folds": 5},
            "The splits differ: five folds, each held out once, say what the figure is on all examples.",
        )
