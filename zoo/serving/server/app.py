"""The application: its routes, and how each kind of error is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from zoo.errors import ZooError
from zoo.serving.server import plain_routes, v2_routes
from zoo.serving.server.edge import Edge, Log
from zoo.serving.server.grpc_service.run import GrpcServer
from zoo.serving.server.inference import InferenceFirst
from zoo.serving.server.limits import Limits
from zoo.serving.server.page import routes as page_routes
from zoo.serving.server.rejection import Rejection, answer_to, error_answer
from zoo.serving.server.repository import Repository
from zoo.serving.server.service import Service
from zoo.utils.version import __version__


class Application(FastAPI):
    """FastAPI's routes behind the edge, and inference ahead of them.

    Args:
        service: what the routes share.
        token: that requests must have (`Authorization: Bearer TOKEN`); empty for none.
        log: takes a line of JSON for each request, without what it holds; None for no log.
        grpc: a server of gRPC that begins and ends with this one.
    """

    def __init__(self, service: Service, token: str, log: Log, grpc: GrpcServer | None) -> None:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            if grpc is not None:
                await grpc.start()
            yield
            if grpc is not None:
                await grpc.stop()
            service.close()

        super().__init__(
            title="zoo serve",
            version=__version__,
            summary="Exported models over HTTP.",
            lifespan=lifespan,
            docs_url=None,
            redoc_url=None,
        )
        self.state.service, self.state.grpc = service, grpc
        self._edge = Edge(InferenceFirst(super().__call__, service), service, token, log)

    def build_middleware_stack(self) -> ASGIApp:
        """Return FastAPI's middleware without the outermost: the edge answers internal errors, and logs them."""
        stack = super().build_middleware_stack()
        assert isinstance(stack, ServerErrorMiddleware)
        return stack.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        scope["app"] = self
        await self._edge(scope, receive, send)


def create_app(
    repository: Repository,
    *,
    limits: Limits | None = None,
    token: str = "",
    log: Log = None,
    grpc: tuple[str, int] | None = None,
) -> FastAPI:
    """Return the application that serves models.

    Args:
        repository: the models.
        limits: what is taken at most.
        token: that requests must have (`Authorization: Bearer TOKEN`); empty for none.
        log: takes a line of JSON for each request, without what it holds; None for no log.
        grpc: host and port on which gRPC is answered, too; None for HTTP alone.
    """
    service = Service(repository, limits or Limits())
    beside = None if grpc is None else GrpcServer(service, host=grpc[0], port=grpc[1], token=token, log=log)
    app = Application(service, token, log, beside)
    app.add_exception_handler(Rejection, _answer_refused)
    app.add_exception_handler(ZooError, _answer_refused)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.include_router(v2_routes.router)
    app.include_router(plain_routes.router)
    app.include_router(page_routes.router)
    return app


async def _answer_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejection | ZooError)
    return answer_to(error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(error.status_code, f"{request.method} {request.url.path}: {error.detail}", error.headers)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_answer(400, str(error.errors()[0]["msg"]))
