"""`zoo weights`: what is known about published weights, by builder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zoo import registry
from zoo.errors import ZooError, listing
from zoo.utils.console import OUT, print_json


def known_weights_of(name: str | None = None) -> list[dict[str, Any]]:
    """Return for each builder with a map: `model`, `files` (whose names it reads), and `published`.

    Args:
        name: one builder; all of them where it is left out.

    Raises:
        ZooError: there is no such builder, or no map for it.
    """
    from zoo.pretrained.known import mapped_builders

    names = mapped_builders()
    if name is not None:
        registry.entry(name)
        if name not in names:
            raise ZooError(
                f"there is no map of names for '{name}': it starts from files of its own (file:PATH) or a run (there "
                f"are maps for {listing(names)})"
            )
        names = [name]
    return [_facts(each) for each in names]


def _facts(name: str) -> dict[str, Any]:
    from zoo.pretrained.keras_networks import NETWORKS
    from zoo.pretrained.known import namings_of, published_of

    origins = [*(naming.origin for naming in namings_of(name)), *(["Keras Applications"] if name in NETWORKS else [])]
    return {
        "model": name,
        "files": list(dict.fromkeys(origins)),
        "published": [
            {
                "source": each.source,
                "licence": each.licence,
                "megabytes": each.megabytes,
                "figure": each.figure,
                "task": each.task,
                "preprocessing": vars(each.preprocessing),
                "settings": dict(each.settings),
                "labels": each.labels,
            }
            for each in published_of(name)
        ],
    }


def weights_and_print(name: str | None, as_json: bool) -> None:
    """Print what is known; see `known_weights_of`."""
    found = known_weights_of(name)
    if as_json:
        print_json(found)
        return
    for each in found:
        for line in _lines(each):
            OUT.print(line, markup=False, highlight=False)


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['model']}: reads files of {', '.join(facts['files'])}"
    for each in facts["published"]:
        yield f"  {each['source']}  {each['licence']}, {each['megabytes']} MB"
        if each["figure"]:
            yield f"    {each['figure']}"
        labels = f"; labels: {each['labels']}" if each["labels"] else ""
        prepared = ", ".join(f"{key} {_text(value)}" for key, value in each["preprocessing"].items())
        yield f"    {prepared}{labels}"


def _text(value: Any) -> str:
    return " ".join(f"{number:g}" for number in value) if isinstance(value, tuple) else str(value)
