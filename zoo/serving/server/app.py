"""The application: its routes, and how each kind of error is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from zoo.errors import ZooError
from zoo.serving.server import plain_routes, v2_routes
from zoo.serving.server.edge import Edge
from zoo.serving.server.limits import Limits
from zoo.serving.server.rejection import Rejection, error_answer
from zoo.serving.server.repository import Repository
from zoo.serving.server.service import Service
from zoo.utils.version import __version__


def create_app(
    repository: Repository,
    *,
    limits: Limits | None = None,
    token: str = "",
    log: Callable[[str], None] = lambda line: None,
) -> FastAPI:
    """Return the application that serves models.

    Args:
        repository: the models.
        limits: what is taken at most.
        token: that requests must have (`Authorization: Bearer TOKEN`); empty for none.
        log: takes a line of JSON for each request, without what it holds.
    """
    service = Service(repository, limits or Limits())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="zoo serve", version=__version__, summary="Exported models over HTTP.", lifespan=lifespan, redoc_url=None
    )
    app.state.service = service
    app.add_middleware(Edge, service=service, token=token, log=log)
    app.add_exception_handler(Rejection, _answer_rejection)
    app.add_exception_handler(ZooError, _answer_zoo_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.include_router(v2_routes.router)
    app.include_router(plain_routes.router)
    return app


async def _answer_rejection(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejection)
    return error_answer(error.status, str(error), error.headers)


async def _answer_zoo_error(request: Request, error: Exception) -> Response:
    return error_answer(400, str(error))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(error.status_code, f"{request.method} {request.url.path}: {error.detail}", error.headers)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_answer(400, str(error.errors()[0]["msg"]))
