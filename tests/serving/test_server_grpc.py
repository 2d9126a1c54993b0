"""The Open Inference Protocol over gRPC, by a client that knows its messages from an independent list."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from zoo.errors import ZooError
from zoo.serving.server.app import create_app
from zoo.serving.server.grpc_service.messages import METHODS, SERVICE, message_classes
from zoo.serving.server.limits import Limits
from zoo.serving.server.repository import Repository
from zoo.serving.server.run import running
from zoo.serving.server.served_model import ServedModel
from zoo.serving.server.tensors import to_bytes

grpc = pytest.importorskip("grpc")

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
RECIPES = ("cnn/digits", "mlp/shop_sales", "lstm/elnino")


def file_of(recipe):
    return str(EXPORTED / recipe / "model.onnx")


class Client:
    def __init__(self, address, metadata=()):
        self._channel, self._metadata = grpc.insecure_channel(address), metadata

    def __call__(self, method, **fields):
        classes = message_classes()
        call = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=classes[f"{method}Request"].SerializeToString,
            response_deserializer=classes[f"{method}Response"].FromString,
        )
        return call(classes[f"{method}Request"](**fields), metadata=self._metadata, timeout=60)

    def refused(self, method, **fields):
        with pytest.raises(grpc.RpcError) as refusal:
            self(method, **fields)
        return refusal.value.code().name, refusal.value.details()


@pytest.fixture(scope="module")
def served():
    app = create_app(Repository([file_of(each) for each in RECIPES]), grpc=("127.0.0.1", 0), limits=Limits(examples=8))
    with running(app, host="127.0.0.1", port=0):
        yield app


@pytest.fixture(scope="module")
def client(served):
    return Client(served.state.grpc.address)


def tensor(name, array, datatype, **contents):
    return {"name": name, "datatype": datatype, "shape": array.shape, **({"contents": contents} if contents else {})}


def digits(count):
    return np.random.default_rng(count).integers(0, 256, (count, 8, 8, 1), np.uint8)


# --- messages -----------------------------------------------------------------------------------------------------


def test_messages_have_the_numbers_of_the_protocol():
    """Bytes by hand, as https://protobuf.dev/programming-guides/encoding writes them."""
    classes = message_classes()
    request = classes["ModelInferRequest"](model_name="m", model_version="1", id="a", raw_input_contents=[b"\1\2"])
    request.parameters["p"].bool_param = True
    request.inputs.add(name="x", datatype="FP32", shape=[3]).contents.fp32_contents.append(1.0)
    request.outputs.add(name="y")
    assert request.SerializeToString(deterministic=True) == (
        b"\x0a\x01m" b"\x12\x011" b"\x1a\x01a" b"\x22\x07\x0a\x01p\x12\x02\x08\x01"
        b"\x2a\x14\x0a\x01x\x12\x04FP32\x1a\x01\x03\x2a\x06\x32\x04\x00\x00\x80\x3f"
        b"\x32\x03\x0a\x01y" b"\x3a\x02\x01\x02"
    )  # fmt: skip
    answer = classes["ModelInferResponse"](model_name="m", raw_output_contents=[b"\7"])
    assert answer.SerializeToString() == b"\x0a\x01m\x32\x01\x07"
    load = classes["RepositoryModelLoadRequest"](model_name="m")
    load.parameters["p"].bytes_param = b"b"
    assert load.SerializeToString() == b"\x12\x01m\x1a\x08\x0a\x01p\x12\x03\x22\x01b"
    assert {f"{method}{part}" for method in METHODS for part in ("Request", "Response")} <= set(classes)


# --- answers ------------------------------------------------------------------------------------------------------


