"""Columns that tell nothing of another row are left out, and that is said."""

import numpy as np
import pytest

from zoo.data.tables.file import Table
from zoo.data.tables.infer import infer_columns


@pytest.mark.parametrize(
    ("values", "name", "said"),
    [
        (range(20), "Unnamed: 0", "holds row numbers (0 to 19) and is left out"),
        (range(1, 21), "index", "holds row numbers (1 to 20) and is left out"),
        (range(500, 900, 20), "customer_id", "holds an id, 20 different whole numbers"),
        (["03/04/2020", "05/06/2020"] * 10, "day", "can be told in 2 ways; it is left out"),
        (["train", "test"] * 10, "split", "names splits, 'test' (10), 'train' (10), and is left out"),
    ],
)
def test_columns_that_tell_nothing_are_left_out_with_a_note(values, name, said):
    columns, notes = infer_columns(Table("t.csv", {name: np.array([str(v) for v in values], object)}), [name])
    assert (
        not columns
        and len(notes) == 1
        and said in notes[0]
        and f"{name}" in notes[0].replace("the column without a name", "Unnamed: 0")
    )


def test_dates_typed_as_whole_numbers_are_named():
    table = Table("t.parquet", {"day": np.array([20230101, 20230131, 20230202])})
    _, notes = infer_columns(table, ["day"])
    assert "looks like dates, such as 20230101" in notes[0]
    assert not infer_columns(Table("t.parquet", {"n": np.array([20230101, 20239999])}), ["n"])[1]
