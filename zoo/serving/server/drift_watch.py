"""Drift of what a server was asked, kept in a thread of its own so that no answer waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from zoo.errors import ZooError
from zoo.serving.drift.monitor import DriftMonitor
from zoo.serving.feeds import as_columns
from zoo.serving.kinds import KINDS
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.serving.exported_model import ExportedModel
    from zoo.serving.feeds import Feeds
    from zoo.serving.metadata import FileSignature
    from zoo.serving.prediction import Prediction
    from zoo.serving.server.served_model import ServedModel

MAX_WAITING = 64  # answers whose examples wait to be counted; others are left out, and counted


class DriftWatch(Collector):
    """The drift of each model that is served; what is kept of a request is its features."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="zoo-drift")
        self._monitors: dict[ServedModel, DriftMonitor | None] = {}
        self._lock = threading.Lock()
        self._waiting = self._left_out = 0

    def see(self, model: ServedModel, raw: Any, prediction: Prediction | None) -> None:
        """Add examples, as `ExportedModel.predict` takes them, and what the file answered."""
        monitor = self._monitor(model)
        if monitor is not None:
            self._count_later(partial(monitor.add, raw, prediction))

    def see_tensors(self, model: ServedModel, feeds: Feeds, found: Feeds) -> None:
        """Add the tensors of a request and of its answer; token ids are not compared, as their texts are not known."""
        monitor = self._monitor(model)
        raw = None if monitor is None else _examples(feeds, model.exported.signature)
        if monitor is not None and raw is not None:
            self._count_later(lambda: monitor.add(raw, _prediction(found, model.exported)))

    def report(self, models: Iterable[ServedModel]) -> dict[str, Any]:
        """Return `models`, the drift of each by name and version, None for files without a distribution."""
        self._thread.submit(lambda: None).result()  # after all that waits
        monitors = {f"{model.name}/{model.version}": self._monitor(model) for model in models}
        return {
            "models": {name: None if each is None else each.report() for name, each in monitors.items()},
            "requests_left_out": self._left_out,
        }

    def keep(self, models: Iterable[ServedModel]) -> None:
        """Let go of all models but these."""
        with self._lock:
            kept = set(models)
            self._monitors = {model: monitor for model, monitor in self._monitors.items() if model in kept}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges of all models that were asked, for Prometheus."""
        labels = ("model", "version", "feature")
        psi = GaugeMetricFamily("zoo_drift_psi", "Population stability index against training.", labels=labels)
        alarm = GaugeMetricFamily("zoo_drift", "1 where a feature has drifted.", labels=labels)
        with self._lock:
            monitors = dict(self._monitors)
        for model, monitor in monitors.items():
            found = None if monitor is None else monitor.report()
            if found is None or not found["examples"]:
                continue
            rows = [(row["name"], row) for row in found["features"]]
            rows += [(f"prediction: {row['name']}", row) for row in found["predictions"]["features"]]
            for name, row in rows:
                psi.add_metric((model.name, model.version, name), row["psi"])
                alarm.add_metric((model.name, model.version, name), float(row["drift"]))
        yield from (psi, alarm)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _monitor(self, model: ServedModel) -> DriftMonitor | None:
        with self._lock:
            if model not in self._monitors:
                try:
                    self._monitors[model] = DriftMonitor(model.exported)
                except ZooError:  # a file of an earlier version, or one that makes images
                    self._monitors[model] = None
            return self._monitors[model]

    def _count_later(self, count: Callable[[], None]) -> None:
        with self._lock:
            if self._waiting >= MAX_WAITING:
                self._left_out += 1
                return
            self._waiting += 1
        try:
            self._thread.submit(self._count, count)
        except RuntimeError:  # the server stops
            return

    def _count(self, count: Callable[[], None]) -> None:
        try:
            count()
        finally:
            with self._lock:
                self._waiting -= 1


def _prediction(found: Feeds, model: ExportedModel) -> Prediction | None:
    """Return what a file answered; None where the request has left an output out."""
    serving = KINDS[TASKS[model.task].kind]
    return serving.prediction(found, model) if set(serving.outputs) <= set(found) else None


def _examples(feeds: Feeds, signature: FileSignature) -> Any:
    """Return tensors as the examples that `ExportedModel.predict` takes; None for token ids of texts."""
    if signature.kind == "table":
        if any(column.type not in ("number", "category") for column in signature.columns):
            return None
        return {name: values[:, 0] for name, values in as_columns(feeds, signature).items()}
    if signature.kind in ("graph", "series"):
        return as_columns(feeds, signature)
    return feeds.get(signature.kind) if signature.kind in ("image", "array", "audio") else None
