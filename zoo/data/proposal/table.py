"""A recipe for a table: its target, the task, which columns are inputs, and how rows are split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np

from zoo.data.columns import Column, as_label, check_columns, numbers
from zoo.data.proposal.panel import panel_proposal
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.series import series_proposal
from zoo.data.proposal.sizes import add_search, add_training, widths
from zoo.data.tables.file import Table, read_table
from zoo.data.tables.infer import infer_columns, infer_number
from zoo.data.tables.texts import spellings, without_names
from zoo.data.tables.time_order import moments
from zoo.data.tables.uninformative import looks_like_id, names_splits
from zoo.errors import ZooError, listing

_TARGETS = ("target", "label", "class", "y", "outcome")  # usual names of what is predicted
_FEW_NUMBERS = 10  # different whole numbers, of which each may be a class
_ROWS_A_NUMBER = 10  # rows that such a number has at least, on average
_MIN_GROUPS = 5
_WORDS = 4  # in a text, on average, from which on it is more than a name
_RARE = 0.1  # of the rows, below which a class is rare


def propose_table(path: Path, source: str, target: str | None) -> Proposal:
    """Return a recipe for the rows of a file.

    Args:
        path: the file.
        source: as the recipe names it.
        target: the column to predict; one with a usual name where it is left out.

    Raises:
        ZooError: the file is not readable, or no column can be told to be the target.
    """
    table = read_table(path, target=target or "", form=source.partition(":")[0])
    target, doubts = find_target(table, target, "--target COLUMN")
    proposal = series_proposal(table, source, target)
    if proposal is None:
        proposal, more_doubts = panel_proposal(table, source, target)
        doubts += more_doubts
    if proposal is None:
        proposal = rows_proposal(table, source, target)
    proposal.doubts[:0] = doubts
    return proposal


def find_target(table: Table, target: str | None, asked: str) -> tuple[str, list[str]]:
    """Return the column to predict, one with a usual name where none is given, and what is in doubt.

    Args:
        table: its columns.
        target: the column that was named.
        asked: how one is named, for messages: "--target COLUMN".

    Raises:
        ZooError: the table lacks the column, or no column has a usual name.
    """
    if target is not None:
        check_columns(table, [target], asked.split()[0])
        return target, []
    names = {name.casefold(): name for name in reversed(table.columns)}
    found = next((names[name] for name in _TARGETS if name in names), None)
    if found is None:
        raise ZooError(
            f"{table.where}: which column is to be predicted? Name it with {asked} (columns: {listing(table.columns)})"
        )
    return found, [f"no target was given, and '{found}' is taken by its name; another one: {asked}"]


def rows_proposal(
    table: Table,
    source: str,
    target: str,
    *,
    categorical: Collection[str] = (),
    splits: Collection[str] = (),
    text: str | None = None,
) -> Proposal:
    """Return a recipe in which each row is an example.

    Args:
        table: the rows.
        source: as the recipe names it.
        target: the column to predict.
        categorical: columns whose type says that they hold categories.
        splits: those that are given beside the training split, so that no column is needed to split by.
        text: the column that holds texts, where that is known.

    Raises:
        ZooError: the target's values tell no task.
    """
    task, reason, doubts = task_of(table, target, is_category=target in categorical)
    others = [name for name in table.columns if name != target]
    apart = Apart() if splits else split_of(table, others)
    kept, left_out, more_doubts = _inputs(table, [name for name in others if name not in apart.columns])
    is_text = text is not None
    text = text or next((name for name in left_out if _is_prose(table, name)), None)
    if text is not None and (is_text or not kept):
        proposal = _text_proposal(text, task, reason)
    else:
        proposal = Proposal(f"tabular_{task}", bases=(f"_base/tabular_{task}", "_base/adamw_cosine"), reason=reason)
    proposal.target = target
    proposal.doubts += [*doubts, *apart.doubts, *more_doubts]
    proposal.add("data.source", source, f"{len(table):,} rows")
    proposal.add("data.target", target)
    if proposal.task.startswith("sequence"):
        proposal.add("data.text", text, "the column of texts, several words each")
    elif left_out:
        proposal.add("data.ignore", list(left_out), "; ".join(left_out.values()))
        if text is not None:
            proposal.doubts.append(
                f"column '{text}' holds texts of several words, which this task does not read; sequence_{task} with "
                f"data.text: {text} reads them alone"
            )
    for key, (value, why) in apart.keys.items():
        proposal.add(key, value, why)
    lacking = sum(not value or value in table.reading.missing for value in table.texts(target))
    if lacking:
        proposal.add("data.on_error", "skip", f"{lacking} of {len(table)} rows have no '{target}' and are left out")
    if proposal.task.startswith("sequence"):
        _add_text_model(proposal, len(table))
    else:
        proposal.add("model.name", "mlp")
        proposal.add("model.widths", widths(len(table)), f"{len(table):,} rows of {len(kept)} columns")
        proposal.add("model.dropout", 0.2)
    own_test = "test" in splits or "data.split_column" in apart.keys
    add_training(proposal, len(table) - lacking, own_test=own_test)
    if not proposal.task.startswith("sequence"):
        proposal.add("evaluation.baseline", "gradient_boosting", "the strongest simple method for most tables")
        add_search(
            proposal, {"model.widths": [[32], [64, 64], [128, 64], [256, 128]], "model.dropout": [0.0, 0.2, 0.5]}
        )
    return proposal


def task_of(table: Table, target: str, *, is_category: bool = False) -> tuple[str, str, list[str]]:
    """Return "classification" or "regression", why, and what is in doubt.

    Args:
        table: the rows.
        target: the column to predict.
        is_category: its type says that it holds categories.

    Raises:
        ZooError: the target holds moments, or texts that are almost all different.
    """
    column, _ = infer_number(table, target)
    texts = table.texts(target).tolist()
    counts = Counter(as_label(text) for text in texts if text and text not in table.reading.missing)
    if not counts:
        raise ZooError(f"{table.where}: column '{target}' has no value in any row, so that nothing can be predicted")
    if len(counts) == 1:
        raise ZooError(f"{table.where}: column '{target}' holds {spellings(counts)} alone; there is nothing to predict")
    if column.form == "time":
        raise ZooError(f"{table.where}: column '{target}' holds moments; predict a number, such as the days until then")
    if is_category or column.type == "category" or column.form == "boolean":
        if len(counts) > len(table) / 2 and len(table) > _ROWS_A_NUMBER:
            raise ZooError(
                f"{table.where}: column '{target}' holds {len(counts)} different texts in {len(table)} rows, which are "
                "no classes"
            )
        return "classification", _classes(target, counts), _class_doubts(target, counts)
    values = numbers(table, column)
    present = values[~np.isnan(values)]
    different = np.unique(present)
    whole = bool((present == np.floor(present)).all())
    if whole and len(different) == 2:
        return "classification", _classes(target, counts), _class_doubts(target, counts)
    if whole and len(different) <= _FEW_NUMBERS and len(present) >= _ROWS_A_NUMBER * len(different):
        doubt = (
            f"'{target}' holds {len(different)} whole numbers, taken as classes; for a number, take tabular_regression"
        )
        return "classification", _classes(target, counts), [doubt, *_class_doubts(target, counts)]
    doubts = []
    if whole and len(different) <= 2 * _FEW_NUMBERS:
        doubts = [
            f"'{target}' holds {len(different)} whole numbers, taken as numbers; for classes, take "
            "tabular_classification"
        ]
    low, high = (f"{value:.4g}" for value in (present.min(), present.max()))
    return "regression", f"'{target}' holds numbers from {low} to {high}", doubts


def _classes(target: str, counts: Counter[str]) -> str:
    return f"'{target}' holds {len(counts)} classes: {spellings(counts)}"


def _class_doubts(target: str, counts: Counter[str]) -> list[str]:
    total, doubts = sum(counts.values()), []
    single = [text for text, count in counts.items() if count < 3]
    if single:
        doubts.append(
            f"{len(single)} of {len(counts)} classes of '{target}' have one or two rows, too few for three splits, "
            f"such as '{single[0]}': the run refuses them; merge or remove these rows"
        )
    rarest = min(counts, key=lambda text: counts[text])
    if counts[rarest] < _RARE * total and not single:
        doubts.append(
            f"class '{rarest}' has {counts[rarest] / total:.1%} of the rows: read the figures by class, not accuracy "
            "alone; loss: {class_weights: balanced} weighs rare classes up"
        )
    return doubts


class Apart:
    """Columns that say how rows are split, and so are no inputs."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, str]] = {}
        self.doubts: list[str] = []

    @property
    def columns(self) -> list[str]:
        """The columns."""
        return [value for value, _ in self.keys.values()]


