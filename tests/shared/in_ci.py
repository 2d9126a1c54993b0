"""Parameters of which the test command runs some, and `.ci/run` all."""

from collections.abc import Iterable
from typing import Any

import pytest


def in_ci(values: Iterable[Any], *, but: Iterable[Any]) -> list[Any]:
    """Return a test's parameters; all but some are marked `ci`.

    Raises:
        ValueError: one of `but` is no parameter.
    """
    values, but = list(values), list(but)
    unknown = [each for each in but if each not in values]
    if unknown:
        raise ValueError(f"no parameters: {unknown}")
    return [each if each in but else pytest.param(each, marks=pytest.mark.ci) for each in values]
