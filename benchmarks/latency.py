"""Latency in onnxruntime of the zoo's file and of torch's own export of the same network, and of Keras `predict`.

python benchmarks/latency.py [--networks mlp resnet20 …] [--torch PYTHON] [--folder FOLDER] [--seconds 8]

Each network (`latency_cases.py`) is built in Keras and in torch with the same weights. PYTHON, a Python with torch and
onnxscript (and timm), exports torch's in a process of its own (`latency_torch.py`); this one exports the zoo's,
compares the outputs, and times both files in turn in one call, with 1 and 2 threads, at batches of 1 and 32. A round
gives each file some calls, the order changing from round to round; the ratio is the median of the rounds' ratios. One
thread is timed by its own processor time, which other processes do not lengthen; two by the clock.
Networks that are not named keep their rows; torch's files that are in FOLDER are used again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from latency_cases import CASES, Case, channels_last, make_distinct, random_inputs, torch_inputs
from latency_table import LATENCY, table

import zoo
from zoo.export.routes import convert
from zoo.layers.steps import split_steps
from zoo.training.run import hardware
from zoo.utils.execution import Execution
from zoo.utils.files import read_json, write_json
from zoo.utils.onnx_session import open_session

BATCHES, THREADS = (1, 32), (1, 2)
TOLERANCE = 1e-3  # of the outputs, over their largest value
MIN_ROUNDS, MAX_ROUNDS = 5, 60
TURN_SECONDS, MAX_CALLS = 0.02, 50  # of a file in a round
PREDICT_ROUNDS = 15


def model_of(case: Case, folder: Path) -> keras.Model:
    """Return the zoo's model: with timm's weights, or with those that it leaves for torch."""
    if case.published:
        return zoo.build(case.builder, weights=f"file:{folder / 'weights.safetensors'}", **case.settings)
    model = zoo.build(case.builder, **case.settings)
    weights = folder / "weights.npz"
    if weights.is_file():
        with np.load(weights) as kept:
            for layer in model.layers:
                layer.set_weights([kept[f"{layer.name}/{i}"] for i in range(len(layer.weights))])
        return model
    make_distinct(model)
    arrays = {f"{layer.name}/{i}": w for layer in model.layers for i, w in enumerate(layer.get_weights())}
    np.savez(weights, **arrays)
    return model


def network_of(case: Case, model: keras.Model) -> keras.Model:
    """Return what is exported of a model: itself, or its step."""
    return split_steps(model).step if case.step else model


def prepare(case: Case, folder: Path) -> None:
    """Write what torch's half needs: weights, inputs, and which axes are open."""
    folder.mkdir()
    model = zoo.build(case.builder, **case.settings) if case.published else model_of(case, folder)
    network = network_of(case, model)
    given = torch_inputs(random_inputs(case, network, 2), step=case.step)
    axes: list[list[int]] = [[i for i, size in enumerate(x.shape) if size is None] for x in network.inputs]
    if case.step:  # torch has keys as rows
        axes = [[0], [0], *[[0, 2]] * (len(given) - 2)]
    np.savez(folder / "inputs.npz", *given)
    write_json(folder / "case.json", {**asdict(case), "open_axes": axes})


def zoo_file(network: keras.Model) -> tuple[onnx.ModelProto, list[str]]:
    """Return the zoo's file of a network, and the names of its inputs."""
    names = [f"input_{i}" for i in range(len(network.inputs))]
    outputs = [f"output_{i}" for i in range(len(network.outputs))]
    return convert(network, names, outputs), names


