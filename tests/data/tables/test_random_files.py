"""Random tables and series: what is accepted is what was written, all else is refused with a message."""

from collections import Counter

import numpy as np
import pytest
from random_tables import series_file, table_file

from zoo.data.columns import column_from_json, take_columns
from zoo.data.sources.load import load_dataset
from zoo.data.tables.file import read_table
from zoo.data.tables.reading import Reading
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

KINDS = {"tabular_classification": table_file, "forecasting": series_file}
FAST, ALL = 12, 75  # files of each kind


def outcome(task, seed, folder):
    """Return "accepted" or "refused" for one file, or what is wrong with how it was taken."""
    written = KINDS[task](seed)
    path = folder / f"{seed}.csv"
    path.write_bytes(written.content)
    try:
        dataset = load_dataset(Data(source=f"csv:{path}", **written.settings), TASKS[task])
    except ZooError as error:
        return "refused" if written.faults else f"refused without a fault: {error}"
    if written.faults:
        return f"accepted in spite of: {written.faults}"
    columns = {column.name: column for column in dataset.signature.columns}
    said = " ".join(dataset.notes)
    silent = [name for name in written.truth if name not in columns and name not in said]
    if silent:
        return f"left out without a word: {silent}"
    served = [column_from_json(column.to_json()) for column in columns.values()]
    table = read_table(path, Reading(encoding=written.settings.get("encoding")))
    again = take_columns(table, served)
    for name, truth in written.truth.items():
        if name in columns and not equal(again[name], truth):
            return f"column '{name}' is not what was written"
    if task == "forecasting" and not equal(dataset.series.values, written.truth["y"]):
        return "the series is not what was written"
    if task != "forecasting" and not all(
        equal(np.concatenate([split.take(np.arange(len(split)))[name] for split in (dataset.train,)]),
              [written.truth[name][i] for i in dataset.train.indices]) for name in columns
    ):  # fmt: skip
        return "the training split is not what was written"
    return "accepted"


def equal(found, truth):
    """Return whether values are those written, numbers to the precision of their type."""
    if found.dtype == object:
        return found.tolist() == ["" if value is None else value for value in truth]
    expected = np.array([np.nan if value is None else value for value in truth], np.float64)
    return np.allclose(found, expected, rtol=np.finfo(found.dtype).eps, atol=0, equal_nan=True)


@pytest.mark.parametrize("task", KINDS)
@pytest.mark.parametrize(
    "seeds", [range(FAST), pytest.param(range(FAST, ALL), marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_random_files_are_right_or_refused(task, seeds, tmp_path):
    found = {seed: outcome(task, seed, tmp_path) for seed in seeds}
    wrong = {seed: said for seed, said in found.items() if said not in ("accepted", "refused")}
    assert not wrong, wrong
    assert set(Counter(found.values())) == {"accepted", "refused"}
