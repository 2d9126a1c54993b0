"""The spectrogram of a recipe: its shape and values, and settings that do not fit the clips."""

import numpy as np
import pytest
from loading import load

from zoo.data.preprocessing import fit_preprocessor
from zoo.errors import ZooError
from zoo.recipe.steps import PreprocessStep


@pytest.fixture(scope="module")
def sounds():
    return load("builtin:sounds", "audio_classification")


def fitted(dataset, *more, **log_mel):
    return fit_preprocessor([PreprocessStep(log_mel=log_mel), *more], dataset)


def test_clips_become_standardized_spectrograms(sounds):
    preprocessor = fitted(sounds, PreprocessStep(standardize={}), bands=20, hop=0.02)
    assert preprocessor.shape == (49, 20, 1) and preprocessor.dtype == "float32"
    x = preprocessor.prepare(sounds.train.take(np.arange(len(sounds.train))))
    normal = x * preprocessor.scale + preprocessor.offset
    assert abs(normal.mean()) < 1e-3 and abs(normal.std() - 1) < 1e-3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 2.0}, "preprocess.log_mel.window: 2 s are 16000 samples, and a clip of builtin:sounds has 8000"),
        ({"high": 5000.0}, "preprocess.log_mel: from 20 to 5000 Hz, and clips at 8,000 Hz hold up to 4000 Hz"),
        ({"low": 3000.0, "high": 2000.0}, "preprocess.log_mel: from 3000 to 2000 Hz"),
        ({"bands": 200}, r"preprocess.log_mel.bands: \d+ of 200 bands lie between two frequencies"),
    ],
)
def test_settings_that_do_not_fit_the_clips(sounds, settings, message):
    with pytest.raises(ZooError, match=message):
        fitted(sounds, **settings)
