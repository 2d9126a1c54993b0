"""Cuts along a column: groups stay whole, time goes forward, and rows that are added move no group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.cuts import Cut
from zoo.data.dataset import whole
from zoo.data.inputs import ArrayInputs
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

SIZES = st.lists(st.integers(1, 9), min_size=3, max_size=30)


def split_of(targets):
    return whole(ArrayInputs(np.arange(len(targets))[:, None]), np.asarray(targets, np.int32))


def grouped(sizes):
    names = np.repeat([f"g{i}" for i in range(len(sizes))], sizes).astype(object)
    return Cut(column="customer", values=np.random.default_rng(0).permutation(names))


@given(SIZES, st.floats(0.2, 0.6), st.integers(0, 99))
def test_a_group_is_in_one_split(sizes, fraction, seed):
    cut = grouped(sizes)
    split = split_of(np.zeros(sum(sizes)))
    try:
        rest, out, note = cut.hold_out(split, fraction, "test", seed=seed)
    except ZooError:
        return
    groups = [set(cut.values[part.indices]) for part in (rest, out)]
    assert not groups[0] & groups[1] and len(rest) + len(out) == len(split)
    assert abs(len(out) - fraction * len(split)) <= max(sizes)
    assert note.startswith(f"held out for test, {len(out) / len(split):.1%} of the examples: {len(groups[1])} of ")


def test_rows_that_are_added_move_no_group():
    """But the last one that is taken, whose size decides how many are."""
    sizes = [3] * 40
    cut = grouped(sizes)
    _, out, _ = cut.hold_out(split_of(np.zeros(120)), 0.25, "test", seed=1)
    before = set(cut.values[out.indices])
    more = Cut(column="customer", values=np.concatenate([cut.values, np.array(["h1", "h2", "h3"] * 3, object)]))
    _, out, _ = more.hold_out(split_of(np.zeros(129)), 0.25, "test", seed=1)
    assert len(before - set(more.values[out.indices])) <= 1
    _, other, _ = cut.hold_out(split_of(np.zeros(120)), 0.25, "test", seed=2)
    assert set(cut.values[other.indices]) != before


@given(st.lists(st.integers(0, 50), min_size=10, max_size=80), st.floats(0.1, 0.5))
def test_time_goes_forward_and_a_moment_is_in_one_split(days, fraction):
    cut = Cut(column="sold", values=np.datetime64("2024-01-01", "us") + np.array(days) * np.timedelta64(1, "D"))
    try:
        rest, out, _ = cut.hold_out(split_of(np.zeros(len(days))), fraction, "validation", seed=0)
    except ZooError:
        return
    assert cut.values[rest.indices].max() < cut.values[out.indices].min()
    assert len(out) >= round(fraction * len(days))


def test_a_class_that_none_is_left_of_is_named():
    cut = Cut(column="customer", values=np.array(["a"] * 5 + ["b"] * 5, object))
    with pytest.raises(ZooError, match=r"data\.test: the cut along column 'customer' leaves no example .*1 classes: "):
        cut.hold_out(split_of([0] * 5 + [1] * 5), 0.5, "test", seed=0, labels=("no", "yes"))
    with pytest.raises(ZooError, match=r"cannot be held out along column 'customer', which has 1 different values: a"):
        Cut(column="customer", values=np.array(["a"] * 9, object)).hold_out(split_of([0] * 9), 0.5, "test", seed=0)


def table(folder, rows):
    (folder / "t.csv").write_text("who,when,x,y\n" + "\n".join(rows) + "\n")
    return f"csv:{folder / 't.csv'}"


def rows(count=60):
    return [f"c{i % 12},2024-{1 + i // 28:02}-{1 + i % 28:02},{i * 0.5},{['no', 'yes'][i % 2]}" for i in range(count)]


def test_tables_by_group_and_by_time(tmp_path):
    source = table(tmp_path, rows())
    task = TASKS["tabular_classification"]
    by_group = load_dataset(Data(source=source, target="y", group="who"), task)
    names = [set(np.asarray(part.indices) % 12) for part in (by_group.train, by_group.validation, by_group.test)]
    assert sum(map(len, names)) == 12 == len(set.union(*names))
    assert {column.name for column in by_group.signature.columns} == {"when", "x"}
    by_time = load_dataset(Data(source=source, target="y", time="when"), task)
    assert [*by_time.train.indices, *by_time.validation.indices, *by_time.test.indices] == list(range(60))
    assert "held out for test, 20.0% of the examples: those whose 'when' is 2024-02-21 or later" in by_time.notes


@pytest.mark.parametrize(
    ("keys", "changed", "message"),
    [
        ({"group": "whom"}, {}, r"data\.group names the column 'whom', .*did you mean 'who'"),
        (
            {"group": "who"},
            {3: ",2024-01-04,1,no", 5: ",2024-01-06,1,no"},
            r"data\.group: column 'who' is empty in .*2 of",
        ),
        ({"time": "who"}, {}, r"data\.time: column 'who' does not read as time"),
        ({"time": "when"}, {4: "c4,,2,yes"}, r"column 'when' is time, and .* has '' .*; fill it in, or take the row"),
    ],
)
def test_columns_that_cannot_lead_a_cut(tmp_path, keys, changed, message):
    lines = [changed.get(i, row) for i, row in enumerate(rows())]
    with pytest.raises(ZooError, match=message):
        load_dataset(Data(source=table(tmp_path, lines), target="y", **keys), TASKS["tabular_classification"])
