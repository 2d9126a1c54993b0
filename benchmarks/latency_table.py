"""The table of latencies, from `benchmarks/results/latency.json`, which `latency.py` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.utils.files import read_json

LATENCY = Path(__file__).resolve().parent / "results" / "latency.json"


def table() -> str:
    """Return a row for each network and batch: milliseconds, and the ratio to torch's own export of it."""
    if not LATENCY.is_file():
        return "Not measured yet."
    result = read_json(LATENCY)
    threads = [str(n) for n in result["threads"]]
    columns = [cell for n in threads for cell in (f"ms, {_threads(n)}", "over torch's export")]
    lines = [f"| network | batch | {' | '.join(columns)} | Keras `predict`, ms | over ours |"]
    lines.append("| --- " * (len(columns) + 4) + "|")
    for row in result["rows"]:
        cells = [c for n in threads for c in (_number(row["ms"][n]["zoo"]), f"{row['ratio'][n]:.2f}")]
        predict = row.get("predict")
        cells += ["", ""] if predict is None else [_number(predict["ms"]), f"{predict['ratio']:.0f}×"]
        lines.append(f"| {row['title']} | {row['batch']} | {' | '.join(cells)} |")
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    machine, load = result["hardware"], result["load"]
    counts = [sum(row["ratio"][n] <= 1 for row in result["rows"]) for n in threads]
    within = " and ".join(
        f"{c} of {len(result['rows'])} with {_threads(n)}" for c, n in zip(counts, threads, strict=True)
    )
    lines += [
        "",
        f"Both files hold the same weights and give the same outputs (largest difference "
        f"{max(row['difference'] for row in result['rows']):.0e} of the outputs' scale). Calls in turn, median of the "
        "rounds' ratios; one thread by its processor time, two by the clock. "
        f"At most 1.00: {within}. {versions}; {machine['cores']} cores of {machine['cpu']}, load {load[0]:.1f} to "
        f"{load[1]:.1f} while it ran.",
    ]
    return "\n".join(lines)


def _threads(count: str) -> str:
    return f"{count} thread{'s' * (count != '1')}"


def _number(value: Any) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"
