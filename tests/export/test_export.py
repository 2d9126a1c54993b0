"""The exported file against the Keras model: every kind of input, every opset, any batch, and what must be refused."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from in_ci import in_ci
from onnx import numpy_helper
from PIL import Image

from zoo.data.dataset import Signature
from zoo.data.raw_tensors import as_tensors
from zoo.errors import ZooError
from zoo.export import export as export_module
from zoo.export.convert import to_onnx
from zoo.export.export import converted, export_run
from zoo.export.kinds import KINDS as EXPORTERS
from zoo.layers.residual import convolution
from zoo.recipe.load import published_source
from zoo.serving.exported_model import ExportedModel
from zoo.tasks import TASKS
from zoo.training.run import Run
from zoo.training.saved_model import load_model
from zoo.utils.files import read_json

KINDS = ["image", "folder", "table", "regression", "array"]


def exporter_of(run):
    return EXPORTERS[TASKS[run.recipe().recipe.task].kind]


def session(content):
    if isinstance(content, onnx.ModelProto):
        content = content.SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def feed(raw, signature):
    """Return raw examples as the file takes them: written out here, apart from the package's own session."""
    if signature.kind == "table":
        names = signature.to_json()["inputs"]
        return {names[c.name]: raw[c.name][:, None] for c in signature.columns}
    return {signature.kind: raw}


def examples(dataset, count):
    raw = dataset.test.take(np.arange(count) % len(dataset.test))
    if isinstance(raw, list):  # of one size, to make a batch of
        return np.random.default_rng(0).integers(0, 256, (count, 21, 33, 3), dtype=np.uint8)
    return raw


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_equals_the_model_on_the_whole_test_split(kind, reopened):
    run, dataset, model = reopened(kind)
    certificate = read_json(run.folder / "export" / "certificate.json")
    assert certificate["max_abs_difference"] <= certificate["tolerance"]
    assert certificate["tolerance"] == 1e-4 or kind == "regression"
    assert certificate["label_flips"] == 0 and certificate["samples"] == len(dataset.test)
    source = published_source(dataset.name)
    assert certificate["data"] == {"source": source, "fingerprint": dataset.fingerprint}
    found = session(str(run.folder / "export" / "model.onnx"))
    worst = 0.0
    for position in range(len(dataset.test)):
        raw = dataset.test.take([position])
        raw = raw[0][None] if isinstance(raw, list) else raw
        keras_output = np.asarray(model(as_tensors(raw, dataset.signature)))
        output = found.run(None, feed(raw, dataset.signature))
        worst = max(worst, np.abs(output[0].reshape(keras_output.shape) - keras_output).max())
        if dataset.signature.labels:
            assert output[1].tolist() == [dataset.signature.labels[i] for i in keras_output.argmax(1)]
    assert worst <= (0.5 if kind == "regression" else 1e-4)
    assert worst == pytest.approx(certificate["max_abs_difference"], abs=0.01 if kind == "regression" else 1e-5)


