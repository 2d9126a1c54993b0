"""Types of builders' settings with their range, so that a wrong recipe is refused before anything is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

Count = Annotated[int, Field(ge=1)]
Counts = Annotated[Sequence[Count], Field(min_length=1)]
DropRate = Annotated[float, Field(ge=0, lt=1)]
Factor = Annotated[float, Field(gt=0)]
ProperFraction = Annotated[float, Field(gt=0, lt=1)]
Proportion = Annotated[float, Field(gt=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
AtLeastTwo = Annotated[int, Field(ge=2)]
AtLeastTen = Annotated[int, Field(ge=10)]
MiniRocketCount = Annotated[int, Field(ge=84)]  # one feature for each of its kernels
WholeNumber = Annotated[int, Field(ge=0)]
Shape = tuple[int | None, ...]  # of a tensor
FiveCounts = Annotated[Sequence[Count], Field(min_length=5, max_length=5)]


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"expected an odd number, so that there is a middle, received {size}")
    return size


OddCount = Annotated[int, Field(ge=1), AfterValidator(_odd)]
