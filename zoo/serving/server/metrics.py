"""What a server counts, in Prometheus's format."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_EXAMPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)


class Metrics:
    """The counters of one server.

    Args:
        requests_in_progress: returns how many requests are read, wait or are run.
        drift: gives the gauges of drift.
    """

    def __init__(self, requests_in_progress: Callable[[], int], drift: Collector) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(drift)
        self._requests = Counter(
            "zoo_requests",
            "Requests that were answered; a status of 400 or more is an error.",
            ("endpoint", "model", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "zoo_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ("endpoint", "model"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._examples = Histogram(
            "zoo_batch_examples",
            "Examples that a file ran on at once.",
            ("model",),
            buckets=_EXAMPLES,
            registry=self._registry,
        )
        self._of_request = lru_cache(maxsize=1024)(self._labelled)  # as `labels` takes longer than to count
        queue = Gauge("zoo_queue_requests", "Requests that are read, wait or are run.", registry=self._registry)
        queue.set_function(requests_in_progress)

    def observe_request(self, endpoint: str, model: str, status: int, seconds: float) -> None:
        """Count an answer."""
        count, time = self._of_request(endpoint, model, status)
        count.inc()
        time.observe(seconds)

    def _labelled(self, endpoint: str, model: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(endpoint, model, str(status)), self._seconds.labels(endpoint, model)

    def observe_batch(self, model: str, examples: int) -> None:
        """Count a run of a file."""
        self._examples.labels(model).observe(examples)

    def text(self) -> bytes:
        """Return all of them."""
        return generate_latest(self._registry)