@pytest.mark.parametrize("kind", in_ci(KINDS, but=["table"]))
@pytest.mark.parametrize("opset", [13, *(pytest.param(opset, marks=pytest.mark.slow) for opset in range(14, 18)), 18])
def test_every_opset_and_any_batch(kind, opset, reopened):
    run, dataset, model = reopened(kind)
    proto = exporter_of(run).graph(model, dataset.signature, opset=opset)
    onnx.checker.check_model(proto, full_check=True)
    assert next(o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")) == opset
    found = session(proto)
    scale = 1e4 if kind == "regression" else 1
    for count in (1, 7):
        raw = examples(dataset, count)
        expected = np.asarray(model(as_tensors(raw, dataset.signature)))
        output = found.run(None, feed(raw, dataset.signature))
        assert len(output[0]) == count
        np.testing.assert_allclose(output[0].reshape(expected.shape), expected, atol=1e-5 * scale)


@pytest.mark.parametrize("kind", KINDS)
def test_names_shapes_and_metadata(kind, reopened):
    run, dataset, _ = reopened(kind)
    path = run.folder / "export" / "model.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    found = session(str(path))
    inputs = {i.name: (i.type, i.shape) for i in found.get_inputs()}
    outputs = {o.name: (o.type, o.shape) for o in found.get_outputs()}
    assert (
        inputs
        == {
            "image": {"image": ("tensor(uint8)", ["batch", 8, 8, 1])},
            "folder": {"image": ("tensor(uint8)", ["batch", "height", "width", 3])},
            "table": {
                "size_in_cm": ("tensor(float)", ["batch", 1]),
                "groe": ("tensor(float)", ["batch", 1]),
                "colour": ("tensor(string)", ["batch", 1]),
                "zip_code": ("tensor(string)", ["batch", 1]),
            },
            "regression": {
                "rooms": ("tensor(float)", ["batch", 1]),
                "city": ("tensor(string)", ["batch", 1]),
                "new": ("tensor(float)", ["batch", 1]),
            },
            "array": {"array": ("tensor(float)", ["batch", 5])},
        }[kind]
    )
    labels = dataset.signature.labels
    if labels:
        assert outputs == {
            "probabilities": ("tensor(float)", ["batch", len(labels)]),
            "label": ("tensor(string)", ["batch"]),
        }
    else:
        assert outputs == {"value": ("tensor(float)", ["batch"])}
    metadata = found.get_modelmeta().custom_metadata_map
    signature = json.loads(metadata["zoo.signature"])
    assert signature == json.loads(
        json.dumps({**dataset.signature.to_json(), "task": run.recipe().recipe.task, "recipe": kind})
    )
    assert json.loads(metadata["zoo.data"])["fingerprint"] == dataset.fingerprint
    assert "keras" in json.loads(metadata["zoo.versions"])
    assert metadata["zoo.recipe"] == run.recipe().published_yaml()


def test_images_are_taken_as_they_are_decoded(reopened):
    """Files of odd sizes, grey and colour, PNG and JPEG, straight from Pillow, against the Keras model."""
    run, _, model = reopened("folder")
    found = session(str(run.folder / "export" / "model.onnx"))
    files = sorted((run.folder.parents[2] / "data").rglob("*.*"))
    assert {file.suffix for file in files} == {".png", ".jpg"}
    for file in files[::3]:
        pixels = np.asarray(Image.open(file).convert("RGB"))[None]
        np.testing.assert_allclose(
            found.run(["probabilities"], {"image": pixels})[0], np.asarray(model(pixels)), atol=1e-4
        )


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (600, 2), (64, 48)])
def test_images_of_extreme_sizes(size, reopened):
    run, _, model = reopened("folder")
    pixels = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    found = ExportedModel(run.folder / "export" / "model.onnx").predict(pixels)
    np.testing.assert_allclose(found.probabilities, np.asarray(model(pixels)), atol=1e-4)


def test_gaps_and_categories_not_seen_in_training(reopened):
    run, dataset, model = reopened("table")
    raw = {
        "size, in cm": np.array([np.nan, 3, np.nan, 1e6], np.float32),
        "größe": np.array([1, np.nan, np.nan, -1e6], np.float32),
        "colour": np.array(["", "green\nblue", "never seen", "weiß"], dtype=object),
        "zip code": np.array(["01234", "1234", "", "9"], dtype=object),
    }
    found = ExportedModel(run.folder / "export" / "model.onnx").predict(raw)
    np.testing.assert_allclose(found.probabilities, np.asarray(model(as_tensors(raw, dataset.signature))), atol=1e-4)
    assert np.isfinite(found.probabilities).all()
    assert len({tuple(row) for row in found.probabilities.tolist()}) == 4


# --- what must be refused -----------------------------------------------------------------------------------------


@pytest.fixture
def copied(reopened, tmp_path):
    """Return a function that copies a run without its export, and gives what `export_run` takes."""
    import shutil

    def copy(kind):
        run, dataset, model = reopened(kind)
        shutil.copytree(run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("export", "tensorboard"))
        return Run(tmp_path / "run"), dataset, model

    return copy


