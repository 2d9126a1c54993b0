"""Drift of what a server was asked: `/drift`, and the gauges for Prometheus."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from prometheus_client.parser import text_string_to_metric_families

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from zoo.data.sources.load import load_dataset
from zoo.export.convert import add_metadata, seal
from zoo.export.distribution import add_distribution
from zoo.recipe import load_recipe
from zoo.serving.drift.distribution import DISTRIBUTION_KEY
from zoo.serving.server import drift_watch
from zoo.serving.server.app import create_app
from zoo.serving.server.repository import Repository
from zoo.tasks import TASKS

EXPORTED = Path(__file__).resolve().parents[2] / "exported"


@pytest.fixture(scope="module")
def data():
    recipe = load_recipe("mlp/wine").recipe
    return load_dataset(recipe.data, TASKS[recipe.task])


@pytest.fixture(scope="module")
def file(data, tmp_path_factory):
    """Return the shipped file for wines with the distribution of its training data."""
    path = tmp_path_factory.mktemp("file") / "model.onnx"
    proto = onnx.load(EXPORTED / "mlp/wine/model.onnx")
    onnx.save(proto, path)
    add_distribution(proto, path, data)
    onnx.save(proto, path)
    return path


@pytest.fixture(scope="module")
def old(file, tmp_path_factory):
    """Return the same file without the distribution, as older versions wrote it."""
    path = tmp_path_factory.mktemp("old") / "model.onnx"
    proto = onnx.load(file)
    entries = {entry.key: entry.value for entry in proto.metadata_props if entry.key != DISTRIBUTION_KEY}
    del proto.metadata_props[:]
    add_metadata(proto, entries)
    seal(proto)
    onnx.save(proto, path)
    return path


@pytest.fixture
def client(file, old):
    return TestClient(create_app(Repository([f"wine={file}", f"old={old}"])))


def columns(data, shift=0.0):
    raw = dict(data.test.take(np.arange(len(data.test))))
    raw["alcohol"] = raw["alcohol"] + shift
    return {name: values.tolist() for name, values in raw.items()}


def tensors(client, columns):
    facts = client.get("/v2/models/wine").json()["inputs"]
    named = {name.replace("/", "_"): values for name, values in columns.items()}
    rows = len(next(iter(columns.values())))
    return [
        {"name": each["name"], "datatype": each["datatype"], "shape": [rows, 1], "data": named[each["name"]]}
        for each in facts
    ]


def drift_of(client, name="wine/1"):
    return client.get("/drift").json()["models"][name]


def gauges(client, name):
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {sample.labels["feature"]: sample.value for sample in samples}


def test_usual_examples_are_no_drift(client, data):
    client.post("/predict/wine", json=columns(data)).raise_for_status()
    found = drift_of(client)
    assert not found["drift"] and found["examples"] == len(data.test)
    assert {row["name"] for row in found["predictions"]["features"]} == {"class", "confidence"}
    assert drift_of(client, "old/1") is None


def test_tensors_and_words_are_seen_alike(client, data):
    shifted = columns(data, 2.0)
    client.post("/predict/wine", json=shifted).raise_for_status()
    words = drift_of(client)
    assert words["drift"] and words["features"][0]["name"] == "alcohol"
    client.post("/v2/models/wine/infer", json={"inputs": tensors(client, shifted)}).raise_for_status()
    both = drift_of(client)
    assert both["examples"] == 2 * words["examples"]
    assert both["effective_examples"] == pytest.approx(words["effective_examples"])  # the same rows again
    assert gauges(client, "zoo_drift")["alcohol"] == 1 and gauges(client, "zoo_drift")["ash"] == 0
    psi = {row["name"]: row["psi"] for row in both["features"]}
    assert gauges(client, "zoo_drift_psi")["alcohol"] == pytest.approx(psi["alcohol"])


def test_chosen_outputs_leave_predictions_out(client, data):
    asked = {"inputs": tensors(client, columns(data)), "outputs": [{"name": "label"}]}
    client.post("/v2/models/wine/infer", json=asked).raise_for_status()
    found = drift_of(client)
    assert found["examples"] == len(data.test) and found["predictions"]["features"] == []


def test_requests_that_no_time_is_for_are_counted(client, data, monkeypatch):
    monkeypatch.setattr(drift_watch, "MAX_WAITING", 0)
    client.post("/predict/wine", json=columns(data)).raise_for_status()
    assert drift_of(client)["examples"] == 0 and client.get("/drift").json()["requests_left_out"] == 1
