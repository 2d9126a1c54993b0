"""What a server takes at most."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.serving.server.rejection import Rejection

MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a server takes at most.

    Attributes:
        body_bytes: of a request's body.
        examples: of a request.
        seconds: from the head of a request to its answer.
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


def check_count(examples: int, limits: Limits) -> None:
    """Check the number of examples of a request.

    Raises:
        Rejection: there are too many (413).
    """
    if examples > limits.examples:
        raise Rejection(413, f"{examples:,} examples, and a request may have {limits.examples:,}; send them in parts")
