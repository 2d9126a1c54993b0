"""Dynamic batching: requests that come together are run together, and each gets its own part of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from zoo.serving.feeds import Feeds
from zoo.serving.server.served_model import ServedModel

Run = Callable[[Feeds, tuple[str, ...]], Awaitable[Feeds]]  # runs the file in another thread
Observe = Callable[[int, Feeds, Feeds], None]  # takes the number of examples, what was asked, and the answer


@dataclass(eq=False, kw_only=True)
class _Waiting:
    feeds: Feeds
    outputs: tuple[str, ...]
    examples: int
    answer: asyncio.Future[Feeds]
    key: tuple[object, ...] = field(init=False)  # requests of one key can be run together

    def __post_init__(self) -> None:
        shapes = tuple((name, values.shape[1:]) for name, values in self.feeds.items())
        self.key = (self.outputs, shapes)


class Batcher:
    """Runs the requests of one model, one batch after another.

    A request that finds the model idle is run at once, and those that come meanwhile wait for the next batch. Once
    requests have come together, the next batch waits up to the deadline to be full.

    Args:
        model: what is run.
        run: runs the file.
        most: examples of a batch; a larger request is run alone.
        wait: seconds until a batch starts, full or not.
        observe: takes each batch that was run.
    """

    def __init__(self, model: ServedModel, run: Run, *, most: int, wait: float, observe: Observe) -> None:
        self._is_batched = model.is_batched and most > 1
        self._run_file, self._most, self._wait, self._observe = run, most, wait, observe
        self._waiting: list[_Waiting] = []
        self._count = 0  # of examples that wait
        self._full = asyncio.Event()
        self._are_together = False
        self._worker: asyncio.Task[None] | None = None

    async def run(self, feeds: Feeds, outputs: tuple[str, ...], examples: int) -> Feeds:
        """Return the outputs for one request.

        Raises:
            ZooError: an operation of the file fails on these inputs.
        """
        if not self._is_batched:
            return await self._run_alone(feeds, outputs, examples)
        answer: asyncio.Future[Feeds] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(feeds=feeds, outputs=outputs, examples=examples, answer=answer))
        self._count += examples
        if self._count >= self._most:
            self._full.set()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            if self._are_together and self._count < self._most:
                await self._until_full()
            batch = self._take()
            self._are_together = len(batch) > 1
            if batch:
                await self._answer(batch)

    async def _until_full(self) -> None:
        self._full.clear()
        try:
            await asyncio.wait_for(self._full.wait(), self._wait)
        except TimeoutError:
            return

    def _take(self) -> list[_Waiting]:
        """Take the first request and those behind it that fit to it; leave out those whose client was sent an error."""
        batch: list[_Waiting] = []
        left: list[_Waiting] = []
        examples = 0
        for each in self._waiting:
            if each.answer.done():
                continue
            if not batch or (each.key == batch[0].key and examples + each.examples <= self._most):
                batch.append(each)
                examples += each.examples
            else:
                left.append(each)
        self._waiting, self._count = left, sum(each.examples for each in left)
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        if len(batch) > 1 and await self._answer_together(batch):
            return
        for each in batch:
            try:
                found = await self._run_alone(each.feeds, each.outputs, each.examples)
            except Exception as error:
                if not each.answer.done():
                    each.answer.set_exception(error)
            else:
                if not each.answer.done():
                    each.answer.set_result(found)

    async def _run_alone(self, feeds: Feeds, outputs: tuple[str, ...], examples: int) -> Feeds:
        found = await self._run_file(feeds, outputs)
        self._observe(examples, feeds, found)
        return found

    async def _answer_together(self, batch: list[_Waiting]) -> bool:
        """Return whether a batch was run; a request that fails must not fail the others."""
        total = sum(each.examples for each in batch)
        try:
            feeds = {name: np.concatenate([each.feeds[name] for each in batch]) for name in batch[0].feeds}
            found = await self._run_file(feeds, batch[0].outputs)
        except Exception:
            return False
        if any(len(values) != total for values in found.values()):
            self._is_batched = False  # an output has no axis for the examples, whatever its metadata say
            return False
        self._observe(total, feeds, found)
        start = 0
        for each in batch:
            part = slice(start, start + each.examples)
            start += each.examples
            if not each.answer.done():
                each.answer.set_result({name: values[part] for name, values in found.items()})
        return True
