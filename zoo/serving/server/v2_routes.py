"""The Open Inference Protocol (KServe v2) over HTTP, with Triton's extensions for binary tensors and repositories."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from zoo.serving.server.admission import Admission
from zoo.serving.server.inference import PATH, PATH_OF_VERSION, PREFIX, infer
from zoo.serving.server.protocol import InferenceRequest, InputTensor, RequestedOutput, parse_json
from zoo.serving.server.rejection import Rejection
from zoo.serving.server.service import Service, service_of
from zoo.utils.version import __version__

router = APIRouter(prefix=PREFIX, tags=["Open Inference Protocol"])
_EXTENSIONS = ["binary_tensor_data", "model_repository"]
_SCHEMA = InferenceRequest.model_json_schema()
_SCHEMA["properties"]["inputs"]["items"] = InputTensor.model_json_schema()
_SCHEMA["properties"]["outputs"]["items"] = RequestedOutput.model_json_schema()
_SCHEMA.pop("$defs")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _SCHEMA},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get("")
async def server_metadata() -> dict[str, Any]:
    """Say what the server is and which extensions of the protocol it has."""
    return {"name": "zoo", "version": __version__, "extensions": _EXTENSIONS}


@router.get("/health/live")
async def is_live() -> dict[str, bool]:
    """Say that the server runs."""
    return {"live": True}


@router.get("/health/ready")
async def is_ready(request: Request) -> dict[str, bool]:
    """Say that the server answers requests; 503 once it stops."""
    if not service_of(request).is_ready:
        raise Rejection(503, "the server is stopping")
    return {"ready": True}


# === Models ===


@router.get("/models/{name}")
async def model_metadata(request: Request, name: str) -> dict[str, Any]:
    """Say what a model takes and gives."""
    return _metadata(service_of(request), name, None)


@router.get("/models/{name}/versions/{version}")
async def version_metadata(request: Request, name: str, version: str) -> dict[str, Any]:
    """Say what a version of a model takes and gives."""
    return _metadata(service_of(request), name, version)


def _metadata(service: Service, name: str, version: str | None) -> dict[str, Any]:
    return service.repository.get(name, version).metadata(service.repository.versions(name))


@router.get("/models/{name}/ready")
async def is_model_ready(request: Request, name: str) -> dict[str, Any]:
    """Say that a model is loaded; 404 where it is not."""
    model = service_of(request).repository.get(name)
    return {"name": model.name, "ready": True}


@router.get("/models/{name}/versions/{version}/ready")
async def is_version_ready(request: Request, name: str, version: str) -> dict[str, Any]:
    """Say that a version of a model is loaded; 404 where it is not."""
    model = service_of(request).repository.get(name, version)
    return {"name": model.name, "ready": True}


@router.post(PATH, openapi_extra=_BODY)
async def infer_model(request: Request, name: str) -> Response:
    """Run a model on tensors, in JSON or in the binary extension's form."""
    return await infer(service_of(request), request.headers, request.receive, name, None)


@router.post(PATH_OF_VERSION, openapi_extra=_BODY)
async def infer_version(request: Request, name: str, version: str) -> Response:
    """Run a version of a model on tensors."""
    return await infer(service_of(request), request.headers, request.receive, name, version)


# === Repository ===


@router.post("/repository/index")
async def repository_index(request: Request) -> list[dict[str, str]]:
    """List the models with their versions and states; `{"ready": true}` lists those that are loaded."""
    async with service_of(request).queue.admit() as admitted:
        asked = await _options(request, admitted)
    return service_of(request).repository.index(ready=asked.get("ready") is True)


@router.post("/repository/models/{name}/load")
async def load(request: Request, name: str) -> dict[str, Any]:
    """Read a model's files, again where it is loaded."""
    service = service_of(request)
    async with service.queue.admit() as admitted:
        if (await _options(request, admitted)).get("parameters"):
            raise Rejection(400, "load takes no parameters; a model is read from the file it was started with")
        await service.in_thread(service.repository.load, name)
    service.forget_unloaded()
    return {}


@router.post("/repository/models/{name}/unload")
async def unload(request: Request, name: str) -> dict[str, Any]:
    """Close a model; requests that it has are answered."""
    service = service_of(request)
    service.repository.unload(name)
    service.forget_unloaded()
    return {}


async def _options(request: Request, admitted: Admission) -> dict[str, Any]:
    body = await admitted.read_body(request.headers, request.receive)
    value = parse_json(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise Rejection(400, "expected a JSON object")
    return value
