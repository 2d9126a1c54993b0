"""The search for slices: planted ones are found, by their own test, and chance alone gives none."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import fisher_exact, ttest_ind

from zoo.data.dataset import Signature, Split, whole
from zoo.data.inputs import ArrayInputs, TableInputs
from zoo.data.tables.file import Table
from zoo.evaluation.result import TaskResult
from zoo.evaluation.slices.buckets import category_property, mixed_property, number_property
from zoo.evaluation.slices.find import add_slices
from zoo.evaluation.slices.kinds import KINDS
from zoo.evaluation.slices.search import find_slices


def properties(generator, n, count=8):
    numbers = [number_property(f"x{i}", generator.normal(size=n)) for i in range(count)]
    return [*numbers, category_property("city", generator.choice(["rome", "oslo", "bonn"], n).tolist())]


@pytest.mark.parametrize("binary", [True, False])
def test_chance_alone_gives_none_at_the_stated_rate(binary):
    """Under no difference, the chance of any slice is at most the false discovery rate (Benjamini and Hochberg)."""
    generator, found = np.random.default_rng(0), 0
    for _ in range(60):
        errors = (generator.random(300) < 0.2).astype(float) if binary else generator.exponential(size=300)
        found += bool(find_slices(properties(generator, 300, count=4), errors)[0])
    assert found <= 7  # 3 expected at most; 8 or more have a chance of 0.01


@pytest.mark.parametrize("binary", [True, False])
def test_a_planted_slice_is_named_alone_and_first(binary):
    generator = np.random.default_rng(1)
    known = properties(generator, 1500)
    members = known[-1].codes == known[-1].names.index("city = oslo")
    rate = np.where(members, 0.3, 0.1)
    errors = (generator.random(1500) < rate).astype(float) if binary else generator.exponential(rate)
    found, tried = find_slices(known, errors)
    assert [each.where for each in found] == ["city = oslo"] and tried > 400
    assert found[0].mean == pytest.approx(errors[members].mean()) and found[0].p_value < 0.001
    np.testing.assert_array_equal(found[0].members, members)


def test_a_slice_of_two_properties_is_found_where_neither_is_bad_by_itself():
    generator = np.random.default_rng(2)
    known = properties(generator, 3000, count=3)
    members = (known[0].codes == 0) & (known[1].codes == 3)
    errors = (generator.random(3000) < np.where(members, 0.6, 0.1)).astype(float)
    found, _ = find_slices(known, errors)
    assert found[0].where == f"{known[0].names[0]} and {known[1].names[3]}"
    np.testing.assert_array_equal(found[0].members, members)


@pytest.mark.parametrize("binary", [True, False])
def test_p_values_are_scipys_on_the_examples_corrected_for_all_that_were_looked_at(binary):
    generator = np.random.default_rng(3)
    known = category_property("city", generator.choice(["rome", "oslo"], 200).tolist())
    members = known.codes == known.names.index("city = oslo")
    rate = np.where(members, 0.6, 0.2)
    errors = (generator.random(200) < rate).astype(float) if binary else generator.exponential(rate)
    (found,), tried = find_slices([known], errors)
    inside, outside = errors[members], errors[~members]
    table = [[inside.sum(), (1 - inside).sum()], [outside.sum(), (1 - outside).sum()]]
    expected = (
        fisher_exact(table, alternative="greater")
        if binary
        else ttest_ind(inside, outside, equal_var=False, alternative="greater")
    )
    assert tried == 2 and found.p_value == pytest.approx(2 * expected.pvalue, rel=1e-6)  # the other's is near 1


def test_buckets():
    found = number_property("age", np.array([*range(1, 101), np.nan]))
    assert found.names == ("age ≤ 25.75", "age > 25.75 to 50.5", "age > 50.5 to 75.25", "age > 75.25", "age missing")
    assert np.bincount(found.codes).tolist() == [25, 25, 25, 25, 1]
    assert number_property("flag", np.array([0.0, 1, 1])).names[:2] == ("flag = 1", "flag = 0")
    rare = category_property("id", [f"v{i}" for i in range(30)] + ["v3", ""])
    assert len(rare.names) == 11 and rare.names[0] == "id = v3" and rare.names[-1] == "id: a rarer value"
    assert mixed_property("n", ["1", None, "2.5", *map(str, range(20))]).names[-1] == "n missing"
    assert mixed_property("n", ["a", None]).names[:2] == ("n missing", "n = a")


def test_columns_that_are_no_inputs_are_looked_at_too():
    generator = np.random.default_rng(4)
    site = generator.choice(["north", "south", "east"], 600)
    y = generator.integers(0, 2, 600)
    wrong = generator.random(600) < np.where(site == "south", 0.5, 0.05)
    output = np.eye(2)[np.where(wrong, 1 - y, y)]
    rows = generator.permutation(800)[:600]  # of the source, whose other rows are in other splits
    source, sites = generator.normal(size=800).astype(np.float32), np.full(800, "north", object)
    sites[rows] = site
    test, table = Split(TableInputs({"size": source}), rows, y), Table("mine", {"site": sites})
    dataset = SimpleNamespace(
        test=test, table=table, series=None, signature=Signature("table", "y", columns=(), labels=("a", "b"))
    )
    result = TaskResult({"test": (y, output)}, None)
    add_slices(SimpleNamespace(recipe=SimpleNamespace(task="tabular_classification"), dataset=dataset), result)
    (found,), search = result.facts["slices"], result.facts["slice_search"]
    south = site == "south"
    assert found["where"] == "site = south" and found["examples"] == south.sum()
    assert found["metric"] == pytest.approx(1 - wrong[south].mean())
    assert found["difference"] == pytest.approx(wrong.mean() - wrong[south].mean())
    assert search["metric"] == "accuracy" and search["properties"] == 2 and search["overall"] == 1 - wrong.mean()


def test_dark_images_are_a_slice():
    generator = np.random.default_rng(5)
    images = generator.integers(0, 200, (400, 4, 4, 1)).astype(np.uint8)
    images[:100] //= 8
    y = np.zeros(400, int)
    output = np.eye(2)[np.where(np.arange(400) < 100, generator.random(400) < 0.7, 0).astype(int)]
    dataset = SimpleNamespace(
        test=whole(ArrayInputs(images), y), table=None, series=None, signature=Signature("image", "y", (4, 4, 1))
    )
    result = TaskResult({"test": (y, output)}, None)
    add_slices(SimpleNamespace(recipe=SimpleNamespace(task="image_classification"), dataset=dataset), result)
    assert result.facts["slices"][0]["where"].startswith(("brightness ≤", "contrast ≤"))


def test_the_mean_error_of_each_kind_is_its_metric():
    from zoo.evaluation.metrics.kinds import KINDS as METRICS

    for kind, each in KINDS.items():
        assert each is None or each.metric in METRICS[kind].metrics
    y, output = np.array([[1.0, 3.0, 2.0], [2.0, 4.0, 0.5]]), np.array([[2.0, 3.0], [2.0, 6.0]])
    found = KINDS["forecasting"].errors(y, output)
    assert found.tolist() == [0.25, 2.0] and METRICS["forecasting"].evaluate(y, output)["mase"] == found.mean()


def test_where_most_numbers_are_the_largest_the_others_are_a_bucket():
    values = np.array([*range(30), *[300] * 200, np.nan])
    found = number_property("length", values)
    assert found.names == ("length ≤ 29", "length > 29", "length missing")
    np.testing.assert_array_equal(np.bincount(found.codes), [30, 200, 1])
