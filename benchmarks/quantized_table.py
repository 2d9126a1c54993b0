"""The table of int8 files, from `benchmarks/results/quantized.json`, which `quantized.py` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.utils.files import read_json

QUANTIZED = Path(__file__).resolve().parent / "results" / "quantized.json"
MAX_RATIO = 0.35  # of the bytes
MAX_POINTS = 0.005  # of a fraction, and
MAX_PART = 0.02  # of another metric, that a file may lose


def is_good(row: dict[str, Any]) -> bool:
    """Return whether a file is small and good enough."""
    limit = MAX_POINTS if row["metric"] in PERCENT else MAX_PART * abs(row["float32"])
    return bool(row["kept"] and row["bytes"] <= MAX_RATIO * row["float32_bytes"] and row["loss"] <= limit + 1e-9)


def summary(rows: list[dict[str, Any]]) -> str:
    """Return how many files are small and good enough, which are not, and how fast convolutions are."""
    missed = [f"`{row['recipe']}`" for row in rows if not is_good(row)]
    convolutions = [row for row in rows if row["latency"] and row["method"].startswith("QDQ")]
    text = (
        f"{len(rows) - len(missed)} of {len(rows)} files have at most {MAX_RATIO} of the bytes and lose at most half a "
        f"point, or 2% of another metric than a fraction"
    )
    text += f"; not so {', '.join(missed)}." if missed else "."
    if convolutions:
        one, many = (sum(row["latency"][size]["ratio"] <= 0.6 for row in convolutions) for size in ("1", "32"))
        text += (
            f" Of {len(convolutions)} files with activations in int8, which convolve, {many} take at most 0.6 of the "
            f"time for a batch of 32, {one} for one example."
        )
    return text


def table() -> str:
    """Return a row a file: bytes, metric with the interval of the difference, latency ratio."""
    if not QUANTIZED.is_file():
        return "Not measured yet."
    result = read_json(QUANTIZED)
    lines = [
        "| recipe | bytes | int8 | of the bytes | metric | float32 | int8 | difference (95%) | time, batch 1 and 32 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["rows"]:
        interval = "" if row["interval"] is None else " ({:+.4f} to {:+.4f})".format(*row["interval"])
        time = (
            "not kept"
            if row["latency"] is None
            else "{:.2f}, {:.2f}".format(*(row["latency"][size]["ratio"] for size in ("1", "32")))
        )
        activations = " (activations too)" if row["method"].startswith("QDQ") else ""
        lines.append(
            f"| `{row['recipe']}`{activations} | {row['float32_bytes']:,} | {row['bytes']:,} | "
            f"{row['bytes'] / row['float32_bytes']:.2f} | {TITLES[row['metric']]} | {row['float32']:.4f} | "
            f"{row['quantized']:.4f} | {row['difference']:+.4f}{interval} | {time} |"
        )
    machine, used = result["hardware"], result["runtime"]
    lines += [
        "",
        f"{summary(result['rows'])} {used['runtime']} {used['version']}; {machine['cores']} cores of {machine['cpu']}.",
    ]
    return "\n".join(lines)
