"""Built-in data sets: the same examples on every preparation, and a description of each."""

import hashlib

import pytest
from builtin_examples import digest, examples, sizes
from in_ci import in_ci

from zoo.data.builtin import NAMES, builtin_builder
from zoo.errors import ZooError

SEEDED = {  # SHA-256 of the first hundred examples of every split
    "adding_problem": "499962d83e6f6df72bf716368b82f8a3052b060a258013ff58b32eb3e17358af",
    "copy_memory": "1760423fe746e760f38c591727e7e73a1480dafd487a100409a589970985df96",
    "dates": "3d4758c77f301a0812c0138bac1490f72833fa979ffd7dad8d9a66c0acb91bb3",
    "digit_graphs": "b39e4633240ce795494085d1cf5232185a7e1ead41e48178067dd17f47bcfc10",
    "digit_neighbors": "1e58378ba09c1a4cd1e4d235bdeef7ecbd4e5c5c95ac841b6481f0a7a272b5db",
    "digit_scenes": "d68d3666b81dba1b33fc97e711ea5094f76af2ec1427a43eda96b07362e9f27d",
    "digit_strips": "b64689551155861ac7dd2e4856221b2fd2a50a64b8c12f4f6afe5b09158623bd",
    "sounds": "1f2c7ef65e1284c96ea70a210e5464922e602860668104101ae6882231f9406b",
}
SERIES = {"co2": 526, "elnino": 732, "sunspots": 309}


def test_names_are_sorted_and_described():
    assert list(NAMES) == sorted(NAMES)
    assert {*SEEDED, *SERIES, "digits", "wine", "breast_cancer", "diabetes", "python_topics", "shop_sales"} == set(
        NAMES
    )


LONG = ("adding_problem", "digit_neighbors", "digit_scenes", "digit_strips", "sounds")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.ci] if n in LONG else []) for n in SEEDED])
def test_the_examples_are_those_that_were_recorded(name):
    state = hashlib.sha256()
    for split in sizes(name):
        first = {column: values[:100] for column, values in examples(name, split).items()}
        state.update(digest(first).encode())
    assert state.hexdigest() == SEEDED[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDED)
def test_another_preparation_gives_the_same_examples(name, tmp_path, monkeypatch):
    expected = {split: digest(examples(name, split)) for split in sizes(name)}
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    assert {split: digest(examples(name, split, str(tmp_path))) for split in expected} == expected


def test_preparing_says_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    builtin_builder("sunspots")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", in_ci(NAMES, but=set(NAMES) - set(LONG)))
def test_every_set_says_what_it_is(name):
    info = builtin_builder(name).info
    assert len(info.description) > 60
    assert info.name == name
    if info.supervised_keys:
        inputs, target = info.supervised_keys
        assert {*(inputs if isinstance(inputs, dict) else [inputs]), target} <= set(info.features)


def test_unknown_name():
    with pytest.raises(
        ZooError, match=r"unknown built-in data set 'sunspot'; did you mean 'sunspots'\? \(known: adding_"
    ):
        builtin_builder("sunspot")
