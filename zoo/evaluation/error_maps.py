"""Where in an image an autoencoder finds a fault: the squared error of each pixel, compared with masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.data.mask_steps import follow_mask
from zoo.data.sources.mask_image import read_mask

if TYPE_CHECKING:
    from zoo.evaluation.result import TrainedTask

MAX_COMPARED_PIXELS = 20_000_000  # of the test images together; of more, every so many pixels


def pixel_auroc(trained: TrainedTask) -> float:
    """Return the area under the ROC curve of the test images' pixels, at the size that the model sees.

    The score of a pixel is the mean of its channels' squared errors. Pixels are abnormal where the mask is not 0;
    images without a mask have none.
    """
    from sklearn.metrics import roc_auc_score

    from zoo.training.saved_outputs import chunks, keras_output

    dataset, steps = trained.problem.dataset, trained.problem.recipe.preprocess
    steps = [dataset.resize, *steps] if dataset.resize is not None else steps
    split, height, width = dataset.test, *trained.problem.preprocessor.shape[:2]
    stride = -(-len(split) * height * width // MAX_COMPARED_PIXELS)
    marks, scores = [], []
    for positions in chunks(split):
        found = keras_output(trained.model, split.take(positions), dataset.signature, None)
        errors = np.square(found["image"] - found["reconstruction"]).mean(axis=-1)
        for position, error in zip(positions, errors, strict=True):
            index = int(split.indices[position])
            mask = np.zeros((height, width), bool)
            if index in dataset.masks:
                mask = follow_mask(read_mask(dataset.masks[index]) != 0, steps, outside=False)
            marks.append(mask.ravel()[::stride])
            scores.append(error.ravel()[::stride])
    return float(roc_auc_score(np.concatenate(marks), np.concatenate(scores)))
