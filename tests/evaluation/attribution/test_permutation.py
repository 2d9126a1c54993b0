"""Permutation importance against scikit-learn's on a linear model, and the parts that are shuffled."""

import numpy as np
from sklearn.inspection import permutation_importance as reference
from sklearn.linear_model import LinearRegression

from zoo.data.columns import Column
from zoo.data.dataset import Signature
from zoo.evaluation.attribution.parts import MAX_BLOCKS, MAX_COLUMNS, mixed, parts_of
from zoo.evaluation.attribution.permutation import permutation_importance


def test_importance_is_scikit_learns():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 4))
    y = x @ [3.0, 0.0, -1.0, 0.5] + 0.1 * generator.normal(size=300)
    model = LinearRegression().fit(x, y)
    wanted = reference(model, x, y, n_repeats=5, random_state=7, scoring="r2")
    table = {f"c{i}": x[:, i] for i in range(4)}
    parts = parts_of(Signature("table", "y", columns=tuple(Column(name, "number") for name in table)), table)

    def score(rows):
        changed = mixed(table, parts, rows)
        return model.score(np.stack(list(changed.values()), axis=1), y)

    found = permutation_importance(score, [part.name for part in parts], 300, seed=7)
    order = np.argsort(-wanted.importances_mean)
    assert [row["name"] for row in found] == [f"c{i}" for i in order]
    np.testing.assert_allclose([row["mean"] for row in found], wanted.importances_mean[order])
    np.testing.assert_allclose([row["std"] for row in found], wanted.importances_std[order])
    assert found[0]["name"] == "c0" and abs(found[-1]["mean"]) < 0.01


def test_parts_of_sequences_are_channels_and_blocks_of_steps():
    raw = np.arange(4 * 30 * 2).reshape(4, 30, 2).astype(np.float32)
    before = raw.copy()
    parts = parts_of(Signature("array", "y", (30, 2)), raw)
    names = [part.name for part in parts]
    assert names[:3] == ["channel 1", "channel 2", "step 1 to step 3"] and len(parts) == 2 + MAX_BLOCKS
    rows = np.repeat(np.arange(4)[:, None], len(parts), axis=1)
    np.testing.assert_array_equal(mixed(raw, parts, rows), raw)
    rows[:, 1] = [1, 0, 3, 2]
    changed = mixed(raw, parts, rows)
    np.testing.assert_array_equal(changed[..., 0], raw[..., 0])
    np.testing.assert_array_equal(changed[..., 1], raw[[1, 0, 3, 2], :, 1])
    rows[:, 1], rows[:, 2] = np.arange(4), [1, 0, 3, 2]
    changed = mixed(raw, parts, rows)
    np.testing.assert_array_equal(changed[:, :3], raw[[1, 0, 3, 2], :3])
    np.testing.assert_array_equal(changed[:, 3:], raw[:, 3:])
    np.testing.assert_array_equal(raw, before)


def test_steps_of_forecasts_count_back_and_covariates_are_parts():
    raw = {"array": np.zeros((3, 4, 1)), "known_covariates": np.zeros((3, 2, 1)), "shop": np.array(list("abc"), object)}
    parts = parts_of(Signature("series", "y", (4, 1), horizon=2), raw)
    assert [part.name for part in parts] == ["step -4", "step -3", "step -2", "step -1", "known_covariates", "shop"]
    rows = np.repeat(np.arange(3)[:, None], 6, axis=1)
    rows[:, 5] = [2, 1, 0]
    assert mixed(raw, parts, rows)["shop"].tolist() == list("cba") and raw["shop"].tolist() == list("abc")


def test_many_columns_are_grouped_and_padded_sequences_have_no_parts():
    raw = np.zeros((3, 500))
    parts = parts_of(Signature("array", "y", (500,)), raw)
    assert len(parts) == MAX_COLUMNS and parts[0].name == "feature 1 to feature 9"
    assert parts_of(Signature("array", "y", (None, 2)), np.full((3, 5, 2), np.nan)) == []
