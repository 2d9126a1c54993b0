"""The page of the server: its files ask no other host, its forms begin with examples that the models take."""

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from starlette.testclient import TestClient

from zoo.data.tokenizer import Tokenizer
from zoo.serving.drift.distribution import FeatureDistribution
from zoo.serving.exported_model import ExportedModel
from zoo.serving.sample_files import Sample, write_sample
from zoo.serving.server.app import create_app
from zoo.serving.server.page import model_facts
from zoo.serving.server.page.example import plausible
from zoo.serving.server.repository import Repository
from zoo.serving.server.tensors import DTYPES, spec_of
from zoo.serving.write_pictures import write_pictures

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
RECIPES = (
    "cnn/digits",
    "cnn/sounds",
    "cnn/digit_scenes_boxes",
    "gan/digits",
    "graph/digit_graphs",
    "lstm/copy_memory",
    "lstm/dates",
    "lstm/elnino",
    "mlp/shop_sales",
    "mlp/wine",
)
IN_JSON = ("graph/digit_graphs", "mlp/shop_sales")  # whose form holds the whole value


def file_of(recipe):
    return EXPORTED / recipe / "model.onnx"


def client_of(*files, **settings):
    return TestClient(create_app(Repository(list(map(str, files))), **settings), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client():
    return client_of(*map(file_of, RECIPES))


def decoded(text):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/docs"])
def test_the_files_of_the_page_ask_no_other_host(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert set(re.findall(r"(?:https?:)?//[\w.]+", answer.text)) <= {"http://www.w3.org"}  # which names SVG


def test_the_interface_is_shown_without_scripts(client):
    page, api = client.get("/docs").text, client.get("/openapi.json").json()
    assert "<script" not in page
    for path, operations in api["paths"].items():
        for method in operations:
            assert f"<code>{method.upper()} {path}</code>" in page
    assert "binary_data_size" not in page and "Body: application/octet-stream" in page


def test_the_page_is_open_and_what_it_asks_needs_the_token():
    client = client_of(file_of("cnn/digits"), token="secret")
    assert client.get("/").status_code == client.get("/page.js").status_code == client.get("/docs").status_code == 200
    assert [client.get(path).status_code for path in ("/models", "/models/cnn-digits")] == [401, 401]
    assert client.post("/sample/cnn-digits").status_code == 401
    assert client.get("/models", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_an_internal_error_of_any_route_is_logged_and_its_cause_not_told(monkeypatch):
    lines = []
    monkeypatch.setattr("zoo.serving.server.page.routes.in_short", lambda model: {}["secret"])
    answer = client_of(file_of("cnn/digits"), log=lines.append).get("/models", headers={"X-Request-ID": "r-3"})
    assert (answer.status_code, answer.json()) == (500, {"error": "internal error; the log has it under r-3"})
    assert "secret" in lines[0]


# --- models -------------------------------------------------------------------------------------------------------


def test_models_are_listed_and_described(client):
    listed = {model["name"]: model for model in client.get("/models").json()}
    assert set(listed) == {recipe.replace("/", "-") for recipe in RECIPES}
    assert listed["cnn-digits"]["takes"] == "an image, 8 × 8 × 1"
    found = client.get("/models/cnn-digits").json()
    folder = file_of("cnn/digits").parent
    assert found["card"] == (folder / "card.md").read_text()
    assert found["certificate"]["samples"] == 359
    assert found["tensors"]["inputs"] == client.get("/v2/models/cnn-digits").json()["inputs"]
    assert client.get("/models/none").status_code == 404


@pytest.mark.parametrize("recipe", [r for r in RECIPES if r not in ("gan/digits", "lstm/dates")])
def test_the_example_of_the_form_is_the_first_of_the_sample(recipe, tmp_path):
    session = onnxruntime.InferenceSession(file_of(recipe))
    generator = np.random.default_rng(0)
    inputs = {}
    for spec in map(spec_of, session.get_inputs()):
        shape = [2 if i == 0 else size or 6 for i, size in enumerate(spec.shape)]
        values = {"u": generator.integers(0, 256, shape), "f": generator.uniform(-0.9, 0.9, shape)}
        ids = generator.integers(1, 5, shape)
        kind = DTYPES[spec.datatype].kind
        inputs[spec.name] = np.full(shape, "north", object) if kind == "O" else values.get(kind, ids)
        inputs[spec.name] = inputs[spec.name].astype(DTYPES[spec.datatype])
    names = [node.name for node in session.get_outputs()]
    wanted = dict(zip(names, session.run(None, inputs), strict=True))
    shutil.copytree(file_of(recipe).parent, tmp_path / "export")
    write_sample(tmp_path / "export", Sample(inputs=inputs, outputs=wanted))
    client = client_of(f"model={tmp_path / 'export' / 'model.onnx'}")
    example = client.get("/models/model").json()["example"]
    assert example["origin"] == "sample"
    sent = {"image": "image/png", "audio": "audio/wav"}.get(ExportedModel(file_of(recipe)).kind)
    value = example["value"]
    if sent:
        content = base64.b64decode(value)
        answer = client.post("/predict/model", content=content, headers={"Content-Type": sent})
    else:
        answer = client.post("/predict/model", json=value if recipe in IN_JSON else [value])
    (found,) = answer.json()["predictions"]
    if "probabilities" in found:
        first = wanted["probabilities"][0]
        tolerance = 1e-3 if recipe == "cnn/sounds" else 1e-5  # a clip is sent in 16 bits
        np.testing.assert_allclose(list(found["probabilities"].values()), first, atol=tolerance)
    elif "forecast" in found:
        np.testing.assert_allclose(found["forecast"], wanted["forecast"][0], rtol=1e-5)
    elif "tokens" in found:
        assert found["tokens"] == wanted["logits"][0].argmax(-1).tolist()
    else:
        scores = wanted["scores"][0].tolist()
        assert [each["score"] for each in found["objects"]] == [score for score in scores if score >= 0.3]


def test_a_text_of_the_sample_is_shown_as_text(monkeypatch):
    model = next(Repository([str(file_of("lstm/dates"))]).latest())
    ids = model.exported.tokenizer.encode(["2 March 2019"])
    sample = Sample(inputs={"source": ids, "target": ids}, outputs={})
    monkeypatch.setattr("zoo.serving.server.page.example.read_sample", lambda *given: sample)
    assert isinstance(model.exported.tokenizer, Tokenizer)
    assert model_facts.in_full(model, ["1"])["example"] == {"origin": "sample", "value": "2 march 2019"}


def test_a_plausible_number_is_near_the_median():
    values = np.random.default_rng(0).gamma(2, 10, 5000)
    edges = np.quantile(values, np.linspace(0, 1, 21))[1:-1]
    counts = np.histogram(values, [-np.inf, *edges, np.inf])[0]
    feature = FeatureDistribution(name="x", edges=tuple(edges), counts=tuple(counts), missing=0)
    lower, upper = np.quantile(values, [0.44, 0.56])
    assert lower < plausible(feature) < upper
    kinds = FeatureDistribution(name="x", categories=("a", "b"), counts=(3, 5, 90), missing=0)
    assert plausible(kinds) == "b"
    assert plausible(FeatureDistribution(name="x", categories=(), counts=(4,), missing=0)) is None


# --- pictures -----------------------------------------------------------------------------------------------------


def test_images_are_those_of_the_exported_model(client):
    answer = client.post("/sample/gan-digits", json={"count": 3, "seed": 5})
    found = np.stack([decoded(each) for each in answer.json()["images"]])
    wanted = ExportedModel(file_of("gan/digits")).sample(3, seed=5)[..., 0]
    np.testing.assert_array_equal(found, wanted)
    assert len(client.post("/sample/gan-digits").json()["images"]) == 16


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("gan-digits", {"count": 65}, "count: input should be less than or equal to 64"),
        ("gan-digits", {"seed": -1}, "seed: input should be greater"),
        ("gan-digits", {"many": 1}, "many: extra inputs"),
        ("gan-digits", {"guidance": 2.0}, "takes no guidance"),
        ("gan-digits", [1], "the request: input should be a valid dictionary"),
        ("cnn-digits", {}, "making images is for generators"),
    ],
)
def test_images_that_cannot_be_made_are_refused(client, name, asked, message):
    answer = client.post(f"/sample/{name}", json=asked)
    assert (answer.status_code, message in answer.json()["error"]) == (400, True), answer.text


def test_pictures_show_what_was_found(client, tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(image).save(tmp_path / "scene.png")
    notes = []
    list(write_pictures(tmp_path / "out.png", file_of("cnn/digit_scenes_boxes"), [tmp_path / "scene.png"], notes=notes))
    content, headers = (tmp_path / "scene.png").read_bytes(), {"Content-Type": "image/png"}
    (found,) = client.post("/predict/cnn-digit_scenes_boxes?pictures=true", content=content, headers=headers).json()[
        "predictions"
    ]
    np.testing.assert_array_equal(decoded(found["picture"]), np.asarray(Image.open(tmp_path / "out.png")))
    (plain,) = client.post("/predict/cnn-digit_scenes_boxes", content=content, headers=headers).json()["predictions"]
    assert plain == {key: value for key, value in found.items() if key != "picture"}
    (digit,) = client.post("/predict/mlp-wine?pictures=true", json=[{"alcohol": 13}]).json().get("predictions", [{}])
    assert "picture" not in digit
