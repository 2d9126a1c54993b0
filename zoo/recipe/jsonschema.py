"""The JSON Schema of recipe files, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from zoo.recipe.schema import Recipe

_EXTENDS = {
    "description": "recipes that this one starts from; later ones win, key by key",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
}


def json_schema() -> dict[str, Any]:
    """Return the schema of a recipe file: no section is required, because a file may extend another."""
    schema = Recipe.model_json_schema()
    schema["properties"] = {"extends": _EXTENDS, **schema["properties"]}
    for part in (schema, *schema["$defs"].values()):
        part.pop("required", None)
    _allow_parts(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "zoo recipe"}


def _allow_parts(node: Any) -> None:
    """Make `oneOf` `anyOf`: the part of a section that a file adds to what it extends may fit several of them."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _allow_parts(inner)
    if isinstance(node, dict) and isinstance(node.get("oneOf"), list):
        node["anyOf"] = node.pop("oneOf")
        node.pop("discriminator", None)
