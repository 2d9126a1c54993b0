"""A few of the random pairs and triples of recipe keys; `pairs.py` tries any number of them."""

import itertools

import pytest
from pairs import cells, try_cell

FEW, MANY = 2, 200
ONE_DEVICE = ("distribution",)  # the process of the tests has one


def trained(count, tmp_path, **given):
    """Train so many cells that are not refused, and return those in which something does not hold."""
    wrong, done = {}, 0
    for number, cell in enumerate(cells(0, without=ONE_DEVICE, **given)):
        outcome = try_cell(cell, tmp_path / str(number), export=number % 20 == 19)
        done += not outcome.startswith("refused")
        if not outcome.startswith(("held", "refused")):
            wrong[str(cell)] = outcome
        if done == count:
            return wrong
    raise AssertionError("cells have an end")


@pytest.mark.ci
def test_a_few_combinations_hold(tmp_path):
    assert trained(FEW, tmp_path, bases=("mlp", "regression")) == {}


@pytest.mark.slow
def test_many_combinations_hold(tmp_path):
    assert trained(MANY, tmp_path) == {}


def test_the_cells_are_those_of_the_seed():
    one, same, other = (list(itertools.islice(cells(seed), 20)) for seed in (1, 1, 2))
    assert one == same != other
