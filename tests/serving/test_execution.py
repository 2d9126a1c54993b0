"""Where a file runs, what it is opened from, and batches that stream through it."""

import weakref
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.server.repository import Repository
from zoo.utils.execution import PROVIDERS, Execution

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
DIGITS, WINE = (EXPORTED / recipe / "model.onnx" for recipe in ("cnn/digits", "mlp/wine"))
IMAGES = np.random.default_rng(0).integers(0, 17, (12, 8, 8, 1), np.uint8)
LACKING = [name for name, (long, _) in PROVIDERS.items() if long not in onnxruntime.get_available_providers()]


@pytest.fixture(scope="module")
def digits():
    return ExportedModel(DIGITS)


@pytest.mark.parametrize("name", LACKING)
def test_a_provider_that_is_not_there_is_refused_with_those_that_are(name, zoo):
    with pytest.raises(ZooError, match=rf"provider '{name}': this onnxruntime has .*cpu.*; onnxruntime.* has it"):
        ExportedModel(DIGITS, providers=[name, "cpu"])
    for command in ("predict", "verify"):
        inputs = [str(DIGITS)] if command == "predict" else []
        code, _, err = zoo(command, str(DIGITS), *inputs, "--provider", name)
        assert (code, err.startswith(f"error: provider '{name}'")) == (2, True)


def test_a_provider_that_does_not_start_is_refused():
    with pytest.raises(ZooError, match="provider 'cuda': onnxruntime has it and cannot start it here"):
        Execution(providers=("cuda",)).check_started(["CPUExecutionProvider"])
    Execution(providers=("cpu",)).check_started(["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"providers": "cpus"}, r"expected one of cpu, cuda, openvino, coreml, received 'cpus'; did you mean 'cpu'\?"),
        ({"providers": []}, "expected different ones, at least one"),
        ({"providers": ["cpu", "cpu"]}, "expected different ones"),
        ({"threads": 0}, "expected a whole number from 1 to 1,024, received 0"),
        ({"threads": 1.5}, r"received 1\.5"),
        ({"threads": True}, "received True"),
    ],
)
def test_settings_that_are_none(settings, message):
    with pytest.raises(ZooError, match=message):
        ExportedModel(DIGITS, **settings)


def test_threads_are_those_of_the_session(digits):
    three = ExportedModel(DIGITS, threads=3)
    assert three.session.get_session_options().intra_op_num_threads == 3
    np.testing.assert_allclose(
        three.predict(IMAGES).probabilities, digits.predict(IMAGES).probabilities, rtol=1e-5, atol=1e-7
    )
    (served,) = Repository([str(DIGITS)], execution=Execution(threads=2))
    assert served.exported.session.get_session_options().intra_op_num_threads == 2


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_bytes_are_opened_as_their_file_is(digits, form):
    model = ExportedModel(form(DIGITS.read_bytes()))
    np.testing.assert_array_equal(model.predict(IMAGES).probabilities, digits.predict(IMAGES).probabilities)
    assert model.labels == digits.labels


def test_bytes_that_were_changed_are_refused():
    content = DIGITS.read_bytes()
    changed = content.replace(b"digits", b"digitz")
    assert changed != content
    with pytest.raises(ZooError, match=r"^model of bytes: not as it was exported"):
        ExportedModel(changed)
    ExportedModel(changed, verify=False)
    with pytest.raises(ZooError, match=r"^model of bytes: not readable as an ONNX model"):
        ExportedModel(content[: len(content) // 2])


def test_a_stream_answers_each_batch_as_it_comes_and_holds_one(digits):
    given = []

    def batches():
        for start in range(0, 12, 4):
            batch = IMAGES[start : start + 4].copy()
            given.append(weakref.ref(batch))
            yield batch
            del batch

    answers = digits.predict_stream(batches())
    assert given == []
    for number, prediction in enumerate(answers, start=1):
        assert len(given) == number
        assert sum(reference() is not None for reference in given) == 1
        expected = digits.predict(IMAGES[4 * number - 4 : 4 * number])
        np.testing.assert_array_equal(prediction.probabilities, expected.probabilities)
    assert number == 3


def test_chunks_of_a_table_stream(tmp_path):
    model = ExportedModel(WINE)
    rows = np.random.default_rng(1).uniform(1, 20, (10, len(model.columns)))
    frame = pd.DataFrame(rows, columns=[column.name for column in model.columns])
    frame.to_csv(tmp_path / "wine.csv", index=False)
    answers = model.predict_stream(pd.read_csv(tmp_path / "wine.csv", chunksize=4))
    streamed = [prediction.probabilities for prediction in answers]
    assert [len(part) for part in streamed] == [4, 4, 2]
    np.testing.assert_allclose(np.concatenate(streamed), model.predict(frame).probabilities, rtol=1e-5, atol=1e-7)


def test_a_batch_that_does_not_fit_is_named_by_its_number(digits):
    answers = digits.predict_stream([IMAGES, IMAGES[:, :5]])
    next(answers)
    with pytest.raises(ZooError, match=r"^batch 2: .*image"):
        next(answers)


@pytest.mark.parametrize("single", ["text", {"a": [1]}, pd.DataFrame({"a": [1]}), b"bytes"])
def test_a_single_batch_is_no_stream(single, digits):
    with pytest.raises(ZooError, match=r"expected an iterable of batches, received .*; use predict\(\)"):
        digits.predict_stream(single)
