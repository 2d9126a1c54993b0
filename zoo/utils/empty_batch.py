"""A file on a batch of no examples, in a process of its own: some operators of onnxruntime abort the process on one.

`python -m zoo.utils.empty_batch FILE` reads types and shapes of the inputs as JSON and prints those of the outputs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from zoo.errors import ZooError
from zoo.utils.onnx_session import open_session, run_session

MAX_SECONDS = 60.0  # for a process to start, to load the file and to answer
REFUSED, ABORTED = "refused", "aborted"


def run_empty_batch(content: bytes, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | str:
    """Return the outputs of a file by name; "refused" where onnxruntime raises, "aborted" where the process ends.

    Args:
        content: the file.
        feeds: inputs without a value.
    """
    assert not any(values.size for values in feeds.values()), "a batch of no examples"
    facts = {name: _facts(values) for name, values in feeds.items()}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(content)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "zoo.utils.empty_batch", str(path)],
                input=json.dumps(facts),
                capture_output=True,
                text=True,
                check=False,
                timeout=MAX_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return ABORTED
    if done.returncode:
        return ABORTED
    return REFUSED if not done.stdout.strip() else _empty(json.loads(done.stdout))


def _facts(values: np.ndarray) -> list[object]:
    return [values.dtype.str if values.dtype != object else "O", list(values.shape)]


def _empty(facts: Mapping[str, tuple[str, list[int]]]) -> dict[str, np.ndarray]:
    return {name: np.zeros(shape, np.dtype(dtype)) for name, (dtype, shape) in facts.items()}


def main(path: str) -> None:
    """Run the file on the inputs that standard input describes; print nothing where onnxruntime refuses them."""
    feeds, session = _empty(json.loads(sys.stdin.read())), open_session(path)
    try:
        found = run_session(session, [each.name for each in session.get_outputs()], feeds)
    except ZooError:
        return
    print(json.dumps({name: _facts(values) for name, values in found.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