def split_of(table: Table, names: list[str]) -> Apart:
    """Return how rows are split: by a column that names splits, by group, or by time."""
    apart = Apart()
    for name in names:
        present = [text for text in dict.fromkeys(table.texts(name).tolist()) if text]
        if names_splits(name, present):
            apart.keys["data.split_column"] = (name, f"names the split of each row: {listing(present)}")
            return apart
    group = next((name for name in names if _groups(table, name)), None)
    time = next((name for name in names if _rises(table, name)), None)
    if group is not None:
        count = len(set(table.texts(group).tolist()))
        apart.keys["data.group"] = (
            group,
            f"{len(table) / count:.1f} rows a value: those that belong together stay together",
        )
        if time is not None:
            apart.doubts.append(
                f"rows rise by '{time}', too; for answers on times to come take data.time, not data.group"
            )
    elif time is not None:
        apart.keys["data.time"] = (time, "rows rise by it: the latest are the test, as those to come will be later")
    return apart


def _groups(table: Table, name: str) -> bool:
    """Return whether a column is an id that several rows share."""
    texts = table.texts(name).tolist()
    different = len(set(texts))
    return looks_like_id(name) and all(texts) and _MIN_GROUPS <= different <= len(texts) / 2


def _rises(table: Table, name: str) -> bool:
    """Return whether a column is time and rows stand in its order."""
    try:
        column, _ = infer_number(table, name)
        if column.form != "time":
            return False
        times = moments(table, name, column.time)
    except ZooError:
        return False
    return bool((np.diff(times) >= np.timedelta64(0)).all()) and len(np.unique(times)) >= _MIN_GROUPS


