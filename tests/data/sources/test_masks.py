"""`masks:`: the scenes from files, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from tests.data.sources.annotated import scenes, write_masks
from zoo.data.builtin.scenes import MASK_LABELS
from zoo.data.sources.load import load_dataset
from zoo.data.sources.mask_image import read_mask
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.recipe.steps import PreprocessStep
from zoo.tasks import TASKS

TASK = TASKS["semantic_segmentation"]


def load(folder, *steps, **settings):
    return load_dataset(Data(source=f"masks:{folder}", **settings), TASK, steps)


def noted(dataset, text):
    return [note for note in dataset.notes if text in note]


def write(folder, images, masks):
    """Write arrays as images and masks, named by their keys."""
    for what, arrays in (("images", images), ("masks", masks)):
        (folder / what).mkdir(parents=True, exist_ok=True)
        for name, array in arrays.items():
            Image.fromarray(np.asarray(array, np.uint8)).save(folder / what / (name if "." in name else f"{name}.png"))
    return folder


def many(count=10, shape=(6, 8), ids=(0, 1)):
    generator = np.random.default_rng(0)
    images = {f"{i:02}": generator.integers(0, 256, shape) for i in range(count)}
    return images, {name: generator.choice(ids, shape) for name in images}


@pytest.mark.parametrize("layout", ["{split}/{what}", "{what}/{split}"])
def test_scenes_from_files_equal_those_that_are_built_in(tmp_path, layout):
    dataset = load(write_masks(tmp_path, layout))
    assert dataset.signature.labels == MASK_LABELS and dataset.signature.shape == (64, 64, 1)
    held_out = np.concatenate([dataset.train.indices, dataset.validation.indices])
    assert sorted(held_out) == list(range(60))
    for split, part in (("train", dataset.train), ("train", dataset.validation), ("test", dataset.test)):
        images, masks, _ = scenes()[split]
        np.testing.assert_array_equal(part.take(np.arange(len(part))), images[part.indices])
        np.testing.assert_array_equal(part.targets, masks[part.indices])
    assert part.targets.dtype == np.uint8


def test_ids_without_names_are_the_classes(tmp_path):
    images, masks = many(ids=(0, 7, 30))
    dataset = load(write(tmp_path, images, masks))
    assert dataset.signature.labels == ("0", "7", "30")
    assert noted(dataset, "the classes are the 3 ids that the training masks have (0, 7, 30)")
    order = [*dataset.train.indices]
    np.testing.assert_array_equal(
        np.array([0, 7, 30])[dataset.train.targets], np.stack([masks[f"{i:02}"] for i in order])
    )


def test_ignored_pixels_are_no_class_and_are_counted(tmp_path):
    images, masks = many(ids=(0, 1, 255))
    masks["03"][:] = 255
    dataset = load(write(tmp_path, images, masks), ignore_index=255, classes=["ground", "tree", "car"])
    parts = (dataset.train, dataset.validation, dataset.test)
    assert sum(map(len, parts)) == 9
    found = np.concatenate([part.targets for part in parts])
    assert sorted(np.unique(found)) == [0, 1, 255]
    ignored = sum(int((mask == 255).sum()) for mask in masks.values())
    assert noted(dataset, f"ignored by data.ignore_index (255): {ignored:,} of 480 pixels of the train split")
    assert noted(dataset, "left out of the train split: 1 of 10 images, all of whose pixels are ignored")
    assert noted(dataset, "classes that no training mask has: car")


def test_any_id_can_be_ignored(tmp_path):
    images, masks = many(ids=(0, 1, 2))
    dataset = load(write(tmp_path, images, masks), ignore_index=0, classes=["unlabeled", "ground", "tree"])
    expected = np.stack([masks[f"{i:02}"] for i in dataset.train.indices])
    np.testing.assert_array_equal(dataset.train.targets, np.where(expected == 0, 255, expected))


def test_images_and_masks_of_different_sizes_are_resized_together(tmp_path):
    images, masks = many()
    for i in range(10):
        masks[f"{i:02}"] = np.repeat(np.arange(2), 4 + i)[None].repeat(6 + i, 0)  # left half 0, right half 1
        images[f"{i:02}"] = 255 * masks[f"{i:02}"]
    folder = write(tmp_path, images, masks)
    dataset = load(folder)
    assert noted(dataset, "the images have different sizes") and dataset.signature.shape == (None, None, 1)
    height, width = dataset.resize.resize.height, dataset.resize.resize.width
    assert dataset.train.targets.shape[1:] == (height, width) and 6 <= height <= 16 and 8 <= width <= 32
    dataset = load(folder, PreprocessStep.model_validate({"resize": {"height": 6, "width": 10}}))
    assert dataset.train.targets.tolist() == [[[0] * 5 + [1] * 5] * 6] * len(dataset.train)


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (np.array([[True, False], [False, True]]), {}),
        (np.array([[3, 200], [0, 254]], np.uint8), {}),
        (np.array([[3, 1000], [0, 65535]], np.uint16), {}),
        (np.array([[3, 200], [0, 9]], np.uint8), {"format": "TIFF", "compression": "tiff_lzw"}),
        (np.array([[3, 1000], [0, 9]], np.uint16), {"format": "TIFF"}),
    ],
    ids=["one_bit", "grey", "grey16", "tiff", "tiff16"],
)
def test_masks_keep_the_stored_values(tmp_path, array, options):
    Image.fromarray(array).save(tmp_path / "mask.png", **options)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), array)


@pytest.mark.parametrize("bits", [2, 4])
def test_masks_of_few_bits_keep_the_stored_values(tmp_path, bits):
    """Pillow reads grey of 2 and 4 bits stretched to 0 to 255. Such files are made by hand: it does not write them."""
    import struct
    import zlib

    rows = np.random.default_rng(0).integers(0, 1 << bits, (5, 8))
    packed = np.packbits(np.unpackbits(rows[..., None].astype(np.uint8), axis=-1)[..., -bits:].reshape(5, -1), axis=1)

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    (tmp_path / "mask.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 5, bits, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed)))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), rows)


def _damage(name, act):
    return pytest.param(act[0], act[1], act[2] if len(act) > 2 else {}, id=name)


def _unlink(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def _save(name, array, **options):
    def act(folder):
        Image.fromarray(np.asarray(array, np.uint8)).save(folder / name, **options)

    return act


def _text(name, text):
    return lambda folder: (folder / name).write_bytes(text)


BIG, RGB = np.zeros((9, 9)), np.zeros((6, 8, 3))
BAD = [
    _damage(
        "mask_missing",
        (_unlink("masks/03.png", "masks/05.png"), "2 images without a mask: images/03.png, images/05.png"),
    ),
    _damage("image_missing", (_unlink("images/03.png"), "1 masks without an image: masks/03.png")),
    _damage(
        "other_size",
        (_save("masks/03.png", BIG), r"1 masks of another size than their image: images/03.png \(6×8, its mask 9×9\)"),
    ),
    _damage("turned", (_save("masks/03.png", np.zeros((8, 6))), r"images/03.png \(6×8, its mask 8×6\)")),
    _damage(
        "rgb",
        (
            _save("masks/03.png", RGB),
            r"1 masks that cannot be used: masks/03.png \(its pixels are RGB; expected one class id",
        ),
    ),
    _damage("rgba", (_save("masks/03.png", np.zeros((6, 8, 4))), "its pixels are RGBA")),
    _damage("grey_with_alpha", (_save("masks/03.png", np.zeros((6, 8, 2))), "its pixels are LA")),
    _damage(
        "jpeg", (_save("masks/03.png", np.zeros((6, 8)), format="JPEG"), "no PNG or TIFF; other formats may change")
    ),
    _damage(
        "unknown_id",
        (
            _save("masks/03.png", np.full((6, 8), 9)),
            r"1 masks with ids that no class has \(ids: 0 to 1\): images/03.png \(ids 9\)",
            {"classes": ["a", "b"]},
        ),
    ),
    _damage(
        "void_id",
        (_save("masks/03.png", np.full((6, 8), 255)), r"ids 255: see data.ignore_index", {"classes": ["a", "b"]}),
    ),
    _damage(
        "void_or_class",
        (
            _save("masks/03.png", np.full((6, 8), 255)),
            "masks hold 255 beside 2 other ids, and it may be a class or mark pixels",
        ),
    ),
    _damage("empty_mask_file", (_text("masks/03.png", b""), r"masks/03.png \(the file is empty\)")),
    _damage(
        "cut_mask",
        (
            lambda f: (f / "masks/03.png").write_bytes((f / "masks/03.png").read_bytes()[:40]),
            r"1 masks that cannot be used: masks/03.png \(",
        ),
    ),
    _damage(
        "damaged_image",
        (_text("images/03.png", b"\x89PNG\r\n\x1a\nabc"), "1 images that cannot be read: images/03.png"),
    ),
    _damage(
        "two_images_of_a_name",
        (_save("images/03.jpg", np.zeros((6, 8))), "1 names that several files have: images/03.jpg and images/03.png"),
    ),
    _damage(
        "two_masks_of_a_name",
        (_save("masks/03.tif", np.zeros((6, 8))), "1 names that several files have: masks/03.png and masks/03.tif"),
    ),
    _damage(
        "no_masks", (lambda f: (f / "masks").rename(f / "labels"), "1 folders are missing: masks; each image needs")
    ),
    _damage("no_images", (lambda f: (f / "images").rename(f / "pictures"), "expected images/ with masks/")),
    _damage(
        "nothing",
        (
            lambda f: [p.unlink() for p in f.rglob("*.png")],
            "no image with a mask in the split train",
            {"classes": ["a", "b"]},
        ),
    ),
    _damage("classes_twice", (_text("classes.txt", b"a\nb\na\n"), "classes.txt: names a class twice: a")),
    _damage(
        "classes_gap",
        (_text("classes.txt", b"a\n\nb\n"), "classes.txt: expected one name a class; 1 numbers have no name: 1"),
    ),
    _damage("classes_latin", (_text("classes.txt", "hä\nb".encode("latin-1")), "classes.txt: not UTF-8")),
    _damage("one_class", (_text("classes.txt", b"a\n"), "expected the names of 2 to 255 classes")),
    _damage(
        "one_id",
        (lambda f: [_save(f"masks/{i:02}.png", np.zeros((6, 8)))(f) for i in range(10)], "hold 1 ids that count"),
    ),
    _damage(
        "all_ignored",
        (
            lambda f: [_save(f"masks/{i:02}.png", np.full((6, 8), 255))(f) for i in range(10)],
            "every pixel of the train split has it",
            {"classes": ["a", "b"], "ignore_index": 255},
        ),
    ),
    _damage(
        "split_beside_files", (lambda f: (f / "images/train").mkdir(), "train are splits, and beside them lie 10 files")
    ),
    _damage("no_such_folder", (lambda f: f.rename(f.parent / "away"), "folder .* does not exist")),
]


@pytest.mark.parametrize(("damage", "message", "settings"), BAD)
def test_refused(tmp_path, damage, message, settings):
    folder = write(tmp_path / "data", *many())
    assert len(load(folder, **settings).train) == 7 if not settings.get("ignore_index") else True
    damage(folder)
    with pytest.raises(ZooError, match=message):
        load(folder, **settings)


def test_all_faults_are_counted_at_once_or_left_out(tmp_path):
    images, masks = many(20)
    for name in ("01", "02"):
        del masks[name]
    del images["03"]
    masks["04"], masks["05"] = BIG, RGB
    folder = write(tmp_path, images, masks)
    (folder / "images/06.png").write_bytes(b"no image")
    with pytest.raises(ZooError) as error:
        load(folder)
    for part in (
        "2 images without a mask: images/01.png",
        "1 masks without",
        "1 masks of another",
        "1 images that cannot",
    ):
        assert part in str(error.value)
    assert "data.on_error=skip" in str(error.value)
    dataset = load(folder, on_error="skip")
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 14
    assert noted(dataset, "left out by data.on_error: 6 of 20 examples: 2 images without a mask")
