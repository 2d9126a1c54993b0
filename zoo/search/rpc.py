"""What chief and workers share: the address, the calls (JSON over gRPC) and the time limits."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from zoo.errors import ZooError, import_extra

HEARTBEAT_SECONDS = 2.0  # between two signs of life of a worker
LEASE_SECONDS = 20.0  # of silence after which a worker's trial is given to another
MAX_MESSAGE_BYTES = 1 << 16  # of a request: a worker's name and a number
PATIENCE_SECONDS = 60.0  # that a worker waits for a chief that does not answer
_SERVICE = "zoo.search.Chief"

SERVER_OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]

Call = Callable[[dict[str, Any]], dict[str, Any]]


def import_grpc() -> ModuleType:
    """Return gRPC, which only a search on several machines needs.

    Raises:
        ZooError: it is not installed.
    """
    return import_extra("grpc", "--chief: a search on several machines")


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port.

    Raises:
        ZooError: the text is not HOST:PORT.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ZooError(f"--chief: expected HOST:PORT, for example 127.0.0.1:9000, received {text}")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def service(calls: Mapping[str, Call]) -> Any:
    """Return a handler for a gRPC server.

    Args:
        calls: by name, functions of a JSON object that return one.
    """
    grpc = import_grpc()

    def handler(call: Call) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            answered(call), request_deserializer=json.loads, response_serializer=_encode
        )

    return grpc.method_handlers_generic_handler(_SERVICE, {name: handler(call) for name, call in calls.items()})


def answered(call: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a handler of gRPC that refuses, in words, what `call` refuses with a ValueError."""
    grpc = import_grpc()

    def handle(request: Any, context: Any) -> Any:
        try:
            return call(request)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    return handle


def remote_call(channel: Any, name: str) -> Any:
    """Return a function of a JSON object that calls the chief."""
    return channel.unary_unary(f"/{_SERVICE}/{name}", request_serializer=_encode, response_deserializer=json.loads)


def _encode(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode()
