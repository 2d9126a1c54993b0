import numpy as np
import pytest

from zoo.utils.shapes import as_shape


@pytest.mark.parametrize(
    "value", [32, "32", b"32", (), (0,), (-1, 2), (True, 2), (2.0, 2), ("2",), [[2, 2]], {"a": 1}, None]
)
def test_what_is_no_shape(value):
    assert as_shape(value) is None


@pytest.mark.parametrize("value", [[2, None], (2, None), np.array([2, None]), iter([np.int64(2), None])])
def test_shapes(value):
    assert as_shape(value) == (2, None)
