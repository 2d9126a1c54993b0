"""Names of columns as inputs of an exported file."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.columns import Column
from zoo.data.dataset import Signature
from zoo.data.input_names import MAX_INPUT_NAME, RESERVED, input_names
from zoo.export import graph_outputs
from zoo.export.kinds import KINDS
from zoo.export.predictors import Predictor


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["age", "zip_code", "ID", "_x"], ["age", "zip_code", "ID", "_x"]),
        (["label", "value", "probabilities"], ["column_label", "column_value", "column_probabilities"]),
        (["column_label", "label"], ["column_label", "column_label_2"]),
        (["a b", "a_b", "a/b", "a.b"], ["a_b_2", "a_b", "a_b_3", "a_b_4"]),
        (["größe", "数量", "'", "1st"], ["groe", "column_2", "column_3", "column_1st"]),
        (["a__12", "a__b"], ["a_12", "a__b"]),
    ],
)
def test_names(columns, names):
    assert input_names(columns) == names


@given(
    st.lists(st.text(min_size=1) | st.sampled_from([*sorted(RESERVED), "a b", "a_b", "a-b", "x" * 300]), unique=True)
)
def test_any_names_become_identifiers_each_once(columns):
    names = input_names(columns)
    assert len(names) == len(columns) == len(set(names)) and not RESERVED & set(names)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and len(name) <= MAX_INPUT_NAME + 16 for name in names)


def test_every_output_is_reserved():
    outputs = {name for kind in KINDS.values() if isinstance(kind, Predictor) for name in kind.outputs}
    assert outputs <= RESERVED
    with open(graph_outputs.__file__, encoding="utf-8") as file:
        inner = set(re.findall(r'"((?:label|value|expected|set|prediction)(?:_[a-z]+)?)"', file.read()))
    assert inner and inner <= RESERVED


def test_only_tables_have_an_input_for_each_column():
    columns = (Column("zip code", "number"), Column("y", "number"))
    assert Signature("table", "z", columns=columns).to_json()["inputs"] == {"zip code": "zip_code", "y": "y"}
    series = Signature("array", "y", (14, 2), columns=columns)
    assert "inputs" not in series.to_json() and series.input_names == ["array"]
