"""Messages from the errors of the schema."""

from __future__ import annotations

import json
import re
import types
import typing
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.errors import did_you_mean, visible
from zoo.recipe.data_section import SOURCE_FORMS
from zoo.recipe.schedules import DURATION
from zoo.recipe.schema import Recipe
from zoo.recipe.source import KeyPath, dotted
from zoo.recipe.types import NOT_A_NUMBER

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_unicode": "text",
    "list_type": "a list",
    "model_type": "a mapping of settings",
    "model_attributes_type": "a mapping of settings",
    "finite_number": "a finite number",
    NOT_A_NUMBER: "a number, or a fraction such as 1/255",
}


@dataclass(frozen=True)
class Problem:
    """One problem of a recipe: its path of keys, its type (as pydantic names it) and the message."""

    path: KeyPath
    type: str
    text: str

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {visible(self.text)}" if self.path else visible(self.text)


def problems_of(error: ValidationError, tree: Any) -> list[Problem]:
    """Return the problems that the schema found in `tree`, one for each path."""
    found: dict[KeyPath, list[Problem]] = {}
    for item in error.errors(include_url=False):
        path = _path(item["loc"], item["type"], tree)
        found.setdefault(path, []).append(_problem(path, dict(item), tree))
    return [_joined(problems) for problems in found.values()]


def _joined(problems: list[Problem]) -> Problem:
    """Join the problems of one path: where all alternatives were refused, name them all."""
    first = problems[0]
    expected = [p.text.partition(", received ") for p in problems]
    if len(problems) == 1 or not all(e[0].startswith("expected ") for e in expected):
        return first
    options = " or ".join(dict.fromkeys(e[0].removeprefix("expected ") for e in expected))
    return Problem(first.path, first.type, f"expected {options}, received {expected[0][2]}")


def _path(loc: tuple[int | str, ...], error_type: str, tree: Any) -> KeyPath:
    """Return pydantic's location without the names of union members, which are no keys of the recipe."""
    path: list[str | int] = []
    value = tree
    for position, part in enumerate(loc):
        if (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        ):
            path.append(part)
            value = value[part]  # type: ignore[index]
        elif error_type == "missing" and position == len(loc) - 1:
            path.append(part)
    return tuple(path)


def _problem(path: KeyPath, item: dict[str, Any], tree: Any) -> Problem:
    error_type, context = item["type"], item.get("ctx", {})
    received = f", received {_shown(item['input'])}"
    if error_type == "extra_forbidden":
        valid = [*_section(path[:-1], tree).model_fields, *(["extends"] if len(path) == 1 else [])]
        text = f"unknown key '{path[-1]}'{did_you_mean(str(path[-1]), valid)} (valid: {', '.join(valid)})"
    elif error_type == "missing":
        text = "required, and missing"
    elif error_type in ("union_tag_invalid", "union_tag_not_found"):
        path, text = _unnamed(path, item, tree)
    elif error_type == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"])
        text = f"expected {context['expected']}{received}{did_you_mean(str(item['input']), options)}"
    elif error_type in _EXPECTED:
        schedule = " or a schedule" if path[-1:] == ("learning_rate",) else ""
        text = f"expected {_EXPECTED[error_type]}{schedule}{received}"
        if error_type == "list_type" and isinstance(item["input"], dict) and all(map(_is_position, item["input"])):
            text += "; the recipe has none there whose positions could be set: write the whole list"
    elif error_type in ("too_short", "too_long"):
        bound = f"at least {context['min_length']}" if error_type == "too_short" else f"at most {context['max_length']}"
        text = f"must hold {bound} value{'' if bound.endswith(' 1') else 's'}{received}"
    elif error_type == "string_pattern_mismatch" and context["pattern"] == DURATION:
        text = f"expected text such as '500 steps', '2 epochs' or '10%'{received}"
    elif error_type == "string_pattern_mismatch":
        text = f"expected {SOURCE_FORMS}{received}"
    elif error_type == "value_error":
        text = item["msg"].removeprefix("Value error, ")
    else:
        text = _as_sentence(item["msg"]) + received
    return Problem(path, error_type, text)


def _unnamed(path: KeyPath, item: dict[str, Any], tree: Any) -> tuple[KeyPath, str]:
    """Return the path and the message for a wrong or missing `name` or `schedule`, which selects the section."""
    if path[:2] == ("search", "space"):
        return path, (
            "expected a list of values, {choice: [...]}, {linear: [low, high]} or {log: [low, high]}, received "
            + _shown(item["input"])
        )
    key = "schedule" if path[-1] == "learning_rate" else "name"
    tags = re.findall(r"'([^']*)'", item.get("ctx", {}).get("expected_tags", ""))
    names = [tag for tag in tags if tag != "number"] or _names(path, tree)
    valid, given = ", ".join(names), item["input"].get(key)
    if key not in item["input"]:
        text = f"required, and missing (valid: {valid})"
    elif isinstance(given, str):
        text = f"unknown {key} '{given}'{did_you_mean(given, names)} (valid: {valid})"
    else:
        text = f"expected one of {valid}, received {_shown(given)}"
    return (*path, key), text


def _is_position(key: object) -> bool:
    return str(key).isdecimal()


def _as_sentence(message: str) -> str:
    for long, short in (
        ("Input should be", "must be"),
        ("Input should", "must"),
        ("greater than or equal to", "at least"),
        ("less than or equal to", "at most"),
    ):
        message = message.replace(long, short)
    return message


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:
        text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _names(path: KeyPath, tree: Any) -> list[str]:
    sections = _sections(_annotation(path, tree))
    return [name for section in sections for name in _own_names(section)]


def _annotation(path: KeyPath, tree: Any) -> Any:
    holder = _section(path[:-1], tree)
    return holder.model_fields[str(path[-1])].annotation if str(path[-1]) in holder.model_fields else None


def _section(path: KeyPath, tree: Any) -> type[BaseModel]:
    """Return the schema's section at a path of the recipe."""
    section: type[BaseModel] = Recipe
    value = tree
    for part in path:
        value = value[part]
        if isinstance(part, int):
            continue  # all items of a list have the same type
        if part in section.model_fields:
            candidates = _sections(section.model_fields[part].annotation)
        elif isinstance(value, dict):  # an entry of the search space
            section = next((c for c in candidates if set(value) & {f for f in c.model_fields if f != "when"}), section)
            continue
        given = [value.get("name"), value.get("schedule")] if isinstance(value, dict) else []
        section = next((c for c in candidates if any(n in given for n in _own_names(c))), candidates[0])
    return section


def _sections(annotation: Any) -> list[type[BaseModel]]:
    """Return the sections that an annotation allows."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [section for inner in typing.get_args(annotation) for section in _sections(inner)]


def _own_names(section: type[BaseModel]) -> tuple[str, ...]:
    fields = section.model_fields
    return next((typing.get_args(fields[k].annotation) for k in ("name", "schedule") if k in fields), ())
