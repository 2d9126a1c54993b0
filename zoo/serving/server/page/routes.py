"""Routes of the page: its three files, what it says of models, and images that models make."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from zoo.serving.server.page.model_facts import in_full, in_short
from zoo.serving.server.page.openapi_page import openapi_page
from zoo.serving.server.pictures import MAX_IMAGES, make_images
from zoo.serving.server.protocol import parse_json, validated
from zoo.serving.server.service import service_of

MAX_SEED = 2**32 - 1
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
        "media-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_FILES = {"/": "page.html", "/page.js": "page.js", "/page.css": "page.css"}
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
OPEN_PATHS = (*_FILES, "/docs")  # these need no token

router = APIRouter()


def _file(request: Request) -> Response:
    name = _FILES[request.url.path]
    content = (resources.files(__package__) / "static" / name).read_bytes()
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers=SECURITY)


for _path in _FILES:
    router.add_api_route(_path, _file, include_in_schema=False)


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> Response:
    """Show the interface as a page without scripts."""
    return Response(openapi_page(request.app.openapi()), media_type="text/html", headers=SECURITY)


@router.get("/models", tags=["Page"])
async def models(request: Request) -> list[dict[str, Any]]:
    """List the models that are loaded, with what they take and give in words."""
    return [in_short(model) for model in service_of(request).repository.latest()]


@router.get("/models/{name}", tags=["Page"])
async def model(request: Request, name: str) -> dict[str, Any]:
    """Say all that the page shows of a model: classes, columns, an example, its card and certificate."""
    service = service_of(request)
    return await service.in_thread(in_full, service.repository.get(name), service.repository.versions(name))


class ImagesRequest(BaseModel):
    """Which images a model should make."""

    model_config = ConfigDict(strict=True, extra="forbid")

    count: Annotated[int, Field(ge=1, le=MAX_IMAGES)] = 16
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    label: str | None = Field(None, description="Class of all images; all classes in turn where it is left out.")
    guidance: Annotated[float, Field(ge=0, le=1e6)] | None = None


_BODY = {"requestBody": {"content": {"application/json": {"schema": ImagesRequest.model_json_schema()}}}}


@router.post("/sample/{name}", openapi_extra=_BODY, tags=["Answers in words"])
async def sample(request: Request, name: str) -> dict[str, Any]:
    """Make images with a generator or a diffusion model: PNG files in base64."""
    service = service_of(request)
    model = service.repository.get(name)
    async with service.queue.admit() as admitted:
        body = await admitted.read_body(request.headers, request.receive)
        asked = validated(ImagesRequest, parse_json(body) if body.strip() else {})
        labels = None if asked.label is None else [asked.label] * asked.count
        images = await service.in_thread(
            make_images, model.exported, count=asked.count, seed=asked.seed, labels=labels, guidance=asked.guidance
        )
    return {"model_name": model.name, "model_version": model.version, "images": images}
