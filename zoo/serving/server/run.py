"""A server that runs in a thread of its own, and stops without losing a request."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from zoo.errors import ZooError
from zoo.serving.server.connection import Connection

BACKLOG = 2048  # connections that wait to be taken
ACCEPT_SECONDS = 0.1  # in which those that wait when the server stops are


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server that answers.

    Attributes:
        url: where.
        ended: set at the end of the server. A signal that interrupts `Thread.join` makes Python up to 3.12 take the
            thread for ended.
    """

    url: str
    ended: threading.Event


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up, self.ended = threading.Event(), threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.is_up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take the connections that are made, but no more of them, and end once they are answered."""
        for each in sockets or ():
            each.listen(0)
        await asyncio.sleep(ACCEPT_SECONDS)
        await super().shutdown(sockets)


@contextmanager
def running(app: FastAPI, *, host: str, port: int) -> Iterator[Running]:
    """Serve within the block; at its end requests that are being answered are, and no more are taken.

    Args:
        app: what is served.
        host: address to listen on.
        port: to listen on; 0 for any that is free.

    Raises:
        ZooError: the address cannot be listened on.
    """
    listening = _listen(host, port)
    service = app.state.service
    config = uvicorn.Config(
        app,
        http=cast(Any, partial(Connection, service.limits.seconds)),
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=int(service.limits.seconds) + 1,
    )
    server = _Server(config)
    thread = threading.Thread(target=_run, args=(server, listening), name="zoo-serve", daemon=True)
    thread.start()
    server.is_up.wait()
    if server.ended.is_set() or not server.started:
        server.ended.wait()
        if app.state.grpc is not None and app.state.grpc.problem is not None:
            raise app.state.grpc.problem
        raise ZooError(f"the server on {host}:{port} did not start")
    name, number = listening.getsockname()[:2]
    try:
        yield Running(url=f"http://{f'[{name}]' if ':' in name else name}:{number}", ended=server.ended)
    finally:
        service.is_ready = False
        server.should_exit = True
        server.ended.wait()


def _run(server: _Server, listening: socket.socket) -> None:
    try:
        with suppress(SystemExit):  # which uvicorn raises where it does not come up
            server.run(sockets=[listening])
    finally:
        listening.close()
        server.ended.set()
        server.is_up.set()  # where it has not come up, too


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # with its protocol, where asyncio turns off Nagle's algorithm, which holds an answer up for 40 ms
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise ZooError(f"--host {host}: no address of this machine ({error.strerror or error})") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise ZooError(
            f"--host {host} --port {port}: cannot be listened on ({error.strerror or error}); name another port, or 0 "
            "for any that is free"
        ) from error
    return listening
