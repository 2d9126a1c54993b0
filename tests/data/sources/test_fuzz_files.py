"""Odd files of every kind are read as another reader reads them, or refused: nothing else happens."""

from collections import Counter

import pytest
from fuzz_files import KINDS, outcome


def outcomes(kind, numbers, tmp_path):
    found = Counter()
    for number in numbers:
        folder = tmp_path / str(number)
        folder.mkdir()
        found[outcome(kind, number, folder)] += 1
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_odd_files_are_read_or_refused(kind, tmp_path):
    found = outcomes(kind, range(12), tmp_path)
    assert set(found) == {"accepted", "refused"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_odd_files_are_read_or_refused(kind, tmp_path):
    found = outcomes(kind, range(12, 162), tmp_path)
    print(kind, dict(found))
    assert set(found) == {"accepted", "refused"}
