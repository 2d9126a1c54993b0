"""Corruptions do what their strength says, keep the form of the examples, and are the same in any batch."""

import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from zoo.data.columns import Column
from zoo.data.dataset import Dataset, Series, Signature, Split
from zoo.data.inputs import ArrayInputs, ClipInputs, ImageInputs, TableInputs, TextInputs, WindowInputs
from zoo.evaluation.robustness import arrays, audio, images, tables, texts
from zoo.evaluation.robustness.attacked import attacked
from zoo.evaluation.robustness.corruption import Training, corrupted
from zoo.evaluation.robustness.corruptions import BY_INPUT, corruptions_of, known_of_training
from zoo.evaluation.robustness.forecasts import CORRUPTIONS as SERIES
from zoo.evaluation.robustness.forecasts import corrupted_series, corrupted_windows

COUNT = 60
COLUMNS = (
    Column("size", "number"),
    Column("sold", "number", form="boolean"),
    Column("color", "category"),
    Column("note", "free_text"),
)


def examples(kind):
    """Return a split of made-up raw examples, and their signature."""
    generator = np.random.default_rng(1)
    clips = generator.normal(0, 0.1, (COUNT, 4000)).astype(np.float32)
    pictures = generator.integers(0, 256, (COUNT, 20, 16, 3)).astype(np.uint8)
    sentences = [" ".join(generator.choice(["good", "Bad", "film", "I", "saw"], 12)) for _ in range(COUNT)]
    table = {
        "size": generator.normal(5, 2, COUNT).astype(np.float32),
        "sold": generator.integers(0, 2, COUNT).astype(np.float32),
        "color": generator.choice(["red", "blue"], COUNT).astype(object),
        "note": np.array(sentences, object),
    }
    sequences = generator.normal(3, [1, 5], (COUNT, 30, 2)).astype(np.float32)
    padded = sequences.copy()
    padded[:, 20:] = np.nan
    made = {
        "image": (ArrayInputs(pictures), Signature("image", "y", (20, 16, 3))),
        "images": (ImageInputs(COUNT, lambda i: pictures[i, : 10 + i % 5], ""), Signature("image", "y", (None, 16, 3))),
        "text": (TextInputs(np.array(sentences, object)), Signature("text", "y")),
        "table": (TableInputs(table), Signature("table", "y", columns=COLUMNS)),
        "audio": (ClipInputs(COUNT, lambda i: clips[i], ""), Signature("audio", "y", (4000,), sample_rate=8000)),
        "array": (ArrayInputs(sequences), Signature("array", "y", (30, 2))),
        "padded": (ArrayInputs(padded), Signature("array", "y", (None, 2))),
        "vector": (ArrayInputs(sequences[:, 0]), Signature("array", "y", (2,))),
    }
    inputs, signature = made[kind]
    return Split(inputs, np.arange(COUNT), np.zeros(COUNT)), signature


def dataset_of(kind):
    split, signature = examples(kind)
    return Dataset(name=kind, signature=signature, train=split, validation=split, test=split, fingerprint="")


def generators(count=1, seed=0):
    return [np.random.default_rng((seed, i)) for i in range(count)]


FORMS = ("image", "images", "text", "table", "audio", "array", "padded", "vector")
ALL = [(form, corruption.name) for form in FORMS for corruption in corruptions_of(known_of_training(dataset_of(form)))]


def leaves(raw):
    return list(raw.values()) if isinstance(raw, dict) else raw if isinstance(raw, list) else [raw]


def distance(form, clean, worse):
    """Return how far two sets of raw examples are apart: changed texts and gaps count as 1."""
    total = 0.0
    for a, b in zip(leaves(clean), leaves(worse), strict=True):
        if a.dtype == object:
            total += sum(
                sum(x != y for x, y in zip(p, q, strict=False)) + abs(len(p) - len(q))
                for p, q in zip(a, b, strict=True)
            )
        else:
            change = np.abs(a.astype(float) - b.astype(float))
            total += np.nansum(change) + (np.isnan(b) & ~np.isnan(a)).sum()
    return total


def test_every_kind_of_input_is_in_the_table():
    from typing import get_args

    from zoo.data.dataset import InputKind

    assert set(BY_INPUT) == set(get_args(InputKind))


