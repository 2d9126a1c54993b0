"""Several labels of an example of TFDS: those of its objects, or a sequence of classes."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from zoo.data.feature_labels import label_picker, names_of_labels
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

ANIMALS = tfds.features.ClassLabel(names=["ant", "bee", "cat"])
FEATURES = tfds.features.FeaturesDict(
    {
        "objects": tfds.features.Sequence({"bbox": tfds.features.BBoxFeature(), "label": ANIMALS}),
        "labels": tfds.features.Sequence(ANIMALS),
        "label": ANIMALS,
    }
)


def test_each_label_counts_once():
    example = {"objects": {"label": np.array([2, 0, 2])}, "labels": np.array([], np.int64)}
    assert label_picker(FEATURES, "objects")(example).numpy().tolist() == [1, 0, 1]
    assert label_picker(FEATURES, "labels")(example).numpy().tolist() == [0, 0, 0]
    assert names_of_labels(FEATURES["objects"]) == names_of_labels(FEATURES["labels"]) == ("ant", "bee", "cat")
    with pytest.raises(ZooError, match="feature 'label' must be a sequence of classes, or of objects"):
        label_picker(FEATURES, "label")


@pytest.mark.ci
def test_labels_and_boxes_of_scenes_are_the_same_objects():
    """Both are picked from one feature, and cached apart."""
    data = Data(source="builtin:digit_scenes", target="objects", validation=0.1)
    boxes = load_dataset(data, TASKS["object_detection"]).test
    labels = load_dataset(data, TASKS["image_multi_label_classification"]).test
    expected = [[int(digit in row[:, 4]) for digit in range(10)] for row in boxes.targets]
    assert labels.targets.tolist() == expected and labels.targets.dtype == np.uint8
