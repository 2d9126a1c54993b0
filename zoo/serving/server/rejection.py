"""A request that cannot be answered."""

from __future__ import annotations

from collections.abc import Mapping


class Rejection(Exception):
    """A request is answered with an error.

    Attributes:
        status: of HTTP, 4xx or 5xx.
        headers: of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})
