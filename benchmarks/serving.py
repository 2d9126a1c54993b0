"""`zoo serve` under load: requests a second with and without dynamic batching, and its overhead over onnxruntime.

python benchmarks/serving.py [--file exported/cnn/digits/model.onnx] [--clients 32] [--requests 8000] [--rounds 5]

Each client is a connection that sends one example after another, in binary tensors, all from a process of its own.
Two servers, in processes of their own, are asked in turn; the medians over the rounds are printed. Overhead is the
median of one client's requests less the median of the same calls of onnxruntime in one process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from zoo.serving.server.served_model import ServedModel
from zoo.serving.server.tensors import DTYPES, to_bytes

ROOT = Path(__file__).resolve().parents[1]
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
WARM_UP = 0.1  # of the requests, not counted


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=ROOT / "exported" / "cnn" / "digits" / "model.onnx")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--drive", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    model = ServedModel("model", "1", given.file)
    if given.drive:
        print(json.dumps(asyncio.run(drive(given.drive, message(model), given.clients, given.requests))))
        return
    found: dict[str, list[float]] = {"alone": [], "together": [], "one client": []}
    with served(given.file, "--max-batch", "1") as alone, served(given.file) as together:
        for _ in range(given.rounds):
            found["alone"].append(driven(given, alone, given.clients)["a second"])
            found["together"].append(driven(given, together, given.clients)["a second"])
            found["one client"].append(driven(given, together, 1)["median ms"])
    medians = {name: statistics.median(values) for name, values in found.items()}
    ratios = [t / a for t, a in zip(found["together"], found["alone"], strict=True)]
    bare = bare_ms(model, given.requests)
    print(f"{given.file}: {given.clients} clients, one example a request, {given.requests} requests a round")
    print(f"requests a second without batching {medians['alone']:.0f}, with {medians['together']:.0f}")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"one client: median {medians['one client']:.2f} ms, onnxruntime alone {bare:.2f} ms")


@contextmanager
def served(file: Path, *options: str) -> Iterator[str]:
    """Serve a file in a process of its own within the block."""
    command = [sys.executable, "-m", "zoo", "serve", f"model={file}", "--port", "0", "--no-log", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield next(line for line in process.stderr if line.startswith("ready: ")).split()[1]
        finally:
            process.terminate()


def driven(given: argparse.Namespace, url: str, clients: int) -> dict[str, float]:
    """Send requests from a process of its own, and return what it measured."""
    command = [sys.executable, __file__, "--drive", url, "--file", given.file, "--clients", clients]
    command += ["--requests", given.requests if clients > 1 else max(1, given.requests // 4)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def feeds_of(model: ServedModel) -> dict[str, np.ndarray]:
    """Return one example of ones or texts, for the tensors of a file."""
    shapes = {name: [1 if size is None else size for size in spec.shape] for name, spec in model.inputs.items()}
    dtypes = {name: DTYPES[spec.datatype] for name, spec in model.inputs.items()}
    return {name: np.full(shape, "a" if dtypes[name].hasobject else 1, dtypes[name]) for name, shape in shapes.items()}


def message(model: ServedModel) -> bytes:
    """Return a whole request of HTTP with one example."""
    inputs, parts = [], []
    for name, values in feeds_of(model).items():
        datatype = model.inputs[name].datatype
        parts.append(to_bytes(values, datatype))
        size = {"binary_data_size": len(parts[-1])}
        inputs.append({"name": name, "datatype": datatype, "shape": list(values.shape), "parameters": size})
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    length = len(head) + sum(map(len, parts))
    lines = ["POST /v2/models/model/infer HTTP/1.1", "Host: localhost", f"Content-Length: {length}"]
    lines.append(f"Inference-Header-Content-Length: {len(head)}")
    return "\r\n".join([*lines, "", ""]).encode() + head + b"".join(parts)


class Client(asyncio.Protocol):
    """A connection that sends a request, and the next one once the answer is there, as long as there are some left."""

    def __init__(self, request: bytes, left: Iterator[int], times: list[float], done: asyncio.Future[None]) -> None:
        self._request, self._left, self._times, self._done = request, left, times, done
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        if next(self._left, None) is None:
            self._transport.close()
            self._done.set_result(None)
            return
        self._started = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Read an answer, or a part of it."""
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not blank or length is None or len(body) < int(length[1]):
            return
        assert head.startswith(b"HTTP/1.1 200"), head
        self._times.append(time.perf_counter() - self._started)
        self._answer = b""
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        """End, with an error where answers were still due."""
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server has closed the connection"))


async def drive(url: str, request: bytes, clients: int, requests: int) -> dict[str, float]:
    """Return requests a second and the median milliseconds of one."""
    loop = asyncio.get_running_loop()
    host, _, port = urlsplit(url).netloc.partition(":")
    times: list[float] = []

    async def send(count: int) -> float:
        left, done = iter(range(count)), [loop.create_future() for _ in range(clients)]
        started = time.perf_counter()
        for each in done:
            await loop.create_connection(partial(Client, request, left, times, each), host, int(port))
        await asyncio.gather(*done)
        return time.perf_counter() - started

    await send(int(WARM_UP * requests) + clients)
    times.clear()
    seconds = await send(requests)
    return {"a second": requests / seconds, "median ms": 1000 * statistics.median(times)}


def bare_ms(model: ServedModel, calls: int) -> float:
    """Return the median milliseconds of onnxruntime for the same example."""
    feeds, outputs, times = feeds_of(model), list(model.outputs), []
    for _ in range(calls):
        started = time.perf_counter()
        model.run(feeds, outputs)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    main()
