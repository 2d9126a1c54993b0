"""Latency of recurrent models: this zoo's ONNX file beside Keras, and beside torch and its own ONNX export.

python benchmarks/latency.py [--steps 50] [--units 128] [--batch 1 32] [--rounds 10]

Tokens in, five classes out, one layer; every second row ends in padding. The candidates run in turn, ten calls each a
round, with two threads; medians are printed. Needs onnxscript, and torch in its CPU build (`torch_build.py`).
"""

# ruff: noqa: E402 - torch's build is looked at before torch is imported
from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import onnx
from torch_build import require_cpu_torch

require_cpu_torch()

import torch
from results import LATENCY, latency

import zoo
from zoo.backend.startup import disable_telemetry
from zoo.export.convert import to_onnx
from zoo.training.run import hardware
from zoo.utils.files import write_json

VOCABULARY = 100  # token ids
WIDTH = 64  # of an embedding
CLASSES = 5
THREADS = 2  # of each candidate
CALLS = 10  # of a candidate in a round
WARM_UP_CALLS = 2  # of these, not counted
MODELS = ("lstm", "bilstm", "gru")


class Torch(torch.nn.Module):
    """The same network in torch: embedding, one recurrent layer, the last valid state, a linear head."""

    def __init__(self, name: str, units: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        both = name == "bilstm"
        layer = torch.nn.GRU if name == "gru" else torch.nn.LSTM
        self.layer = layer(WIDTH, units, batch_first=True, bidirectional=both)
        self.head = torch.nn.Linear(units * (1 + both), CLASSES)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map `(batch, steps)` to `(batch, classes)`."""
        x, _ = self.layer(self.embedding(tokens))
        last = (tokens != 0).sum(1).sub(1).clamp(min=0)
        x = torch.gather(x, 1, last[:, None, None].expand(-1, 1, x.shape[2]))[:, 0]
        return self.head(x)


def masked(name: str, units: int) -> keras.Model:
    """Return the network with Keras's own masking, which ONNX can only hold as a Loop."""
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(VOCABULARY, WIDTH, mask_zero=True)(inputs)
    if name == "bilstm":
        x = keras.layers.Bidirectional(keras.layers.LSTM(units))(x)
    else:
        x = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[name](units)(x)
    return keras.Model(inputs, keras.layers.Dense(CLASSES)(x))


def session(proto: onnx.ModelProto) -> Any:
    """Return an onnxruntime session on two threads."""
    disable_telemetry()
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    return ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


def torch_export(model: torch.nn.Module, tokens: np.ndarray) -> onnx.ModelProto:
    """Return what torch's exporter makes of a model, with open batch and length."""
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("steps")}
    example = torch.from_numpy(np.concatenate([tokens, tokens]).astype(np.int64))
    program = torch.onnx.export(model, (example,), dynamo=True, dynamic_shapes=(axes,), verbose=False)
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    return program.model_proto


def candidates(name: str, units: int, tokens: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return the calls to time, by what they are."""
    model = zoo.build(name, input_shape=(None,), outputs=CLASSES, vocabulary=VOCABULARY, units=units, embedding=WIDTH)
    own, loop = (session(to_onnx(m, ["tokens"], ["logits"])) for m in (model, masked(name, units)))
    compiled = torch.from_numpy(tokens.astype(np.int64))
    network = Torch(name, units).eval()
    exported = session(torch_export(network, tokens))
    exported_input = exported.get_inputs()[0].name

    def eager() -> None:
        with torch.inference_mode():
            network(compiled)

    return {
        "zoo, onnxruntime": lambda: own.run(None, {"tokens": tokens}),
        "Keras mask, onnxruntime": lambda: loop.run(None, {"tokens": tokens}),
        "torch export, onnxruntime": lambda: exported.run(None, {exported_input: tokens.astype(np.int64)}),
        "torch": eager,
        "Keras predict": lambda: model.predict(tokens, verbose=0),
    }


def measure(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each call, without the warm-up calls of each round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            turn = []
            for _ in range(CALLS):
                start = time.perf_counter()
                call()
                turn.append((time.perf_counter() - start) * 1e3)
            times[name] += turn[WARM_UP_CALLS:]
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measure, keep the result, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    generator = np.random.default_rng(0)
    rows = []
    for name in MODELS:
        for batch in given.batch:
            tokens = generator.integers(1, VOCABULARY, (batch, given.steps)).astype(np.int32)
            tokens[::2, given.steps // 2 :] = 0
            print(f"{name}, batch {batch} ...", flush=True)
            rows.append(
                {"model": name, "batch": batch, "ms": measure(candidates(name, given.units, tokens), given.rounds)}
            )
    versions = {"onnxruntime": version("onnxruntime"), "keras": keras.__version__, "torch": torch.__version__}
    result = {"rows": rows, **vars(given), "threads": THREADS, "versions": versions, "hardware": hardware()}
    write_json(LATENCY, result)
    print(latency())
    print(f"Kept in {LATENCY}; `python benchmarks/results.py write` puts it into the README")


if __name__ == "__main__":
    main()
