"""A request's place among those that are answered at a time, its body, and its time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from zoo.serving.server.limits import Limits
from zoo.serving.server.rejection import Rejection

RETRY_SECONDS = 1  # after which a client that found the queue full should try again


class Queue:
    """The requests that are read, wait or are run.

    Attributes:
        limits: what is taken at most.
        requests: their number.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits, self.requests = limits, 0

    def admit(self, *, has_body: bool = False) -> Admission:
        """Return a place in the queue for a request, whose body may be here, to be held by `async with`."""
        return Admission(self, has_body=has_body)


class Admission:
    """A place in the queue, held within an `async with`, which ends at the limit of time.

    What waits for a thread by then is not run.

    Raises:
        Rejection: there is no place (429), or by the limit the body has not arrived (408) or there is no answer (504).
    """

    def __init__(self, queue: Queue, *, has_body: bool) -> None:
        self._queue, self._limits = queue, queue.limits
        self._timeout = asyncio.timeout(queue.limits.seconds)
        self._has_body = has_body

    async def __aenter__(self) -> Self:
        """Take the place."""
        if self._queue.requests >= self._limits.requests:
            raise Rejection(
                429,
                f"{self._limits.requests:,} requests are being answered, and more are not taken; try again",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        await self._timeout.__aenter__()
        self._queue.requests += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the place."""
        self._queue.requests -= 1
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            seconds = f"within {self._limits.seconds:g} s"
            if not self._has_body:
                raise Rejection(408, f"the body did not arrive {seconds}") from late
            raise Rejection(504, f"no answer {seconds}; send fewer examples at a time") from late

    async def read_body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """Return the body of the request.

        Args:
            headers: of the request, by their names in lower case.
            receive: gives its parts.

        Raises:
            Rejection: it is too large (413) or compressed (415).
            ClientDisconnect: the client has left.
        """
        encoding = headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise Rejection(415, f"Content-Encoding: expected identity, received {encoding}; send the body as it is")
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limits.body_bytes:
            raise self._too_large()
        parts: list[bytes] = []
        size, is_more = 0, True
        while is_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size, is_more = size + len(parts[-1]), message.get("more_body", False)
            if size > self._limits.body_bytes:
                raise self._too_large()
        self._has_body = True
        return b"".join(parts)

    def _too_large(self) -> Rejection:
        return Rejection(
            413, f"the body is larger than {self._limits.body_bytes:,} bytes; send fewer examples at a time"
        )
