"""Predictions from files, with onnxruntime alone."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from PIL import Image

from zoo.data.columns import take_columns
from zoo.data.raw_tensors import as_tensors
from zoo.data.tables.file import read_table
from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.predict import predict


@pytest.fixture
def model(trained):
    """Return a function from a kind of data to its exported file."""
    return lambda kind: trained(kind).run / "export" / "model.onnx"


def probabilities(results):
    return np.array([list(r["probabilities"].values()) for r in results])


def test_image_files_and_folders(trained, model, reopened):
    folder = trained("folder").data
    _, dataset, keras_model = reopened("folder")
    results = predict(model("folder"), [folder / "dog", folder / "cat" / "00.png"])
    files = [*sorted((folder / "dog").iterdir()), folder / "cat" / "00.png"]
    assert [r["input"] for r in results] == list(map(str, files))
    expected = [np.asarray(keras_model(np.asarray(Image.open(f).convert("RGB"))[None]))[0] for f in files]
    np.testing.assert_allclose(probabilities(results), expected, atol=1e-4)
    for result, wanted in zip(results, expected, strict=True):
        assert set(result) == {"input", "label", "probabilities"}
        assert list(result["probabilities"]) == list(dataset.signature.labels) == ["cat", "dog", "emu"]
        assert result["label"] == dataset.signature.labels[wanted.argmax()]
        assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    json.dumps(results, allow_nan=False)


def test_predictions_are_those_of_the_evaluation_pipeline(trained, model, reopened):
    """The files of the test split, decoded for serving, against the evaluation of the same split in Keras."""
    from zoo.tasks import TASKS
    from zoo.training.saved_outputs import saved_outcomes

    _, dataset, keras_model = reopened("folder")
    files = sorted(trained("folder").data.rglob("*.*"))
    results = predict(model("folder"), [files[i] for i in dataset.test.indices])
    task = TASKS["image_classification"]
    expected = saved_outcomes(keras_model, dataset.test, dataset.signature, task)
    np.testing.assert_allclose(probabilities(results), expected, atol=1e-4)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables(form, trained, model, reopened, tmp_path):
    _, dataset, keras_model = reopened("table")
    frame = pd.read_csv(trained("table").data, dtype={"zip code": str}).head(20)
    shuffled = frame[frame.columns[::-1]].drop(columns=["kind", "id"])
    path = tmp_path / f"rows.{form}"
    shuffled.to_csv(path, index=False) if form == "csv" else shuffled.to_parquet(path)
    results = predict(model("table"), [path])
    assert [r["input"] for r in results] == [f"{path}:{row}" for row in range(1, 21)]
    raw = take_columns(read_table(trained("table").data), dataset.signature.columns)
    raw = {name: values[:20] for name, values in raw.items()}
    expected = np.asarray(keras_model(as_tensors(raw, dataset.signature)))
    np.testing.assert_allclose(probabilities(results), expected, atol=1e-4)
    for row in range(20):  # a row alone is what it is among others
        one = shuffled.iloc[[row]]
        one.to_csv(path.with_suffix(".csv"), index=False)
        alone = predict(model("table"), [path.with_suffix(".csv")])
        np.testing.assert_allclose(probabilities(alone)[0], expected[row], atol=1e-4)


def test_numbers(trained, model, reopened):
    _, dataset, keras_model = reopened("regression")
    path = trained("regression").data
    results = predict(model("regression"), [path, path])
    frame = pd.read_parquet(path)
    raw = take_columns(frame, dataset.signature.columns, "")
    expected = np.asarray(keras_model(as_tensors(raw, dataset.signature)))[:, 0]
    assert len(results) == 2 * len(frame) and set(results[0]) == {"input", "value"}
    np.testing.assert_allclose([r["value"] for r in results], np.tile(expected, 2), rtol=1e-4)


def test_npz_of_images_vectors_and_columns(model, tmp_path):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (300, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=pixels)
    np.savez(tmp_path / "b.npz", test_images=pixels[..., None], test_labels=np.zeros(300))
    first, second = (predict(model("image"), [tmp_path / name]) for name in ("a.npz", "b.npz"))
    assert len(first) == 300 and first[299]["input"].endswith("a.npz:300")
    np.testing.assert_array_equal(probabilities(first), probabilities(second))
    vectors = generator.normal(size=(4, 5))
    np.savez(tmp_path / "v.npz", whatever=vectors)
    found = predict(model("array"), [tmp_path / "v.npz"])
    expected = ExportedModel(model("array")).predict(vectors.astype(np.float32)).probabilities
    np.testing.assert_array_equal(probabilities(found), expected)
    np.savez(tmp_path / "t.npz", rooms=[1, 2], city=np.array(["Ulm", "Rom"]), new=[True, False])
    assert len(predict(model("regression"), [tmp_path / "t.npz"])) == 2


def test_what_is_left_out_and_what_was_done_to_images_is_said(model, tmp_path):
    folder = tmp_path / "photos"
    for name in ("a/0.png", "1", ".hidden.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(folder / name, "PNG")
    Image.new("RGBA", (8, 8), (0, 0, 255, 0)).save(folder / "blue.png")
    (folder / "notes.heic").write_bytes(b"\0\0\0\x18ftypheic")
    notes = []
    results = predict(model("folder"), [folder], notes=notes)
    assert [r["input"] for r in results] == [str(folder / name) for name in ("1", "a/0.png", "blue.png")]
    np.testing.assert_array_equal(probabilities(results)[0], probabilities(results)[2])
    assert notes == [
        f"{folder}: left out, no images that can be read: 1 files: .heic (1)",
        f"{folder}: left out by the name of the file or its folder: 1 images: .hidden.png",
        f"{folder}: images by their content, whatever the suffix: 1 files: no suffix (1)",
        f"{folder}: 3 of 3 images have transparent pixels, which are laid on white",
    ]


def test_single_images_arrays_and_lists_agree(model):
    exported = ExportedModel(model("folder"))
    images = np.random.default_rng(0).integers(0, 256, (5, 30, 20, 3), dtype=np.uint8)
    together, one_by_one = exported.predict(images), exported.predict(list(images))
    np.testing.assert_allclose(together.probabilities, one_by_one.probabilities, atol=1e-6)
    assert together.labels == one_by_one.labels and together.values is None


# --- what must be refused -----------------------------------------------------------------------------------------


def refused(message, file, *inputs):
    with pytest.raises(ZooError, match=message):
        predict(file, inputs)


def test_tables_that_do_not_fit(model, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("room,city,new\n1,Ulm,True\n")
    refused(r"t\.csv: missing columns: rooms; did you mean 'room'\?", model("regression"), path)
    path.write_text("rooms,city,new\n1,Ulm,True\nfour,Rom,False\n")
    refused(r"t\.csv: column 'rooms' holds numbers, but row 2 \(line 3\) has 'four'", model("regression"), path)
    path.write_text("rooms,city,new\n")
    refused(r"t\.csv: the table has no rows", model("regression"), path)
    path.write_text("rooms,city,new\n1,Ulm,True\n")
    refused(r"t\.csv: the model was not trained on a table, and does not know which column holds", model("image"), path)
    (tmp_path / "paths.csv").write_text("file\ngone.png\n../x.png\n")
    refused(r"paths\.csv: 1 images that are not there: row 1 .*; 1 paths that", model("image"), tmp_path / "paths.csv")
    refused(r"model\.onnx takes arrays in an npz file or a \.ts file, not a table", model("array"), path)


def test_images_that_do_not_fit(model, trained, tmp_path):
    image = tmp_path / "a.png"
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(image)
    refused(r"a\.png: the image is 9×8, the model takes 8×8 \(train with a resize", model("image"), image)
    refused(r"model\.onnx takes tables, not images", model("table"), image)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)).save(image)
    image.write_bytes(image.read_bytes()[:70])
    refused(r"a\.png: not readable as an image", model("folder"), trained("folder").data / "cat", image)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for name, content in {
        "0.png": image.read_bytes(),
        "1.jpg": b"<html>404</html>",
        "2.png": b"",
        "x.eps": b"%!PS",
    }.items():
        (damaged / name).write_bytes(content)
    Image.new("L", (8, 8)).save(damaged / "whole.png")
    refused(r"damaged: 3 images cannot be read: 0\.png \(.+\), 1\.jpg \(.+\), 2\.png \(", model("image"), damaged)
    os.mkfifo(tmp_path / "pipe.png")
    refused(r"pipe\.png: not readable \(a pipe, not a file\)", model("image"), tmp_path / "pipe.png")
    (tmp_path / "empty").mkdir()
    refused(r"empty: the folder holds no images", model("image"), tmp_path / "empty")
    refused(r"input .*gone\.png does not exist", model("image"), tmp_path / "gone.png")
    (tmp_path / "notes.txt").touch()
    refused(
        r"model\.onnx takes images, or tables with a column of their paths, not text files",
        model("image"),
        tmp_path / "notes.txt",
    )
    (tmp_path / "notes.odt").touch()
    refused(r"notes\.odt: expected an image \(AVIF, BMP", model("image"), tmp_path / "notes.odt")


@pytest.mark.parametrize(
    ("kind", "arrays", "message"),
    [
        ("image", {"x": np.zeros((2, 8, 8))}, r"array 'x' must be uint8 \(examples, 8, 8, 1\), received float64"),
        ("image", {"x": np.zeros((2, 8, 9), np.uint8)}, r"received uint8 \(2, 8, 9, 1\)"),
        ("image", {"x": np.zeros((0, 8, 8), np.uint8)}, "array 'x' holds no examples"),
        (
            "folder",
            {"x": np.zeros((2, 8, 8, 1), np.uint8)},
            r"\(examples, any, any, 3\), received uint8 \(2, 8, 8, 1\)",
        ),
        ("array", {"x": np.zeros((2, 4))}, r"must be numbers \(examples, 5\), received float64 \(2, 4\)"),
        ("array", {"a": np.zeros((2, 5)), "b": np.zeros(2)}, "expected an array named 'x'; found a, b"),
        ("array", {"x": np.array([None])}, "array 'x' is not readable .it holds Python objects"),
        ("array", {}, "the file holds no arrays"),
        ("regression", {}, "the file holds no arrays"),
        ("regression", {"rooms": np.zeros(2), "city": np.zeros(3)}, r"one array \(examples,\) for each column"),
        ("regression", {"rooms": np.zeros((2, 2))}, r"one array \(examples,\) for each column"),
        ("regression", {"rooms": np.zeros(2)}, "missing columns: city, new"),
    ],
)
def test_arrays_that_do_not_fit(kind, arrays, message, model, tmp_path):
    np.savez(tmp_path / "d.npz", **arrays)
    refused(rf"d\.npz: .*{message}", model(kind), tmp_path / "d.npz")


def test_files_that_are_no_exported_models(model, tmp_path):
    refused(r"model file .*gone\.onnx does not exist", tmp_path / "gone.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    refused(r"text\.onnx: not readable as an ONNX model", tmp_path / "text.onnx")
    (tmp_path / "short.onnx").write_bytes(model("image").read_bytes()[:1000])
    refused(r"short\.onnx: not readable as an ONNX model", tmp_path / "short.onnx")
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "foreign", value[:1], value[1:])
    foreign = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(foreign, tmp_path / "foreign.onnx")
    refused(r"foreign\.onnx: lacks the metadata 'zoo\.signature'", tmp_path / "foreign.onnx")


def test_serving_needs_neither_tensorflow_nor_keras(model, trained, tmp_path):
    np.savez(tmp_path / "v.npz", x=np.zeros((2, 5)))
    script = textwrap.dedent("""
        import json, sys
        from zoo.serving.predict import predict

        results = [predict(*pair.split("|")[:1], pair.split("|")[1:]) for pair in sys.argv[1:]]
        heavy = {"tensorflow", "keras", "tensorflow_datasets", "sklearn", "matplotlib", "tf2onnx"} & set(sys.modules)
        print(json.dumps({"results": [len(r) for r in results], "heavy": sorted(heavy)}))
    """)
    pairs = [
        f"{model('folder')}|{trained('folder').data / 'cat'}",
        f"{model('table')}|{trained('table').data}",
        f"{model('array')}|{tmp_path / 'v.npz'}",
    ]
    done = subprocess.run([sys.executable, "-c", script, *pairs], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"results": [16, 120, 2], "heavy": []}
    assert done.stderr == ""
