"""The shared decoder, against formulas and arrays that do not come from it."""

import ast
import contextlib
import io
import os
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.sources import images
from zoo.data.sources.images import (
    BAD_EXIF,
    DEEP,
    FRAMES,
    SUFFIXES,
    TRANSPARENT,
    decode,
    decode_image,
    holds_image,
    read_image,
)
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


def on_white(colour, alpha):
    """The formula of laying a colour on white, in floating point."""
    alpha = alpha[..., None] / 255
    return colour * alpha + 255 * (1 - alpha)


def transparent_files():
    """Return a PNG of each way to write transparency, its colours and its alpha."""
    alpha = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
    alpha[0] = 0
    palette, indices = RNG.integers(0, 256, (8, 3), dtype=np.uint8), RNG.integers(0, 8, (5, 7), dtype=np.uint8)
    of_palette = Image.fromarray(indices, "P")
    of_palette.putpalette(palette.ravel().tolist())
    ramp = np.arange(8, dtype=np.uint8) * 36
    key = tuple(int(v) for v in COLOUR[2, 3])
    only_grey = np.stack([GREY] * 3, axis=-1)
    return {
        "RGBA": (encoded(np.concatenate([COLOUR, alpha[..., None]], -1)), COLOUR, alpha),
        "LA": (encoded(np.stack([GREY, alpha], -1)), only_grey, alpha),
        "palette": (encoded(of_palette, transparency=bytes(ramp.tolist())), palette[indices], ramp[indices]),
        "colour key": (
            encoded(COLOUR, transparency=key),
            COLOUR,
            np.where((key == COLOUR).all(-1), 0, 255).astype(np.uint8),
        ),
        "grey key": (
            encoded(GREY, transparency=int(GREY[1, 1])),
            only_grey,
            np.where(GREY[1, 1] == GREY, 0, 255).astype(np.uint8),
        ),
    }


@pytest.mark.parametrize("kind", transparent_files())
def test_transparent_pixels_are_laid_on_white(kind):
    content, colour, alpha = transparent_files()[kind]
    image = decode(content, 3, "x")
    np.testing.assert_allclose(image.pixels, on_white(colour, alpha), atol=1)
    assert image.remarks == (TRANSPARENT,)
    grey = decode_image(content, 1, "x")
    np.testing.assert_allclose(grey[..., 0], image.pixels @ [0.299, 0.587, 0.114], atol=1)
    assert decode(content, None, "x").pixels.shape[-1] == (1 if kind in ("LA", "grey key") else 3)


def test_hidden_colours_do_not_show():
    red, blue = (encoded(Image.new("RGBA", (4, 4), (*colour, 0))) for colour in ((255, 0, 0), (0, 0, 255)))
    for channels in (1, 3):
        assert (decode_image(red, channels, "x") == 255).all() and (decode_image(blue, channels, "x") == 255).all()


def test_an_alpha_channel_without_transparency_changes_nothing():
    opaque = np.full((5, 7, 1), 255, np.uint8)
    image = decode(encoded(np.concatenate([COLOUR, opaque], -1)), 3, "x")
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert image.remarks == ()
    np.testing.assert_array_equal(
        decode_image(encoded(np.concatenate([GREY[..., None], opaque], -1)), 1, "x")[..., 0], GREY
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
    assert decode(content, 1, "x").remarks == (FRAMES,)
    for form in ("PNG", "TIFF", "WEBP"):
        pages = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert decode(pages, 1, "x").remarks == (FRAMES,) and decode_image(pages, 1, "x")[0, 0, 0] == pytest.approx(
            10, abs=2
        )


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


def test_sixteen_bits_in_colour_are_read_by_their_upper_half():
    deep = RNG.integers(0, 65536, (4, 6, 3), dtype=np.uint16)
    content = b"P6 6 4 65535 " + deep.astype(">u2").tobytes()
    image = decode(content, 3, "x.ppm")
    np.testing.assert_allclose(image.pixels, deep / 257, atol=1)
    assert image.remarks == (DEEP,)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    chunks = {b"IHDR": struct.pack(">IIBBBBB", 6, 4, 16, 2, 0, 0, 0), b"IDAT": zlib.compress(rows), b"IEND": b""}
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks.items()
    )
    image = decode(png, 3, "x")
    np.testing.assert_array_equal(image.pixels, deep >> 8)
    assert image.remarks == (DEEP,)


