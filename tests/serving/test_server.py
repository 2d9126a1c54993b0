"""The server of exported files: the Open Inference Protocol, compared with onnxruntime on the same tensors."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from starlette.testclient import TestClient

from zoo.errors import ZooError
from zoo.serving.server.app import create_app
from zoo.serving.server.repository import Repository
from zoo.serving.server.tensors import DTYPES

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
EXAMPLES, STEPS = 3, 5  # of the tensors that are sent
HEADER_LENGTH = "Inference-Header-Content-Length"


def file_of(recipe):
    return str(EXPORTED / recipe / "model.onnx")


def client_of(*files, **settings):
    return TestClient(create_app(Repository(files), **settings), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def digits():
    """Return a client of one model."""
    return client_of(file_of("cnn/digits"))


def tensors_of(facts):
    """Return an array for each input that a model's metadata name."""
    generator = np.random.default_rng(0)
    arrays = {}
    for place, tensor in enumerate(facts["inputs"]):
        shape = [EXAMPLES if i == 0 else STEPS if size == -1 else size for i, size in enumerate(tensor["shape"])]
        dtype = DTYPES[tensor["datatype"]]
        made = {
            "u": lambda shape: generator.integers(0, 256, shape),
            "i": lambda shape: generator.integers(1, 5, shape),
            "f": lambda shape: generator.normal(size=shape),
            "O": lambda shape, place=place: np.array([f"é{place}"] * np.prod(shape), object).reshape(shape),
        }[dtype.kind]
        arrays[tensor["name"]] = made(shape).astype(dtype)
    return arrays


def in_json(facts, arrays, **more):
    inputs = [
        {"name": t["name"], "datatype": t["datatype"], "shape": list(arrays[t["name"]].shape)} for t in facts["inputs"]
    ]
    return {"inputs": [{**t, "data": arrays[t["name"]].tolist()} for t in inputs], **more}


def packed(array):
    if array.dtype != object:
        return array.tobytes()
    texts = [text.encode() for text in array.ravel()]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def post_binary(client, url, facts, arrays, **more):
    body = in_json(facts, arrays, **more)
    parts = [packed(arrays[tensor["name"]]) for tensor in body["inputs"]]
    for tensor, part in zip(body["inputs"], parts, strict=True):
        del tensor["data"]
        tensor["parameters"] = {"binary_data_size": len(part)}
    header = json.dumps(body).encode()
    return client.post(url, content=header + b"".join(parts), headers={HEADER_LENGTH: str(len(header))})


def unpacked(content, tensor):
    if tensor["datatype"] != "BYTES":
        return np.frombuffer(content, DTYPES[tensor["datatype"]]).reshape(tensor["shape"])
    texts = []
    while content:
        (length,) = struct.unpack("<I", content[:4])
        texts.append(content[4 : 4 + length].decode())
        content = content[4 + length :]
    return np.array(texts, object).reshape(tensor["shape"])


def assert_same(found, wanted):
    if wanted.dtype == object:
        assert found.tolist() == wanted.tolist()
    else:
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


# --- inference ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "recipe", ["mlp/wine", "mlp/shop_sales", "cnn/digits", "lstm/dates", "lstm/adding_problem", "transformer/sunspots"]
)
def test_answers_are_those_of_onnxruntime(recipe):
    name = recipe.replace("/", "-")
    client = client_of(file_of(recipe))
    facts = client.get(f"/v2/models/{name}").json()
    session = onnxruntime.InferenceSession(file_of(recipe))
    assert [t["name"] for t in facts["inputs"]] == [each.name for each in session.get_inputs()]
    arrays = tensors_of(facts)
    wanted = dict(zip([o.name for o in session.get_outputs()], session.run(None, arrays), strict=True))

    answer = client.post(f"/v2/models/{name}/infer", json=in_json(facts, arrays, id="a1"))
    assert (answer.status_code, answer.json()["id"]) == (200, "a1")
    assert (answer.json()["model_name"], answer.json()["model_version"]) == (name, "1")
    for tensor in answer.json()["outputs"]:
        found = np.array(tensor["data"], DTYPES[tensor["datatype"]]).reshape(tensor["shape"])
        assert_same(found, wanted.pop(tensor["name"]))
    assert wanted == {}


