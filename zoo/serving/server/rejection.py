"""A request that cannot be answered, and the answer that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response

from zoo.errors import ZooError


class Rejection(Exception):
    """A request is answered with an error.

    Attributes:
        status: of HTTP, 4xx or 5xx.
        headers: of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return `{"error": message}`, in ASCII: a message may quote half of a surrogate pair, which UTF-8 cannot say."""
    return Response(json.dumps({"error": message}), status, headers, media_type="application/json")


def answer_to(error: Rejection | ZooError) -> Response:
    """Return the answer to a request that is refused, or does not fit (400)."""
    if isinstance(error, Rejection):
        return error_answer(error.status, str(error), error.headers)
    return error_answer(400, str(error))
