"""Windows of series: nothing of the future in the past."""

import numpy as np
import pytest

from zoo.data.sources.windows import forecast_windows
from zoo.errors import ZooError
from zoo.recipe.data_section import Data


def settings(**options):
    window = {"history": 12, "horizon": 4, "season": 6}
    return Data.model_validate({"source": "csv:x.csv", "validation": 0.2, "test": 0.25, "window": window, **options})


def test_every_forecast_lies_in_its_own_part():
    time = np.arange(200, dtype=np.float32)
    data = forecast_windows(np.stack([time, -time], 1), settings(), "y", "x.csv")
    train_end, test_start = 110, 150
    parts = {"train": (12, train_end), "validation": (train_end, test_start), "test": (test_start, 200)}
    for name, (first, end) in parts.items():
        split = data.splits[name]
        x, y = split.take(np.arange(len(split))), split.targets
        assert x.shape == (len(split), 12, 2) and y.shape == (len(split), 5)
        np.testing.assert_array_equal(x[:, -1, 0] + 1, y[:, 0])  # the forecast begins where the history ends
        np.testing.assert_array_equal(np.diff(x[..., 0], axis=1), 1)
        np.testing.assert_array_equal(x[..., 1], -x[..., 0])
        assert y[:, :-1].min() == first and y[:, :-1].max() == end - 1
        assert len(split) == end - first - 4 + 1
        assert data.series.origins[name].tolist() == y[:, 0].astype(int).tolist()
    assert data.series.train_ends.tolist() == [train_end]
    np.testing.assert_allclose(data.splits["train"].targets[:, -1], 6)  # a line moves by 6 in a season of 6


def test_the_scale_is_the_naive_error_of_the_training_part_alone():
    values = np.random.default_rng(0).normal(size=(200, 1)).astype(np.float32)
    values[110:] *= 100
    data = forecast_windows(values, settings(), "y", "x.csv")
    past = values[:110, 0]
    expected = np.mean([abs(past[t] - past[t - 6]) for t in range(6, 110)])
    np.testing.assert_allclose(data.splits["test"].targets[:, -1], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (200, {"window": None}, "needs data.window"),
        (18, {}, "the train part has -2 of 18 steps, too few for a window of 12"),
        (200, {"window": {"history": 150, "horizon": 4}}, "too few for a window of 150"),
    ],
)
def test_what_cannot_be_cut(count, options, message):
    with pytest.raises(ZooError, match=message):
        forecast_windows(np.arange(count, dtype=np.float32)[:, None], settings(**options), "y", "x.csv")


def test_gaps_are_refused():
    values = np.arange(200, dtype=np.float32)[:, None]
    values[7] = np.nan
    with pytest.raises(ZooError, match="1 of 200 steps lack a value"):
        forecast_windows(values, settings(), "y", "x.csv")
