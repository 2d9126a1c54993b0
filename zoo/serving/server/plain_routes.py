"""Routes beside the protocol: answers in words, and the counters."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from zoo.serving.server.metrics import CONTENT_TYPE
from zoo.serving.server.plain import answer_in_words
from zoo.serving.server.service import service_of

router = APIRouter()
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TEXT = {"schema": {"type": "string"}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {}},
            "text/csv": _TEXT,
            "text/plain": _TEXT,
            "application/x-ndjson": _TEXT,
            "image/*": _BINARY,
            "audio/*": _BINARY,
        },
    }
}


@router.post("/predict/{name}", openapi_extra=_BODY, tags=["Answers in words"])
async def predict(request: Request, name: str, pictures: bool = False) -> Response:
    """Answer a picture, a clip, CSV, JSON or text as `zoo predict --json` does; with pictures of what was found."""
    service = service_of(request)
    model = service.repository.get(name)
    async with service.queue.admit() as admitted:
        body = await admitted.read_body(request.headers, request.receive)
        kind = request.headers.get("content-type", "")
        see = partial(service.drift.see, model)
        asked = model.exported, body, kind, service.limits, see
        predictions, notes = await service.in_thread(answer_in_words, *asked, pictures=pictures)
    service.metrics.observe_batch(model.name, len(predictions))
    facts = {
        "model_name": model.name,
        "model_version": model.version,
        "predictions": predictions,
        "notes": notes,
    }
    return Response(json.dumps(facts, ensure_ascii=False, allow_nan=False), media_type="application/json")


@router.get("/drift", tags=["Operation"])
async def drift(request: Request) -> dict[str, Any]:
    """Compare the last 10,000 examples of each model, and its answers, with its training data."""
    service = service_of(request)
    return await service.in_thread(service.drift.report, list(service.repository))


@router.get("/metrics", tags=["Operation"])
async def metrics(request: Request) -> Response:
    """Give the counters in Prometheus's format."""
    service = service_of(request)
    return Response(await service.in_thread(service.metrics.text), headers={"Content-Type": CONTENT_TYPE})
