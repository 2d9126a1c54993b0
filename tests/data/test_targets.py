"""Classes that become normal and abnormal."""

import numpy as np
import pytest

from zoo.data.dataset import Signature, whole
from zoo.data.inputs import ArrayInputs
from zoo.data.sources.load import load_dataset
from zoo.data.targets import separate_abnormal
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

SIGNATURE = Signature("image", "label", (2, 2, 1), labels=("cat", "dog", "emu"))


def splits():
    y = np.array([0, 1, 2, 2, 1, 0, 0], np.int32)
    return [whole(ArrayInputs(np.arange(7 * 4, dtype=np.uint8).reshape(7, 2, 2, 1)), y) for _ in range(3)]


def test_training_keeps_what_is_normal():
    data = Data(source="builtin:digits", abnormal=["emu", "cat"])
    signature, (train, validation, test) = separate_abnormal(SIGNATURE, splits(), data)
    assert signature.labels == ("normal", "abnormal")
    np.testing.assert_array_equal(train.targets, [0, 0])
    np.testing.assert_array_equal(train.take([0, 1])[:, 0, 0, 0], [4, 16])
    for split in (validation, test):
        np.testing.assert_array_equal(split.targets, [1, 0, 1, 1, 0, 1, 1])
        assert len(split) == 7


@pytest.mark.parametrize(
    ("abnormal", "message"),
    [
        (["eum"], "names the class 'eum', which builtin:digits lacks; did you mean 'emu'"),
        (["cat", "dog", "emu"], "names every class"),
    ],
)
def test_bad_names_are_refused(abnormal, message):
    with pytest.raises(ZooError, match=message):
        separate_abnormal(SIGNATURE, splits(), Data(source="builtin:digits", abnormal=abnormal))


def test_the_digits_without_one():
    recipe = load_recipe("autoencoder/digits_anomaly").recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    assert set(dataset.train.targets) == {0} and set(dataset.test.targets) == {0, 1}
    assert 0.05 < dataset.test.targets.mean() < 0.15
    assert any("abnormal" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("autoencoder/digits_anomaly", ["data.abnormal=null"], "data.abnormal: required, and missing"),
        ("autoencoder/digits_anomaly", ["preprocess=[{standardize: {}}]"], r"pixels lie in \[0, 1\]"),
        ("autoencoder/digits", ["preprocess=[]"], r"pixels lie in \[0, 1\]"),
        ("gan/digits", ["preprocess=[{rescale: {scale: 1/255}}]"], "made from -1 to 1"),
        ("diffusion/digits", ["sampling=null"], "sampling: required, and missing"),
    ],
)
def test_recipes_that_cannot_work(name, overrides, message):
    with pytest.raises(ZooError, match=message):
        load_recipe(name, overrides)
