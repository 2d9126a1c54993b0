"""Decode the image files of a split once, so that damaged ones are found before training starts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.inputs import ArrayInputs, ImageInputs, Inputs
from zoo.data.notes import damaged_files
from zoo.data.sources.images import DecodedImage, decode, quiet_pillow, read_image, read_image_file, reason_of
from zoo.errors import ZooError, counted

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data

MAX_KEPT_BYTES = 1 << 29  # of decoded images of a split that stay in memory; they are copied once

_DECODED_AT_A_TIME = 64  # files; more would wait in memory for their turn


@dataclass
class SplitFiles:
    """The image files of a split, and what decoding all of them once has shown.

    Attributes:
        files: the images.
        targets: an entry for each.
        digest: SHA-256 over their contents.
        sizes: height and width of each in pixels, upright.
        kept: the decoded images, in their own number of channels; empty where they take too much memory.
        grey: whether each image is grey.
        turned: those that were turned by their EXIF orientation.
    """

    files: list[Path]
    targets: np.ndarray
    digest: str = ""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    kept: list[np.ndarray] = field(default_factory=list)
    grey: list[bool] = field(default_factory=list)
    turned: list[Path] = field(default_factory=list)

    def part(self, positions: Sequence[int]) -> SplitFiles:
        """Return the files at these positions alone."""
        return SplitFiles(
            files=[self.files[i] for i in positions],
            targets=self.targets[list(positions)],
            digest=self.digest,
            sizes=[self.sizes[i] for i in positions],
            kept=[self.kept[i] for i in positions] if self.kept else [],
            grey=[self.grey[i] for i in positions],
            turned=self.turned,
        )


def decode_splits(
    splits: dict[str, SplitFiles], data: Data, broken: dict[Path, str]
) -> tuple[dict[str, SplitFiles], list[str]]:
    """Decode every file of every split once.

    Args:
        splits: the files; those that cannot be decoded are taken out.
        data: the recipe's section.
        broken: files that are known to be unreadable, with the reason; those that are found here are added.

    Returns:
        The splits, and what a reader of the results should know of the images.
    """
    remarks = Counter[str]()
    with quiet_pillow():
        decoded = {name: _decode_all(found, data, broken, remarks) for name, found in splits.items()}
    total = sum(len(split.files) for split in decoded.values()) + len(broken)
    return decoded, [f"{count:,} of {total:,} images {remark}" for remark, count in sorted(remarks.items())]


def _decode_all(split: SplitFiles, data: Data, broken: dict[Path, str], remarks: Counter[str]) -> SplitFiles:
    """Decode every file of a split once; those that fail are added to `broken` and taken out."""
    digest = hashlib.sha256()
    keep, size = data.memory != "streamed", 0
    whole_files: list[int] = []

    def read(path: Path) -> tuple[bytes, DecodedImage] | str:
        try:
            content = read_image_file(path)
            return hashlib.sha256(content).digest(), decode(content, data.channels, str(path))
        except ZooError as error:
            return reason_of(error, path)

    with ThreadPoolExecutor(4) as pool:
        starts = range(0, len(split.files), _DECODED_AT_A_TIME)
        every = (found for i in starts for found in pool.map(read, split.files[i : i + _DECODED_AT_A_TIME]))
        for position, found in enumerate(every):
            if isinstance(found, str):
                broken[split.files[position]] = found
                continue
            content, image = found
            digest.update(content)
            remarks.update(image.remarks)
            whole_files.append(position)
            split.sizes.append((image.pixels.shape[0], image.pixels.shape[1]))
            split.grey.append(image.pixels.shape[-1] == 1)
            if image.turned:
                split.turned.append(split.files[position])
            size += image.pixels.nbytes
            keep = keep and size <= MAX_KEPT_BYTES
            if keep:
                split.kept.append(image.pixels)
            else:
                split.kept.clear()
    split.files = [split.files[i] for i in whole_files]
    split.targets, split.digest = split.targets[whole_files], digest.hexdigest()
    return split


def unreadable(broken: dict[Path, str], total: int, base: Path, data: Data, what: str = "images") -> list[str]:
    """Refuse files that cannot be read, or return a note where the recipe leaves them out.

    Args:
        broken: the files, with the reason.
        total: number of files, these among them.
        base: paths are given relative to it.
        data: the recipe's section.
        what: what the files hold.

    Raises:
        ZooError: there are some, and `data.on_error` is "stop".
    """
    if not broken:
        return []
    files = [f"{path.relative_to(base)} ({reason})" for path, reason in sorted(broken.items())]
    message = f"{counted(files, f'of {total:,} {what} cannot be read')}"
    if data.on_error == "stop":
        raise ZooError(f"{base}: {message}; mend or remove them, or leave them out with data.on_error=skip")
    return [damaged_files(f"left out by data.on_error: {message}", files)]


def turned_notes(splits: Sequence[SplitFiles], base: Path, what: str) -> list[str]:
    """Return a note where images were turned upright, and what goes with them may not have been.

    Args:
        splits: the images.
        base: paths are given relative to it.
        what: what goes with them: "masks".
    """
    turned = [str(path.relative_to(base)) for split in splits for path in split.turned]
    if not turned:
        return []
    return [
        f"turned upright by EXIF, and their {what} are taken to be of the upright image: {counted(turned, 'images')}"
    ]


def image_inputs(splits: Mapping[str, SplitFiles], data: Data) -> tuple[dict[str, Inputs], tuple[int | None, ...]]:
    """Return the images of all splits, and their shape: None for an axis that varies.

    The channels are the recipe's, or 1 where every image is grey, else 3.
    """
    channels = data.channels or (1 if all(all(split.grey) for split in splits.values()) else 3)
    inputs = {name: _inputs(split, channels) for name, split in splits.items()}
    shapes = {each.array.shape[1:] if isinstance(each, ArrayInputs) else None for each in inputs.values()}
    shape = shapes.pop() if len(shapes) == 1 else None
    return inputs, shape or (None, None, channels)


def _inputs(split: SplitFiles, channels: int) -> Inputs:
    """Return the images: in one array where all have one size, and in memory where all of them fit."""
    files = split.files
    kept = [image if image.shape[-1] == channels else np.repeat(image, 3, -1) for image in split.kept]
    if kept and len({image.shape for image in kept}) == 1:
        return ArrayInputs(np.stack(kept), names=files)
    read = kept.__getitem__ if kept else lambda i: read_image(files[i], channels)
    return ImageInputs(len(files), read, split.digest, np.array(split.sizes, int).reshape(-1, 2), files)