def test_health_and_metadata_are_those_of_http(client, served):
    assert client("ServerLive").live and client("ServerReady").ready
    assert client("ModelReady", name="cnn-digits").ready
    assert client("ModelReady", name="cnn-digits", version="1").ready
    assert not client("ModelReady", name="none").ready
    assert list(client("ServerMetadata").extensions) == ["binary_tensor_data", "model_repository"]
    found = client("ModelMetadata", name="mlp-shop_sales")
    wanted = served.state.service.repository.get("mlp-shop_sales").metadata(["1"])
    assert [{"name": t.name, "datatype": t.datatype, "shape": list(t.shape)} for t in found.inputs] == wanted["inputs"]
    assert [(t.name, list(t.shape)) for t in found.outputs] == [("forecast", [-1, 7])]
    assert (found.name, list(found.versions), found.platform) == ("mlp-shop_sales", ["1"], "onnx_onnxruntime")


@pytest.mark.parametrize("is_raw", [True, False])
def test_answers_are_those_of_onnxruntime(client, is_raw):
    generator = np.random.default_rng(0)
    arrays = {
        "array": generator.normal(size=(2, 28, 3)).astype(np.float32),
        "known_covariates": generator.integers(0, 2, (2, 7, 2)).astype(np.float32),
        "region": np.array([["north"], ["süd"]], object),
    }
    datatypes = {"array": "FP32", "known_covariates": "FP32", "region": "BYTES"}
    (wanted,) = onnxruntime.InferenceSession(file_of("mlp/shop_sales")).run(["forecast"], arrays)
    if is_raw:
        inputs = [tensor(name, array, datatypes[name]) for name, array in arrays.items()]
        raw = [to_bytes(array, datatypes[name]) for name, array in arrays.items()]
    else:
        texts = [text.encode() for text in arrays["region"].ravel()]
        flat = {name: {"fp32_contents": arrays[name].ravel()} for name in ("array", "known_covariates")}
        flat["region"] = {"bytes_contents": texts}
        inputs, raw = [tensor(name, array, datatypes[name], **flat[name]) for name, array in arrays.items()], []
    answer = client("ModelInfer", model_name="mlp-shop_sales", id="a7", inputs=inputs, raw_input_contents=raw)
    (output,) = answer.outputs
    found = np.frombuffer(answer.raw_output_contents[0], "<f4").reshape(output.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert (answer.id, answer.model_name, answer.model_version, output.name) == (
        "a7",
        "mlp-shop_sales",
        "1",
        "forecast",
    )


def test_outputs_are_those_that_are_asked_for(client):
    images = digits(3)
    asked = {"model_name": "cnn-digits", "inputs": [tensor("image", images, "UINT8", uint_contents=images.ravel())]}
    answer = client("ModelInfer", outputs=[{"name": "label"}], **asked)
    assert [output.name for output in answer.outputs] == ["label"]
    (wanted,) = onnxruntime.InferenceSession(file_of("cnn/digits")).run(["label"], {"image": images})
    assert answer.raw_output_contents[0] == to_bytes(wanted, "BYTES")


IMAGE = digits(1)
RAW = {"inputs": [tensor("image", IMAGE, "UINT8")], "raw_input_contents": [IMAGE.tobytes()]}


def typed(**contents):
    return {"inputs": [tensor("image", IMAGE, "UINT8", **contents)]}


REFUSED = [
    ("NOT_FOUND", "there is no model 'none'", {"model_name": "none", **RAW}),
    ("NOT_FOUND", "no version '7'", {"model_version": "7", **RAW}),
    ("INVALID_ARGUMENT", "expected one for each of 1 inputs, received 2", {**RAW, "raw_input_contents": [b"", b""]}),
    ("INVALID_ARGUMENT", "has 64 elements, received 63", {**RAW, "raw_input_contents": [b"\0" * 63]}),
    ("INVALID_ARGUMENT", "has 64 elements, received 0", {"inputs": RAW["inputs"]}),
    (
        "INVALID_ARGUMENT",
        "expected uint_contents for UINT8",
        {"inputs": [tensor("image", IMAGE, "UINT8", int_contents=[1])]},
    ),
    (
        "INVALID_ARGUMENT",
        "UINT8 holds 0 to 255",
        {"inputs": [tensor("image", IMAGE, "UINT8", uint_contents=[256] * 64)]},
    ),
    ("INVALID_ARGUMENT", "FP16 are given as raw", {"inputs": [tensor("image", IMAGE, "FP16")]}),
    ("INVALID_ARGUMENT", "unknown output 'x'", {**RAW, "outputs": [{"name": "x"}]}),
    ("INVALID_ARGUMENT", "expected the shape", {**RAW, "inputs": [tensor("image", np.zeros((0, 8, 8, 1)), "UINT8")]}),
    ("INVALID_ARGUMENT", "inputs: list should have at least 1 item", {}),
    (
        "INVALID_ARGUMENT",
        "contents beside raw",
        {**RAW, "inputs": [tensor("image", IMAGE, "UINT8", uint_contents=[1])]},
    ),
    (
        "INVALID_ARGUMENT",
        "9 examples, and a request may have 8",
        {"inputs": [tensor("image", digits(9), "UINT8")], "raw_input_contents": [digits(9).tobytes()]},
    ),
    (
        "INVALID_ARGUMENT",
        "not UTF-8",
        {
            "model_name": "mlp-shop_sales",
            "inputs": [tensor("region", np.zeros((1, 1)), "BYTES", bytes_contents=[b"\xff"])],
        },
    ),
]


@pytest.mark.parametrize(("code", "message", "fields"), REFUSED, ids=[message for _, message, _ in REFUSED])
def test_what_does_not_fit_is_refused_and_said(client, code, message, fields):
    found = client.refused("ModelInfer", **{"model_name": "cnn-digits", **fields})
    assert (found[0], message in found[1]) == (code, True), found


def test_models_are_unloaded_and_loaded(client):
    listed = client("RepositoryIndex").models
    assert {each.name: each.state for each in listed} == {r.replace("/", "-"): "READY" for r in RECIPES}
    client("RepositoryModelUnload", model_name="lstm-elnino")
    assert [each.name for each in client("RepositoryIndex", ready=True).models] == ["cnn-digits", "mlp-shop_sales"]
    assert not client("ModelReady", name="lstm-elnino").ready
    client("RepositoryModelLoad", model_name="lstm-elnino")
    assert client("ModelReady", name="lstm-elnino").ready
    assert client.refused("RepositoryModelLoad", model_name="none")[0] == "NOT_FOUND"
    given = {"parameters": {"config": {"string_param": "{}"}}}
    assert client.refused("RepositoryModelLoad", model_name="cnn-digits", **given)[0] == "INVALID_ARGUMENT"


def test_requests_are_counted(client, served):
    client("ModelMetadata", name="cnn-digits")
    text = served.state.service.metrics.text().decode()
    assert f'endpoint="/{SERVICE}/ModelMetadata",model="",status="200"' in text


# --- token, errors, addresses -------------------------------------------------------------------------------------


def test_the_token_is_asked_for_and_internal_errors_are_logged(monkeypatch):
    lines = []
    app = create_app(Repository([file_of("cnn/digits")]), token="secret", grpc=("127.0.0.1", 0), log=lines.append)
    monkeypatch.setattr(ServedModel, "run", lambda *given: {}["cause"])
    with running(app, host="127.0.0.1", port=0):
        stranger, friend = (Client(app.state.grpc.address, m) for m in ((), [("authorization", "Bearer secret")]))
        assert stranger("ServerLive").live
        assert stranger.refused("ModelMetadata", name="cnn-digits")[0] == "UNAUTHENTICATED"
        assert friend("ModelMetadata", name="cnn-digits").name == "cnn-digits"
        code, said = friend.refused("ModelInfer", model_name="cnn-digits", **RAW)
    assert (code, "cause" in said) == ("INTERNAL", False)
    logged = next(json.loads(line) for line in lines if "error" in line)
    assert "cause" in logged["error"] and logged["id"] in said


def test_a_port_of_grpc_that_is_taken_is_said(served):
    port = int(served.state.grpc.address.rpartition(":")[2])
    app = create_app(Repository([file_of("cnn/digits")]), grpc=("127.0.0.1", port))
    with (
        pytest.raises(ZooError, match=f"--grpc-port {port}: cannot be listened on"),
        running(app, host="127.0.0.1", port=0),
    ):
        pass
