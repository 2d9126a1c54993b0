"""Audio files to samples: the one decoder that training, evaluation and serving use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from zoo.errors import ZooError, import_extra
from zoo.utils.files import check_regular

SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus")
FORMATS = "WAV, FLAC, OGG"  # for messages
# libsndfile goes by content; what does not begin with one of these marks never comes to its decoders.
_MARKS = {b"RIFF": "WAV", b"RIFX": "WAV", b"RF64": "WAV", b"fLaC": "FLAC", b"OggS": "OGG"}
_DECODERS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG")
_OTHERS = {b"ID3": "MP3", b"\xff\xfb": "MP3", b"\xff\xf3": "MP3", b"\xff\xe3": "MP3", b"FORM": "AIFF", b".snd": "AU"}
_CUT_SHORT = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)  # libsndfile's log of a WAV file
_WITHOUT_LENGTH = 0x7F000000  # bytes: from here on a header's length stands for one that its writer did not know
_RATES = (1_000, 768_000)  # samples a second, of what is taken for audio
_CLIPPED_RUN = 3  # samples at full scale one after the other: what was recorded was louder
_FULL_SCALE = 0.9995
MAX_AMPLITUDE = 16.0  # of samples in floating point, full scale being 1; larger ones are in another unit

MIXED = "have several channels, which are mixed to one"
SILENT = "are silent: all their samples are the same"
CLIPPED = f"are clipped: {_CLIPPED_RUN} or more samples one after the other lie at full scale"
BEYOND = "have samples beyond -1 to 1, which stay as they are"
PADDED = "padded"
CUT = "cut"


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of its clip: samples a second, samples of each channel, and channels."""

    rate: int
    frames: int
    channels: int = 1

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return self.frames / self.rate


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip at the rate and of the length that is asked for.

    Attributes:
        samples: float32 `(samples,)`, one channel, full scale being -1 to 1.
        remarks: what a reader of the results should know of it: `MIXED`, `SILENT`, …
    """

    samples: np.ndarray
    remarks: tuple[str, ...] = ()


def read_header(path: Path) -> Header:
    """Return what a file says of its clip.

    Raises:
        ZooError: it is no audio file of a format that is read, damaged, cut short, or holds no samples.
    """
    with _opened(path) as sound:
        return _header(sound)


def read_clip(path: Path, rate: int, samples: int) -> Clip:
    """Read the first `samples / rate` seconds of an audio file; see `fit_clip`.

    Raises:
        ZooError: it is no audio file of a format that is read, damaged, cut short, or holds no samples.
    """
    with _opened(path) as sound:
        header = _header(sound)
        wanted = min(header.frames, needed(header, rate, samples))
        values = sound.read(wanted, dtype="float32", always_2d=True)
        if len(values) < wanted:
            raise ZooError(f"cut short: {len(values):,} of {wanted:,} samples are there")
        return fit_clip(values, header, rate, samples)


def needed(header: Header, rate: int, samples: int) -> int:
    """Return how many samples of a clip make `samples` at another rate."""
    return -(-samples * header.rate // rate)


def fit_clip(values: np.ndarray, header: Header, rate: int, samples: int) -> Clip:
    """Return a clip as one channel, resampled, and cut or padded with zeros at its end.

    Args:
        values: its first samples `(needed, channels)`, full scale being -1 to 1.
        header: what is known of the whole clip.
        rate: samples a second that are wanted.
        samples: how many of them.

    Raises:
        ZooError: samples are not finite, or in another unit.
    """
    if not np.isfinite(values).all():
        raise ZooError("holds NaN or infinity")
    loudest = float(np.abs(values).max(initial=0.0))
    if loudest > MAX_AMPLITUDE:
        raise ZooError(f"samples in floating point reach {loudest:g}, and full scale is 1; divide them")
    remarks = []
    if values.shape[1] > 1:
        remarks.append(MIXED)
    mono = values.mean(axis=1, dtype=np.float32) if values.shape[1] > 1 else values[:, 0]
    if np.ptp(mono) == 0:
        remarks.append(SILENT)
    elif loudest > 1:
        remarks.append(BEYOND)
    elif _is_clipped(values):
        remarks.append(CLIPPED)
    length = round(header.frames * rate / header.rate)
    if length != samples:
        remarks.append(CUT if length > samples else PADDED)
    if header.rate != rate:
        soxr = import_extra("soxr", "audio of several sample rates")
        mono = soxr.resample(mono, header.rate, rate)
    fitted = np.zeros(samples, np.float32)
    fitted[: min(samples, len(mono))] = mono[:samples]
    return Clip(samples=fitted, remarks=tuple(remarks))


def full_scale(x: np.ndarray) -> np.ndarray:
    """Return samples as float32, full scale being -1 to 1: those of whole numbers are divided by the range of the type.

    Raises:
        ZooError: the numbers have another type.
    """
    if x.dtype.kind == "f":
        return x.astype(np.float32)
    if x.dtype.kind not in "iu" or (x.dtype.itemsize == 8 and np.abs(x).max(initial=0) > 1 << 15):
        raise ZooError(f"samples must be floats, or whole numbers of 8, 16 or 32 bits, received {x.dtype} {x.shape}")
    if x.dtype.kind == "u":
        half = 1 << (8 * x.dtype.itemsize - 1)
        return ((x.astype(np.float64) - half) / half).astype(np.float32)
    bits = 16 if x.dtype.itemsize == 8 else 8 * x.dtype.itemsize  # TensorFlow Datasets holds 16 bits in 64
    return (x.astype(np.float64) / (1 << (bits - 1))).astype(np.float32)


def _is_clipped(values: np.ndarray) -> bool:
    full = np.abs(values) >= _FULL_SCALE
    runs = full[_CLIPPED_RUN - 1 :]
    for shift in range(1, _CLIPPED_RUN):
        runs = runs & full[_CLIPPED_RUN - 1 - shift : len(full) - shift]
    return bool(runs.any())


def has_audio_suffix(path: Path) -> bool:
    """Return whether a file has the suffix of an audio file that can be read."""
    return path.suffix.lower() in SUFFIXES


def _header(sound: Any) -> Header:
    return Header(rate=sound.samplerate, frames=sound.frames, channels=sound.channels)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Yield an open audio file; messages do not name it."""
    soundfile = import_extra("soundfile", "audio files")
    try:
        check_regular(path)
        with path.open("rb") as file:
            _check_mark(file)
            try:
                with soundfile.SoundFile(file) as sound:
                    _check_sound(sound, file)
                    yield sound
            except soundfile.LibsndfileError as error:
                raise ZooError(f"damaged: {str(error.error_string).rstrip('.')}") from error
    except OSError as error:
        raise ZooError(f"not readable: {error.strerror}") from error


