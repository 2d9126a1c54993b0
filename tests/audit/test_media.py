"""Odd images, texts, clips and series."""

import numpy as np
import pytest
from audited import dataset_of, found, images, texts
from scipy import ndimage

from zoo.audit.audio import audio_findings
from zoo.audit.images import image_findings
from zoo.audit.series import level_change, series_findings, standing_runs
from zoo.audit.texts import text_findings
from zoo.data.dataset import Series, Signature
from zoo.data.inputs import ArrayInputs, ImageInputs

RNG = np.random.default_rng(0)


def pictures(count=200, side=32):
    rough = ndimage.gaussian_filter(RNG.normal(size=(count, side, side)), (0, 1, 1))
    return np.clip(rough * 300 + 128, 0, 255).astype(np.uint8)[..., None]


def classes(count):
    return (np.arange(count) % 2).astype(np.int32)


def test_blank_and_blurred_images_are_listed_and_others_are_not():
    array = pictures()
    assert found(image_findings, images(array, classes(200))) == {}
    array[[3, 170]] = 77
    array[5] = ndimage.gaussian_filter(array[5].astype(float), (6, 6, 0)).astype(np.uint8)
    odd = found(image_findings, images(array, classes(200)))
    assert [each["index"] for each in odd["blank_images", "warning"].evidence] == [3, 170]
    assert [each["index"] for each in odd["blurred_images", "warning"].evidence] == [5]


def test_images_of_another_shape_are_listed_by_their_file():
    sizes = np.tile([32, 32], (100, 1))
    sizes[4] = 32, 128
    files = [f"{i}.png" for i in range(100)]
    inputs = ImageInputs(100, lambda i: pictures(1, 32)[0], "d", sizes, files)
    signature = Signature("image", "y", (None, None, 1), labels=("c0", "c1"))
    odd = found(image_findings, dataset_of(inputs, classes(100), signature))["odd_sizes", "warning"]
    assert odd.evidence == ({"split": "train", "index": 4, "file": "4.png", "label": "c0", "size": [32, 128]},)


ENGLISH = "the model is trained on the data that you give it, and the report of the run says what it is good for"


def audited_texts(**changes):
    every = [f"{ENGLISH} {'and more of it ' * int(RNG.integers(5))}" for _ in range(100)]
    for position, text in changes.get("at", {}).items():
        every[position] = text
    return found(text_findings, texts(every, classes(100)))


def test_texts_of_one_kind_have_no_finding():
    assert audited_texts() == {}
    assert audited_texts(at={1: "naïve café, ‘quoted’ — as it is written; Ångström, São Paulo, Ärger"}) == {}


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("empty_texts", ["...", "?!"]),
        ("text_encoding", ["a café".encode().decode("latin-1"), "it’s new".encode().decode("cp1252", "replace")]),
        ("language_mix", ["Der Hund ist nicht auf dem Dach und die Katze ist nicht in der Stadt"] * 2),
        ("language_mix", ["Собака бежит через лес, а кошка сидит на крыше"] * 2),
        ("odd_lengths", [" ".join([ENGLISH] * 50)]),
    ],
)
def test_odd_texts_are_listed(name, odd):
    listed = audited_texts(at=dict(enumerate(odd, 7)))
    assert list(listed) == [(name, "warning")]
    assert [each["index"] for each in listed[name, "warning"].evidence] == list(range(7, 7 + len(odd)))


def test_clips_that_are_cut_off_or_silent_are_listed():
    time = np.arange(4000) / 8000
    clips = 0.5 * np.sin(2 * np.pi * RNG.uniform(200, 900, (60, 1)) * time) + 0.01 * RNG.normal(size=(60, 4000))
    clips[4] = np.clip(4 * clips[4], -1, 1)
    clips[50] = 5e-4
    signature = Signature("audio", "y", (4000,), labels=("c0", "c1"), sample_rate=8000)
    odd = found(audio_findings, dataset_of(ArrayInputs(clips.astype(np.float32)), classes(60), signature))
    assert {name: [each["index"] for each in f.evidence] for (name, _), f in odd.items()} == {
        "clipped_audio": [4],
        "silent_audio": [50],
    }


def season(count=300):
    return 10 * np.sin(np.arange(count) / 8) + RNG.normal(size=count)


def test_runs_and_levels_are_where_they_were_put():
    values = season()
    assert standing_runs(values) == [] and level_change(values) is None
    assert level_change(values + 0.3 * np.arange(300)) is None
    walks = [level_change(np.cumsum(np.random.default_rng(i).standard_t(3, size=300))) for i in range(60)]
    assert sum(walk is not None for walk in walks) <= 3
    values[100:115] = values[100]
    assert [(run["step"], run["steps"]) for run in standing_runs(values)] == [(100, 15)]
    values[180:] += 80
    change = level_change(values)
    assert abs(change["step"] - 180) <= 2 and change["after"] - change["before"] == pytest.approx(80, abs=5)
    assert standing_runs(np.repeat(RNG.normal(size=30), 10)) == []


def test_a_series_of_a_data_set_is_looked_at_as_a_whole():
    values = season()
    values[200:] += 90
    series = Series(values=values, origins={}, names=("",), starts=np.zeros(1, int), train_ends=np.array([200]))
    dataset = dataset_of(
        ArrayInputs(np.zeros((10, 4))), np.zeros((10, 3)), Signature("array", "sold", (4,)), series=series
    )
    change = found(series_findings, dataset)["level_change", "warning"].evidence[0]
    assert change["column"] == "sold" and abs(change["step"] - 200) <= 2
