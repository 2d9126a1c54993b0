"""The table of routes from Keras to ONNX, from `benchmarks/results/routes.json`, which `routes.py` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo import registry
from zoo.utils.files import read_json

ROUTES = Path(__file__).resolve().parent / "results" / "routes.json"
MAX_DIFFERENCE = 1e-4  # of outputs of random networks, from which on a file is wrong


def table() -> str:
    """Return a row a builder: the difference of each route, and the ratio of the times."""
    if not ROUTES.is_file():
        return "Not measured yet."
    result = read_json(ROUTES)
    lines = [
        "| builder | tf2onnx | PyTorch's exporter | time of the first over the second, batch 1 and 32 |",
        "| --- | --- | --- | --- |",
    ]
    for row in result["rows"]:
        cells = [_cell(row["routes"][route]) for route in ("tf2onnx", "torch")]
        times = ["" if ratio is None else f"{ratio:.2f}" for ratio in (row["ratio"] or {}).values()]
        lines.append(f"| `{row['builder']}` | {' | '.join(cells)} | {', '.join(times)} |")
    counts = [sum(_is_right(row["routes"][route]) for row in result["rows"]) for route in ("tf2onnx", "torch")]
    machine, used = result["hardware"], result["runtime"]
    known, count = len(registry.list_models()), len(result["rows"])
    lines += [
        "",
        f"Of the {count} builders measured, of {known}, tf2onnx converts {counts[0]}, the second route {counts[1]}, "
        f"each with a difference of at most {MAX_DIFFERENCE:g}. {used['runtime']} {used['version']}; "
        f"{machine['cores']} cores of {machine['cpu']}.",
    ]
    return "\n".join(lines)


def _is_right(route: dict[str, Any]) -> bool:
    return "error" not in route and bool(route["difference"] <= MAX_DIFFERENCE)


def _cell(route: dict[str, Any]) -> str:
    return f"{route['difference']:.0e}" if "error" not in route else "refused"
