"""Image files to arrays: the one decoder that training, evaluation and serving use."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from zoo.errors import ZooError
from zoo.utils.files import read_regular

MAX_PIXELS = 1 << 27  # of an image; a photograph of 100 megapixels stays below, a decompression bomb does not

# The decoders that may run. Pillow goes by content: with all of them, a PostScript program called `cat.png` is run.
_BY_CONTENT = {  # decoder: suffixes of its files; each file begins with a mark of its own
    "AVIF": (".avif",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "ICO": (".ico",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    "JPEG2000": (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
    "PNG": (".png", ".apng"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "QOI": (".qoi",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "SUN": (".ras",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
_BY_SUFFIX = {  # decoders that would take other files for theirs
    "DIB": (".dib",),
    "PCX": (".pcx",),
    "TGA": (".tga", ".icb", ".vda", ".vst"),
}
SUFFIXES = tuple(suffix for kinds in (_BY_CONTENT, _BY_SUFFIX) for suffixes in kinds.values() for suffix in suffixes)
FORMATS = ", ".join((*_BY_CONTENT, *_BY_SUFFIX))  # for messages

_MODES = {1: "L", 3: "RGB"}
_GREY_MODES = ("1", "L", "LA")
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
_BACKGROUND = (255, 255, 255, 255)  # white, which browsers and documents show behind transparent pixels

FRAMES = "hold several frames or pages, of which the first is used"
TRANSPARENT = "have transparent pixels, which are laid on white"
DEEP = "have 16 bits a channel, of which the upper 8 are used"
BAD_EXIF = "have EXIF data that cannot be read, and are taken to be upright"


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image.

    Attributes:
        pixels: uint8 `(height, width, channels)`.
        remarks: what decoding did that a reader of the results should know: `FRAMES`, `TRANSPARENT`, …
        turned: whether it was turned by its EXIF orientation, as boxes and masks may not have been.
    """

    pixels: np.ndarray
    remarks: tuple[str, ...] = ()
    turned: bool = False


def decode(content: bytes, channels: int | None, name: str) -> DecodedImage:
    """Decode an image file.

    The image is turned by its EXIF orientation and converted to grey or RGB. Transparent pixels are laid on white, a
    palette is resolved, and of several frames the first is taken.

    Args:
        content: the file's bytes.
        channels: 1 (grey) or 3 (RGB); None: 1 for a grey image, 3 for any other.
        name: the file's name, for messages and, where the content does not say it, for the format.

    Raises:
        ZooError: the file is damaged, cut short, too large, or not an image of a format that is read.
    """
    if not content:
        raise ZooError(f"{name}: not readable as an image (the file is empty)")
    with _reported(name), Image.open(io.BytesIO(content), formats=_formats(Path(name).suffix.lower())) as image:
        return pixels_of(image, channels, name)


def pixels_of(image: Image.Image, channels: int | None, name: str) -> DecodedImage:
    """Return the pixels of an image that Pillow has opened; see `decode`."""
    remarks = []
    with _reported(name):
        if image.width * image.height > MAX_PIXELS:
            raise ZooError(_too_large(name))
        if image.mode.startswith(("I", "F")):  # 16 and 32 bits a pixel: Pillow would clip, not scale
            raise ZooError(f"{name}: images of mode '{image.mode}' are not supported; save it with 8 bits a channel")
        if _has_frames(image):
            remarks.append(FRAMES)
        if _is_deep(image):
            remarks.append(DEEP)
        upright = _turn_upright(image, remarks)
        turned = _has_orientation(image)
        channels = channels or (1 if image.mode in _GREY_MODES else 3)
        pixels = np.asarray(_flatten(upright, remarks).convert(_MODES[channels]), dtype=np.uint8)
    return DecodedImage(pixels.reshape(*pixels.shape[:2], channels), tuple(remarks), turned)


