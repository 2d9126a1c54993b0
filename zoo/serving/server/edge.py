"""What every request passes: its id, who may ask, the log, and the counters."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoo.serving.server.page import routes as page_routes
from zoo.serving.server.rejection import error_answer
from zoo.serving.server.service import Service

Log = Callable[[str], None] | None
REQUEST_ID = "x-request-id"
HEADERS = "zoo.headers"  # of a scope: its headers as texts, by their names in lower case
OPEN_PATHS = ("/v2/health/live", "/v2/health/ready", "/openapi.json", *page_routes.OPEN_PATHS)  # these need no token
_ID = re.compile(r"[\x21-\x7e]{1,128}")
_GONE = 499  # status in the log where the client has left


class Edge:
    """Middleware around all routes.

    Args:
        app: the routes.
        service: what they share.
        token: that requests must have (`Authorization: Bearer TOKEN`); empty for none.
        log: takes a line of JSON for each request, without what it holds; None for no log.
    """

    def __init__(self, app: ASGIApp, service: Service, token: str, log: Log) -> None:
        self._app, self._service, self._token, self._log = app, service, token, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        scope[HEADERS] = headers
        given = headers.get(REQUEST_ID, "")
        request_id = given if given and _ID.fullmatch(given) else secrets.token_hex(16)
        sent = {"status": 0, "bytes": 0}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent["status"] = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID.encode(), request_id.encode())]
                if not self._service.is_ready:  # so that the client sends its next request elsewhere
                    message["headers"].append((b"connection", b"close"))
            sent["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            refusal = self._refusal(scope, headers)
            await (refusal or self._app)(scope, receive, send_with_id)
        except ClientDisconnect:
            sent["status"] = sent["status"] or _GONE
        except Exception:
            if self._log:
                self._log(json.dumps({"id": request_id, "error": traceback.format_exc()}))
            if sent["status"]:
                raise
            answer = error_answer(500, f"internal error; the log has it under {request_id}")
            await answer(scope, receive, send_with_id)
        finally:
            self._note(scope, request_id, sent, time.perf_counter() - started)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> ASGIApp | None:
        """Return the answer to who may not ask: without the token, or from a page of another site."""
        origin = headers.get("origin")
        if origin and scope["method"] not in ("GET", "HEAD") and urlsplit(origin).netloc != headers.get("host"):
            return error_answer(403, "requests from pages of other sites are not answered")
        if not self._token or scope["path"] in OPEN_PATHS:
            return None
        given = headers.get("authorization", "").encode()
        if hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            return None
        message = "expected the header 'Authorization: Bearer TOKEN' with the server's token"
        return error_answer(401, message, {"WWW-Authenticate": "Bearer"})

    def _note(self, scope: Scope, request_id: str, sent: dict[str, int], seconds: float) -> None:
        """Count and log an answer."""
        endpoint = getattr(scope.get("route"), "path", "other")
        name = scope.get("path_params", {}).get("name", "")
        model = name if name in self._service.repository else ""
        self._service.metrics.observe_request(endpoint, model, sent["status"], seconds)
        if not self._log:
            return
        facts = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": request_id,
            "method": scope["method"],
            "path": scope["path"],
            "status": sent["status"],
            "ms": round(1000 * seconds, 3),
            "bytes": sent["bytes"],
            "client": (scope.get("client") or ("",))[0],
        }
        self._log(json.dumps(facts))
