"""Requests and answers of gRPC, and the same as those over HTTP."""

from __future__ import annotations

from typing import Any

from zoo.errors import ZooError
from zoo.serving.feeds import Feeds
from zoo.serving.server.grpc_service.messages import CONTENTS, message_classes
from zoo.serving.server.protocol import (
    BINARY_SIZE,
    Inference,
    InferenceRequest,
    InputTensor,
    RequestedOutput,
    understood,
    validated,
)
from zoo.serving.server.served_model import ServedModel
from zoo.serving.server.tensors import to_bytes


def read_message(message: Any, model: ServedModel) -> Inference:
    """Return what a `ModelInferRequest` asks of a model.

    Raises:
        ZooError: it does not fit the model.
    """
    raw = list(message.raw_input_contents)
    if raw and len(raw) != len(message.inputs):
        raise ZooError(
            f"raw_input_contents: expected one for each of {len(message.inputs)} inputs, received {len(raw)}"
        )
    inputs = [
        _tensor(tensor, raw[place] if raw else None, f"input '{tensor.name}'")
        for place, tensor in enumerate(message.inputs)
    ]
    outputs = [RequestedOutput(name=each.name, parameters=_parameters(each.parameters)) for each in message.outputs]
    asked = {
        "id": message.id or None,
        "parameters": _parameters(message.parameters),
        "inputs": inputs,
        "outputs": outputs,
    }
    return understood(validated(InferenceRequest, asked), memoryview(b"".join(raw)), model)


def _tensor(tensor: Any, raw: bytes | None, where: str) -> InputTensor:
    facts = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
    parameters = _parameters(tensor.parameters)
    if raw is not None:
        if tensor.HasField("contents"):
            raise ZooError(f"{where}: has contents beside raw_input_contents")
        return validated(InputTensor, {**facts, "parameters": {**parameters, BINARY_SIZE: len(raw)}})
    field = CONTENTS.get(tensor.datatype)
    if field is None:
        raise ZooError(f"{where}: elements of {tensor.datatype:.40} are given as raw_input_contents")
    others = [each.name for each, _ in tensor.contents.ListFields() if each.name != field]
    if others:
        raise ZooError(f"{where}: expected {field} for {tensor.datatype}, received {others[0]}")
    data: list[Any] = list(getattr(tensor.contents, field))
    if field == "bytes_contents":
        data = [_text(each, where) for each in data]
    return validated(InputTensor, {**facts, "parameters": parameters, "data": data})


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ZooError(f"{where}: a text is not UTF-8 ({error.reason})") from error


def _parameters(given: Any) -> dict[str, Any]:
    found = {}
    for name, value in given.items():
        which = value.WhichOneof("parameter_choice")
        found[name] = None if which is None else getattr(value, which)
    return found


def write_message(request: Inference, model: ServedModel, found: Feeds) -> Any:
    """Return the `ModelInferResponse`; its tensors are raw."""
    answer = message_classes()["ModelInferResponse"](
        model_name=model.name, model_version=model.version, id=request.id or ""
    )
    for name in request.outputs:
        datatype = model.outputs[name].datatype
        answer.outputs.add(name=name, datatype=datatype, shape=found[name].shape)
        answer.raw_output_contents.append(to_bytes(found[name], datatype))
    return answer