@contextmanager
def _reported(name: str) -> Iterator[None]:
    """Say of an error of Pillow which image it is on."""
    try:
        yield
    except ZooError:
        raise
    except Image.UnidentifiedImageError as error:
        raise ZooError(f"{name}: not readable as an image (its content is of no format that is read)") from error
    except Image.DecompressionBombError as error:  # Pillow's own limit, which a program may have lowered
        raise ZooError(_too_large(name)) from error
    except Exception as error:  # Pillow's decoders raise exceptions of many types
        raise ZooError(f"{name}: not readable as an image ({error or type(error).__name__})") from error


def decode_image(content: bytes, channels: int, name: str) -> np.ndarray:
    """Return the pixels of an image file, uint8 `(height, width, channels)`; see `decode`."""
    return decode(content, channels, name).pixels


def read_image(path: str | Path, channels: int) -> np.ndarray:
    """Read and decode an image file; see `decode`."""
    return decode_image(read_image_file(path), channels, str(path))


def read_image_file(path: str | Path) -> bytes:
    """Return the bytes of an image file.

    Raises:
        ZooError: it is not readable, or no regular file.
    """
    try:
        return read_regular(path)
    except OSError as error:
        raise ZooError(f"{path}: not readable ({error.strerror})") from error


def reason_of(error: ZooError, path: Path) -> str:
    """Return why a file is no image that can be read: the message without what a list of such files says once."""
    text = str(error).removeprefix(f"{path}: ")
    reason = re.fullmatch(r"not readable(?: as an image)? \((.*)\)", text, re.DOTALL)
    return reason[1] if reason else text


def holds_image(path: Path) -> bool:
    """Return whether the content of a regular file begins as an image does, whatever the file's name."""
    try:
        with path.open("rb") as file, quiet_pillow(), Image.open(file, formats=_formats("")):
            return True
    except Exception:  # Pillow's decoders raise exceptions of many types
        return False


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence Pillow's warnings on odd files. Not for each file: filters of warnings are shared by all threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def _formats(suffix: str) -> tuple[str, ...]:
    """Return the decoders for a file with this suffix that this installation of Pillow has."""
    Image.init()
    named = [decoder for decoder, suffixes in _BY_SUFFIX.items() if suffix in suffixes]
    return tuple(decoder for decoder in (*_BY_CONTENT, *named) if decoder in Image.OPEN)


def _too_large(name: str) -> str:
    return f"{name}: more than {MAX_PIXELS:,} pixels, the most that are decoded; make it smaller"


def _has_frames(image: Image.Image) -> bool:
    if image.format == "MPO":  # a photograph with previews or depth of the same view
        return False
    with suppress(Exception):  # where the later frames are damaged, the first may be whole
        return bool(getattr(image, "is_animated", False))
    return False


def _is_deep(image: Image.Image) -> bool:
    """Return whether the file has 16 bits a channel, which Pillow reads as 8."""
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        if any(isinstance(a, str) and ";16" in a for a in arguments):
            return True
        if image.format == "PPM" and isinstance(arguments[-1], int) and arguments[-1] > 255:  # the highest value
            return True
    return False


def _has_orientation(image: Image.Image) -> bool:
    """Return whether EXIF says that an image is to be turned or mirrored."""
    with suppress(Exception):  # whatever damaged EXIF data lead to
        return 2 <= int(image.getexif().get(ExifTags.Base.Orientation, 1)) <= 8
    return False


def _turn_upright(image: Image.Image, remarks: list[str]) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # whatever damaged EXIF data lead to; damaged pixels fail again, and are refused
        remarks.append(BAD_EXIF)
        return image


def _flatten(image: Image.Image, remarks: list[str]) -> Image.Image:
    """Lay an image with transparent pixels on white; return any other as it is."""
    if image.mode not in _ALPHA_MODES and "transparency" not in image.info:
        return image
    layered = image.convert("RGBA")
    if np.asarray(layered.getchannel("A")).min() == 255:  # nothing is transparent
        return layered
    remarks.append(TRANSPARENT)
    return Image.alpha_composite(Image.new("RGBA", layered.size, _BACKGROUND), layered)
