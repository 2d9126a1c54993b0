"""Data that a caller gives in Python, in place of a recipe's source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.recipe.overrides import override_lines

if TYPE_CHECKING:
    from zoo.data.memory.given import MemoryData


def given_data(data: Any, target: str | None = None, validation: Any = None, test: Any = None) -> MemoryData | None:
    """Return the data that arguments give, read if it is a data set of another library; None where there is none.

    Raises:
        ZooError: `target`, `validation` or `test` is given without data, or a data set cannot be read.
    """
    if data is None:
        alone = {"target": target, "validation": validation, "test": test}
        given = [f"{name}=" for name, value in alone.items() if value is not None]
        if given:
            raise ZooError(
                f"{', '.join(given)} goes with data=, which is not given; a recipe has its own source and data.target"
            )
        return None
    from zoo.data.memory.datasets import hold

    return hold(data, validation, test)


def data_overrides(memory: MemoryData | None, target: str | None) -> list[str]:
    """Return the overrides by which a recipe reads what was given."""
    if memory is None:
        return []
    return override_lines({"data.source": memory.source, **({} if target is None else {"data.target": target})})
