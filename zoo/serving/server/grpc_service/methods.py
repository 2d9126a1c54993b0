"""What each method of the service answers; limits, batches, counters and drift are those of HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from zoo.serving.server.grpc_service.convert import read_message, write_message
from zoo.serving.server.grpc_service.messages import message_classes
from zoo.serving.server.inference import MAX_QUICK_BYTES
from zoo.serving.server.limits import check_count
from zoo.serving.server.rejection import Rejection
from zoo.serving.server.service import Service
from zoo.serving.server.v2_routes import server_metadata

Method = Callable[[Any, Service], Awaitable[Any]]


async def _server_live(request: Any, service: Service) -> Any:
    return message_classes()["ServerLiveResponse"](live=True)


async def _server_ready(request: Any, service: Service) -> Any:
    return message_classes()["ServerReadyResponse"](ready=service.is_ready)


async def _model_ready(request: Any, service: Service) -> Any:
    try:
        service.repository.get(request.name, request.version or None)
    except Rejection:
        return message_classes()["ModelReadyResponse"](ready=False)
    return message_classes()["ModelReadyResponse"](ready=True)


async def _server_metadata(request: Any, service: Service) -> Any:
    return message_classes()["ServerMetadataResponse"](**await server_metadata())


async def _model_metadata(request: Any, service: Service) -> Any:
    repository = service.repository
    model = repository.get(request.name, request.version or None)
    return message_classes()["ModelMetadataResponse"](**model.metadata(repository.versions(request.name)))


async def _model_infer(request: Any, service: Service) -> Any:
    model = service.repository.get(request.model_name, request.model_version or None)
    async with service.queue.admit(has_body=True):
        is_quick = request.ByteSize() <= MAX_QUICK_BYTES
        given = request, model
        asked = read_message(*given) if is_quick else await service.in_thread(read_message, *given)
        check_count(asked.examples, service.limits)
        found = await service.infer(model, asked.feeds, asked.outputs, asked.examples)
        is_quick = sum([output.size for output in found.values()]) <= MAX_QUICK_BYTES // 8
        answer = asked, model, found
        return write_message(*answer) if is_quick else await service.in_thread(write_message, *answer)


async def _repository_index(request: Any, service: Service) -> Any:
    return message_classes()["RepositoryIndexResponse"](models=service.repository.index(ready=request.ready))


async def _repository_load(request: Any, service: Service) -> Any:
    if request.parameters:
        raise Rejection(400, "load takes no parameters; a model is read from the file it was started with")
    async with service.queue.admit(has_body=True):
        await service.in_thread(service.repository.load, request.model_name)
    service.forget_unloaded()
    return message_classes()["RepositoryModelLoadResponse"]()


async def _repository_unload(request: Any, service: Service) -> Any:
    service.repository.unload(request.model_name)
    service.forget_unloaded()
    return message_classes()["RepositoryModelUnloadResponse"]()


METHODS: dict[str, Method] = {
    "ServerLive": _server_live,
    "ServerReady": _server_ready,
    "ModelReady": _model_ready,
    "ServerMetadata": _server_metadata,
    "ModelMetadata": _model_metadata,
    "ModelInfer": _model_infer,
    "RepositoryIndex": _repository_index,
    "RepositoryModelLoad": _repository_load,
    "RepositoryModelUnload": _repository_unload,
}
