"""Layers for the columns of tables, against NumPy's calendar."""

import keras
import numpy as np
import pandas as pd
import pytest

from zoo.layers.table import PARTS, PERIODS, DateParts, EmbedColumns, with_embedded_columns


def expected_parts(times):
    """Return the features of every part, by pandas."""
    times = pd.DatetimeIndex(times)
    places = {
        "month": times.month - 1,
        "day": times.day - 1,
        "weekday": times.weekday,
        "day_of_year": times.dayofyear - 1,
        "hour": (times - times.normalize()) / pd.Timedelta("1h"),
    }
    found = [(times - pd.Timestamp(0)) / pd.Timedelta("1D"), times.year]
    for name, period in PERIODS.items():
        angle = 2 * np.pi * np.asarray(places[name]) / period
        found += [np.sin(angle), np.cos(angle)]
    return np.column_stack(found)


@pytest.mark.parametrize(("first", "last"), [("1678-01-01", "2262-01-01"), ("1999-12-25", "2001-03-05")])
def test_parts_are_those_of_the_calendar(first, last):
    generator = np.random.default_rng(0)
    ends = [pd.Timestamp(first).value, pd.Timestamp(last).value]
    times = pd.DatetimeIndex(generator.integers(*ends, 4000)).floor("s")
    days = np.asarray((times - pd.Timestamp(0)) / pd.Timedelta("1D"))
    found = keras.ops.convert_to_numpy(DateParts(PARTS, dtype="float64")(days[:, None]))
    np.testing.assert_allclose(found, expected_parts(times), atol=2e-6)


def test_whole_days_in_float32():
    times = pd.date_range("1850-01-01", "2150-01-01", freq="D")
    days = np.asarray((times - pd.Timestamp(0)) / pd.Timedelta("1D")).astype(np.float32)
    found = keras.ops.convert_to_numpy(DateParts(PARTS)(days[:, None]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected_parts(times), atol=2e-6)


def test_last_columns_are_embedded():
    layer = EmbedColumns([4, 300], [2, 3], [0, 0])
    vector = np.array([[0.5, 3, 299], [1.5, 0, 257]], np.float32)
    found = keras.ops.convert_to_numpy(layer(vector))
    first, second = (keras.ops.convert_to_numpy(table) for table in layer.tables)
    np.testing.assert_array_equal(found, np.column_stack([[0.5, 1.5], first[[3, 0]], second[[299, 257]]]))


def test_a_network_behind_embeddings():
    inputs = keras.Input((6,))
    network = keras.Model(inputs, keras.layers.Dense(2, name="dense")(inputs))
    both = with_embedded_columns(network, [4, 300], [2, 3], [0, 0])
    assert both.input_shape == (None, 3)
    x = np.array([[0.5, 3, 299]], np.float32)
    weights = network.get_weights()
    embedded = keras.ops.convert_to_numpy(both.get_layer("embed_columns")(x))
    np.testing.assert_allclose(both.predict(x, verbose=0), embedded @ weights[0] + weights[1], rtol=1e-5)


def test_a_text_is_the_mean_of_its_tokens():
    layer = EmbedColumns([5, 9], [2, 3], [0, 4])
    vector = np.array([[0.5, 3, 7, 8, 7, 0], [1.5, 0, 0, 0, 0, 0]], np.float32)
    found = keras.ops.convert_to_numpy(layer(vector))
    first, second = (keras.ops.convert_to_numpy(table) for table in layer.tables)
    texts = np.array([second[[7, 8, 7]].mean(0), np.zeros(3)])
    np.testing.assert_allclose(found, np.column_stack([[0.5, 1.5], first[[3, 0]], texts]), rtol=1e-5)
