"""A gRPC server beside that of HTTP, in its event loop: who may ask, the log, and the counters."""

from __future__ import annotations

import hmac
import json
import secrets
import time
import traceback
from datetime import UTC, datetime
from typing import Any

from zoo.errors import ZooError
from zoo.serving.server.edge import Log
from zoo.serving.server.grpc_service.messages import SERVICE, message_classes
from zoo.serving.server.grpc_service.methods import METHODS, Method
from zoo.serving.server.limits import Limits
from zoo.serving.server.rejection import Rejection
from zoo.serving.server.service import Service

OPEN_METHODS = ("ServerLive", "ServerReady")  # these need no token
_CODES = {  # by status of HTTP
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class GrpcServer:
    """The server.

    Args:
        service: what the methods share.
        host: address to listen on.
        port: to listen on; 0 for any that is free.
        token: that requests must have, in the metadata `authorization`; empty for none.
        log: takes a line of JSON for each request, without what it holds; None for no log.

    Attributes:
        address: where it listens, once it is started.
        problem: why it was not.
    """

    def __init__(self, service: Service, *, host: str, port: int, token: str, log: Log) -> None:
        self._service, self._host, self._port, self._token, self._log = service, host, port, token, log
        self._server: Any = None
        self.address = ""
        self.problem: ZooError | None = None

    async def start(self) -> None:
        """Begin to answer.

        Raises:
            ZooError: the address cannot be listened on.
        """
        from grpc import aio, method_handlers_generic_handler, unary_unary_rpc_method_handler

        classes = message_classes()
        handlers = {
            name: unary_unary_rpc_method_handler(
                self._handler(name, method),
                request_deserializer=classes[f"{name}Request"].FromString,
                response_serializer=classes[f"{name}Response"].SerializeToString,
            )
            for name, method in METHODS.items()
        }
        self._server = aio.server(options=_options(self._service.limits))
        self._server.add_generic_rpc_handlers((method_handlers_generic_handler(SERVICE, handlers),))
        name = f"[{self._host}]" if ":" in self._host else self._host
        try:
            port = self._server.add_insecure_port(f"{name}:{self._port}")
        except RuntimeError as error:
            self.problem = ZooError(
                f"--host {self._host} --grpc-port {self._port}: cannot be listened on; name another port, or 0 for any "
                "that is free"
            )
            raise self.problem from error
        self.address = f"{name}:{port}"
        await self._server.start()

    async def stop(self) -> None:
        """Take no more requests, and answer those that there are."""
        if self._server is not None:
            await self._server.stop(self._service.limits.seconds + 1)

    def _handler(self, name: str, method: Method) -> Any:
        async def answer(request: Any, context: Any) -> Any:
            started = time.perf_counter()
            given = dict(context.invocation_metadata() or ())
            request_id = str(given.get("x-request-id", "")) or secrets.token_hex(16)
            status, message = 200, ""
            try:
                self._check_token(name, given)
                return await method(request, self._service)
            except Rejection as error:
                status, message = error.status, str(error)
            except ZooError as error:
                status, message = 400, str(error)
            except Exception:
                status, message = 500, f"internal error; the log has it under {request_id}"
                if self._log:
                    self._log(json.dumps({"id": request_id, "error": traceback.format_exc()}))
            finally:
                self._note(name, request, request_id, status, time.perf_counter() - started, context)
            await context.abort(_code(status), message)  # which raises
            return None

        return answer

    def _check_token(self, name: str, metadata: dict[str, Any]) -> None:
        given = str(metadata.get("authorization", "")).encode()
        is_allowed = hmac.compare_digest(given, f"Bearer {self._token}".encode())
        if self._token and name not in OPEN_METHODS and not is_allowed:
            raise Rejection(401, "expected the metadata 'authorization: Bearer TOKEN' with the server's token")

    def _note(self, name: str, request: Any, request_id: str, status: int, seconds: float, context: Any) -> None:
        """Count and log an answer."""
        path = f"/{SERVICE}/{name}"
        given = getattr(request, "model_name", "")
        model = given if given in self._service.repository else ""
        self._service.metrics.observe_request(path, model, status, seconds)
        if self._log:
            facts = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "id": request_id,
                "method": "gRPC",
                "path": path,
                "status": status,
                "ms": round(1000 * seconds, 3),
                "client": context.peer(),
            }
            self._log(json.dumps(facts))


def _options(limits: Limits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.body_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),  # two servers on one port would share the requests
    ]


def _code(status: int) -> Any:
    from grpc import StatusCode

    return StatusCode[_CODES[status]]
