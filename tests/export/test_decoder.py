"""`decoder.onnx`: metadata, certificate and sample of its own; images from embeddings and from noise."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.export.decoder import BESIDE, export_decoder
from zoo.recipe import load_recipe
from zoo.serving.exported_model import ExportedModel
from zoo.serving.verify_file import verify_file
from zoo.tasks import TASKS
from zoo.training.problem import set_up

EXPORTED = Path(__file__).resolve().parents[2] / "exported"


@pytest.fixture(scope="module", params=["autoencoder/digits", "autoencoder/digits_vae"])
def decoder(request, tmp_path_factory):
    """Export the decoder of an autoencoder that is not trained."""
    loaded = load_recipe(request.param, ["model.widths=[4]", "model.code=3"])
    data = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task], loaded.recipe.preprocess)
    data = replace(data, test=data.test.part(np.arange(20)), train=data.train.part(np.arange(64)))
    model = set_up(loaded.recipe, data).views.saved
    folder = tmp_path_factory.mktemp("decoder")
    export_decoder(folder, model, data, loaded)
    return SimpleNamespace(name=request.param, folder=folder, path=folder / "decoder.onnx", data=data, model=model)


def test_the_decoder_is_certified_and_verified(decoder):
    assert {path.name for path in decoder.folder.iterdir()} == set(BESIDE)
    certificate = json.loads((decoder.folder / "certificate.decoder.json").read_text())
    assert certificate["file"] == "decoder.onnx" and certificate["samples"] == 20
    assert certificate["outputs"]["reconstruction"]["max_abs_difference"] <= certificate["tolerance"] == 1e-4
    assert {"NaN", "batch of 0", "batch of 257"} <= {row["input"] for row in certificate["awkward_inputs"]}
    result = verify_file(decoder.path)
    assert result["ok"] and all(check["ok"] for check in result["checks"]), result


def test_a_decoder_that_was_changed_is_not_verified(decoder, tmp_path):
    for path in decoder.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = (tmp_path / "decoder.onnx").read_bytes()
    (tmp_path / "decoder.onnx").write_bytes(content + b"\x00")
    checks = {check["name"]: check["ok"] for check in verify_file(tmp_path / "decoder.onnx")["checks"]}
    assert checks["certificate"] is False


def test_embeddings_become_the_images_of_the_keras_model(decoder):
    raw = decoder.data.test.take(np.arange(20))
    expected = decoder.model.predict_on_batch(raw)
    model = ExportedModel(decoder.path)
    found = model.reconstruct(expected["embedding"])
    np.testing.assert_allclose(found, expected["reconstruction"], atol=1e-5)
    assert model.reconstruct(np.zeros((0, 3))).shape == (0, 8, 8, 1)
    np.testing.assert_allclose(model.reconstruct(expected["embedding"][0]), found[:1], atol=1e-6)
    with pytest.raises(ZooError, match=r"decoder\.onnx: embedding: expected 3 each, received float64 \(2, 4\)"):
        model.reconstruct(np.zeros((2, 4)))
    with pytest.raises(ZooError, match=r"makes images from embedding; use sample\(\)"):
        model.predict(expected["embedding"])


def test_noise_is_drawn_as_the_metadata_say(decoder, zoo):
    model = ExportedModel(decoder.path)
    facts = json.loads(model.metadata["zoo.signature"])["noise"]
    train = decoder.model.predict_on_batch(decoder.data.train.take(np.arange(64)))["embedding"]
    mean, deviation = np.zeros(3), np.ones(3)  # the prior of a variational autoencoder
    if decoder.name == "autoencoder/digits":
        mean, deviation = train.mean(0), train.std(0)
        np.testing.assert_allclose([facts["mean"], facts["deviation"]], [mean, deviation], rtol=1e-5)
    assert (facts["input"], facts["distribution"]) == ("embedding", "normal")
    drawn = np.random.default_rng(7).standard_normal((5, 3), np.float32)
    images = model.reconstruct(np.float32(mean) + np.float32(deviation) * drawn)
    pixels = np.rint(np.clip(images, 0, 1) * 255).astype(int)
    assert np.abs(model.sample(5, seed=7).astype(int) - pixels).max() <= 1
    code, _, _ = zoo("sample", str(decoder.path), "--count", "4", "--output", "drawn.png")
    assert code == 0 and Image.open("drawn.png").size[0] >= 16


def test_other_files_have_no_decoder():
    with pytest.raises(ZooError, match=r"reconstructing is for decoder\.onnx, and the file's task is image_generation"):
        ExportedModel(EXPORTED / "gan/digits/model.onnx").reconstruct(np.zeros((1, 64)))
