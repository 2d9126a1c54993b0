"""The types of the schema's values. Strict: an unknown key or a wrong type is an error."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

NOT_A_NUMBER = "number_or_fraction"  # type of the error where text is no fraction
_FRACTION = r"^[-+]?[0-9]+(\.[0-9]+)?/[0-9]+(\.[0-9]+)?$"


def _divide(value: Any) -> Any:
    """Return the value of a fraction such as `1/255`; return what is no text as it is."""
    if not isinstance(value, str):
        return value
    numerator, _, denominator = value.partition("/")
    if not re.fullmatch(_FRACTION, value) or float(denominator) == 0:
        raise PydanticCustomError(NOT_A_NUMBER, "not a number")
    return float(numerator) / float(denominator)


Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
UnitInterval = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[
    float,
    Field(allow_inf_nan=False),
    BeforeValidator(_divide, json_schema_input_type=float | Annotated[str, StringConstraints(pattern=_FRACTION)]),
]


class Section(BaseModel):
    """A part of a recipe; nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