@pytest.mark.parametrize(("form", "name"), ALL)
def test_form_stays_and_strength_grows(form, name):
    dataset = dataset_of(form)
    training = known_of_training(dataset)
    (corruption,) = [each for each in corruptions_of(training) if each.name == name]
    at = np.arange(COUNT)
    clean, before = dataset.test.take(at), dataset.test.take(at)
    far = []
    for strength in corruption.strengths:
        worse = corrupted(dataset.test, corruption, strength, training, 0).take(at)
        for a, b in zip(leaves(clean), leaves(worse), strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
        far.append(distance(form, clean, worse))
    assert far[0] > 0
    assert (far == sorted(far) and len(set(far)) > 1) or name == "time shift"  # clips of noise are as far at any shift
    assert distance(form, before, clean) == 0  # the source's own examples stay
    alone = corrupted(dataset.test, corruption, strength, training, 0).take(at[7:8])
    for a, b in zip(leaves(alone), leaves(worse), strict=False):  # whatever stands beside it in a batch
        if isinstance(worse, list):
            b = worse[7][None]
            a = alone[0][None]
        else:
            b = b[7:8]
        np.testing.assert_array_equal(a, b)
    if form == "padded":
        np.testing.assert_array_equal(np.isnan(worse), np.isnan(clean))


# --- images -------------------------------------------------------------------------------------------------------


def test_images_against_formulas():
    image = np.random.default_rng(0).integers(60, 190, (24, 24, 3)).astype(np.float64)
    (generator,) = generators()
    noisy = images.noise(np.full((200, 200, 1), 100.0), 0.1, generator)
    assert noisy.std() == pytest.approx(25.5, rel=0.02) and noisy.mean() == pytest.approx(100, abs=0.5)
    pale = images.contrast(image, 0.4, generator)
    np.testing.assert_allclose(pale.mean((0, 1)), image.mean((0, 1)))
    np.testing.assert_allclose(pale.std((0, 1)), 0.4 * image.std((0, 1)))
    np.testing.assert_allclose(np.abs(images.brightness(image, 0.2, generator) - image), 51)
    turned = images.rotation(image, 90, generator)
    assert any(np.allclose(turned, np.rot90(image, k)) for k in (1, 3))
    buffer = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(buffer, "JPEG", quality=25)
    np.testing.assert_array_equal(images.jpeg(image, 25, generator), np.asarray(Image.open(buffer)))


def test_shift_moves_by_the_distance():
    image = np.zeros((40, 40, 1))
    image[18:22, 18:22] = 200
    moved = images.shift(image, 0.2, np.random.default_rng(3))
    rows, columns = np.mgrid[:40, :40]
    centre = np.array([(axis * moved[..., 0]).sum() / moved.sum() for axis in (rows, columns)])
    assert np.linalg.norm(centre - 19.5) == pytest.approx(8, abs=0.05)


def test_blur_of_a_point_has_the_standard_deviation():
    image = np.zeros((50, 50, 1))
    image[25, 25] = 1000
    spread = images.blur(image, 0.06, np.random.default_rng(0))[..., 0].sum(axis=1)
    assert np.sqrt((spread * (np.arange(50) - 25) ** 2).sum() / spread.sum()) == pytest.approx(3, rel=0.02)


# --- texts --------------------------------------------------------------------------------------------------------


def test_texts():
    text = "The quick brown fox  jumps over the lazy dog " * 40
    (generator,) = generators()
    assert texts.upper_case(text, 1.0, generator) == text.upper()
    half = texts.upper_case(text, 0.5, generator).split()
    assert sum(word.isupper() for word in half) / len(half) == pytest.approx(0.5, abs=0.1)
    kept = texts.dropped_words(text, 0.3, generator).split()
    assert len(kept) / len(text.split()) == pytest.approx(0.7, abs=0.07)
    assert set(kept) <= set(text.split()) and texts.dropped_words("one", 1.0, generator) == "one"
    assert texts.typos(text, 0.0, generator) == text and texts.dropped_words("", 0.5, generator) == ""


def test_typos_edit_the_fraction_of_characters():
    from zoo.evaluation.metrics.edit_distance import edit_distances

    text = "many small letters in a row " * 20
    ids = [
        np.array([[ord(c) for c in version]]) for version in (text, texts.typos(text, 0.1, np.random.default_rng(0)))
    ]
    edits = int(edit_distances(*ids)[0]) / len(text)
    assert 0.07 < edits < 0.16  # a swap counts as two edits


# --- tables -------------------------------------------------------------------------------------------------------


def test_tables():
    split, signature = examples("table")
    raw, count = split.take(np.arange(COUNT)), 600
    raw = {name: np.resize(values, count) for name, values in raw.items()}
    training = Training(signature=signature, deviation={"size": 2.0, "sold": 0.5})
    lost = tables.missing_values(raw, 0.3, generators(count), training)
    assert np.isnan(lost["size"]).mean() == pytest.approx(0.3, abs=0.06)
    assert (lost["color"] == "").mean() == pytest.approx(0.3, abs=0.06)
    noisy = tables.noise(raw, 0.5, generators(count), training)
    assert (noisy["size"] - raw["size"]).std() == pytest.approx(1.0, rel=0.1)
    np.testing.assert_array_equal(noisy["sold"], raw["sold"])  # truth values have no noise
    unseen = tables.unseen_categories(raw, 0.5, generators(count), training)
    changed = unseen["color"] != raw["color"]
    assert changed.mean() == pytest.approx(0.5, abs=0.06)
    assert set(unseen["color"][changed]) == {tables.UNSEEN} and tables.UNSEEN not in set(raw["color"])


# --- audio --------------------------------------------------------------------------------------------------------


def test_audio_in_decibels():
    clips = np.sin(np.arange(8000) / 5)[None].astype(np.float32) * [[0.5], [0.05]]
    clips = clips.astype(np.float32)
    added = audio.noise(clips, 10, generators(2), None) - clips
    ratio = 10 * np.log10((clips**2).mean(1) / (added**2).mean(1))
    np.testing.assert_allclose(ratio, 10, atol=0.3)
    np.testing.assert_allclose(
        20 * np.log10(clips.std() / audio.quieter(clips, 12, generators(2), None).std()), 12, 1e-4
    )
    loud = audio.clipping(clips, 12, generators(2), None)
    assert np.abs(loud).max() == 1 and (np.abs(loud) == 1).mean() > 0.5
    assert not audio.noise(np.zeros((1, 100), np.float32), 0, generators(), None).any()


def test_audio_shift_keeps_the_rest():
    clip = np.arange(1, 101, dtype=np.float32)[None]
    moved = audio.time_shift(clip, 0.1, generators(), None)[0]
    kept = moved[moved != 0]
    assert len(kept) == 90 and (kept[0], kept[-1]) in ((1, 90), (11, 100))


# --- sequences and series -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "strength"), [(100, 0.3), (100, 0.05), (10, 0.2), (7, 0.5), (3, 0.05)])
def test_lost_stretches_hold_the_last_value(length, strength):
    values = np.arange(length, dtype=float)
    for seed in range(20):
        held = arrays.lose_stretches(values, strength, np.random.default_rng(seed))
        lost = held != values
        assert lost.sum() == round(strength * length) and not lost[0]
        last = np.maximum.accumulate(np.where(lost, -1, values))
        np.testing.assert_array_equal(held, last)
        assert (np.diff(lost.astype(int)) == 1).sum() <= arrays.STRETCHES


def test_noise_and_offset_are_in_standard_deviations():
    dataset = dataset_of("array")
    training, raw = known_of_training(dataset), dataset.test.take(np.arange(COUNT))
    spread = raw.reshape(-1, 2).std(0)
    noisy = arrays.noise(raw, 0.4, generators(COUNT), training)
    np.testing.assert_allclose((noisy - raw).reshape(-1, 2).std(0), 0.4 * spread, rtol=0.05)
    moved = arrays.offset(raw, 0.4, generators(COUNT), training) - raw
    np.testing.assert_allclose(np.abs(moved), np.broadcast_to(0.4 * spread, moved.shape), rtol=1e-4)


def series_dataset():
    """Return two series, one behind the other, with a covariate that is known, and their windows of 6 + 3."""
    generator = np.random.default_rng(0)
    values = generator.normal(10, 2, (100, 2)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(values, 6, 0).transpose(0, 2, 1)
    inputs = WindowInputs(windows, None, np.zeros(len(windows), int), {})
    origins = {"train": np.arange(6, 30), "validation": np.arange(30, 38), "test": np.r_[40:48, 90:98]}
    splits = {name: Split(inputs, at - 6, np.zeros((len(at), 4))) for name, at in origins.items()}
    series = Series(
        values=values[:, 0],
        origins=origins,
        names=("a", "b"),
        starts=np.array([0, 50]),
        train_ends=np.array([30, 80]),
    )
    signature = Signature("series", "y", (6, 2), horizon=3, known=("k",))
    return Dataset(name="s", signature=signature, fingerprint="", series=series, **splits)


@pytest.mark.parametrize("corruption", SERIES, ids=lambda each: each.name)
def test_series_change_only_where_test_windows_see_them(corruption):
    dataset = series_dataset()
    worse = corrupted_series(dataset, corruption, 0.5, 0)
    changed = worse.values != dataset.series.values
    assert not changed[:34].any() and not changed[50:84].any()
    assert changed[34:50].any() and changed[84:].any()
    at = np.arange(len(dataset.test))
    clean, windows = dataset.test.take(at)["array"], corrupted_windows(dataset.test, worse.values).take(at)["array"]
    np.testing.assert_array_equal(windows[..., 1], clean[..., 1])  # what is known is known
    for window, origin in zip(windows, dataset.series.origins["test"], strict=True):
        np.testing.assert_array_equal(window[:, 0], worse.values[origin - 6 : origin])


def test_epsilon_of_a_forecast_is_in_deviations_of_its_own_series():
    dataset = series_dataset()
    series = replace(dataset.series, values=np.concatenate([dataset.series.values[:50], np.arange(50.0)]))
    problem = SimpleNamespace(dataset=dataset, preprocessor=SimpleNamespace(shape=(9, 2)))
    scale = attacked(problem, None, series).scale
    assert scale.shape == (len(dataset.test), 9, 2)
    np.testing.assert_allclose(scale[0, :6, 0], series.values[:30].std())
    np.testing.assert_allclose(scale[-1, :6, 0], np.arange(30).std())
    assert not scale[:, 6:].any() and not scale[..., 1].any()  # neither what is to come, nor what is known
