"""What a server takes at most, and the reading of a request's body within it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request

from zoo.serving.server.rejection import Rejection

MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a server takes at most.

    Attributes:
        body_bytes: of a request's body.
        examples: of a request.
        seconds: that a body takes to arrive, and that an answer takes.
        requests: that are read, wait or are run at a time.
        batch_examples: of several requests that are run together; 1 runs each alone.
        batch_ms: milliseconds that a request waits for others, where several have come together before.
    """

    body_bytes: int = 16 * MEBIBYTE
    examples: int = 4096
    seconds: float = 60.0
    requests: int = 256
    batch_examples: int = 32
    batch_ms: float = 2.0


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a request.

    Raises:
        Rejection: it is too large (413), too slow (408) or compressed (415).
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise Rejection(415, f"Content-Encoding: expected identity, received {encoding}; send the body as it is")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.body_bytes:
        raise _too_large(limits)
    try:
        return await asyncio.wait_for(_read(request, limits), limits.seconds)
    except TimeoutError as error:
        raise Rejection(408, f"the body did not arrive within {limits.seconds:g} s") from error


async def _read(request: Request, limits: Limits) -> bytes:
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > limits.body_bytes:
            raise _too_large(limits)
    return bytes(content)


def _too_large(limits: Limits) -> Rejection:
    return Rejection(413, f"the body is larger than {limits.body_bytes:,} bytes; send fewer examples at a time")


def check_count(examples: int, limits: Limits) -> None:
    """Check the number of examples of a request.

    Raises:
        Rejection: there are too many (413).
    """
    if examples > limits.examples:
        raise Rejection(413, f"{examples:,} examples, and a request may have {limits.examples:,}; send them in parts")
