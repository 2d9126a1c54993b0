"""Columns of free text beside other columns: recognised, named, refused, and turned into token ids."""

import json

import numpy as np
import pandas as pd
import pytest
from loading import load, refused

from zoo.data.columns import column_from_json
from zoo.data.table_texts import text_ids

NOTES = [f"the {'red' if i % 2 else 'blue'} one, item {i}" for i in range(40)]


def write(path, **columns):
    pd.DataFrame({"note": NOTES, "size": range(40), "y": [i % 3 for i in range(40)]} | columns).to_csv(
        path, index=False
    )
    return f"csv:{path}"


def test_texts_become_ids_of_the_training_vocabulary(tmp_path):
    dataset = load(write(tmp_path / "t.csv"), target="y", texts=["note"])
    column = dataset.signature.columns[0]
    train = set(" ".join(dataset.train.take(np.arange(len(dataset.train)))["note"]).replace(",", " , ").split())
    assert column.type == "free_text" and set(column.tokenizer.symbols) == train
    assert column.tokenizer.length == 6
    ids = text_ids(["the red one , unseen", ""], column)
    assert ids.dtype == np.int32 and ids.shape == (2, column.tokenizer.length) and ids[0, 4] == 1 and not ids[1].any()
    assert [column.tokenizer.symbols[i - 4] for i in ids[0, :4]] == ["the", "red", "one", ","]
    again = column_from_json(json.loads(json.dumps(column.to_json())))
    assert again == column


def test_texts_that_are_not_named_are_left_out_with_advice(tmp_path):
    notes = load(write(tmp_path / "t.csv"), target="y").notes
    assert any("'note' is left out" in n and "list it under data.texts to learn from its words" in n for n in notes)
    names = [f"N{i}" for i in range(40)]
    notes = load(write(tmp_path / "t.csv", note=names), target="y").notes
    assert any("list it under data.categorical to use it" in n for n in notes)


def test_missing_texts_are_empty_and_counted(tmp_path):
    source = write(
        tmp_path / "t.csv", note=[None if i in (3, 4) else "-" if i == 5 else text for i, text in enumerate(NOTES)]
    )
    dataset = load(source, target="y", texts=["note"], missing=["-"])
    assert "column 'note': 3 of 40 texts are missing or empty" in dataset.notes


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({}, {"texts": ["nots"]}, "data.texts names the column 'nots', which the table lacks"),
        ({"note": [""] * 40}, {"texts": ["note"]}, "has no text in any row"),
    ],
)
def test_columns_that_are_refused(columns, settings, message, tmp_path):
    refused(message, write(tmp_path / "t.csv", **columns), target="y", **settings)


def test_a_typed_column_of_numbers_is_refused(tmp_path):
    pd.DataFrame({"note": range(40), "y": [i % 3 for i in range(40)]}).to_parquet(tmp_path / "t.parquet")
    refused("holds numbers, and texts are expected", f"parquet:{tmp_path}/t.parquet", target="y", texts=["note"])
