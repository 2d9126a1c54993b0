"""The shared decoder, against formulas and arrays that do not come from it."""

import io

import numpy as np
import pytest
from PIL import Image

from zoo.data.sources.images import decode_image, image_files, read_image
from zoo.errors import ZooError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encoded(image, form="PNG", **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, form, **options)
    return buffer.getvalue()


def luma(rgb):
    """ITU-R 601-2 in 16-bit fixed point."""
    return (rgb.astype(np.int64) @ [19595, 38470, 7471] + 0x8000 >> 16).astype(np.uint8)


def test_grey_and_colour():
    np.testing.assert_array_equal(decode_image(encoded(GREY), 1, "x"), GREY[..., None])
    np.testing.assert_array_equal(decode_image(encoded(COLOUR), 3, "x"), COLOUR)
    np.testing.assert_array_equal(decode_image(encoded(GREY), 3, "x"), np.stack([GREY] * 3, axis=-1))
    np.testing.assert_array_equal(decode_image(encoded(COLOUR), 1, "x"), luma(COLOUR)[..., None])
    assert decode_image(encoded(GREY), 1, "x").dtype == np.uint8


def test_a_palette_is_resolved():
    palette = RNG.integers(0, 256, (8, 3), dtype=np.uint8)
    indices = RNG.integers(0, 8, (5, 7), dtype=np.uint8)
    image = Image.fromarray(indices)
    image = image.convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette(palette.ravel().tolist())
    np.testing.assert_array_equal(decode_image(encoded(image), 3, "x"), palette[indices])
    transparent = encoded(image, transparency=b"\x00\x80")
    np.testing.assert_array_equal(decode_image(transparent, 3, "x"), palette[indices])


def test_alpha_is_dropped():
    alpha = RNG.integers(0, 256, (5, 7, 1), dtype=np.uint8)
    np.testing.assert_array_equal(decode_image(encoded(np.concatenate([COLOUR, alpha], -1)), 3, "x"), COLOUR)
    np.testing.assert_array_equal(
        decode_image(encoded(np.concatenate([GREY[..., None], alpha], -1)), 1, "x"), GREY[..., None]
    )


def test_one_bit():
    bits = GREY > 127
    np.testing.assert_array_equal(decode_image(encoded(bits), 1, "x"), 255 * bits[..., None].astype(np.uint8))


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [(3, lambda x: x[::-1, ::-1]), (6, lambda x: np.rot90(x, -1)), (8, lambda x: np.rot90(x, 1))],
)
def test_turned_upright(orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode_image(encoded(COLOUR, exif=exif), 3, "x"), upright(COLOUR))


def test_cmyk_jpeg():
    cyan, magenta, yellow, black = 40, 90, 200, 30
    content = encoded(Image.new("CMYK", (16, 16), (cyan, magenta, yellow, black)), "JPEG", quality=100)
    expected = [(255 - ink) * (255 - black) / 255 for ink in (cyan, magenta, yellow)]
    np.testing.assert_allclose(decode_image(content, 3, "x"), np.broadcast_to(expected, (16, 16, 3)), atol=4)


def test_first_frame_of_an_animation():
    frames = [Image.fromarray(np.full((4, 4), shade, np.uint8)) for shade in (10, 200)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert set(decode_image(content, 1, "x").ravel()) == {10}


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [0, 30, 0.6])
def test_files_cut_short_are_refused_by_name(form, kept):
    content = encoded(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8), form)
    part = content[: int(kept * len(content)) if isinstance(kept, float) else kept]
    with pytest.raises(ZooError, match=r"^photos/a\.png: not readable as an image \(.+\)$"):
        decode_image(part, 3, "photos/a.png")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_no_file_cut_short_is_taken_for_a_whole_one(form):
    content = encoded(RNG.integers(0, 256, (20, 20), dtype=np.uint8), form)
    complete = decode_image(content, 1, "x")
    for length in range(0, len(content), 7):
        try:
            found = decode_image(content[:length], 1, "x")
        except ZooError:
            continue
        np.testing.assert_array_equal(found, complete)  # only what follows the pixels is missing


def test_text_under_an_image_name(tmp_path):
    (tmp_path / "note.png").write_text("not an image")
    with pytest.raises(ZooError, match=r"note\.png: not readable as an image"):
        read_image(tmp_path / "note.png", 3)
    with pytest.raises(ZooError, match=r"gone\.png: not readable \(No such file"):
        read_image(tmp_path / "gone.png", 3)


def test_more_than_eight_bits_are_refused():
    deep = encoded(RNG.integers(0, 65536, (4, 4), dtype=np.uint16))
    for channels in (1, 3):
        with pytest.raises(ZooError, match=r"^x\.png: images of mode 'I;16' are not supported; save it with 8 bits"):
            decode_image(deep, channels, "x.png")
    with pytest.raises(ZooError, match="mode 'F'"):
        decode_image(encoded(GREY.astype(np.float32), "TIFF"), 1, "x.tif")


def test_listing_of_a_folder(tmp_path):
    for name in ("b.PNG", "sub/a.jpeg", ".hidden.png", ".git/c.png", "notes.txt", "z.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [p.relative_to(tmp_path).as_posix() for p in image_files(tmp_path)] == ["b.PNG", "sub/a.jpeg", "z.webp"]
