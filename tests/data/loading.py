"""What the tests of sources use: load a source, and see all that it holds."""

import numpy as np
import pytest

from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

CLASSES, NUMBERS, IMAGES = "tabular_classification", "tabular_regression", "image_classification"


def load(source, task=CLASSES, **settings):
    return load_dataset(Data(source=source, **settings), TASKS[task])


def refused(message, *args, **settings):
    with pytest.raises(ZooError, match=message):
        load(*args, **settings)


def everything(dataset):
    """Return inputs and targets of all three splits together, as float64 rows in a canonical order."""
    rows = []
    for split in (dataset.train, dataset.validation, dataset.test):
        raw = split.take(np.arange(len(split)))
        if isinstance(raw, dict):
            inputs = np.stack([raw[name] for name in sorted(raw)], axis=1)
        else:
            inputs = raw.reshape(len(raw), -1)
        rows.append(np.column_stack([inputs.astype(np.float64), split.targets]))
    return canonical(np.concatenate(rows))


def canonical(rows):
    return rows[np.lexsort(rows.T)]
