"""What `zoo evaluate` prints of the analyses that were asked for: the few figures that a person reads first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

SHOWN_PARTS = 5  # the most important ones


def analysis_lines(result: dict[str, Any]) -> list[str]:
    """Return lines on the analyses that a result of `zoo.evaluate` has; the report has all of it."""
    return [line for name, lines in _LINES.items() if name in result for line in [f"{name}:", *lines(result[name])]]


def _robustness(found: dict[str, Any]) -> Iterator[str]:
    clean, metric = found["clean"], found["metric"]
    yield f"  {metric} of {found['examples']:,} test examples: {_beside(clean)}"
    strongest = {row["name"]: row for row in [*found["corruptions"], *found["attacks"]]}
    for name, row in strongest.items():
        unit = row.get("unit") or found["attacked"]["unit"]
        yield f"  {name}, {row['strength']:g} ({unit}): {_beside(row)}"
    yield from (f"  {note}" for note in found["notes"])


def _attribution(found: dict[str, Any]) -> Iterator[str]:
    yield f"  {len(found['mistakes'])} answers explained in the report"
    for row in found["importance"][:SHOWN_PARTS]:
        yield f"  {row['name']}: {found['metric']} worse by {row['mean']:.4g} ± {row['std']:.2g} when it is shuffled"
    yield from (f"  {note}" for note in found["notes"])


def _representation(found: dict[str, Any]) -> Iterator[str]:
    probes = found["probes"]
    if probes is not None:
        metric = "r2" if "r2" in probes["linear"] else "accuracy"
        for what, name in (("linear probe", "linear"), ("nearest neighbors", "neighbors")):
            yield f"  {what}: {metric} {probes[name][metric]:.4f}"
        spectrum = probes["spectrum"]
        yield (
            f"  {spectrum['verdict']}: effective rank {spectrum['effective_rank']:.1f} of "
            f"{spectrum['dimensions']} dimensions"
        )
    yield from (f"  {note}" for note in found["notes"])


def _beside(row: dict[str, Any]) -> str:
    value, baseline = row["metric"], row.get("baseline")
    written = "not finite" if value is None else f"{value:.4f}"
    return written if baseline is None else f"{written}, baseline {baseline:.4f}"


_LINES: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "robustness": _robustness,
    "attribution": _attribution,
    "representation": _representation,
}