@pytest.mark.parametrize("recipe", ["mlp/shop_sales", "cnn/digits", "lstm/dates"])
def test_binary_tensors_are_those_of_onnxruntime(recipe):
    name = recipe.replace("/", "-")
    client = client_of(file_of(recipe))
    facts = client.get(f"/v2/models/{name}").json()
    arrays = tensors_of(facts)
    session = onnxruntime.InferenceSession(file_of(recipe))
    wanted = dict(zip([o.name for o in session.get_outputs()], session.run(None, arrays), strict=True))
    answer = post_binary(client, f"/v2/models/{name}/infer", facts, arrays, parameters={"binary_data_output": True})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers[HEADER_LENGTH])
    rest = answer.content[length:]
    for tensor in json.loads(answer.content[:length])["outputs"]:
        size = tensor["parameters"]["binary_data_size"]
        assert_same(unpacked(rest[:size], tensor), wanted[tensor["name"]])
        rest = rest[size:]
    assert rest == b""


def test_requests_of_one_json_part_each_get_the_answer_to_their_own_bytes(digits):
    session = onnxruntime.InferenceSession(file_of("cnn/digits"))
    facts = digits.get("/v2/models/cnn-digits").json()
    wanted, found = [], []
    for seed in (0, 1):
        images = np.random.default_rng(seed).integers(0, 256, (1, 8, 8, 1), np.uint8)
        answer = post_binary(digits, "/v2/models/cnn-digits/infer", facts, {"image": images}, id="same")
        found.append(answer.json()["outputs"][0]["data"])
        wanted.append(session.run(["probabilities"], {"image": images})[0].ravel())
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert not np.allclose(wanted[0], wanted[1])


def test_outputs_are_chosen_each_in_its_form(digits):
    facts = digits.get("/v2/models/cnn-digits").json()
    arrays = tensors_of(facts)
    asked = [{"name": "label", "parameters": {"binary_data": True}}, {"name": "probabilities"}]
    answer = digits.post("/v2/models/cnn-digits/infer", json=in_json(facts, arrays, outputs=asked))
    length = int(answer.headers[HEADER_LENGTH])
    label, probabilities = json.loads(answer.content[:length])["outputs"]
    assert (label["name"], label["parameters"]["binary_data_size"]) == ("label", len(answer.content) - length)
    rows = np.array(probabilities["data"]).reshape(EXAMPLES, 10)
    found = unpacked(answer.content[length:], label)
    assert found.tolist() == [str(row.argmax()) for row in rows]


def test_a_missing_value_is_null():
    client = client_of(file_of("mlp/wine"))
    facts = client.get("/v2/models/mlp-wine").json()
    body = in_json(facts, tensors_of(facts), outputs=[{"name": "probabilities"}])
    body["inputs"][0]["data"][1] = [None]
    answer = client.post("/v2/models/mlp-wine/infer", json=body)
    arrays = {t["name"]: np.array(t["data"], np.float32) for t in body["inputs"]}
    (wanted,) = onnxruntime.InferenceSession(file_of("mlp/wine")).run(["probabilities"], arrays)
    np.testing.assert_allclose(answer.json()["outputs"][0]["data"], wanted.ravel(), rtol=1e-5)


# --- what is refused ----------------------------------------------------------------------------------------------


def image(**more):
    return {"name": "image", "shape": [1, 8, 8, 1], "datatype": "UINT8", "data": [0] * 64, **more}


