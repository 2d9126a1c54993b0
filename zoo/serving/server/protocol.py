"""Requests and answers of the Open Inference Protocol (KServe v2), with its extension for binary tensors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, NoReturn, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zoo.errors import ZooError, did_you_mean, listing
from zoo.serving.feeds import Feeds
from zoo.serving.server.served_model import ServedModel
from zoo.serving.server.tensors import TensorSpec, from_bytes, from_json, to_bytes, to_json
from zoo.serving.values import fits, sizes

HEADER_LENGTH = "Inference-Header-Content-Length"  # header: bytes of the JSON part, where tensors follow it
MAX_SIZE = 1 << 31  # of an axis
MAX_KEPT_BYTES = 1024  # of a JSON part that is kept parsed
BINARY_SIZE, _BINARY, _ALL_BINARY = "binary_data_size", "binary_data", "binary_data_output"  # of the extension
Form = TypeVar("Form", bound=BaseModel)


class InputTensor(BaseModel):
    """A tensor of a request."""

    model_config = ConfigDict(strict=True)

    name: str
    shape: list[Annotated[int, Field(ge=-MAX_SIZE, le=MAX_SIZE)]]
    datatype: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    data: Any = None


class RequestedOutput(BaseModel):
    """An output that a request asks for."""

    model_config = ConfigDict(strict=True)

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferenceRequest(BaseModel):
    """The JSON part of a request."""

    model_config = ConfigDict(strict=True)

    id: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    inputs: list[InputTensor] = Field(min_length=1)
    outputs: list[RequestedOutput] = Field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Inference:
    """A request that was understood.

    Attributes:
        id: what the client calls it.
        feeds: the inputs of the file.
        outputs: the outputs to give, in their order.
        binary: those that are given as bytes.
        examples: their number.
    """

    id: str | None
    feeds: Feeds
    outputs: tuple[str, ...]
    binary: frozenset[str]
    examples: int


def parse_json(content: bytes | memoryview) -> Any:
    """Return what a JSON document says.

    Raises:
        ZooError: it is none; NaN and Infinity are not JSON.
    """
    try:
        value = json.loads(bytes(content), parse_constant=_refuse_constant)
        if b"\\ud" in bytes(content).lower():  # an escape that may be half of a surrogate pair, which is no text
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise ZooError(f"the body is not JSON ({error})") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON; a missing number is null")


def read_request(body: bytes, header_length: str | None, model: ServedModel) -> Inference:
    """Return what a request asks of a model.

    Args:
        body: of the request.
        header_length: the header `HEADER_LENGTH`; None where it is not given, and the body is JSON alone.
        model: what is asked.

    Raises:
        ZooError: it is no such request, or does not fit the model.
    """
    content = memoryview(body)
    length = len(content) if header_length is None else _header_length(header_length, len(content))
    parse = _parse_again if length <= MAX_KEPT_BYTES and length < len(content) else _parse
    return understood(parse(bytes(content[:length])), content[length:], model)


def understood(request: InferenceRequest, rest: memoryview, model: ServedModel) -> Inference:
    """Return what a request asks of a model.

    Args:
        request: its JSON part.
        rest: the binary tensors behind it.
        model: what is asked.

    Raises:
        ZooError: it does not fit the model.
    """
    feeds = _feeds(request, rest, model)
    outputs = tuple(output.name for output in request.outputs) or tuple(model.outputs)
    _check_names("output", [output.name for output in request.outputs], model.outputs)
    return Inference(
        id=request.id,
        feeds=feeds,
        outputs=outputs,
        binary=_binary_outputs(request, outputs),
        examples=model.check(feeds),
    )


def validated(form: type[Form], value: Any) -> Form:
    """Return a JSON value in its form.

    Raises:
        ZooError: it has another.
    """
    try:
        return form.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the request"
        raise ZooError(f"{place}: {first['msg'].lower()} ({error.error_count()} problems)") from error


def _parse(content: bytes) -> InferenceRequest:
    return validated(InferenceRequest, parse_json(content))


# Requests with binary tensors often have the same JSON part, which is then parsed once. Nothing changes what is kept.
_parse_again = lru_cache(maxsize=256)(_parse)


def _header_length(text: str, size: int) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > size:
        raise ZooError(
            f"{HEADER_LENGTH}: expected a number of bytes up to {size}, that of the body; received {text:.40}"
        )
    return int(text)


def _check_names(what: str, given: list[str], known: Mapping[str, Any]) -> None:
    for name in given:
        if name not in known:
            raise ZooError(f"unknown {what} '{name}'{did_you_mean(name, known)} (the model has: {listing(known)})")
        if given.count(name) > 1:
            raise ZooError(f"{what} '{name}' is given {given.count(name)} times")


def _feeds(request: InferenceRequest, rest: memoryview, model: ServedModel) -> Feeds:
    names = [tensor.name for tensor in request.inputs]
    _check_names("input", names, model.inputs)
    missing = [name for name in model.inputs if name not in names]
    if missing:
        raise ZooError(f"missing inputs: {listing(missing)} (received: {listing(names)})")
    feeds: Feeds = {}
    for tensor in request.inputs:
        size = tensor.parameters.get(BINARY_SIZE)
        if size is not None and (type(size) is not int or not 0 <= size <= len(rest)):
            raise ZooError(
                f"input '{tensor.name}': {BINARY_SIZE} is {size!r:.40}, and {len(rest)} bytes are left behind the JSON "
                f"part; the header {HEADER_LENGTH} says where it ends"
            )
        given, rest = (None, rest) if size is None else (rest[:size], rest[size:])
        feeds[tensor.name] = _array(tensor, given, model.inputs[tensor.name])
    if len(rest):
        raise ZooError(f"{len(rest)} bytes behind the last tensor")
    return {name: feeds[name] for name in model.inputs}


def _array(tensor: InputTensor, given: memoryview | None, spec: TensorSpec) -> np.ndarray:
    where = f"input '{tensor.name}'"
    unknown = sorted(set(tensor.parameters) - {BINARY_SIZE})
    if unknown:
        raise ZooError(f"{where}: the parameter '{unknown[0]}' is not supported")
    if tensor.datatype != spec.datatype:
        raise ZooError(f"{where}: expected the datatype {spec.datatype}, received {tensor.datatype:.40}")
    if not fits(tensor.shape, spec.shape):
        raise ZooError(
            f"{where}: expected the shape ({sizes(spec.shape)}), each at least 1, received "
            f"({', '.join(map(str, tensor.shape)):.60})"
        )
    flat = from_json(tensor.data, spec.datatype, where) if given is None else from_bytes(given, spec.datatype, where)
    count = math.prod(tensor.shape)
    if flat.size != count:
        raise ZooError(f"{where}: its shape has {count} elements, received {flat.size}")
    return flat.reshape(tensor.shape)


def _binary_outputs(request: InferenceRequest, outputs: tuple[str, ...]) -> frozenset[str]:
    every = request.parameters.get(_ALL_BINARY, False)
    chosen = dict.fromkeys(outputs, every)
    for output in request.outputs:
        unknown = sorted(set(output.parameters) - {_BINARY})
        if unknown:
            raise ZooError(f"output '{output.name}': the parameter '{unknown[0]}' is not supported")
        chosen[output.name] = output.parameters.get(_BINARY, every)
    wrong = [value for value in chosen.values() if not isinstance(value, bool)]
    if wrong:
        raise ZooError(f"{_BINARY}, {_ALL_BINARY}: expected true or false, received {wrong[0]!r:.40}")
    return frozenset(name for name, binary in chosen.items() if binary)


_to_json = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False).encode


def write_answer(request: Inference, model: ServedModel, found: Feeds) -> tuple[bytes, dict[str, str]]:
    """Return the body of an answer and its headers."""
    parts: list[bytes] = []
    outputs: list[_Output] = []
    data: dict[str, list[Any]] = {}
    for name in request.outputs:
        datatype, values = model.outputs[name].datatype, found[name]
        is_binary = name in request.binary
        if is_binary:
            parts.append(to_bytes(values, datatype))
        else:
            data[name] = to_json(values)
        outputs.append((name, datatype, values.shape, len(parts[-1]) if is_binary else None))
    given = model.name, model.version, request.id, tuple(outputs)
    header = _head(*given, data) if data or request.id is not None else _head_again(*given)
    if not request.binary:
        return header, {"Content-Type": "application/json"}
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(header))}
    return b"".join([header, *parts]), headers


_Output = tuple[str, str, tuple[int, ...], int | None]  # name, datatype, shape, and its bytes where it is binary


def _head(
    name: str, version: str, request_id: str | None, outputs: Sequence[_Output], data: Mapping[str, list[Any]]
) -> bytes:
    """Return the JSON part of an answer."""
    tensors = [
        {"name": output, "datatype": datatype, "shape": shape}
        | ({"data": data[output]} if size is None else {"parameters": {BINARY_SIZE: size}})
        for output, datatype, shape, size in outputs
    ]
    answer: dict[str, Any] = {"model_name": name, "model_version": version, "outputs": tensors}
    if request_id is not None:
        answer["id"] = request_id
    return _to_json(answer).encode()


@lru_cache(maxsize=1024)
def _head_again(name: str, version: str, request_id: str | None, outputs: tuple[_Output, ...]) -> bytes:
    """Return the JSON part of an answer whose tensors are all binary, as it was made before."""
    return _head(name, version, request_id, outputs, {})
