"""Turning what the schema found into messages for people."""

from __future__ import annotations

import json
import re
import types
import typing
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.errors import did_you_mean
from zoo.recipe.schema import Recipe
from zoo.recipe.source import Path_

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "model_type": "a mapping of settings",
    "model_attributes_type": "a mapping of settings",
    "finite_number": "a finite number",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a recipe: where (a path of keys), of what type, and what would be right."""

    path: Path_
    type: str
    text: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.text}" if self.path else self.text


def problems_of(error: ValidationError, tree: Any) -> list[Problem]:
    """Return the problems that the schema found in `tree`, one for each place."""
    found: dict[Path_, list[Problem]] = {}
    for item in error.errors(include_url=False):
        path = _path(item["loc"], item["type"], tree)
        found.setdefault(path, []).append(_problem(path, dict(item), tree))
    return [_joined(problems) for problems in found.values()]


def _joined(problems: list[Problem]) -> Problem:
    """Several alternatives were refused at one place: name them all."""
    first = problems[0]
    expected = [p.text.partition(", received ") for p in problems]
    if len(problems) == 1 or not all(e[0].startswith("expected ") for e in expected):
        return first
    options = " or ".join(dict.fromkeys(e[0].removeprefix("expected ") for e in expected))
    return Problem(first.path, first.type, f"expected {options}, received {expected[0][2]}")


def _path(loc: tuple[int | str, ...], kind: str, tree: Any) -> Path_:
    """Leave out of pydantic's location what is not a key of the recipe: the names of union members."""
    path: list[str | int] = []
    value = tree
    for position, part in enumerate(loc):
        if (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        ):
            path.append(part)
            value = value[part]  # type: ignore[index]
        elif kind == "missing" and position == len(loc) - 1:
            path.append(part)
    return tuple(path)


def _problem(path: Path_, item: dict[str, Any], tree: Any) -> Problem:
    kind, context = item["type"], item.get("ctx", {})
    received = f", received {_shown(item['input'])}"
    if kind == "extra_forbidden":
        valid = list(_section(path[:-1], tree).model_fields)
        text = f"unknown key '{path[-1]}'{did_you_mean(str(path[-1]), valid)} (valid: {', '.join(valid)})"
    elif kind == "missing":
        text = "the key is required, and missing"
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        key = "schedule" if path[-1] == "learning_rate" else "name"
        if isinstance(item["input"], dict) and key in item["input"]:
            path = (*path, key)
        tags = re.findall(r"'([^']*)'", context.get("expected_tags", ""))
        tag = context.get("tag", "None")
        names = [t for t in tags if t != "number"] or _names(path, tree)
        if tag == "None" or kind == "union_tag_not_found":
            text = f"expected a mapping with the key '{key}' ({', '.join(names)}){received}"
        else:
            text = f"unknown {key} '{tag}'{did_you_mean(tag, names)} (valid: {', '.join(names)})"
    elif kind == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"])
        text = f"expected {context['expected']}{received}{did_you_mean(str(item['input']), options)}"
    elif kind in _EXPECTED:
        text = f"expected {_EXPECTED[kind]}{received}"
    elif kind == "string_pattern_mismatch":
        text = f"expected tfds:NAME, builtin:NAME, folder:PATH, csv:PATH, parquet:PATH or npz:PATH{received}"
    elif kind == "value_error":
        text = item["msg"].removeprefix("Value error, ")
    else:
        text = item["msg"].replace("Input should be", "must be").replace("Input should", "must") + received
    return Problem(path, kind, text)


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:
        text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _names(path: Path_, tree: Any) -> list[str]:
    sections = _sections(_annotation(path, tree))
    return [name for section in sections for name in _own_names(section)]


def _annotation(path: Path_, tree: Any) -> Any:
    holder = _section(path[:-1], tree)
    return holder.model_fields[str(path[-1])].annotation if str(path[-1]) in holder.model_fields else None


def _section(path: Path_, tree: Any) -> type[BaseModel]:
    """Return the schema's section at a path of the recipe."""
    section: type[BaseModel] = Recipe
    value = tree
    for part in path:
        value = value[part]
        if isinstance(part, int):
            continue  # a list holds one kind of section
        candidates = _sections(section.model_fields[part].annotation)
        given = {value.get("name"), value.get("schedule")} if isinstance(value, dict) else set()
        section = next((c for c in candidates if given & set(_own_names(c))), candidates[0])
    return section


def _sections(annotation: Any) -> list[type[BaseModel]]:
    """Return the sections that an annotation allows."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [section for inner in typing.get_args(annotation) for section in _sections(inner)]


def _own_names(section: type[BaseModel]) -> tuple[str, ...]:
    fields = section.model_fields
    return next((typing.get_args(fields[k].annotation) for k in ("name", "schedule") if k in fields), ())
