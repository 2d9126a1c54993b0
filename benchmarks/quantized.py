"""Size, metric and latency of int8 files beside the float32 ones: a line a file, and a summary.

python benchmarks/quantized.py [FOLDER | RUN ...]    default: every folder of `exported/`

A folder holds `model.onnx`, `certificate.int8.json` and, where it was kept, `model.int8.onnx`, as `zoo export RUN
--quantize int8` and `benchmarks/exported.py` write them; of a run it is `export/`. Size and metric are those of the
certificate. Latency is measured here: both files in turn, at most 100 calls and three seconds for each batch, on the
examples of `sample.npz`. A file whose row is known already, by its hash, is not measured again.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from quantized_table import QUANTIZED, summary, table

from zoo.errors import ZooError
from zoo.serving.metadata import read_signature
from zoo.serving.onnx_file import scan
from zoo.training.run import hardware
from zoo.utils.files import read_json, write_json
from zoo.utils.onnx_session import open_session, runtime

ROOT = Path(__file__).resolve().parents[1]
BATCHES = (1, 32)
CALLS = 100
MAX_SECONDS = 3.0  # of a batch
KEPT = ("metric", "float32", "quantized", "difference", "interval", "loss", "method", "kept", "bytes", "float32_bytes")


def folders(given: list[str]) -> list[Path]:
    """Return the folders to measure: those given, of runs their `export/`, else all of `exported/`."""
    if not given:
        return sorted(path.parent for path in (ROOT / "exported").rglob("certificate.int8.json"))
    found = [path / "export" if (path / "environment.json").is_file() else path for path in map(Path, given)]
    for folder in found:
        if not (folder / "certificate.int8.json").is_file():
            raise ZooError(f"{folder}: expected certificate.int8.json; export with --quantize int8 first")
    return found


def batch(sample: dict[str, np.ndarray], session: Any, size: int) -> dict[str, np.ndarray]:
    """Return the inputs of some examples, those of the sample over and over."""
    feeds = {}
    for given in session.get_inputs():
        values = sample[given.name]
        if given.type == "tensor(string)":
            values = values.astype(object)
        feeds[given.name] = values if given.shape[:1] != ["batch"] else values[np.arange(size) % len(values)]
    return feeds


def latencies(folder: Path) -> dict[str, Any]:
    """Return, for each batch size, the median milliseconds of both files and the median of their ratios."""
    first, second = (open_session(folder / name) for name in ("model.onnx", "model.int8.onnx"))
    sample = dict(np.load(folder / "sample.npz"))
    found = {}
    for size in BATCHES:
        feeds = batch(sample, first, size)
        times: tuple[list[float], list[float]] = ([], [])
        started = time.monotonic()
        while len(times[0]) < CALLS and time.monotonic() - started < MAX_SECONDS:
            for session, own in zip((first, second), times, strict=True):
                begun = time.perf_counter()
                session.run(None, feeds)
                own.append(time.perf_counter() - begun)
        later = slice(len(times[0]) // 10, None)  # the first calls warm up
        found[str(size)] = {
            "float32_ms": 1e3 * statistics.median(times[0][later]),
            "int8_ms": 1e3 * statistics.median(times[1][later]),
            "ratio": statistics.median(b / a for a, b in zip(times[0][later], times[1][later], strict=True)),
        }
    return found


def measured(folder: Path) -> dict[str, Any]:
    """Return the row of a folder."""
    certificate = read_json(folder / "certificate.int8.json")
    path = folder / "model.onnx"
    signature = read_signature(scan(path.read_bytes(), path), path, verify=False)
    return {
        "recipe": signature.recipe,
        "task": signature.task,
        **{name: certificate[name] for name in KEPT},
        "latency": latencies(folder) if certificate["kept"] else None,
        "sha256": certificate["sha256"],
    }


def line(row: dict[str, Any]) -> str:
    """Return a row for a person to read."""
    times = {} if row["latency"] is None else row["latency"]
    ratios = ", ".join(f"{size}: {each['ratio']:.2f}" for size, each in times.items()) or "not kept"
    size = row["bytes"] / row["float32_bytes"]
    return (
        f"{row['recipe']}: {row['bytes']:,} of {row['float32_bytes']:,} bytes ({size:.3f}); {row['metric']} "
        f"{row['float32']:.4f}, int8 {row['quantized']:.4f}; time by batch {ratios}"
    )


def main() -> None:
    """Measure, keep the rows, print the summary."""
    known = read_json(QUANTIZED)["rows"] if QUANTIZED.is_file() else []
    rows = {row["recipe"]: row for row in known}
    for folder in folders(sys.argv[1:]):
        sha256 = read_json(folder / "certificate.int8.json")["sha256"]
        row = next((row for row in rows.values() if row["sha256"] == sha256), None) or measured(folder)
        rows[row["recipe"]] = row
        print(line(row), flush=True)
        ordered = [rows[name] for name in sorted(rows)]
        write_json(QUANTIZED, {"rows": ordered, "hardware": hardware(), "runtime": runtime()})
    print(table())
    print(summary(read_json(QUANTIZED)["rows"]))


if __name__ == "__main__":
    main()
