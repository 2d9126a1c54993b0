from collections.abc import Sequence
from typing import Annotated, Literal

import pytest
from pydantic import Field

from zoo.utils.settings import defaults_of, first_problem


def network(
    *,
    outputs: int = 2,
    widths: Sequence[int] = (8,),
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    norm: Literal["none", "batch"] = "none",
) -> None:
    """Some network."""


def test_defaults_leave_out_what_is_no_setting():
    assert defaults_of(network, ("outputs",)) == {"widths": (8,), "dropout": 0.0, "norm": "none"}


@pytest.mark.parametrize("given", [{}, {"widths": [4, 4]}, {"dropout": 0}, {"norm": "batch", "dropout": 0.5}])
def test_right_settings(given):
    assert first_problem(network, given, ("outputs",)) is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"width": [4]}, ("width", None)),
        ({"outputs": 3}, ("outputs", None)),
        ({"widths": 4}, ("widths", "must be a list")),
        ({"widths": ["4"]}, ("widths", "must be a whole number")),
        ({"dropout": 1.0}, ("dropout", "must be less than 1")),
        ({"dropout": -1}, ("dropout", "must be at least 0")),
        ({"dropout": float("inf")}, ("dropout", "must be a finite number")),
        ({"norm": "layer"}, ("norm", "must be 'none' or 'batch'")),
    ],
)
def test_the_first_problem_is_what_the_argument_must_be(given, problem):
    assert first_problem(network, given, ("outputs",)) == problem
