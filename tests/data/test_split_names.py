"""The usual names of splits."""

import pytest

from zoo.data.split_names import SPLIT_NAMES, split_of_folder, split_of_text


@pytest.mark.parametrize("split", SPLIT_NAMES)
def test_usual_names_are_found_in_any_case(split):
    for name in SPLIT_NAMES[split]:
        assert {split_of(form) for split_of in (split_of_folder, split_of_text) for form in (name, name.upper())} == {
            split
        }


def test_abbreviations_name_splits_in_columns_alone():
    assert [split_of_text(name) for name in ("tr", "TE", "other")] == ["train", "test", None]
    assert [split_of_folder(name) for name in ("tr", "te", "other")] == [None, None, None]
