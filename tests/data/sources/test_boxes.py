"""`coco:`, `yolo:` and `voc:`: the scenes from files, and what is said of boxes."""

import numpy as np
import pytest

from tests.data.sources.annotated import DIGITS, expected_boxes, scenes, write_coco, write_voc, write_yolo
from zoo.data.sources.load import load_dataset
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

WRITERS = {
    "coco": write_coco,
    "coco_by_folder": lambda folder: write_coco(folder, "folders"),
    "yolo": write_yolo,
    "voc": write_voc,
}
EXACT = {"coco": 0, "coco_by_folder": 0, "voc": 0, "yolo": 2e-6}  # YOLO has centre and size to six decimals


@pytest.mark.parametrize("form", WRITERS)
def test_scenes_from_files_equal_those_that_are_built_in(tmp_path, form):
    WRITERS[form](tmp_path)
    dataset = load_dataset(Data(source=f"{form.partition('_')[0]}:{tmp_path}"), TASKS["object_detection"])
    assert dataset.signature.labels == DIGITS and dataset.signature.shape == (64, 64, 1)
    for split, part in (("train", dataset.train), ("train", dataset.validation), ("test", dataset.test)):
        np.testing.assert_array_equal(part.take(np.arange(len(part))), scenes()[split][0][part.indices])
        np.testing.assert_allclose(part.targets, expected_boxes(split)[part.indices], rtol=0, atol=EXACT[form])
    assert part.targets.dtype == np.float32
    assert not [note for note in dataset.notes if "cut" in note or "left out" in note]
