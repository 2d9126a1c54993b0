"""What the routes of a server share: models, limits, the threads that run files, and the counters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from starlette.requests import Request

from zoo.serving.feeds import Feeds
from zoo.serving.server.admission import Queue
from zoo.serving.server.batching import Batcher
from zoo.serving.server.drift_watch import DriftWatch
from zoo.serving.server.limits import Limits
from zoo.serving.server.metrics import Metrics
from zoo.serving.server.repository import Repository
from zoo.serving.server.served_model import ServedModel

P = ParamSpec("P")
T = TypeVar("T")


class Service:
    """What the routes share.

    Attributes:
        repository: the models.
        limits: what is taken at most.
        queue: the requests that are read, wait or are run.
        metrics: what is counted.
        drift: how unlike training data what is asked has become.
        is_ready: requests are answered; False once the server stops.
    """

    def __init__(self, repository: Repository, limits: Limits) -> None:
        self.repository, self.limits = repository, limits
        self.drift = DriftWatch()
        self.queue = Queue(limits)
        self.metrics = Metrics(lambda: self.queue.requests, self.drift)
        self.is_ready = True
        self._pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="zoo-serve")
        self._batchers: dict[ServedModel, Batcher] = {}

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns that runs in a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(function, *args, **kwargs))

    async def infer(self, model: ServedModel, feeds: Feeds, outputs: tuple[str, ...], examples: int) -> Feeds:
        """Return outputs of a file, run together with other requests where they fit.

        Raises:
            ZooError: an operation of the file fails on these inputs.
        """
        batcher = self._batchers.get(model)
        if batcher is None:
            batcher = self._batchers[model] = Batcher(
                model,
                lambda feeds, outputs: self.in_thread(model.run, feeds, outputs),
                most=self.limits.batch_examples,
                wait=self.limits.batch_ms / 1000,
                observe=partial(self._observe, model),
            )
        return await batcher.run(feeds, outputs, examples)

    def _observe(self, model: ServedModel, examples: int, feeds: Feeds, found: Feeds) -> None:
        self.metrics.observe_batch(model.name, examples)
        self.drift.see_tensors(model, feeds, found)

    def forget_unloaded(self) -> None:
        """Let go of models that are no longer loaded, once their requests are answered."""
        loaded = set(self.repository)
        self._batchers = {model: batcher for model, batcher in self._batchers.items() if model in loaded}
        self.drift.keep(loaded)

    def close(self) -> None:
        """End the threads."""
        self.drift.close()
        self._pool.shutdown(wait=False, cancel_futures=True)


def service_of(request: Request) -> Service:
    """Return the service that answers a request."""
    service: Service = request.app.state.service
    return service
