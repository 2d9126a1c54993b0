"""Numbers far from 0: centred and scaled in float64, in Keras and in the exported file alike."""

import keras
import numpy as np
import onnxruntime
import pytest

from zoo.backend.startup import start_keras
from zoo.data.columns import Column
from zoo.data.dataset import Dataset, Signature, whole
from zoo.data.inputs import TableInputs
from zoo.data.preprocessing import fit_preprocessor
from zoo.data.raw_tensors import as_tensors
from zoo.errors import ZooError
from zoo.export.convert import check_graph, to_onnx
from zoo.layers.preprocessing import DoubleRescaling, WindowRestore, WindowStandardize
from zoo.recipe.steps import PreprocessStep

start_keras()
DRAW = np.random.default_rng(0)
SECONDS = 1_700_000_000.0 + 30 * np.arange(60)
SMALL = DRAW.normal(size=60).astype(np.float32)


def table():
    columns = (Column("t", "number", double=True), Column("a", "number"))
    split = whole(TableInputs({"t": SECONDS, "a": SMALL}), np.zeros(60, np.int32))
    signature = Signature("table", "y", columns=columns, labels=("n", "p"))
    return Dataset(name="made", signature=signature, train=split, validation=split, test=split, fingerprint="f")


def converted(model, names, tmp_path):
    """Return a session of a model that was saved, loaded and converted."""
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    proto = to_onnx(loaded, names, ["out"])
    check_graph(proto, loaded, 18)
    return loaded, onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])


def test_seconds_are_standardized_in_keras_and_in_the_file(tmp_path):
    dataset = table()
    fitted = fit_preprocessor([PreprocessStep.model_validate({"standardize": {}})], dataset)
    raw = dataset.train.take(np.arange(60))
    expected = np.stack([(x.astype(np.float64) - x.mean(dtype=np.float64)) / x.std(dtype=np.float64)
                         for x in (SECONDS, SMALL)], 1)  # fmt: skip
    prepared = fitted.prepare(raw)
    assert prepared.dtype == np.float64
    np.testing.assert_allclose(np.asarray(fitted.normalize()(prepared)), expected, atol=1e-5)
    inputs = fitted.raw_inputs()
    model = keras.Model(inputs, fitted.normalize()(fitted.to_shape(inputs)), name="m")
    loaded, session = converted(model, ["t", "a"], tmp_path)
    found = np.asarray(loaded(as_tensors(raw, dataset.signature)))
    answered = session.run(None, {"t": SECONDS[:, None], "a": SMALL[:, None]})[0]
    assert found.dtype == answered.dtype == np.float32 and len(np.unique(answered[:, 0])) == 60
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(answered, expected, atol=1e-5)


def test_what_nothing_centres_is_refused():
    with pytest.raises(ZooError, match="float32 would merge different values of 't'; put standardize"):
        fit_preprocessor([], table())


def test_an_offset_goes_into_a_window_and_comes_back(tmp_path):
    x = DRAW.normal(0, 13, (8, 6, 1))
    raw = keras.Input((6, 1), dtype="float64", name="array")
    scaled, mean, deviation = WindowStandardize(dtype="float64")(raw)
    restored = WindowRestore(dtype="float64")(keras.layers.Flatten()(scaled), mean, deviation)
    model = keras.Model(raw, DoubleRescaling([1.0], [-5.0], "float64")(restored), name="m")
    loaded, session = converted(model, ["array"], tmp_path)
    for offset in (0.0, 1.7e9):
        expected = x[..., 0] + offset - 5
        for found in (np.asarray(loaded(x + offset)), session.run(None, {"array": x + offset})[0]):
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, expected, atol=1e-4)
