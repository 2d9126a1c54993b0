"""Reading YAML with the file and line of every value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import ZooError, visible
from zoo.utils.files import read_regular

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a value was written: a file and line, or an override on the command line, with its text."""

    file: str
    line: int | None = None
    raw: str | None = None

    @property
    def is_override(self) -> bool:
        """Whether it is an override."""
        return self.line is None and self.file.startswith("override ")

    def __str__(self) -> str:
        return visible(self.file) if self.line is None else f"{visible(self.file)}:{self.line}"


class _Refused(yaml.MarkedYAMLError):
    """Valid YAML that recipes do not support."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2: `1e-3` is a number, `yes` and `1:30` are text."""

    yaml_implicit_resolvers = {
        key: [(tag, pattern) for tag, pattern in resolvers if tag.endswith(":null")]
        for key, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse tags, anchors and aliases."""
        event: Any = self.peek_event()
        if event.anchor is not None:
            text = "anchors and aliases are not supported; reuse settings with `extends:`"
            raise _Refused(None, None, text, event.start_mark)
        if not isinstance(event, yaml.AliasEvent) and event.tag not in _TAGS.get(type(event), (None,)):
            tag = event.tag.replace(_YAML, "!!")
            raise _Refused(None, None, f"the tag {tag} is not supported; write a plain value", event.start_mark)
        return super().compose_node(parent, index)


_YAML = "tag:yaml.org,2002:"
_TAGS: dict[type, tuple[str | None, ...]] = {yaml.ScalarEvent: (None, _YAML + "str")}
_Loader.add_implicit_resolver(_YAML + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    _YAML + "int", re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    _YAML + "float",
    re.compile(
        r"^(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 would read as another type."""

    yaml_implicit_resolvers = {
        key: [
            *yaml.SafeDumper.yaml_implicit_resolvers.get(key, []),
            *_Loader.yaml_implicit_resolvers.get(key, []),
        ]
        for key in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
    }


def dump(value: Any) -> str:
    """Return a value as YAML that `parse` reads as the same value."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def dump_line(value: Any) -> str:
    """Return a value as YAML on one line."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, width=10**6, allow_unicode=True)
    text = text.removesuffix("...\n").strip()
    return text if len(text.splitlines()) <= 1 else json.dumps(value)


def parse(text: str, file: str) -> tuple[dict[str, Any], dict[KeyPath, Origin]]:
    """Parse a YAML mapping.

    Returns:
        The mapping, and the origin of each path of keys and list positions in it.

    Raises:
        ZooError: not YAML, not a mapping, a key written twice, an anchor, or a tag that is not plain data.
    """
    file = visible(file)
    node = _node(text, file)
    origins: dict[KeyPath, Origin] = {}
    value = None if node is None else _value(node, (), file, origins)
    if value is None:
        return {}, origins
    if not isinstance(value, dict):
        received = "a list" if isinstance(value, list) else repr(value)
        raise ZooError(f"{origins[()]}: expected sections, such as data: and model:, received {received}")
    return value, origins


def parse_value(text: str) -> Any:
    """Parse one value as YAML; what is not valid YAML is text."""
    try:
        node = _node(text, "")
        if node is None:  # nothing, or nothing but a comment
            return text if text.strip() else None
        return _value(node, (), "", {})
    except ZooError:
        return text


def read(path: Path, shown: str) -> tuple[dict[str, Any], dict[KeyPath, Origin]]:
    """Read and parse a YAML file; `shown` is its name in messages."""
    try:
        content = read_regular(path)
    except OSError as error:
        raise ZooError(f"{shown}: not readable ({error.strerror})") from error
    try:
        return parse(content.decode("utf-8"), shown)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ZooError(f"{shown}:{line}: not text in UTF-8 (byte 0x{content[error.start]:02x})") from error


def nearest_origin(origins: Mapping[KeyPath, Origin], path: KeyPath) -> Origin | None:
    """Return where a path, or the nearest section around it, was written; None where neither was."""
    around = (path[:length] for length in range(len(path), 0, -1))
    return next((origins[p] for p in around if p in origins), None)


def dotted(path: KeyPath) -> str:
    """Return a path of keys with dots, such as `optimizer.learning_rate`."""
    return ".".join(visible(part) or "''" for part in path)


def _node(text: str, file: str) -> yaml.Node | None:
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"not valid YAML: the character U+{int(error.character):04X} is not allowed"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = str(error.problem) if isinstance(error, _Refused) else f"not valid YAML: {_explained(error)}"
    except ValueError:
        line = loader.line + 1 if loader else 1
        problem = "not valid YAML: an escape names a character that does not exist"
    except RecursionError:
        line = loader.line + 1 if loader else 1
        problem = "nested too deeply"
    raise ZooError(f"{file}:{line}: {visible(problem)}")


def _explained(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if "'\\t'" in problem:
        return "a tab is used for indentation: indent with spaces"
    if "another document" in problem:
        return "a second document starts here: a file holds one recipe"
    return problem


def _value(node: yaml.Node, path: KeyPath, file: str, origins: dict[KeyPath, Origin]) -> Any:
    line = node.start_mark.line + 1
    origins.setdefault(path, Origin(file, line))
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ZooError(f"{file}:{at}: {_prefix(path)}a key must be a word, not a list or a mapping")
            key = key_node.value
            if key in mapping:
                raise ZooError(f"{file}:{at}: {_prefix((*path, key))}the key is written twice")
            if not is_unicode(key):
                raise ZooError(f"{file}:{at}: {_prefix((*path, key))}the key is not valid Unicode")
            origins[(*path, key)] = Origin(file, at)
            mapping[key] = _value(value_node, (*path, key), file, origins)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), file, origins) for i, item in enumerate(node.value)]
    try:
        return _scalar(node)
    except ValueError as error:
        raise ZooError(f"{file}:{line}: {_prefix(path)}{error}") from error


def _scalar(node: yaml.Node) -> Any:
    text, tag = str(node.value), node.tag.removeprefix(_YAML)
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int":
        number = int(text, {"0x": 16, "0o": 8}.get(text[:2], 10)) if len(text) < 100 else 2**64
        if not -(2**63) <= number < 2**63:
            raise ValueError("the whole number is too large (64 bits hold up to 9223372036854775807)")
        return number
    if tag == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not is_unicode(text):
        raise ValueError(f"the text is not valid Unicode, received '{visible(text)}'")
    return text


def is_unicode(text: str) -> bool:
    """Return whether the text can be written as UTF-8: it holds no half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _prefix(path: KeyPath) -> str:
    return f"{dotted(path)}: " if path else ""
