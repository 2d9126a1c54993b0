"""`zoo.load`: a run, and the model of a `.keras` file."""

import numpy as np
import pytest

import zoo
from zoo.commands.reopen import reopen
from zoo.data.raw_tensors import as_tensors
from zoo.errors import ZooError


@pytest.mark.ci
@pytest.mark.parametrize("kind", ["table", "folder"])
def test_a_run_and_its_file(kind, trained):
    run = trained(kind).run
    model, same = zoo.load(run).model, zoo.load(str(run / "model.keras"))
    _, _, dataset = reopen(run)
    raw = dataset.test.take(np.arange(1))
    raw = raw[0][None] if isinstance(raw, list) else as_tensors(raw, dataset.signature)
    assert np.array_equal(model.predict_on_batch(raw), same.predict_on_batch(raw))


def test_what_is_no_run_and_no_model(tmp_path):
    with pytest.raises(ZooError, match="is not a run folder"):
        zoo.load(tmp_path)
    with pytest.raises(ZooError, match="does not exist; expected a run folder"):
        zoo.load(tmp_path / "model.keras")
    (tmp_path / "model.keras").write_bytes(b"PK")
    with pytest.raises(ZooError, match="not readable as a Keras model"):
        zoo.load(tmp_path / "model.keras")
