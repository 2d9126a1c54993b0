"""Reading YAML so that every value keeps the file and line it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import ZooError

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a value came from: a file and line, or an override on the command line, with its value as typed."""

    file: str
    line: int | None = None
    raw: str | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, with the numbers of YAML 1.2: `1e-3` is a number and `yes` is text."""

    yaml_implicit_resolvers = {
        key: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("null", "int", "merge")]
        for key, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf)|\.(?:nan|NaN))$"
    ),
    list("-+0123456789."),
)


def parse(text: str, file: str) -> tuple[dict[str, Any], dict[Path_, Origin]]:
    """Parse a YAML mapping.

    Returns:
        The mapping, and for each path of keys and list positions in it the place it was written.

    Raises:
        ZooError: not YAML, not a mapping, a key written twice, an alias, or a tag that is not plain data.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except (yaml.YAMLError, ValueError) as error:
        raise ZooError(_yaml_problem(error, file)) from error
    origins: dict[Path_, Origin] = {}
    if node is None:
        return {}, origins
    value = _value(loader, node, (), file, origins, set())
    if not isinstance(value, dict):
        raise ZooError(f"{file}:1: a recipe is a mapping of sections, received {type(value).__name__}")
    return value, origins


def parse_value(text: str) -> Any:
    """Parse one value as YAML does; what is not YAML is text."""
    try:
        node = _Loader(text).get_single_node()
        return None if node is None else _value(_Loader(""), node, (), "", {}, set())
    except (yaml.YAMLError, ValueError, ZooError):
        return text


def read(path: Path, shown: str) -> tuple[dict[str, Any], dict[Path_, Origin]]:
    """Read and parse a YAML file; `shown` is its name in messages."""
    try:
        return parse(path.read_text(encoding="utf-8"), shown)
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(f"{shown}: not readable as a text file ({error})") from error


def _value(
    loader: yaml.SafeLoader, node: yaml.Node, path: Path_, file: str, origins: dict[Path_, Origin], seen: set[int]
) -> Any:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise ZooError(f"{file}:{line}: {_dotted(path)}YAML aliases are not supported; share settings with `extends:`")
    seen.add(id(node))
    origins.setdefault(path, Origin(file, line))
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ZooError(f"{file}:{at}: {_dotted(path)}a key must be a word")
            key = key_node.value
            if key in mapping:
                raise ZooError(f"{file}:{at}: {_dotted((*path, key))}the key is written twice")
            origins[(*path, key)] = Origin(file, at)
            mapping[key] = _value(loader, value_node, (*path, key), file, origins, seen)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, (*path, i), file, origins, seen) for i, item in enumerate(node.value)]
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise ZooError(f"{file}:{line}: {_dotted(path)}{_first_line(error)}") from error


def _yaml_problem(error: Exception, file: str) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"{file}:{mark.line + 1}" if mark else file
    return f"{place}: not valid YAML: {getattr(error, 'problem', None) or _first_line(error)}"


def _first_line(error: Exception) -> str:
    return getattr(error, "problem", None) or str(error).partition("\n")[0]


def _dotted(path: Path_) -> str:
    return f"{'.'.join(map(str, path))}: " if path else ""