def perturbed(*arguments, **options):
    """Convert, and change one weight of the graph."""
    proto = converted(*arguments, **options)
    kernels = [t for t in proto.graph.initializer if t.data_type == onnx.TensorProto.FLOAT and len(t.dims) == 2]
    kernel = max(kernels, key=lambda t: np.prod(t.dims))
    values = numpy_helper.to_array(kernel) + np.eye(*kernel.dims, dtype=np.float32)
    kernel.CopyFrom(numpy_helper.from_array(values, kernel.name))
    return proto


@pytest.mark.parametrize("kind", in_ci(KINDS, but=["table"]))
def test_a_file_that_differs_is_refused_and_removed(kind, copied, monkeypatch):
    run, dataset, model = copied(kind)
    export_run(run, dataset, model)
    folder = run.folder / "export"
    assert {p.name for p in folder.iterdir()} == {
        "model.onnx",
        "certificate.json",
        "card.md",
        "sample.npz",
        "sample.json",
    }
    monkeypatch.setattr(export_module, "converted", perturbed)
    with pytest.raises(ZooError, match=r"the exported file differs from the Keras model by .* it was removed"):
        export_run(run, dataset, model)
    assert list(folder.iterdir()) == []


def test_a_file_that_gives_the_wrong_label_is_refused(copied, monkeypatch):
    def relabelled(*arguments, **options):
        proto = converted(*arguments, **options)
        names = next(t for t in proto.graph.initializer if t.name == "label_names")
        names.string_data[:] = names.string_data[::-1]
        return proto

    run, dataset, model = copied("array")
    monkeypatch.setattr(export_module, "converted", relabelled)
    with pytest.raises(ZooError, match=rf"in [1-9]\d* of {len(dataset.test)} labels; it was removed"):
        export_run(run, dataset, model)
    assert not list((run.folder / "export").iterdir())


def test_an_output_that_is_no_number_is_no_match(reopened, tmp_path):
    run, dataset, model = reopened("array")
    path = run.folder / "export" / "model.onnx"
    arguments, measure = (dataset.test, dataset.signature), exporter_of(run).measure
    assert measure(path, model, *arguments).max_abs_difference < 1e-4
    broken = SimpleNamespace(predict_on_batch=lambda x: np.where(np.arange(3) == 0, np.nan, model.predict_on_batch(x)))
    assert measure(path, broken, *arguments).max_abs_difference == np.inf
    narrower = SimpleNamespace(predict_on_batch=lambda x: model.predict_on_batch(x)[:, :2])
    with pytest.raises(ZooError, match=r"gives outputs of the shape \(\d+, 3\), the model \(\d+, 2\)"):
        measure(path, narrower, *arguments)


def test_a_model_without_an_onnx_form_says_so(copied, monkeypatch):
    import keras

    run, dataset, _ = copied("array")
    inputs = keras.Input((5,), name="array")
    order = keras.ops.cast(keras.ops.searchsorted(np.arange(4.0, dtype=np.float32), keras.ops.ravel(inputs)), "float32")
    model = keras.Model(inputs, keras.layers.Softmax()(keras.ops.reshape(order, (-1, 5))[:, :3]))
    with pytest.raises(ZooError, match="has no ONNX form at opset 18"):
        export_run(run, dataset, model)
    assert not (run.folder / "export" / "model.onnx").exists()


# --- models beyond the tiny runs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("mlp", {"activation": "gelu", "norm": "layer"}),
        ("mlp", {"activation": "hard_swish", "norm": "rms", "residual": True}),
        ("cnn", {"widths": [4], "activation": "mish", "norm": "group"}),
        ("resnet20", {}),
    ],
)
def test_models_of_the_registry(name, config):
    import keras

    from zoo import registry

    if config.get("norm") == "group":
        config = {**config, "widths": [8]}
    signature = Signature("image", "class", (16, 16, 3), labels=("a", "b", "c"))
    raw = keras.Input((16, 16, 3), dtype="uint8", name="image")
    network = registry.build(name, input_shape=(16, 16, 3), outputs=3, **config)
    scaled = keras.layers.Rescaling([1 / 50, 1 / 60, 1 / 70], [-2.0, -2.5, -1.5])(raw)
    model = keras.Model(raw, keras.layers.Softmax(name="probabilities")(network(scaled)), name=name)
    found = session(EXPORTERS["classification"].graph(model, signature, opset=18))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    np.testing.assert_allclose(found.run(None, {"image": pixels})[0], np.asarray(model(pixels)), atol=1e-4)


