"""Values are looked at in their own type before they are narrowed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from zoo.data.arrays import MAX_IDS, as_features, as_ids, as_pixels, finite_examples
from zoo.errors import ZooError

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


def whole_numbers(dtype):
    """Return a strategy for small arrays of a type, near the ends of uint8, int32 and the type itself."""
    limits = np.iinfo(dtype)
    near = [0, 255, 256, MAX_IDS, 2**31, 2**32, 2**40, limits.min, limits.max]
    values = [v for n in near for v in (n - 1, n, n + 1) if limits.min <= v <= limits.max]
    return arrays.arrays(dtype, (3, 4), elements=st.sampled_from(values))


@pytest.mark.parametrize("dtype", INTEGERS)
@settings(max_examples=20)
@given(data=st.data())
def test_whole_numbers_stay_what_they_are_or_are_refused(dtype, data):
    x = data.draw(whole_numbers(dtype))
    wanted = [[int(v) for v in row] for row in x]  # Python's whole numbers have no end
    for narrow, limit in ((as_pixels, 256), (as_ids, MAX_IDS)):
        wrong = [v for row in wanted for v in row if not 0 <= v < limit]
        if not wrong:
            assert narrow(x, "x").tolist() == wanted
            continue
        with pytest.raises(ZooError) as error:
            narrow(x, "x")
        assert any(f" has {v} " in str(error.value) for v in wrong)


def test_the_first_place_and_the_count_are_named():
    x = np.zeros((3, 2, 2), np.int64)
    x[1, 0, 1], x[2, 1, 1] = 300, 2**40
    with pytest.raises(
        ZooError, match=r"^a: pixels must be 0 to 255, and example 2 at \[0, 1\] has 300 \(2 such of 12 v"
    ):
        as_pixels(x, "a")
    with pytest.raises(
        ZooError, match=r"token ids must be below 16,777,216, and example 3 at \[1, 1\] has 1099511627776"
    ):
        as_ids(x, "a")
    for wrong, message in (
        (0.5, "must be whole numbers"),
        (np.nan, "must be whole numbers"),
        (-1.0, "not be negative"),
    ):
        with pytest.raises(ZooError, match=message):
            as_ids(np.array([0.0, wrong]), "a")
    assert as_ids(np.array([0.0, 7.0]), "a").tolist() == [0, 7]
    for x in (np.zeros(2, bool), np.zeros(2) + 0.5, np.array(["1"])):
        with pytest.raises(ZooError, match="images must be uint8, 0 to 255, received"):
            as_pixels(x, "a")


SECONDS = 1_700_000_000


@pytest.mark.parametrize(
    ("x", "is_taken"),
    [
        (np.random.default_rng(0).normal(size=(500, 3)), True),
        (np.arange(500.0).reshape(-1, 1) % 2 + 2020, True),  # years: float32 holds them as they are
        (np.arange(500).reshape(-1, 1) * 86_400 * 30 + SECONDS, True),  # months: rounded to 128 s
        (np.arange(500).reshape(-1, 1) * 30 + SECONDS, False),
        (np.arange(500.0).reshape(-1, 1) * 1e-9 + 1, False),
        (np.full((500, 1), SECONDS + 1), True),  # all the same, and so is what is left of them
        (np.arange(500).reshape(-1, 1) * (1 << 40), True),
        (np.arange(500).reshape(-1, 1) + (1 << 40), False),
    ],
)
def test_features_that_float32_cannot_tell_apart_are_refused(x, is_taken):
    """The rule, in other words: standardised before and after the narrowing, values differ by a ten-thousandth."""
    narrow = x.astype(np.float32).astype(np.float64)
    spread = x.std(axis=0)
    assert (np.abs(narrow - x).max(axis=0) <= 1e-4 * spread).all() == is_taken or (spread == 0).all()
    if is_taken:
        np.testing.assert_array_equal(as_features(x, "a"), x.astype(np.float32))
    else:
        with pytest.raises(ZooError, match=r"^a: float32, which models take, rounds 1 of 1 features by more than"):
            as_features(x, "a")


def test_numbers_beyond_float32_are_refused_and_gaps_stay():
    x = np.array([[1.0, 2.0], [3.0, -1e39], [np.nan, 1.0]])
    with pytest.raises(
        ZooError, match=r"^a: float32 must hold numbers, and example 2 at \[1\] has -1e\+39 \(1 such of 6"
    ):
        as_features(x, "a")
    x[1, 1] = np.inf
    assert finite_examples(as_features(x, "a")).tolist() == [True, False, False]
