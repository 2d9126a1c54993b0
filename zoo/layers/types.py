"""Types for builders' settings that carry their range, so that a recipe is refused before anything is built."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(ge=1)]
DropRate = Annotated[float, Field(ge=0, lt=1)]