BAD = {  # a part of the message: what is sent
    "not JSON": b"{",
    "NaN is no JSON": b'{"inputs": [{"name": "image", "data": [NaN]}]}',
    "inputs: field required": {},
    "inputs: list should have at least 1 item": {"inputs": []},
    "missing inputs: image|unknown input 'imag'; did you mean 'image'": {"inputs": [image(name="imag")]},
    "input 'image' is given 2 times": {"inputs": [image(), image()]},
    "expected the datatype UINT8, received FP32": {"inputs": [image(datatype="FP32")]},
    "expected the shape (any, 8, 8, 1), each at least 1, received (1, 8, 8)": {"inputs": [image(shape=[1, 8, 8])]},
    "each at least 1, received (0, 8, 8, 1)": {"inputs": [image(shape=[0, 8, 8, 1], data=[])]},
    "each at least 1, received (-1, 8, 8, 1)": {"inputs": [image(shape=[-1, 8, 8, 1])]},
    "its shape has 128 elements, received 64": {"inputs": [image(shape=[2, 8, 8, 1])]},
    "UINT8 holds 0 to 255, received 256 (1 such)": {"inputs": [image(data=[256] + [0] * 63)]},
    "expected UINT8, received float 0.5": {"inputs": [image(data=[0.5] * 64)]},
    "expected UINT8, received str 'a'": {"inputs": [image(data=["a"] * 64)]},
    "'data' makes no tensor": {"inputs": [image(data=[[0], [0, 1]])]},
    "expected 'data' as a list, received NoneType": {"inputs": [image(data=None)]},
    "unknown output 'labels'; did you mean 'label'?": {"inputs": [image()], "outputs": [{"name": "labels"}]},
    "the parameter 'classification' is not supported": {
        "inputs": [image()],
        "outputs": [{"name": "label", "parameters": {"classification": 2}}],
    },
    "binary_data_size is 64, and 0 bytes are left": {"inputs": [image(parameters={"binary_data_size": 64})]},
    "the body is not JSON": b"[" * 100_000,
    "surrogates not allowed": b'{"id": "\\ud800", "inputs": []}',
    "inputs.0.shape.0: input should be less than or equal to": {"inputs": [image(shape=[10**4000] * 4)]},
    "expected UINT8, received int 1000": {"inputs": [image(data=[10**400] * 64)]},
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_request_says_what_is_wrong(message, digits):
    given = BAD[message]
    content = given if isinstance(given, bytes) else json.dumps(given)
    answer = digits.post("/v2/models/cnn-digits/infer", content=content)
    assert answer.status_code == 400
    assert any(part in answer.json()["error"] for part in message.split("|"))


@pytest.mark.parametrize(
    ("header", "rest", "message"),
    [
        ("9999", b"", "expected a number of bytes up to"),
        ("x", b"", "expected a number of bytes up to"),
        ("{length}", b"\0" * 65, "1 bytes behind the last tensor"),
        ("{length}", b"\0" * 63, "binary_data_size is 64, and 63 bytes are left"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(header, rest, message, digits):
    tensor = {**image(parameters={"binary_data_size": 64}), "data": None}
    body = json.dumps({"inputs": [tensor]}).encode()
    headers = {HEADER_LENGTH: header.format(length=len(body))}
    answer = digits.post("/v2/models/cnn-digits/infer", content=body + rest, headers=headers)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_numbers_that_no_answer_can_be_given_to_are_refused():
    client = client_of(file_of("lstm/dates"), file_of("lstm/elnino"), file_of("mlp/wine"))
    facts = client.get("/v2/models/lstm-dates").json()
    arrays = tensors_of(facts)
    for name, wrong in [("source", 10_000), ("source", -1), ("target", 10_000)]:
        changed = {**arrays, name: arrays[name].copy()}
        changed[name][1, 2] = wrong
        answer = client.post("/v2/models/lstm-dates/infer", json=in_json(facts, changed))
        assert answer.status_code == 400
        assert f"input '{name}': expected ids from 0 to" in answer.json()["error"]
    uneven = in_json(facts, {**arrays, "target": arrays["target"][:2]})
    assert "needs a value for each example" in client.post("/v2/models/lstm-dates/infer", json=uneven).json()["error"]
    for model, value in [("lstm-elnino", np.nan), ("mlp-wine", np.inf)]:
        facts = client.get(f"/v2/models/{model}").json()
        arrays = tensors_of(facts)
        next(iter(arrays.values()))[1] = value
        answer = post_binary(client, f"/v2/models/{model}/infer", facts, arrays)
        assert answer.status_code == 400
        assert f"expected finite numbers, received {value}" in answer.json()["error"]


def test_numbers_beyond_their_type_are_refused():
    client = client_of(file_of("mlp/wine"))
    facts = client.get("/v2/models/mlp-wine").json()
    for value, message in [(10**400, "too large for FP32"), (1e39, "expected finite numbers, received inf")]:
        body = in_json(facts, tensors_of(facts))
        body["inputs"][0]["data"][1] = [value]
        answer = client.post("/v2/models/mlp-wine/infer", json=body)
        assert (answer.status_code, message in answer.json()["error"]) == (400, True)


def test_texts_must_be_whole_and_utf8():
    client = client_of(file_of("mlp/shop_sales"))
    facts = client.get("/v2/models/mlp-shop_sales").json()
    texts = [tensor for tensor in facts["inputs"] if tensor["datatype"] == "BYTES"]
    assert texts
    arrays = {name: values[:1] for name, values in tensors_of(facts).items()}
    for content, message in [(b"\xff\0\0\0a", "the bytes end within text 1"), (b"\1\0\0\0\xff", "text 1 is not UTF-8")]:
        body = in_json(facts, arrays)
        tensor = next(t for t in body["inputs"] if t["datatype"] == "BYTES")
        del tensor["data"]
        tensor["parameters"] = {"binary_data_size": len(content)}
        header = json.dumps(body).encode()
        sent = {HEADER_LENGTH: str(len(header))}
        answer = client.post("/v2/models/mlp-shop_sales/infer", content=header + content, headers=sent)
        assert answer.status_code == 400
        assert message in answer.json()["error"]


# --- server and repository ----------------------------------------------------------------------------------------


def test_what_the_server_says_of_itself(digits):
    assert digits.get("/v2").json()["extensions"] == ["binary_tensor_data", "model_repository"]
    assert digits.get("/v2/health/live").json() == {"live": True}
    assert digits.get("/v2/health/ready").json() == {"ready": True}
    assert digits.get("/v2/models/cnn-digits/ready").json() == {"name": "cnn-digits", "ready": True}
    assert digits.get("/v2/models/cnn-digits").json() == {
        "name": "cnn-digits",
        "versions": ["1"],
        "platform": "onnx_onnxruntime",
        "inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 8, 8, 1]}],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
        ],
    }
    paths = digits.get("/openapi.json").json()["paths"]
    assert "requestBody" in paths["/v2/models/{name}/infer"]["post"]
    assert digits.get("/docs").status_code == 200
    missing = digits.get("/v2/models/cnn-digit")
    assert missing.status_code == 404
    assert "did you mean 'cnn-digits'?" in missing.json()["error"]
    assert digits.get("/nothing").json() == {"error": "GET /nothing: Not Found"}
    assert digits.get("/v2/models/cnn-digits/infer").status_code == 405


def test_several_models_and_versions():
    client = client_of(file_of("mlp/wine"), f"d={file_of('cnn/digits')}", f"d={file_of('mlp/digits')}")
    assert client.get("/v2/models/d").json()["versions"] == ["1", "2"]
    body = {"inputs": [image()]}
    newest = client.post("/v2/models/d/infer", json=body).json()
    assert newest["model_version"] == "2"
    for version, recipe in [("1", "cnn/digits"), ("2", "mlp/digits")]:
        assert client.get(f"/v2/models/d/versions/{version}/ready").status_code == 200
        answer = client.post(f"/v2/models/d/versions/{version}/infer", json=body).json()
        feeds = {"image": np.zeros((1, 8, 8, 1), np.uint8)}
        (wanted,) = onnxruntime.InferenceSession(file_of(recipe)).run(["probabilities"], feeds)
        np.testing.assert_allclose(answer["outputs"][0]["data"], wanted.ravel(), rtol=1e-5)
    missing = client.get("/v2/models/d/versions/3")
    assert (missing.status_code, missing.json()["error"]) == (404, "model 'd' has no version '3' (there are: 1, 2)")


def test_models_are_unloaded_and_loaded(tmp_path):
    path = tmp_path / "model.onnx"
    shutil.copy(file_of("cnn/digits"), path)
    client = client_of(str(path), file_of("mlp/wine"))
    states = lambda **body: {e["name"]: e["state"] for e in client.post("/v2/repository/index", json=body).json()}  # noqa: E731
    assert states() == {"cnn-digits": "READY", "mlp-wine": "READY"}
    assert client.post("/v2/repository/models/cnn-digits/unload").status_code == 200
    assert states() == {"cnn-digits": "UNAVAILABLE", "mlp-wine": "READY"}
    assert states(ready=True) == {"mlp-wine": "READY"}
    assert client.get("/v2/models/cnn-digits/ready").status_code == 404
    answer = client.post("/v2/models/cnn-digits/infer", json={"inputs": [image()]})
    assert (answer.status_code, "is not loaded" in answer.json()["error"]) == (404, True)
    assert client.post("/v2/repository/models/cnn-digits/load").status_code == 200
    assert client.post("/v2/models/cnn-digits/infer", json={"inputs": [image()]}).status_code == 200
    shutil.copy(file_of("mlp/digits"), path)  # a new file under the name
    assert client.post("/v2/repository/models/cnn-digits/load", json={}).status_code == 200
    (wanted,) = onnxruntime.InferenceSession(str(path)).run(
        ["probabilities"], {"image": np.zeros((1, 8, 8, 1), np.uint8)}
    )
    answer = client.post("/v2/models/cnn-digits/infer", json={"inputs": [image()]}).json()
    np.testing.assert_allclose(answer["outputs"][0]["data"], wanted.ravel(), rtol=1e-5)
    path.write_bytes(b"damaged")
    assert client.post("/v2/repository/models/cnn-digits/load").status_code == 400
    assert client.post("/v2/models/cnn-digits/infer", json={"inputs": [image()]}).status_code == 200
    for action in ("load", "unload"):
        assert client.post(f"/v2/repository/models/other/{action}").status_code == 404


def test_files_that_cannot_be_served_are_refused(tmp_path):
    with pytest.raises(ZooError, match="does not exist"):
        Repository([str(tmp_path / "none.onnx")])
    with pytest.raises(ZooError, match=r"letters, digits, '\.', '_' and '-', received 'a b'"):
        Repository([f"a b={tmp_path}"])


# --- who may ask, ids and the log ---------------------------------------------------------------------------------


def test_a_token_is_asked_for():
    client = client_of(file_of("mlp/wine"), token="secret")
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "secret"}):
        answer = client.get("/v2/models/mlp-wine", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "Authorization: Bearer TOKEN" in answer.json()["error"]
    assert client.get("/v2/models/mlp-wine", headers={"Authorization": "Bearer secret"}).status_code == 200
    assert client.get("/metrics").status_code == 401
    assert client.get("/v2/health/ready").status_code == 200  # probes have no token


def test_pages_of_other_sites_cannot_ask(digits):
    body = {"inputs": [image()]}
    for origin, status in [("https://elsewhere.example", 403), ("null", 403), ("http://testserver", 200)]:
        answer = digits.post("/v2/models/cnn-digits/infer", json=body, headers={"Origin": origin})
        assert answer.status_code == status


def test_requests_have_an_id_and_a_line_in_the_log_without_what_they_hold():
    lines = []
    client = client_of(file_of("cnn/digits"), log=lines.append)
    client.post("/v2/models/cnn-digits/infer?key=hidden", json={"inputs": [image()]}, headers={"X-Request-ID": "r-1"})
    answer = client.get("/v2/models/other", headers={"X-Request-ID": "two words"})
    first, second = map(json.loads, lines)
    assert (first["id"], first["status"], first["path"]) == ("r-1", 200, "/v2/models/cnn-digits/infer")
    assert second["id"] == answer.headers["x-request-id"] != "two words"
    assert second["status"] == 404
    assert set(first) == {"time", "id", "method", "path", "status", "ms", "bytes", "client"}
    assert "hidden" not in lines[0]
