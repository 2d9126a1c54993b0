"""Preprocessing against Pillow, NumPy, pandas and scikit-learn."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

from zoo.backend.startup import start_keras
from zoo.data.columns import Column
from zoo.data.dataset import Dataset, Signature, whole
from zoo.data.inputs import ArrayInputs, ImageInputs, TableInputs
from zoo.data.preprocessing import fit_preprocessor
from zoo.data.raw_tensors import as_tensors
from zoo.errors import ZooError
from zoo.recipe.steps import PreprocessStep

RNG = np.random.default_rng(0)
VARYING = Signature("image", "class", (None, None, 3), labels=("a", "b"))
start_keras()


def steps(*given):
    return [PreprocessStep.model_validate(step) for step in given]


def dataset(signature, train, other=None):
    """Return a data set whose validation and test splits are `other`."""

    def split(inputs):
        return whole(inputs, np.zeros(len(inputs), np.int32))

    other = split(train if other is None else other)
    return Dataset(name="made", signature=signature, train=split(train), validation=other, test=other, fingerprint="f")


def images(array):
    return Signature("image", "class", array.shape[1:], labels=("a", "b"))


def fitted(array, *given, other=None):
    """Fit on an array of images or vectors."""
    signature = images(array) if array.dtype == np.uint8 else Signature("array", "y", array.shape[1:])
    return fit_preprocessor(steps(*given), dataset(signature, ArrayInputs(array), other))


def applied(preprocessor, raw):
    return np.asarray(preprocessor.normalize()(preprocessor.prepare(raw)))


# --- resize and crop ----------------------------------------------------------------------------------------------


def pillow(image, height, width, interpolation="bilinear"):
    """Resize each channel as a floating-point image."""
    channels = [Image.fromarray(channel) for channel in np.moveaxis(image, -1, 0)]
    how = Image.Resampling[interpolation.upper()]
    return np.stack([np.asarray(c.resize((width, height), how)) for c in channels], axis=-1)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("size", "target"), [((31, 20), (8, 5)), ((9, 14), (30, 17)), ((40, 7), (10, 21)), ((6, 6), (6, 6))]
)
def test_resize_equals_pillow(channels, size, target, interpolation):
    from zoo.layers.preprocessing import AntialiasResize

    image = RNG.uniform(0, 255, (*size, channels)).astype(np.float32)
    resized = np.asarray(AntialiasResize(*target, interpolation=interpolation)(image[None]))[0]
    expected = pillow(image, *target, interpolation).clip(0, 255)  # bicubic overshoots at edges
    np.testing.assert_allclose(resized, expected, atol=1e-3)


@pytest.mark.parametrize(("size", "target"), [((61, 40), (17, 30)), ((20, 24), (50, 41))])
def test_bicubic_resize_in_onnxruntime_is_that_of_pillow_on_bytes_up_to_its_rounding(size, target):
    import keras
    import onnxruntime

    from zoo.export.convert import to_onnx
    from zoo.layers.preprocessing import AntialiasResize

    inputs = keras.Input((None, None, 3), dtype="uint8", name="image")
    model = keras.Model(inputs, AntialiasResize(*target, interpolation="bicubic", dtype="float32")(inputs))
    session = onnxruntime.InferenceSession(to_onnx(model, ["image"], ["resized"], opset=18).SerializeToString())
    image = RNG.integers(64, 192, (*size, 3), dtype=np.uint8)  # Pillow also clips between rows and columns
    (found,) = session.run(None, {"image": image[None]})
    expected = np.asarray(Image.fromarray(image).resize(target[::-1], Image.Resampling.BICUBIC), np.float32)
    assert np.abs(found[0] - expected).max() < 2 and np.abs(found[0] - expected).mean() < 0.5


@pytest.mark.parametrize(
    ("size", "target"), [((31, 20), (8, 5)), ((9, 14), (30, 17)), ((40, 7), (10, 21)), ((6, 6), (6, 6))]
)
def test_resize_that_crops_equals_pillow_on_the_largest_part_of_this_shape(size, target):
    from zoo.layers.preprocessing import AntialiasResize

    image = RNG.uniform(0, 255, (*size, 3)).astype(np.float32)
    resized = np.asarray(AntialiasResize(*target, mode="crop")(image[None]))[0]
    scale = min(size[0] / target[0], size[1] / target[1])
    height, width = target[0] * scale, target[1] * scale
    top, left = (size[0] - height) / 2, (size[1] - width) / 2
    box = (left, top, left + width, top + height)
    channels = [Image.fromarray(image[..., c], "F") for c in range(3)]
    expected = [np.asarray(c.resize(target[::-1], Image.Resampling.BILINEAR, box=box)) for c in channels]
    np.testing.assert_allclose(resized, np.stack(expected, -1), atol=2e-3)


@pytest.mark.parametrize(
    ("size", "target", "inner"),
    [((20, 40), (16, 16), (8, 16)), ((40, 10), (20, 15), (20, 5)), ((5, 5), (9, 15), (9, 9)), ((6, 4), (6, 4), (6, 4))],
)
def test_resize_that_pads_shows_the_whole_image_in_the_middle(size, target, inner):
    from zoo.layers.preprocessing import AntialiasResize

    image = RNG.uniform(0, 255, (*size, 3)).astype(np.float32)
    resized = np.asarray(AntialiasResize(*target, mode="pad", fill=77.0)(image[None]))[0]
    expected = np.full((*target, 3), 77.0, np.float32)
    top, left = ((outer - part) // 2 for outer, part in zip(target, inner, strict=True))
    expected[top : top + inner[0], left : left + inner[1]] = pillow(image, *inner)
    np.testing.assert_allclose(resized, expected, atol=1e-3)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("mode", ["stretch", "crop", "pad"])
@pytest.mark.parametrize(("size", "target"), [((31, 20), (8, 5)), ((9, 14), (30, 17)), ((64, 64), (33, 47))])
def test_what_is_trained_on_is_what_the_saved_model_makes_of_an_image(mode, size, target, interpolation):
    image = RNG.integers(0, 256, (1, *size, 3), dtype=np.uint8)
    settings = {"height": target[0], "width": target[1], "mode": mode, "fill": 90 * (mode == "pad")}
    settings["interpolation"] = interpolation
    data = dataset(VARYING, ImageInputs(1, image.__getitem__, "d"))
    preprocessor = fit_preprocessor(steps({"resize": settings}, {"center_crop": {"height": 4, "width": 5}}), data)
    saved = np.asarray(preprocessor.to_shape(image))
    assert saved.shape == (1, 4, 5, 3)
    np.testing.assert_allclose(preprocessor.prepare(list(image)), saved, atol=2e-3)
    np.testing.assert_allclose(preprocessor.prepare(image), saved, atol=2e-3)


def test_resize_of_pixels_of_any_size():
    sizes = [(7, 9), (20, 12), (64, 48)]
    raw = [RNG.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    data = dataset(VARYING, ImageInputs(3, raw.__getitem__, "d"))
    preprocessor = fit_preprocessor(steps({"resize": {"height": 12, "width": 10}}), data)
    assert preprocessor.shape == (12, 10, 3) and preprocessor.dtype == "float32"
    expected = np.stack([pillow(image.astype(np.float32), 12, 10) for image in raw])
    np.testing.assert_allclose(preprocessor.prepare(raw), expected, atol=1e-3)


@pytest.mark.parametrize(("size", "crop"), [((8, 8), (4, 4)), ((7, 10), (4, 5)), ((5, 6), (5, 6))])
def test_center_crop(size, crop):
    array = RNG.integers(0, 256, (3, *size, 1), dtype=np.uint8)
    preprocessor = fitted(array, {"center_crop": {"height": crop[0], "width": crop[1]}})
    top, left = (size[0] - crop[0]) // 2, (size[1] - crop[1]) // 2
    cropped = preprocessor.prepare(array)
    assert cropped.dtype == np.uint8
    np.testing.assert_array_equal(cropped, array[:, top : top + crop[0], left : left + crop[1]])


def test_shapes_that_cannot_be():
    array = np.zeros((2, 6, 5, 1), np.uint8)
    with pytest.raises(ZooError, match=r"center_crop: 6×9 is larger than the image, 6×5"):
        fitted(array, {"center_crop": {"height": 6, "width": 9}})
    varying = dataset(VARYING, ArrayInputs(array))
    with pytest.raises(ZooError, match=r"made: the images have different sizes; put a resize first in preprocess"):
        fit_preprocessor(steps({"rescale": {"scale": 2.0}}), varying)
    with pytest.raises(ZooError, match=r"center_crop: the images have different sizes; put a resize before the crop"):
        fit_preprocessor(steps({"center_crop": {"height": 2, "width": 2}}), varying)


# --- rescale and standardize --------------------------------------------------------------------------------------


def test_standardize_uses_the_training_split_alone():
    train = RNG.normal(50, 10, size=(3000, 4)).astype(np.float32)
    mean, std = train.astype(np.float64).mean(0), train.astype(np.float64).std(0)
    preprocessor = fitted(train, {"standardize": {}})
    np.testing.assert_allclose(1 / preprocessor.scale, std, rtol=1e-12)
    np.testing.assert_allclose(-preprocessor.offset / preprocessor.scale, mean, rtol=1e-12)
    np.testing.assert_allclose(applied(preprocessor, train), (train - mean) / std, atol=1e-4)
    other = fitted(train, {"standardize": {}}, other=ArrayInputs(train * 1000))
    np.testing.assert_array_equal(other.scale, preprocessor.scale)
    np.testing.assert_array_equal(other.offset, preprocessor.offset)


def test_statistics_of_a_split_are_not_those_of_the_whole_source():
    array = RNG.normal(size=(100, 2)).astype(np.float32)
    array[50:] += 1000
    all_of_it = whole(ArrayInputs(array), np.zeros(100, np.int32))
    train, rest = all_of_it.part(np.arange(50)), all_of_it.part(np.arange(50, 100))
    data = Dataset(
        name="made", signature=Signature("array", "y", (2,)), train=train, validation=rest, test=rest, fingerprint="f"
    )
    preprocessor = fit_preprocessor(steps({"standardize": {}}), data)
    np.testing.assert_allclose(1 / preprocessor.scale, array[:50].astype(np.float64).std(0), rtol=1e-12)


def test_standardize_large_means_and_constant_columns():
    train = np.stack([RNG.normal(1e6, 1, 5000), np.full(5000, 0.1)], axis=1).astype(np.float32)
    preprocessor = fitted(train, {"standardize": {}})
    np.testing.assert_allclose(1 / preprocessor.scale, [train[:, 0].astype(np.float64).std(), 1], rtol=1e-9)
    np.testing.assert_allclose(applied(preprocessor, train)[:, 1], 0, atol=1e-6)


def test_images_are_standardized_by_channel():
    train = RNG.integers(0, 256, (50, 6, 5, 3), dtype=np.uint8)
    train[..., 1] //= 4
    preprocessor = fitted(train, {"rescale": {"scale": 1 / 255}}, {"standardize": {}})
    x = train / 255
    expected = (x - x.mean((0, 1, 2))) / x.std((0, 1, 2))
    np.testing.assert_allclose(applied(preprocessor, train), expected, atol=1e-5)


def test_given_values_and_composition():
    train = RNG.integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
    preprocessor = fitted(
        train,
        {"rescale": {"scale": -1 / 255, "offset": 1.0}},
        {"standardize": {"mean": mean, "std": std}},
        {"rescale": {"scale": 2.0, "offset": -1.0}},
    )
    expected = ((1 - train / 255) - mean) / std * 2 - 1
    np.testing.assert_allclose(applied(preprocessor, train), expected, atol=1e-5)
    with pytest.raises(ZooError, match="expected 1 or 3 means and stds, one a channel or column"):
        fitted(train, {"standardize": {"mean": [0.1, 0.2], "std": [1.0, 1.0]}})
    one = fitted(train, {"standardize": {"mean": [100.0], "std": [50.0]}})
    np.testing.assert_allclose(applied(one, train), (train - 100.0) / 50, atol=1e-5)


def test_standardize_after_a_negative_scale():
    train = RNG.normal(3, 2, size=(500, 2)).astype(np.float32)
    preprocessor = fitted(train, {"rescale": {"scale": -5.0, "offset": 2.0}}, {"standardize": {}})
    x = 2 - 5 * train.astype(np.float64)
    np.testing.assert_allclose(applied(preprocessor, train), (x - x.mean(0)) / x.std(0), atol=1e-5)


def test_vectors_need_no_encoding():
    train = RNG.normal(size=(20, 3)).astype(np.float32)
    preprocessor = fitted(train, {"encode": {}}, {"standardize": {}})
    assert preprocessor.shape == (3,) and preprocessor.to_shape is None


# --- encode -------------------------------------------------------------------------------------------------------

COLUMNS = (
    Column("a, b", "number"),
    Column("größe", "number"),
    Column("colour", "category"),
    Column("city", "category"),
)
TABLE = Signature("table", "y", columns=COLUMNS)


def table(rows=200, seed=0):
    generator = np.random.default_rng(seed)
    numbers = generator.normal(10, 5, size=(2, rows)).astype(np.float32)
    numbers[generator.random((2, rows)) < 0.2] = np.nan
    colour = generator.choice(["red", "weiß", "dark green", ""], rows).astype(object)
    city = generator.choice(["Ulm", "Rom"], rows).astype(object)
    return {"a, b": numbers[0], "größe": numbers[1], "colour": colour, "city": city}


@pytest.mark.parametrize("missing", ["median", "mean"])
def test_encode_equals_scikit_learn(missing):
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    train, other = table(), table(seed=1)
    other["colour"][:3], other["city"][0] = "never seen", ""
    names, categories = ["a, b", "größe"], ["colour", "city"]
    preprocessor = fit_preprocessor(steps({"encode": {"missing": missing}}), dataset(TABLE, TableInputs(train)))
    imputer = SimpleImputer(strategy=missing).fit(np.stack([train[n] for n in names], axis=1))
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder.fit(np.stack([train[n] for n in categories], axis=1))
    for rows in (train, other):
        numbers = imputer.transform(np.stack([rows[n] for n in names], axis=1))
        expected = np.concatenate([numbers, encoder.transform(np.stack([rows[n] for n in categories], axis=1))], axis=1)
        np.testing.assert_allclose(preprocessor.prepare(rows), expected, rtol=1e-6)
    assert preprocessor.shape == (2 + 4 + 2,)


def test_tables_of_one_kind():
    for columns in (COLUMNS[:1], COLUMNS[2:3]):
        train = {c.name: table()[c.name] for c in columns}
        data = dataset(Signature("table", "y", columns=columns), TableInputs(train))
        assert fit_preprocessor([], data).prepare(train).shape == (200, 1 if columns == COLUMNS[:1] else 4)


def test_standardized_tables():
    train = table()
    preprocessor = fit_preprocessor(steps({"encode": {}}, {"standardize": {}}), dataset(TABLE, TableInputs(train)))
    found = applied(preprocessor, train)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(0), 1, atol=1e-5)


def test_gaps_that_may_not_be_filled():
    train = table()
    gaps = int(np.isnan(train["a, b"]).sum())
    data = dataset(TABLE, TableInputs(train))
    with pytest.raises(ZooError, match=rf"made: column 'a, b' lacks {gaps} of 200 values, and preprocess\.encode"):
        fit_preprocessor(steps({"encode": {"missing": "refuse"}}), data)
    train["größe"][:] = np.nan
    with pytest.raises(ZooError, match=r"column 'größe' is empty; list it under data\.ignore"):
        fit_preprocessor(steps({"encode": {}}), data)


# --- saved models -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["table", "images", "vectors", "pixels"])
def test_saved_and_loaded_it_gives_the_same_bits(kind, tmp_path):
    import keras

    if kind == "table":
        raw, data = table(seed=1), dataset(TABLE, TableInputs(table()))
        given = ({"encode": {"missing": "mean"}}, {"standardize": {}})
    elif kind == "vectors":
        raw = RNG.normal(size=(20, 3)).astype(np.float32)
        data, given = dataset(Signature("array", "y", (3,)), ArrayInputs(raw)), ({"standardize": {}},)
    else:
        raw = RNG.integers(0, 256, (5, 11, 9, 3), dtype=np.uint8)
        data = dataset(images(raw), ArrayInputs(raw))
        shapes = ({"resize": {"height": 8, "width": 12}}, {"center_crop": {"height": 6, "width": 6}})
        given = (*(shapes if kind == "images" else shapes[1:]), {"rescale": {"scale": 1 / 255}}, {"standardize": {}})
    preprocessor = fit_preprocessor(steps(*given), data)
    inputs = preprocessor.raw_inputs()
    shaped = inputs if preprocessor.to_shape is None else preprocessor.to_shape(inputs)
    model = keras.Model(inputs, preprocessor.normalize()(shaped))
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    tensors = as_tensors(raw, data.signature)
    np.testing.assert_array_equal(np.asarray(loaded(tensors)), np.asarray(model(tensors)))
    same = partial(np.testing.assert_allclose, atol=1e-5) if kind == "images" else np.testing.assert_array_equal
    same(np.asarray(model(tensors)), applied(preprocessor, raw))  # images are resized by a faster kernel


def test_fill_values_and_categories_come_from_the_training_split_alone():
    train = {
        "a, b": np.array([1, 2, 9, np.nan], np.float32),
        "größe": np.array([0, 0, 0, 4], np.float32),
        "colour": np.array(["red", "blue", "red", "red"], object),
        "city": np.array(["Ulm", "Ulm", "Rom", "Rom"], object),
    }
    other = {
        "a, b": np.full(4, 1e6, np.float32),
        "größe": np.full(4, -1e6, np.float32),
        "colour": np.array(["green"] * 4, object),
        "city": np.array(["Bern"] * 4, object),
    }
    columns = {"missing": "median"}
    preprocessor = fit_preprocessor(
        steps({"encode": columns}, {"standardize": {}}), dataset(TABLE, TableInputs(train), TableInputs(other))
    )
    row = {
        "a, b": np.array([np.nan], np.float32),
        "größe": np.array([np.nan], np.float32),
        "colour": np.array(["green"], object),
        "city": np.array(["Rom"], object),
    }
    found = np.asarray(preprocessor.prepare(row))[0]
    np.testing.assert_allclose(found, [2, 0, 0, 0, 1, 0])  # medians of training; no green; Rom before Ulm
    filled = np.array([1, 2, 9, 2])
    moments = np.asarray(preprocessor.normalize()(np.array([[2, 0, 0, 0, 1, 0]], np.float32)))[0]
    assert moments[0] == pytest.approx((2 - filled.mean()) / filled.std(), abs=1e-5)
