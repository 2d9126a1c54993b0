"""Near duplicates: rows, images and texts that are almost the same."""

import numpy as np
import pytest
from audited import found, images, table, texts
from sklearn.neighbors import NearestNeighbors

from zoo.audit.near_duplicates import near_findings
from zoo.audit.nearest import near_limit, nearest

RNG = np.random.default_rng(0)


def rows(count=500, columns=8):
    return {f"n{i}": RNG.normal(size=count) for i in range(columns)}


@pytest.mark.parametrize("same", [True, False])
def test_the_nearest_neighbor_is_that_of_scikit_learn(same):
    base = RNG.normal(size=(300, 7)).astype(np.float32)
    queries = base if same else RNG.normal(size=(90, 7)).astype(np.float32)
    distances, neighbors = nearest(queries, base, same=same)
    expected, indices = NearestNeighbors(n_neighbors=1 + same).fit(base).kneighbors(queries)
    np.testing.assert_allclose(distances, expected[:, -1], rtol=1e-4)
    np.testing.assert_array_equal(neighbors, indices[:, -1])


def test_what_chance_puts_below_the_limit_follows_the_dimension():
    for dimension in (2, 4):
        base = RNG.uniform(size=(4000, dimension)).astype(np.float32)
        distances, _ = nearest(base, base, same=True)
        limit, chance = near_limit(distances, 0.5)
        assert chance / 2 < (distances < limit).mean() < 2 * chance
        assert limit == pytest.approx(np.median(distances) / 2, rel=0.2)


def test_near_duplicates_of_most_rows_are_found():
    columns = rows(250)
    columns = {name: np.concatenate([v, v * (1 + 0.002 * RNG.normal(size=250))]) for name, v in columns.items()}
    order = RNG.permutation(500)
    mixed = {name: values[order] for name, values in columns.items()}
    leak = found(near_findings, table(mixed, RNG.normal(size=500).astype(np.float32)))
    assert leak["near_duplicates", "error"].count > 50


@pytest.mark.parametrize(("change", "severity"), [("noise", "error"), ("column", "warning")])
def test_copies_are_an_error_and_rows_alike_in_all_columns_but_one_a_warning(change, severity):
    columns = rows()
    copies = np.arange(400, 420)
    for i, values in enumerate(columns.values()):
        values[copies] = values[:20]
        if change == "noise":
            values[copies] += 0.005 * RNG.normal(size=20)
        elif i == 3:
            values[copies] = RNG.normal(size=20)
    y = RNG.normal(size=500).astype(np.float32)
    leak = found(near_findings, table(columns, y))
    assert list(leak) == [("near_duplicates", severity)]
    error = leak["near_duplicates", severity]
    pairs = {(each["index"], each["of"]["index"]) for each in error.evidence}
    assert error.count == 20 and pairs == {(400 + i, i) for i in range(20)}
    assert found(near_findings, table(rows(), y)) == {}


def test_rows_of_few_values_are_no_near_duplicates():
    columns = {f"c{i}": np.array(list("abc"), object)[RNG.integers(0, 3, 500)] for i in range(8)}
    assert found(near_findings, table(columns, RNG.normal(size=500).astype(np.float32))) == {}
    binary = {f"c{i}": np.array(list("ab"), object)[RNG.integers(0, 2, 150)] for i in range(9)}
    assert found(near_findings, table(binary, RNG.normal(size=150).astype(np.float32))) == {}


def test_images_that_are_lighter_and_noisy_are_an_error_and_other_images_of_a_class_are_not():
    base = np.kron(RNG.uniform(60, 200, (300, 6, 6)), np.ones((4, 4)))[..., None]
    base[240:252] = np.clip(base[:12] * 0.8 + 20 + RNG.normal(0, 3, (12, 24, 24, 1)), 0, 255)
    y = (np.arange(300) % 2).astype(np.int32)
    leak = found(near_findings, images(base.astype(np.uint8), y))
    assert list(leak) == [("near_duplicates", "error")] and leak["near_duplicates", "error"].count == 12


def test_texts_with_a_word_changed_are_an_error():
    words = [f"word{i}" for i in range(300)]
    every = [" ".join(RNG.choice(words, 30)) for _ in range(300)]
    every[240:250] = [text.replace(text.split()[4], "other") for text in every[:10]]
    every[260:] = [f"a short text, number {i}" for i in range(40)]
    every[20:60] = [f"a short text, number {i}." for i in range(40)]
    y = (np.arange(300) % 2).astype(np.int32)
    leak = found(near_findings, texts(every, y))
    assert list(leak) == [("near_duplicates", "error")] and 8 <= leak["near_duplicates", "error"].count <= 10


def test_where_such_pairs_are_usual_they_stop_no_training():
    shops = {f"n{i}": RNG.normal(size=(60,)) for i in range(8)}
    place = RNG.integers(0, 60, 500)
    columns = {name: values[place] for name, values in shops.items()}
    columns["n7"] = columns["n7"] + 0.5 * RNG.normal(size=500)
    leak = found(near_findings, table(columns, RNG.normal(size=500).astype(np.float32)))
    assert leak and {severity for _, severity in leak} == {"warning"}
