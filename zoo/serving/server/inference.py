"""Inference on tensors, answered ahead of FastAPI, whose machinery takes longer than a small model does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from zoo.errors import ZooError
from zoo.serving.server.edge import HEADERS
from zoo.serving.server.limits import check_count
from zoo.serving.server.protocol import HEADER_LENGTH, read_request, write_answer
from zoo.serving.server.rejection import Rejection, answer_to
from zoo.serving.server.service import Service

PATH = "/models/{name}/infer"  # behind the prefix of the protocol
PATH_OF_VERSION = "/models/{name}/versions/{version}/infer"
PREFIX = "/v2"
MAX_QUICK_BYTES = 1 << 16  # of a body that is read in the thread that takes requests
_HEADER_LENGTH = HEADER_LENGTH.lower()
_ASKED = re.compile(rf"{PREFIX}/models/([^/]+)(/versions/([^/]+))?/infer")


@dataclass(frozen=True)
class _Route:
    """What the counters call a path."""

    path: str


_ROUTES = {False: _Route(PREFIX + PATH), True: _Route(PREFIX + PATH_OF_VERSION)}  # by whether it has a version


class InferenceFirst:
    """Middleware that answers inference itself and leaves the rest to the routes.

    Args:
        app: the routes.
        service: what they share.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        asked = _ASKED.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        name, has_version, version = asked.groups()
        scope["path_params"], scope["route"] = {"name": name}, _ROUTES[has_version is not None]
        try:
            answer = await infer(self._service, scope[HEADERS], receive, name, version)
        except (Rejection, ZooError) as error:
            answer = answer_to(error)
        await answer(scope, receive, send)


async def infer(
    service: Service, headers: Mapping[str, str], receive: Receive, name: str, version: str | None
) -> Response:
    """Return a model's answer to a request of the protocol.

    Args:
        service: has the model.
        headers: of the request, by their names in lower case.
        receive: gives its body.
        name: of the model.
        version: of the model; None for the last.

    Raises:
        Rejection: there is no such model, or the request is beyond a limit.
        ZooError: the request does not fit the model.
    """
    model = service.repository.get(name, version)
    async with service.queue.admit() as admitted:
        body = await admitted.read_body(headers, receive)
        given = body, headers.get(_HEADER_LENGTH), model
        is_quick = len(body) <= MAX_QUICK_BYTES
        asked = read_request(*given) if is_quick else await service.in_thread(read_request, *given)
        check_count(asked.examples, service.limits)
        found = await service.infer(model, asked.feeds, asked.outputs, asked.examples)
        is_quick = sum([output.size for output in found.values()]) <= MAX_QUICK_BYTES // 8
        answer = asked, model, found
        content, more = write_answer(*answer) if is_quick else await service.in_thread(write_answer, *answer)
    return Response(content, headers=more)
