"""Generated sounds: as many of each class, within their range, and told apart by the order of time alone."""

import numpy as np
import pytest
from builtin_examples import examples, sizes

from zoo.data.builtin import builtin_builder
from zoo.layers.spectrogram import LogMel


@pytest.mark.ci
def test_sounds_of_all_classes_fill_their_range():
    names = builtin_builder("sounds").info.features["label"].names
    assert len(names) == 8 and sizes("sounds") == {"train": 800, "test": 400}
    for split, count in sizes("sounds").items():
        columns = examples("sounds", split)
        assert columns["audio"].shape == (count, 8_000) and columns["audio"].dtype == np.int16
        assert (np.bincount(columns["label"]) == count / 8).all()
        peaks = np.abs(columns["audio"].astype(int)).max(axis=1) / 32_768
        assert 0.03 < peaks.min() < 0.05 and 0.6 < peaks.max() < 0.72  # 30 to 3 dB below full scale
    assert not {row.tobytes() for row in examples("sounds", "train")["audio"]} & {
        row.tobytes() for row in examples("sounds", "test")["audio"]
    }


def test_pitch_rises_or_falls_over_the_clip():
    columns = examples("sounds", "test")
    names = builtin_builder("sounds").info.features["label"].names
    layer = LogMel(sample_rate=8_000, window=256, hop=128, bands=40, low=50.0, high=4_000.0)
    spectrograms = np.asarray(layer(columns["audio"] / np.float32(32_768)))[..., 0]
    loud = spectrograms.max(axis=2)
    pitch = spectrograms.argmax(axis=2)
    rises = [
        np.polyfit(*(values[loud[i] > np.median(loud[i])] for values in (np.arange(len(pitch[i])), pitch[i])), 1)[0]
        for i in range(len(pitch))
    ]
    for name, sign in (("rising", 1), ("falling", -1)):
        own = np.array(rises)[columns["label"] == names.index(name)]
        assert (np.sign(own) == sign).mean() > 0.9
