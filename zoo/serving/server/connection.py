"""A connection that a slow client cannot hold for ever, and that a stop closes without losing a request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

DRAIN_SECONDS = 0.5  # for requests that are on their way when the server stops
REST_SECONDS = 5.0  # for the rest of a body that was answered before it arrived; then the client can read the answer
_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Connection(HttpToolsProtocol):
    """uvicorn's connection with a limit on the seconds that the head of a request takes to arrive.

    Args:
        seconds: the limit.
        settings: what uvicorn gives.
    """

    def __init__(self, seconds: float, **settings: Any) -> None:
        super().__init__(**settings)
        self._seconds = seconds
        self._is_in_head = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._close_in(self._seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._go_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        if self._is_in_head or self.cycle is None or self.cycle.response_complete:
            self._close_in(self._seconds)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer; the body has a limit of its own."""
        self._is_in_head = False
        self._go_on()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request."""
        super().on_message_complete()
        if self.cycle.response_complete:
            self._go_on()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of one that was refused."""
        super().on_response_complete()
        if self.cycle.more_body:
            self._close_in(REST_SECONDS)

    def shutdown(self) -> None:
        """Close once nothing is being answered; a request that is on its way is."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(DRAIN_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def _close_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self._close)

    def _go_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        if self._is_in_head:
            self.transport.write(_LATE)
        self.transport.close()