def _inputs(table: Table, names: list[str]) -> tuple[list[Column], dict[str, str], list[str]]:
    """Return the columns that are inputs, those that are left out with the reason, and what is in doubt."""
    kept, left_out, doubts = [], {}, []
    for name in names:
        try:
            columns, notes = infer_columns(table, [name])
            columns, more_notes = without_names(table, columns, ())
        except ZooError as error:
            left_out[name] = "values of several kinds"
            doubts.append(f"column '{name}' is left out: {error}")
            continue
        kept += columns
        if not columns:
            left_out[name] = " ".join(" ".join([*notes, *more_notes]).split())
    return kept, left_out, doubts


def _is_prose(table: Table, name: str) -> bool:
    texts = [text for text in table.columns[name] if isinstance(text, str) and text.strip()]
    return bool(texts) and sum(len(text.split()) for text in texts) >= _WORDS * len(texts)


def _text_proposal(name: str, task: str, reason: str) -> Proposal:
    bases = (f"_base/sequence_{task}", "_base/adamw_cosine")
    return Proposal(f"sequence_{task}", bases=bases, reason=f"{reason}; the input is the text of '{name}'")


def _add_text_model(proposal: Proposal, examples: int) -> None:
    proposal.add("model.name", "transformer")
    proposal.add("model.width", 64 if examples < 20_000 else 128, f"{examples:,} texts")
    proposal.add("model.depth", 2)
    proposal.add("model.heads", 4)
    proposal.add("model.dropout", 0.2)
