"""Both routes from Keras to ONNX over the registry: what converts, how exactly, and which file is faster.

python benchmarks/routes.py [BUILDER ...]    default: every builder; needs torch and onnxscript

Each builder is built small (`tests/models/registry_cases.py`), with random weights, and converted by tf2onnx and by
PyTorch's exporter with Keras on that backend. Both files run on the same random input in onnxruntime; latencies of
batches of 1 and 32 are measured in turn, at most 60 calls and two seconds each. A builder with a row is left out.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "models"))

from registry_cases import build, cases  # noqa: E402 - lies beside the tests
from routes_table import ROUTES, table  # noqa: E402

from zoo.errors import ZooError  # noqa: E402
from zoo.export.routes import convert  # noqa: E402
from zoo.training.run import hardware, versions  # noqa: E402
from zoo.utils.files import read_json, write_json  # noqa: E402
from zoo.utils.onnx_session import open_session, runtime  # noqa: E402

BATCHES = (1, 32)
CALLS = 60
MAX_SECONDS = 2.0
LENGTH = 9  # of an open axis


def random_inputs(model: keras.Model, batch: int) -> list[np.ndarray]:
    """Return random inputs; whole numbers from 1 to 4, which are nodes, tokens, labels and steps everywhere."""
    draw, found = np.random.default_rng(0), []
    for given in model.inputs:
        shape = [batch, *(size or LENGTH for size in given.shape[1:])]
        kind = keras.backend.standardize_dtype(given.dtype)
        found.append((draw.integers(1, 5, shape) if "int" in kind else draw.normal(size=shape)).astype(kind))
    return found


def measured(model: keras.Model, name: str) -> dict[str, Any]:
    """Return the row of a builder."""
    given, sessions = random_inputs(model, 4), {}
    expected = keras.tree.flatten(model.predict_on_batch(keras.tree.pack_sequence_as(model.input, given)))
    inputs, outputs = ([f"{kind}_{i}" for i in range(n)] for kind, n in (("x", len(given)), ("y", len(expected))))
    row: dict[str, Any] = {"builder": name, "routes": {}}
    for route in ("tf2onnx", "torch"):
        try:
            proto = convert(model, inputs, outputs, route=route)
            session = open_session(proto.SerializeToString())
            found = session.run(outputs, dict(zip(inputs, given, strict=True)))
            difference = max(float(np.abs(a - b).max(initial=0)) for a, b in zip(found, expected, strict=True))
            row["routes"][route] = {"difference": difference, "nodes": len(proto.graph.node), "bytes": proto.ByteSize()}
            sessions[route] = session
        except (ZooError, RuntimeError, ValueError) as error:
            row["routes"][route] = {"error": str(error).partition("\n")[0][:200]}
        except Exception as error:  # of onnxruntime, which has a class of its own for each cause
            row["routes"][route] = {"error": f"{type(error).__name__}: {error}".partition("\n")[0][:200]}
    both = [sessions.get(route) for route in ("tf2onnx", "torch")]
    row["ratio"] = None if None in both else {str(n): ratio(both, inputs, random_inputs(model, n)) for n in BATCHES}
    return row


def ratio(sessions: list[Any], inputs: list[str], given: list[np.ndarray]) -> float | None:
    """Return the median time of a call of the first file over that of the second, called in turn."""
    feeds, started = dict(zip(inputs, given, strict=True)), time.monotonic()
    ratios: list[float] = []
    try:
        while len(ratios) < CALLS and time.monotonic() - started < MAX_SECONDS:
            times = []
            for session in sessions:
                begun = time.perf_counter()
                session.run(None, feeds)
                times.append(time.perf_counter() - begun)
            ratios.append(times[0] / times[1])
    except Exception:  # of onnxruntime: the other file takes one batch size alone
        return None
    return statistics.median(ratios[len(ratios) // 10 :])


def main() -> None:
    """Measure, keep the rows, print the table."""
    rows = {row["builder"]: row for row in (read_json(ROUTES)["rows"] if ROUTES.is_file() else [])}
    first = {case.name: case for case in reversed(cases(options=False))}
    for name in sys.argv[1:] or [name for name in first if name not in rows]:
        rows[name] = measured(build(first[name]), name)
        print(name, rows[name]["routes"], rows[name]["ratio"], flush=True)
        ordered = [rows[each] for each in sorted(rows)]
        write_json(ROUTES, {"rows": ordered, "hardware": hardware(), "runtime": runtime(), "versions": versions()})
    print(table())


if __name__ == "__main__":
    main()
