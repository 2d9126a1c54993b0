"""How long an exported file takes for one example."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from zoo.training.run import hardware
from zoo.utils.onnx_session import open_session

if TYPE_CHECKING:
    from zoo.serving.feeds import Feeds

MAX_CALLS = 50
MAX_SECONDS = 0.5  # after which no further call is made


def median_latency(content: bytes, feeds: Feeds) -> dict[str, Any]:
    """Return the median `milliseconds` of `calls` on one example, the first tenth of them left out.

    Args:
        content: the file.
        feeds: examples as the file takes them; the first is used.
    """
    session, started, times = open_session(content), time.monotonic(), list[float]()
    axes = {each.name: list(each.shape) for each in session.get_inputs()}
    one = {
        name: values.take([0], axis=axes[name].index("batch")) if "batch" in axes[name] else values
        for name, values in feeds.items()
    }
    while len(times) < MAX_CALLS and (not times or time.monotonic() - started < MAX_SECONDS):
        begun = time.perf_counter()
        session.run(None, one)
        times.append(1000 * (time.perf_counter() - begun))
    median = statistics.median(times[len(times) // 10 :])
    return {"milliseconds": median, "calls": len(times), "batch": 1, "hardware": hardware()}
