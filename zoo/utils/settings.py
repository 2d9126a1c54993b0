"""Settings as keyword arguments: shared between functions, and checked against a function's annotations."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

T = TypeVar("T")

_WORDS = {  # pydantic's words, and those of our messages
    "Input should": "must",
    "an instance of Sequence": "a list",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "a valid integer": "a whole number",
    "a valid number": "a number",
}


def defaults_of(function: Callable[..., Any], leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a function's arguments and their default values, without those to leave out."""
    parameters = inspect.signature(function).parameters
    return {name: p.default for name, p in parameters.items() if name not in leave_out}


def first_problem(
    function: Callable[..., Any], given: Mapping[str, Any], leave_out: tuple[str, ...] = ()
) -> tuple[str, str | None] | None:
    """Return the first argument that a function cannot take, and what it must be.

    Args:
        function: each of its arguments has an annotation and a default.
        given: arguments by name.
        leave_out: arguments of the function that may not be given.

    Returns:
        The name of the argument, and what it must be, which is None where the function has no such argument; None
        where all arguments are right.
    """
    try:
        _model_of(function, leave_out)(**given)
    except ValidationError as error:
        first = error.errors()[0]
        wanted = first["msg"]
        for said, meant in _WORDS.items():
            wanted = wanted.replace(said, meant)
        return str(first["loc"][0]), None if first["type"] == "extra_forbidden" else wanted
    return None


def settings_of(base: Callable[..., T], **defaults: Any) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Give a builder the keyword-only arguments of `base`, which documents them, with some other defaults.

        @register(tasks=("image_classification",), input_shape=(224, 224, 3), outputs=1000)
        @settings_of(_vit, width=384, heads=6)
        def vit_small(**settings: Any) -> keras.Model:
            return _vit("vit_small", **settings)

    The builder names only the arguments that are its own. All others arrive in `**settings`, defaults filled in. The
    decorated function's signature, type hints and docstring list both.

    Args:
        base: function that builds the model from the settings, and documents them.
        **defaults: default values that differ from those of `base`.
    """

    def decorate(builder: Callable[..., T]) -> Callable[..., T]:
        own = _keyword_only(builder)
        shared = {key: p for key, p in _keyword_only(base).items() if key not in own}
        shared |= {key: shared[key].replace(default=value) for key, value in defaults.items()}
        filled = {key: p.default for key, p in shared.items() if p.default is not inspect.Parameter.empty}
        hints = _hints(base) | _hints(builder)

        @wraps(builder)
        def build(**settings: Any) -> T:
            return builder(**{**filled, **settings})

        build.__signature__ = inspect.Signature([*own.values(), *shared.values()])  # type: ignore[attr-defined]
        build.__annotations__ = {key: hints[key] for key in (*own, *shared, "return")}
        build.__doc__ = "\n\n".join([inspect.getdoc(builder) or "", *(inspect.getdoc(base) or "").split("\n\n")[1:]])
        return build

    return decorate


@cache
def _model_of(function: Callable[..., Any], leave_out: tuple[str, ...]) -> type[BaseModel]:
    hints = _hints(function)
    fields: dict[str, Any] = {name: (hints[name], value) for name, value in defaults_of(function, leave_out).items()}
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return create_model(f"{function.__name__}_settings", __config__=config, **fields)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(function, include_extras=True)


def _keyword_only(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function).parameters
    return {key: p for key, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