def _check_mark(file: BinaryIO) -> None:
    """Refuse what is no audio file of a format that is read by its first bytes."""
    start = file.read(12)
    file.seek(0)
    if not start:
        raise ZooError("the file is empty")
    if start[:4] not in _MARKS or (start[:4] in (b"RIFF", b"RIFX") and start[8:12] not in (b"WAVE", b"")):
        other = next((name for mark, name in _OTHERS.items() if start.startswith(mark)), None)
        raise ZooError(f"its content is {other or 'of no format that is read'}; read are {FORMATS}")


def _check_sound(sound: Any, file: BinaryIO) -> None:
    """Refuse a clip that is cut short, empty, or at a rate that no audio has."""
    if sound.format not in _DECODERS:
        raise ZooError(f"its content is {sound.format}; read are {FORMATS}")
    short = _CUT_SHORT.search(sound.extra_info)
    if short and 0 < int(short[1]) < _WITHOUT_LENGTH and int(short[2]) < int(short[1]):
        raise ZooError(f"cut short: {int(short[2]):,} of {int(short[1]):,} bytes are there")
    if not sound.frames:
        raise ZooError("holds no samples")
    low, high = _RATES
    if not low <= sound.samplerate <= high:
        raise ZooError(f"a sample rate of {sound.samplerate:,} Hz; expected {low:,} to {high:,}")