def test_exif_data_that_cannot_be_read_do_not_cost_the_image():
    image = Image.fromarray(COLOUR)
    whole, damaged = encoded(image), encoded(image, exif=b"Exif\x00\x00not a TIFF header")
    np.testing.assert_array_equal(decode_image(damaged, 3, "x"), decode_image(whole, 3, "x"))
    assert decode(damaged, 3, "x").remarks in ((BAD_EXIF,), ())  # some versions of Pillow say nothing


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_stands_for_a_decoder(suffix, tmp_path):
    form = Image.registered_extensions().get(suffix) or {".jif": "JPEG", ".vst": "TGA", ".vda": "TGA"}[suffix]
    try:
        content = encoded(COLOUR, form)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {form}")
    found = decode_image(content, 3, f"x{suffix}")
    assert found.shape == COLOUR.shape
    if form not in ("JPEG", "AVIF", "GIF", "WEBP", "MPO", "JPEG2000"):
        np.testing.assert_array_equal(found, COLOUR)


def test_the_content_decides_where_the_name_is_wrong(tmp_path):
    np.testing.assert_array_equal(decode_image(encoded(COLOUR, "PNG"), 3, "cat.tga"), COLOUR)
    for content in (b"", b"%!PS-Adobe", b"<html>", encoded(COLOUR, "TGA"), encoded(COLOUR, "PDF")):
        (tmp_path / "file").write_bytes(content)
        assert not holds_image(tmp_path / "file")
    (tmp_path / "file").write_bytes(encoded(COLOUR, "WEBP"))
    assert holds_image(tmp_path / "file")


POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
showpage
"""


def programs(folder):
    """Write files whose decoder starts a program or that hold no image, under the name of a picture."""
    pixels = Image.fromarray(COLOUR)
    for form in ("EPS", "PDF", "IM", "SPIDER", "PALM", "XBM"):
        with contextlib.suppress(OSError, KeyError):
            (pixels if form in ("EPS", "PDF", "IM") else pixels.convert("1")).save(folder / form, form)
            yield (folder / form).read_bytes()
    yield POSTSCRIPT
    yield b"\xc5\xd0\xd3\xc6" + (12).to_bytes(4, "little") + bytes(4) + POSTSCRIPT  # EPS with a preview


def test_no_other_decoder_runs(tmp_path, monkeypatch):
    def no_program(*args, **options):
        raise AssertionError(f"a program was started: {args}")

    monkeypatch.setattr(subprocess, "Popen", no_program)
    monkeypatch.setattr(os, "system", no_program)
    for content in programs(tmp_path):
        for suffix in (*SUFFIXES, ".eps", ""):
            with pytest.raises(ZooError, match=r"^cat\S*: not readable as an image"):
                decode_image(content, 3, f"cat{suffix}")


def test_every_image_in_zoo_is_opened_with_a_list_of_decoders():
    package = Path(images.__file__).parents[2]
    calls = [
        (path, ast.unparse(node))
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Image.open")
    ]
    assert calls and all("formats=" in call for _, call in calls)


def bomb(width, height):
    """Return a small PNG that says it is large."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(bytes(100)), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks.items()
    )


@pytest.mark.parametrize("size", [(1 << 14, (1 << 13) + 1), (1 << 20, 1 << 20)])
def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(size, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # a program may have lifted Pillow's own limit
    with pytest.raises(ZooError, match=r"^x\.png: more than 134,217,728 pixels, the most that are decoded"):
        decode_image(bomb(*size), 1, "x.png")


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "cat.png")
    with pytest.raises(ZooError, match=r"cat\.png: not readable \(a pipe, not a file\)"):
        read_image(tmp_path / "cat.png", 3)
