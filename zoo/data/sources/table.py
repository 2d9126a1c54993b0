"""`csv:PATH` and `parquet:PATH`: one file; the recipe names the column to predict."""

from __future__ import annotations

from pathlib import Path

from zoo.data.columns import check_columns, infer_columns, read_table, take_columns
from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.inputs import TableInputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.sources.series import load_series
from zoo.errors import ZooError
from zoo.recipe.schema import Data
from zoo.tasks import Task


def load_table(name: str, data: Data, task: Task) -> SourceData:
    """Load the rows of a file as examples or, for forecasting, as the steps of a series.

    Raises:
        ZooError: the file is not readable, lacks a column that the recipe names, or has a value of the wrong type.
    """
    path = Path(name).expanduser()
    read_targets = KINDS[task.kind].targets
    if read_targets is None:
        return load_series(path, data)
    frame = read_table(path)
    target = str(data.target)
    check_columns(frame, [target], "data.target", str(path))
    check_columns(frame, data.ignore, "data.ignore", str(path))
    check_columns(frame, data.categorical, "data.categorical", str(path))
    inputs = [c for c in frame.columns if c != target and c not in data.ignore]
    if not inputs:
        raise ZooError(f"{path}: no input column is left beside the target '{target}'")
    columns = infer_columns(frame, inputs, data.categorical, str(path))
    text = [c.name for c in columns if c.type == "category"]
    frame = read_table(path, text + [target] * task.labeled)
    values = frame[target].to_numpy(dtype=object, na_value=None)
    labels, targets = read_targets(RawTargets(values={"train": values}, where=f"{path}: column '{target}'"))
    examples = TableInputs(take_columns(frame, columns, str(path)))
    signature = Signature("table", target, columns=tuple(columns), labels=labels)
    return SourceData(signature=signature, splits={"train": whole(examples, targets["train"])})
