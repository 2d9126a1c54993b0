"""Files of weights with the names and shapes of other libraries' networks (`make_references.py`)."""

import json

import numpy as np
import pytest
from reference_numbers import REFERENCES, numbers


@pytest.fixture
def reference(tmp_path):
    """Return a function from the name of a reference to its facts, tensors, and a safetensors file of them."""

    def load(name):
        from safetensors.numpy import save_file

        facts = json.loads((REFERENCES / f"{name}.json").read_text())
        tensors = {
            key: numbers(key, shape) if dtype.startswith("float") else np.zeros(shape, dtype)
            for key, (dtype, *shape) in facts["tensors"].items()
        }
        path = tmp_path / f"{name}.safetensors"
        save_file(tensors, path)
        return facts, tensors, path

    return load
