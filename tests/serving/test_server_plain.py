"""Answers in words over HTTP: those of `zoo predict` on the same content in a file."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_wine
from starlette.testclient import TestClient

from zoo.serving.predict import predict
from zoo.serving.server.app import create_app
from zoo.serving.server.limits import Limits
from zoo.serving.server.repository import Repository

EXPORTED = Path(__file__).resolve().parents[2] / "exported"


def file_of(recipe):
    return str(EXPORTED / recipe / "model.onnx")


@pytest.fixture(scope="module")
def client():
    """Return a client of models of several kinds."""
    recipes = (
        "mlp/wine",
        "cnn/digits",
        "lstm/dates",
        "lstm/elnino",
        "cnn/sounds",
        "gan/digits",
        "cnn/digit_scenes_boxes",
    )
    app = create_app(Repository([file_of(recipe) for recipe in recipes]), limits=Limits(examples=100))
    return TestClient(app, raise_server_exceptions=False)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def wine(form):
    frame = load_wine(as_frame=True).frame.iloc[::20].reset_index(drop=True)
    frame.loc[1, "alcohol"] = np.nan
    return {
        "csv": lambda: frame.to_csv(index=False),
        "jsonl": lambda: frame.to_json(orient="records", lines=True),
        "json": lambda: frame.to_json(orient="records"),
    }[form]().encode()


def sea():
    months = pd.DataFrame({"month": range(60)})
    columns = {"sea_surface_temperature": 23 + 3 * np.sin(np.arange(60) * 2 * np.pi / 12)}
    return months.assign(**columns)


DIGIT = png((load_digits().images[7] * 255 / 16).astype(np.uint8))
CASES = {  # recipe, type and content of the request, suffix of the file
    "picture": ("cnn/digits", "image/png", DIGIT, ".png"),
    "boxes": ("cnn/digit_scenes_boxes", "image/png", png(np.zeros((64, 64), np.uint8)), ".png"),
    "CSV": ("mlp/wine", "text/csv; charset=utf-8", wine("csv"), ".csv"),
    "JSON Lines": ("mlp/wine", "application/x-ndjson", wine("jsonl"), ".jsonl"),
    "texts": ("lstm/dates", "text/plain", b"4 May 1971\n29 march 2016\n", ".txt"),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_are_those_of_zoo_predict(case, client, tmp_path):
    recipe, kind, content, suffix = CASES[case]
    path = tmp_path / f"given{suffix}"
    path.write_bytes(content)
    notes = []
    wanted = predict(file_of(recipe), [path], notes=notes)
    name = recipe.replace("/", "-")
    answer = client.post(f"/predict/{name}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    for row in wanted:
        row["input"] = row["input"].replace(str(path), "body")
    assert answer.json() == {
        "model_name": name,
        "model_version": "1",
        "predictions": json.loads(json.dumps(wanted)),
        "notes": [note.replace(str(path), "body") for note in notes],
    }


def test_rows_and_texts_in_json(client):
    rows = client.post("/predict/mlp-wine", content=wine("json"), headers={"Content-Type": "application/json"}).json()
    lines = client.post("/predict/mlp-wine", content=wine("jsonl"), headers={"Content-Type": "application/x-ndjson"})
    assert rows["predictions"] == lines.json()["predictions"]
    one = client.post("/predict/mlp-wine", json=json.loads(wine("json"))[0]).json()["predictions"]
    assert [one[0]["label"]] == [rows["predictions"][0]["label"]]
    names = [name for name in json.loads(wine("json"))[0] if name != "target"]
    columns = {name: [row[name] for row in json.loads(wine("json"))] for name in names}
    by_column = client.post("/predict/mlp-wine", json=columns).json()["predictions"]
    assert [row["probabilities"] for row in by_column] == [row["probabilities"] for row in rows["predictions"]]
    assert client.post("/predict/lstm-dates", json="4 May 1971").json()["predictions"][0]["text"] == "1971-05-04"
    several = client.post("/predict/lstm-dates", json=["4 May 1971", "29 march 2016"]).json()["predictions"]
    assert [row["text"] for row in several] == ["1971-05-04", "2016-03-29"]
    pixels = (load_digits().images[7] * 255 / 16).astype(np.uint8)
    as_numbers = client.post("/predict/cnn-digits", json=pixels[..., None].tolist()).json()
    assert as_numbers["predictions"][0]["label"] == "7"


def test_a_series_is_continued_from_rows(client, tmp_path):
    from zoo.serving.exported_model import ExportedModel

    target = ExportedModel(file_of("lstm/elnino")).target
    frame = sea().rename(columns={"sea_surface_temperature": target})
    path = tmp_path / "sea.csv"
    frame.to_csv(path, index=False)
    (wanted,) = predict(file_of("lstm/elnino"), [path])
    answer = client.post("/predict/lstm-elnino", json=frame.to_dict(orient="records")).json()
    np.testing.assert_allclose(answer["predictions"][0]["forecast"], wanted["forecast"], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "kind", "content", "status", "message"),
    [
        ("other", "text/csv", b"a\n1\n", 404, "there is no model 'other'"),
        ("cnn-digits", "text/csv", b"image\n/etc/passwd\n", 415, "the model takes image/*, application/json"),
        ("cnn-sounds", "text/csv", b"audio\n/etc/passwd\n", 415, "the model takes audio/*, application/json"),
        ("cnn-sounds", "audio/midi", b"x", 415, "expected audio/wav"),
        ("cnn-sounds", "audio/wav", b"no sound", 400, "content is of no format"),
        ("mlp-wine", "image/png", DIGIT, 415, "the model takes text/csv"),
        ("mlp-wine", "", b"a\n1\n", 415, "received none"),
        ("mlp-wine", "text/csv", b"", 400, "the body is empty"),
        ("mlp-wine", "text/csv", b"alcohol\n1\n", 400, "missing columns"),
        ("mlp-wine", "text/csv", b"\xff\xfe\x00", 400, "body: not readable as a table"),
        ("mlp-wine", "application/json", b"[]", 400, "received none"),
        ("mlp-wine", "application/json", b"[1, 2]", 400, "expected a dict or data frame"),
        ("mlp-wine", "application/json", b"NaN", 400, "NaN is no JSON"),
        ("mlp-wine", "application/json", b'{"alcohol": "\xff"}', 400, "not JSON"),
        ("cnn-digits", "image/png", b"no image", 400, "body"),
        ("cnn-digits", "image/png", DIGIT[:60], 400, "body"),
        ("cnn-digits", "image/png", png(np.zeros((9, 9), np.uint8)), 400, "the image is 9×9, the model takes 8×8"),
        ("cnn-digits", "application/json", b"[[[300]]]", 400, "pixels must be 0 to 255"),
        ("cnn-digits", "application/json", b'[["a"]]', 400, "expected uint8"),
        ("lstm-dates", "text/plain", b"  \n", 400, "holds no text"),
        ("lstm-dates", "text/plain", b"\xff", 400, "body: not readable as UTF-8"),
        ("lstm-dates", "text/plain", b"a day\n" * 101, 413, "101 examples, and a request may have 100"),
        ("lstm-dates", "application/json", json.dumps(["a day"] * 101).encode(), 413, "101 examples"),
        ("lstm-dates", "application/json", b"[1]", 400, "expected a text"),
        ("gan-digits", "application/json", b"[1]", 400, "makes images from noise"),
    ],
)
def test_what_does_not_fit_is_refused(name, kind, content, status, message, client):
    answer = client.post(f"/predict/{name}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]
    assert str(EXPORTED) not in answer.text and "/tmp" not in answer.text  # no place on the server
