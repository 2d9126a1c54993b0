"""The messages of the protocol over gRPC, made from a table when they are first needed: no code is generated.

Names and numbers are those of `open_inference_grpc.proto`, and of Triton's repository extension.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

SERVICE = "inference.GRPCInferenceService"
METHODS = (
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelInfer",
    "RepositoryIndex",
    "RepositoryModelLoad",
    "RepositoryModelUnload",
)
_PACKAGE = "inference"
_VALUE = "InferParameter"  # of the maps of parameters
# Message: its fields `number name type`; `*` repeats a type, `map` is one from texts to messages, `|` is in the oneof.
_MESSAGES = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "1 live bool",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "1 ready bool",
    "ModelReadyRequest": "1 name string, 2 version string",
    "ModelReadyResponse": "1 ready bool",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "1 name string, 2 version string, 3 extensions *string",
    "ModelMetadataRequest": "1 name string, 2 version string",
    "ModelMetadataResponse": (
        "1 name string, 2 versions *string, 3 platform string, 4 inputs *ModelMetadataResponse.TensorMetadata, "
        "5 outputs *ModelMetadataResponse.TensorMetadata"
    ),
    "ModelMetadataResponse.TensorMetadata": "1 name string, 2 datatype string, 3 shape *int64",
    "InferParameter": (
        "1 bool_param |bool, 2 int64_param |int64, 3 string_param |string, 4 double_param |double, "
        "5 uint64_param |uint64"
    ),
    "InferTensorContents": (
        "1 bool_contents *bool, 2 int_contents *int32, 3 int64_contents *int64, 4 uint_contents *uint32, "
        "5 uint64_contents *uint64, 6 fp32_contents *float, 7 fp64_contents *double, 8 bytes_contents *bytes"
    ),
    "ModelInferRequest": (
        "1 model_name string, 2 model_version string, 3 id string, 4 parameters map, "
        "5 inputs *ModelInferRequest.InferInputTensor, 6 outputs *ModelInferRequest.InferRequestedOutputTensor, "
        "7 raw_input_contents *bytes"
    ),
    "ModelInferRequest.InferInputTensor": (
        "1 name string, 2 datatype string, 3 shape *int64, 4 parameters map, 5 contents InferTensorContents"
    ),
    "ModelInferRequest.InferRequestedOutputTensor": "1 name string, 2 parameters map",
    "ModelInferResponse": (
        "1 model_name string, 2 model_version string, 3 id string, 4 parameters map, "
        "5 outputs *ModelInferResponse.InferOutputTensor, 6 raw_output_contents *bytes"
    ),
    "ModelInferResponse.InferOutputTensor": (
        "1 name string, 2 datatype string, 3 shape *int64, 4 parameters map, 5 contents InferTensorContents"
    ),
    "RepositoryIndexRequest": "1 repository_name string, 2 ready bool",
    "RepositoryIndexResponse": "1 models *RepositoryIndexResponse.ModelIndex",
    "RepositoryIndexResponse.ModelIndex": "1 name string, 2 version string, 3 state string, 4 reason string",
    "ModelRepositoryParameter": (
        "1 bool_param |bool, 2 int64_param |int64, 3 string_param |string, 4 bytes_param |bytes"
    ),
    "RepositoryModelLoadRequest": (
        "1 repository_name string, 2 model_name string, 3 parameters map:ModelRepositoryParameter"
    ),
    "RepositoryModelLoadResponse": "",
    "RepositoryModelUnloadRequest": (
        "1 repository_name string, 2 model_name string, 3 parameters map:ModelRepositoryParameter"
    ),
    "RepositoryModelUnloadResponse": "",
}
# By datatype, the field of InferTensorContents that holds its elements; FP16 has none.
CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


@lru_cache(maxsize=1)
def message_classes() -> dict[str, Any]:
    """Return the class of each message by its name; those within another as `Outer.Inner`.

    They are in a pool of their own, so that other packages may bring the same messages.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="open_inference_grpc.proto", package=_PACKAGE, syntax="proto3")
    made: dict[str, Any] = {}
    for name, fields in _MESSAGES.items():
        outer, _, inner = name.rpartition(".")
        made[name] = made[outer].nested_type.add(name=inner) if outer else file.message_type.add(name=name)
        for field in filter(None, fields.split(", ")):
            _add_field(made[name], name, *field.split())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


def _add_field(message: Any, owner: str, number: str, name: str, given: str) -> None:
    field = message.field.add(name=name, number=int(number), label=1)
    kind = given.lstrip("*|")
    if given.startswith("*") or kind.startswith("map"):
        field.label = field.LABEL_REPEATED
    if given.startswith("|"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0
    if kind.startswith("map"):
        entry = message.nested_type.add(name="ParametersEntry")
        entry.options.map_entry = True
        _add_field(entry, "", "1", "key", "string")
        _add_field(entry, "", "2", "value", kind.partition(":")[2] or _VALUE)
        kind = f"{owner}.ParametersEntry"
    scalar = f"TYPE_{kind.upper()}"
    if scalar in field.Type.keys():  # noqa: SIM118 (an enumeration, no dict)
        field.type = field.Type.Value(scalar)
    else:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
