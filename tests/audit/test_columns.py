"""Columns of a table that are odd, one by one."""

import numpy as np
import pytest
from audited import found, table

from zoo.audit.columns import column_findings
from zoo.audit.outliers import far_values

RNG = np.random.default_rng(0)
ROWS = 500


def audited(**more):
    columns = {"n0": RNG.normal(size=ROWS).astype(np.float32), "word": words("ab"), **more}
    return found(column_findings, table(columns, RNG.normal(size=ROWS).astype(np.float32)))


def words(names):
    return np.array(list(names), object)[RNG.integers(0, len(names), ROWS)]


def test_usual_columns_have_no_finding():
    assert audited() == {}


def test_most_values_missing_is_a_warning_and_a_few_a_note():
    values = RNG.normal(size=ROWS)
    values[:10] = np.nan
    note = audited(gaps=values)["missing_values", "note"]
    assert (note.count, note.remedy) == (10, "")
    values[:200] = np.nan
    warning = audited(gaps=values)["missing_values", "warning"]
    assert warning.count == 200 and warning.remedy == "data: {ignore: [gaps]}"


def test_one_value_is_a_constant():
    assert audited(c=np.full(ROWS, 3.0))["constant_column", "warning"].evidence == ({"column": "c", "value": 3.0},)
    assert ("constant_column", "warning") in audited(c=np.array(["v1"] * ROWS, object))


def test_numbers_and_text_in_a_column_are_mixed():
    values = np.array([f"{v:.1f}" for v in RNG.normal(size=ROWS)], object)
    values[::10] = "unknown"
    mixed = audited(m=values)["mixed_types", "warning"]
    assert mixed.count == 30 and mixed.remedy == "data: {missing: [unknown]}"
    assert ("mixed_types", "warning") not in audited(m=np.array(["1", "2", "north"], object)[RNG.integers(0, 3, ROWS)])


def test_spellings_that_differ_in_blanks_and_hyphens_may_be_one():
    names = np.array(["high level", "high-level", "low"], object)[RNG.integers(0, 3, ROWS)]
    assert audited(s=names)["inconsistent_spelling", "warning"].count == 2
    assert audited(s=np.array(["1-1", "11", "1.1"], object)[RNG.integers(0, 3, ROWS)]) == {}


def test_categories_that_are_many_or_unseen():
    many = np.array([f"street {i}" for i in RNG.integers(0, 300, ROWS)], object)
    assert ("high_cardinality", "warning") in audited(street=many)
    columns = {"word": words("ab")}
    columns["word"][400:420] = "new"
    y = RNG.normal(size=ROWS).astype(np.float32)
    assert found(column_findings, table(columns, y))["unseen_categories", "note"].count == 20
    own = found(column_findings, table(columns, y, held_out=("validation",)))
    assert own["unseen_categories", "warning"].evidence == (
        {"column": "word", "split": "test", "value": "new", "count": 20},
    )


def test_values_far_outside_are_outliers_with_their_rows():
    values = RNG.normal(50, 5, ROWS)
    values[[7, 90]] = 5000, -9999
    far = audited(age=values)["outliers", "warning"]
    assert [(each["index"], each["value"]) for each in far.evidence] == [(7, 5000), (90, -9999)]


@pytest.mark.parametrize(
    "draw", ["normal", "standard_cauchy", "exponential", "lognormal", "pareto", "uniform", "poisson", "binomial"]
)
def test_natural_distributions_have_no_outliers(draw):
    arguments = {"pareto": (3,), "poisson": (2,), "binomial": (1, 0.003)}.get(draw, ())
    counts = [len(far_values(getattr(np.random.default_rng(i), draw)(*arguments, size=1000))) for i in range(40)]
    if draw != "standard_cauchy":  # which has values far outside by its nature
        assert np.mean(np.array(counts) > 0) <= 0.05
