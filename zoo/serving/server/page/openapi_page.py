"""The interface as a page without scripts, made from the same OpenAPI description as `/openapi.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_METHODS = ("get", "post", "put", "delete")


def openapi_page(api: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        api: what `/openapi.json` answers.
    """
    groups: dict[str, list[str]] = {}
    for path, operations in api["paths"].items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                group = (operation.get("tags") or ["Other"])[0]
                groups.setdefault(group, []).append("".join(_operation(path, method, operation)))
    parts = [f"<h2>{escape(group)}</h2>{''.join(found)}" for group, found in groups.items()]
    info = api["info"]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f'<title>{escape(info["title"])}: interface</title><link rel="stylesheet" href="/page.css"></head><body>'
        f'<header><h1>{escape(info["title"])} {escape(info["version"])}</h1><p><a href="/">Models</a></p></header>'
        f'<main class="interface"><p>{escape(info.get("summary", ""))} For programs: '
        f'<a href="/openapi.json">openapi.json</a>.</p>{"".join(parts)}</main></body></html>'
    )


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<section><h3><code>{method.upper()} {escape(path)}</code></h3>"
    yield f"<p>{escape(operation.get('description', operation.get('summary', '')))}</p>"
    given = operation.get("parameters", [])
    if given:
        rows = "".join(
            f"<li><code>{escape(each['name'])}</code> in the {escape(each['in'])}"
            f"{'' if each.get('required') else ', optional'}</li>"
            for each in given
        )
        yield f"<ul>{rows}</ul>"
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        if schema.get("properties"):
            text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
            yield f"<details><summary>Body: {escape(media_type)}</summary><pre tabindex='0'>{text}</pre></details>"
        else:
            yield f"<p>Body: {escape(media_type)}</p>"
    yield "</section>"