def calls_of(sessions: Mapping[str, Any], feeds: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return a call of each file on its inputs."""
    return {name: lambda s=session, f=feeds[name]: s.run(None, f) for name, session in sessions.items()}  # type: ignore[misc]


def in_turn(
    calls: Mapping[str, Callable[[], Any]], seconds: float, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Return the milliseconds of each call, a median for each round, within about so many seconds."""
    counts = {}
    for name, call in calls.items():
        call()
        start = time.perf_counter()
        call()
        counts[name] = max(1, min(MAX_CALLS, round(TURN_SECONDS / (time.perf_counter() - start))))
    count, times, started = min(counts.values()), {name: list[float]() for name in calls}, time.monotonic()
    for i in range(rounds):
        if i >= MIN_ROUNDS and time.monotonic() - started > seconds:
            break
        for name in list(calls) if i % 2 == 0 else list(calls)[::-1]:
            turn = []
            for _ in range(count):
                start = clock()
                calls[name]()
                turn.append(1e3 * (clock() - start))
            times[name].append(statistics.median(turn))
    return times


def median_ratio(times: Mapping[str, list[float]], first: str, second: str) -> float:
    """Return the median of the rounds' ratios of the first to the second."""
    return statistics.median(a / b for a, b in zip(times[first], times[second], strict=True))


def rows_of(name: str, folder: Path, seconds: float) -> list[dict[str, Any]]:
    """Return the rows of a network, one for each batch."""
    case, rows = CASES[name], []
    network = network_of(case, model_of(case, folder))
    proto, names = zoo_file(network)
    exported = onnx.load(folder / "torch.onnx")
    files = {"zoo": proto.SerializeToString(), "torch": exported.SerializeToString()}
    torch_names = [each.name for each in exported.graph.input]
    for batch in BATCHES:
        given = random_inputs(case, network, batch)
        feeds = {
            "zoo": dict(zip(names, given, strict=True)),
            "torch": dict(zip(torch_names, torch_inputs(given, step=case.step), strict=True)),
        }
        row: dict[str, Any] = {"network": name, "title": case.title, "batch": batch, "ms": {}, "ratio": {}}
        row["nodes"] = {"zoo": len(proto.graph.node), "torch": len(exported.graph.node)}
        for threads in THREADS:
            sessions = {key: open_session(file, execution=Execution(threads=threads)) for key, file in files.items()}
            ours, theirs = (sessions[key].run(None, feeds[key])[0] for key in ("zoo", "torch"))
            row["difference"] = float(np.abs(ours - channels_last(theirs)).max() / np.abs(ours).max())
            if row["difference"] > TOLERANCE:
                raise SystemExit(f"{name}: the networks are not the same, they differ by {row['difference']:.1e}")
            clock = time.thread_time if threads == 1 else time.perf_counter
            times = in_turn(calls_of(sessions, feeds), seconds, MAX_ROUNDS, clock)
            row["ms"][str(threads)] = {key: statistics.median(values) for key, values in times.items()}
            row["ratio"][str(threads)] = median_ratio(times, "zoo", "torch")
        if batch == 1:
            calls = calls_of({"zoo": sessions["zoo"]}, feeds)
            calls["predict"] = lambda: network.predict(given, verbose=0)  # noqa: B023 - called within this turn
            times = in_turn(calls, 3 * seconds, PREDICT_ROUNDS)
            row["predict"] = {
                "ms": statistics.median(times["predict"]),
                "ratio": median_ratio(times, "predict", "zoo"),
            }
        print(f"{name}, batch {batch}: {row['ratio']} {row.get('predict', '')}", flush=True)
        rows.append(row)
    return rows


def main() -> None:
    """Measure, keep the rows, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--torch", default=sys.executable, help="a Python with torch, onnxscript and timm")
    parser.add_argument("--folder", help="where both halves leave their files; a temporary one where left out")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    given = parser.parse_args()
    loads = [os.getloadavg()[0]]
    kept = read_json(LATENCY)["rows"] if LATENCY.is_file() else []
    rows = {name: [row for row in kept if row.get("network") == name] for name in CASES}
    with nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory() as kept_in:
        folder = Path(kept_in)
        for name in given.networks:
            if not (folder / name).exists():
                prepare(CASES[name], folder / name)
        missing = [name for name in given.networks if not (folder / name / "torch.onnx").is_file()]
        if missing:
            script = Path(__file__).with_name("latency_torch.py")
            subprocess.run([given.torch, str(script), kept_in, *missing], check=True)
        torch_versions = read_json(folder / "versions.json")
        for name in given.networks:
            rows[name] = rows_of(name, folder / name, given.seconds)
            loads.append(os.getloadavg()[0])
            result = {
                "rows": [row for each in CASES for row in rows[each]],
                "threads": THREADS,
                "load": [min(loads), max(loads)],
                "versions": {"onnxruntime": version("onnxruntime"), "keras": keras.__version__, **torch_versions},
                "hardware": hardware(),
            }
            write_json(LATENCY, result)
    print(table())
    print(f"Kept in {LATENCY}; `python benchmarks/results.py write` puts it into docs/results.md")


if __name__ == "__main__":
    main()
