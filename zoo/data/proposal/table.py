"""A recipe for a table: its target, the task, which columns are inputs, and how rows are split."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from zoo.data.columns import Column, numbers
from zoo.data.proposal.panel import panel_proposal
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.repeats import add_repeats
from zoo.data.proposal.sequences import long_form_proposal
from zoo.data.proposal.series import series_proposal
from zoo.data.proposal.sizes import add_search, add_table_model, add_training
from zoo.data.proposal.targets import find_target, several_targets, task_of, task_of_several
from zoo.data.proposal.texts import add_text_model
from zoo.data.tables.file import Table
from zoo.data.tables.files import read_tables
from zoo.data.tables.infer import infer_columns, infer_number
from zoo.data.tables.texts import without_names
from zoo.data.tables.time_order import moments
from zoo.data.tables.uninformative import looks_like_id, names_splits
from zoo.errors import ZooError, listing
from zoo.recipe.steps import Encode

_MIN_GROUPS = 5
_MIN_BLOCKS = 20  # of equally many rows; fewer may be the levels of a designed experiment
_WORDS = 4  # in a text, on average, from which on it is more than a name
_LETTERS = 0.7  # of the characters, at least, of names and other texts
_MANY_CATEGORIES = 0.1  # of the rows: a column of so many different texts may be one of ids


def propose_table(path: Path, source: str, target: str | None) -> Proposal:
    """Return a recipe for the rows of a file.

    Args:
        path: the file.
        source: as the recipe names it.
        target: the column to predict; one with a usual name where it is left out.

    Raises:
        ZooError: the file is not readable, or no column can be told to be the target.
    """
    table = read_tables(str(path), target=target or "", form=source.partition(":")[0])
    splits = set() if table.split is None else set(table.split)
    several = several_targets(table, target)
    if several:
        return rows_proposal(table, source, several, splits=splits - {"train"})
    target, doubts = find_target(table, target, "--target COLUMN")
    if splits:
        rows = rows_proposal(table, source, target, splits=splits - {"train"})
        rows.doubts[:0] = doubts
        return rows
    proposal, more_doubts = steps_proposal(table, source, target)
    if proposal is None:
        proposal = rows_proposal(table, source, target)
    proposal.doubts[:0] = [*doubts, *more_doubts]
    return proposal


def steps_proposal(table: Table, source: str, target: str) -> tuple[Proposal | None, list[str]]:
    """Return a recipe where rows are steps of series or of sequences; else None, and what is in doubt."""
    proposal, doubts = series_proposal(table, source, target), list[str]()
    if proposal is None:
        proposal, doubts = panel_proposal(table, source, target)
    if proposal is None:
        proposal = long_form_proposal(table, source, target, task_of)
    return proposal, doubts


def rows_proposal(
    table: Table,
    source: str,
    target: str | list[str],
    *,
    categorical: Collection[str] = (),
    splits: Collection[str] = (),
    text: str | None = None,
) -> Proposal:
    """Return a recipe in which each row is an example.

    Args:
        table: the rows.
        source: as the recipe names it.
        target: the column to predict, or several.
        categorical: columns whose type says that they hold categories.
        splits: those that are given beside the training split, so that no column is needed to split by.
        text: the column that holds texts, where that is known.

    Raises:
        ZooError: the target's values tell no task.
    """
    targets = [target] if isinstance(target, str) else target
    if len(targets) > 1:
        task, reason, doubts = task_of_several(table, targets)
    else:
        task, reason, doubts = task_of(table, targets[0], is_category=targets[0] in categorical)
    others = [name for name in table.columns if name not in targets]
    apart = Apart() if splits else split_of(table, others)
    kept, left_out, more_doubts = _inputs(table, [name for name in others if name not in apart.columns])
    is_text = text is not None
    prose = [name for name in left_out if _is_prose(table, name)]
    text = text or next(iter(prose), None)
    if text is None and not kept:
        text = next((name for name in left_out if _is_text(table, name)), None)
    if text is not None and (is_text or not kept):
        proposal = _text_proposal(text, task, reason)
    else:
        proposal = Proposal(f"tabular_{task}", bases=(f"_base/tabular_{task}", "_base/adamw_cosine"), reason=reason)
    proposal.target = ", ".join(targets)
    proposal.doubts += [*doubts, *apart.doubts, *more_doubts]
    proposal.add("data.source", source, f"{len(table):,} rows")
    proposal.add("data.target", target)
    if proposal.task.startswith("sequence"):
        why = "several words each" if text in prose else "most of them once; there is no other input"
        proposal.add("data.text", text, f"the column of texts, {why}")
    else:
        _add_columns(proposal, table, kept, {name: why for name, why in left_out.items() if name not in prose}, prose)
    for key, (value, why) in apart.keys.items():
        proposal.add(key, value, why)
    if text is None:
        add_repeats(proposal, table, [column.name for column in kept])
    lacking = 0 if task.startswith("multi_label") else _lacking(table, targets)
    if lacking:
        what = f"'{proposal.target}' and are left out"
        proposal.add("data.on_error", "skip", f"{lacking} of {len(table)} rows have no {what}")
    own_test = "test" in splits or "data.split_column" in apart.keys
    if text is not None and proposal.task.startswith("sequence"):
        outputs = len(targets) if task == "regression" else len(set(table.texts(targets[0]).tolist()))
        add_text_model(proposal, table.texts(text).tolist(), outputs, own_test=own_test)
    else:
        space = add_table_model(proposal, len(table), len(kept), texts=bool(prose))
        if proposal.task == "tabular_regression":
            reason = "as the figure that counts; mean_squared_error aims at the mean, which outliers draw"
            proposal.add("loss.name", "mean_absolute_error", reason)
        add_training(proposal, len(table) - lacking, own_test=own_test)
        proposal.add("evaluation.baseline", "gradient_boosting", "the strongest simple method for most tables")
        add_search(proposal, space)
    return proposal


def _add_columns(
    proposal: Proposal, table: Table, kept: list[Column], left_out: dict[str, str], prose: list[str]
) -> None:
    """Add which columns are left out and which are read as text, and what is in doubt."""
    if prose:
        proposal.add("data.texts", prose, "several words each, most texts once: read by their words")
    if left_out:
        proposal.add("data.ignore", list(left_out), "; ".join(left_out.values()))
    for column in kept:
        different = len(set(table.texts(column.name).tolist())) if column.type == "category" else 0
        if different > max(_MANY_CATEGORIES * len(table), Encode().embed_above or 0):
            proposal.doubts.append(
                f"column '{column.name}' has {different:,} different texts in {len(table):,} rows, and is embedded; "
                "list it under data.ignore if it names things that are not seen again"
            )


def _lacking(table: Table, targets: list[str]) -> int:
    """Return how many rows lack a target."""
    return int(
        np.any([[not v or v in table.reading.missing for v in table.texts(name)] for name in targets], axis=0).sum()
    )


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
    """Return whether a column is an id that several rows share, by its name or by how it numbers blocks of rows."""
    texts = table.texts(name).tolist()
    different = len(set(texts))
    if not all(texts) or not _MIN_GROUPS <= different <= len(texts) / 2:
        return False
    return looks_like_id(name) or _numbers_blocks(table, name)


def _numbers_blocks(table: Table, name: str) -> bool:
    """Return whether a column counts blocks of equally many rows: 1, 1, 1, 2, 2, 2 …, such as people asked thrice."""
    try:
        column, _ = infer_number(table, name)
    except ZooError:
        return False
    if column.type != "number" or column.form != "number":
        return False
    values = numbers(table, column)
    steps = np.diff(values)
    if not np.isin(steps, (0, 1)).all() or values[0] not in (0, 1):
        return False
    sizes = np.bincount((values - values[0]).astype(int))
    return len(sizes) >= _MIN_BLOCKS and bool((sizes == sizes[0]).all())


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


def _is_text(table: Table, name: str) -> bool:
    """Return whether a column holds texts, such as names, which ids are not."""
    texts = [text for text in table.columns[name] if isinstance(text, str) and text.strip()]
    letters = sum(map(str.isalpha, "".join(texts)))
    return not looks_like_id(name) and letters > _LETTERS * sum(map(len, texts))


def _text_proposal(name: str, task: str, reason: str) -> Proposal:
    bases = (f"_base/sequence_{task}", "_base/adamw_cosine")
    return Proposal(f"sequence_{task}", bases=bases, reason=f"{reason}; the input is the text of '{name}'")