# --- certificate and card -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["layer", "rms"])
@pytest.mark.parametrize("opset", [13, 18])
def test_maps_of_one_pixel_are_normalized_over_their_channels(norm, opset):
    """tf2onnx moves the transpose behind a square, and took the shape from before."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((4, 4, 3))
    for i in (1, 2):
        x = convolution(x, 6, 3, stride=2, norm=norm, name=f"layer{i}")
    shortcut = x
    x = convolution(keras.layers.ReLU()(x), 6, 3, norm=norm, name="layer3")
    model = keras.Model(inputs, keras.layers.Add()([shortcut, x]))
    images = np.random.default_rng(0).normal(size=(3, 4, 4, 3)).astype("float32")
    found = session(to_onnx(model, ["x"], ["y"], opset=opset)).run(None, {"x": images})[0]
    np.testing.assert_allclose(found, model.predict_on_batch(images), atol=1e-5)


def test_tf2onnx_is_left_as_it_was():
    """Erfc, from exact GELU, and the shapes of squares are taught for one conversion only."""
    from tf2onnx.handler import tf_op
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

    before = TransposeOptimizer._mul_handler
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.ops.gelu(inputs, approximate=False))
    x = np.linspace(-3, 3, 6, dtype=np.float32).reshape(2, 3)
    found = session(to_onnx(model, ["x"], ["y"])).run(None, {"x": x})[0]
    np.testing.assert_allclose(found, model.predict_on_batch(x), atol=1e-6)
    assert TransposeOptimizer._mul_handler is before
    assert not any("Erfc" in handlers for opset in tf_op.get_opsets().values() for handlers in opset)


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_gives_figures_input_output_and_proof(kind, reopened):
    run, dataset, _ = reopened(kind)
    card = (run.folder / "export" / "card.md").read_text(encoding="utf-8")
    report, certificate = read_json(run.folder / "report.json"), read_json(run.folder / "export" / "certificate.json")
    for name, value in report["metrics"]["test"].items():
        low, high = report["intervals"]["test"].get(name) or (None, None)
        interval = "" if low is None else f"{low:.4f} to {high:.4f}"
        assert f"| {name.replace('_', ' ')} | {value:.4f} | {interval} |" in card
    assert report["verdict"] in card and dataset.fingerprint[:16] in card and certificate["sha256"][:16] in card
    assert f"{certificate['max_abs_difference']:.1e}" in card and f"all {certificate['samples']:,} test" in card
    for name in dataset.signature.input_names:
        assert f"`{name}`" in card
    for finding in report["data"]["findings"]:
        assert finding["message"] in card


@pytest.mark.parametrize("kind", ["image", "folder", "array"])
def test_the_card_shows_code_that_runs(kind, reopened, monkeypatch):
    run, dataset, _ = reopened(kind)
    card = (run.folder / "export" / "card.md").read_text(encoding="utf-8")
    code = card.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(run.folder / "export")
    names = {}
    exec(code, names)
    assert names["probabilities"].shape == (1, len(dataset.signature.labels))
    assert names["label"][0] in dataset.signature.labels


def test_the_certificate_describes_the_file(reopened):
    import hashlib

    run, _, _ = reopened("image")
    content = (run.folder / "export" / "model.onnx").read_bytes()
    certificate = read_json(run.folder / "export" / "certificate.json")
    assert certificate["sha256"] == hashlib.sha256(content).hexdigest() and certificate["bytes"] == len(content)
    assert certificate["opset"] == 18 and certificate["split"] == "test" and certificate["versions"]["onnx"]


def test_the_saved_model_is_what_was_trained(reopened):
    run, dataset, model = reopened("image")
    again = load_model(run)
    raw = dataset.test.take(np.arange(20))
    np.testing.assert_array_equal(np.asarray(again(raw)), np.asarray(model(raw)))
