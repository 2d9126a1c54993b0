"""The HTML of a gallery's pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.serving.gallery.description import certified
from zoo.serving.gallery.find_files import ExportedFile
from zoo.serving.gallery.words import certificate_words
from zoo.tasks import words

if TYPE_CHECKING:
    import jinja2

POLICY = (  # of the pages: nothing from elsewhere, no script in the page itself
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'"
)
_FRONT_MATTER = "---"
_EMPTY_HEAD = re.compile(r"<thead>\s*<tr>(?:\s*<th></th>)+\s*</tr>\s*</thead>")  # Markdown has no table without
_LOWER = {f"h{level}": f"h{level + 1}" for level in range(1, 6)}


def index_page(models: Sequence[Mapping[str, Any]], runtime: str) -> str:
    """Return the list of all models, by task."""
    tasks = sorted({model["task"] for model in models})
    groups = [(words(task), [model for model in models if model["task"] == task]) for task in tasks]
    return _render("index.html.j2", groups=groups, count=len(models), runtime=runtime)


def model_page(file: ExportedFile, entry: Mapping[str, Any], facts: Mapping[str, Any], runtime: str) -> tuple[str, str]:
    """Return the page of a file, and its description.

    Args:
        file: the file.
        entry: what the list says of it.
        facts: what `zoo.serving.gallery.description.describe` returned.
        runtime: version of onnxruntime-web.
    """
    from markupsafe import Markup

    recipe = file.model.metadata.get("zoo.recipe", "")
    beside = file.model.path.with_name("card.md")
    card = _card_html(beside.read_text("utf-8")) if beside.is_file() else ""
    description = _description(recipe)
    page = _render(
        "model.html.j2",
        entry=entry,
        facts=facts,
        description=description,
        task=words(file.model.task),
        card=Markup(card),
        certificate=certificate_words(certified(file.model.path)),
        recipe=recipe,
        runtime=runtime,
        types=_input_notes(facts),
    )
    return page, description


def _input_notes(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the column of each input that is named otherwise."""
    names = facts["signature"].get("inputs", {})
    return {name: f"column '{column}'" for column, name in names.items() if column != name}


def _description(recipe: str) -> str:
    import yaml

    facts = yaml.safe_load(recipe) if recipe else {}
    return str(facts.get("description") or "") if isinstance(facts, dict) else ""


def _card_html(card: str) -> str:
    """Return a card as HTML: without its front matter and its title, which the page has, headings one level lower."""
    import markdown_it

    lines = card.split("\n")
    if lines[0] == _FRONT_MATTER and _FRONT_MATTER in lines[1:]:
        lines = lines[lines.index(_FRONT_MATTER, 1) + 1 :]
    parser = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse("\n".join(lines))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = _LOWER.get(token.tag, token.tag)
    kept = [token for i, token in enumerate(tokens) if not _is_of_title(tokens, i)]
    html = str(parser.renderer.render(kept, parser.options, {}))
    html = _EMPTY_HEAD.sub("", html)
    return html.replace("<pre>", '<pre tabindex="0">')  # wide ones are scrolled by keys, too


def _is_of_title(tokens: Sequence[Any], i: int) -> bool:
    """Return whether a token opens, is or closes a heading of the first level."""
    return any(
        0 <= j < len(tokens) and tokens[j].type == "heading_open" and tokens[j].markup == "#" for j in (i, i - 1, i - 2)
    )


def _render(name: str, **values: Any) -> str:
    return _templates().get_template(name).render(policy=POLICY, **values)


@cache
def _templates() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(words=words, shape=_shape, size=_size)
    return environment


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} KB"


def _shape(sizes: Sequence[Any]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"
