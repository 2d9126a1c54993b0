"""Images of a Python program as the image files of a split, for targets that lie on the image: boxes and masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.data.memory.given import Pair
from zoo.data.memory.images import digest_of, pixels
from zoo.data.sources.decode_files import SplitFiles
from zoo.data.sources.faults import Faults
from zoo.data.sources.images import quiet_pillow
from zoo.errors import ZooError
from zoo.recipe.data_section import Data

BASE = Path("data")  # what messages call the data


def place_of(split: str, position: int) -> Path:
    """Return what stands for the path of an image."""
    return BASE / f"{split} image {position + 1}"


def split_pictures(pairs: Mapping[str, Pair], data: Data, faults: Faults, notes: list[str]) -> dict[str, SplitFiles]:
    """Return the images of each split, those that are none left out and added to `faults`.

    Args:
        pairs: the examples; `x` holds Pillow's images, or arrays.
        data: the recipe's section.
        faults: what is wrong so far.
        notes: what a reader of the results should know is added here.
    """
    remarks = Counter[str]()
    with quiet_pillow():
        splits = {split: _decoded(split, list(pair.x), data, faults, remarks) for split, pair in pairs.items()}
    total = sum(len(pair.x) for pair in pairs.values())
    notes += [f"{count:,} of {total:,} images {remark}" for remark, count in sorted(remarks.items())]
    return splits


def _decoded(split: str, images: list[Any], data: Data, faults: Faults, remarks: Counter[str]) -> SplitFiles:
    found = SplitFiles([], np.zeros(0, np.int64))
    kept = []
    for position, image in enumerate(images):
        path = place_of(split, position)
        try:
            decoded = pixels(image, data.channels, path.name)
        except ZooError as error:
            faults.add("images that cannot be read", error, path)
            continue
        remarks.update(decoded.remarks)
        kept.append(position)
        found.files.append(path)
        found.kept.append(decoded.pixels)
        found.sizes.append((decoded.pixels.shape[0], decoded.pixels.shape[1]))
        found.grey.append(decoded.pixels.shape[-1] == 1)
        found.turned += [path] * decoded.turned
    found.targets, found.digest = np.array(kept, np.int64), digest_of(found.kept)
    return found


def mask_ids(mask: Any) -> np.ndarray:
    """Return the class ids of a mask, `(height, width)`: the values of an array or tensor, or of Pillow's image.

    Raises:
        ZooError: it has more than one value a pixel, or values that are no ids.
    """
    if isinstance(mask, Image.Image):
        if mask.mode not in ("1", "L", "P", "I", "I;16"):
            raise ZooError(f"its pixels are {mask.mode}; expected one class id each: palette or grey")
        return np.asarray(mask).astype(np.int32)
    values = np.asarray(mask.numpy() if hasattr(mask, "numpy") else mask)
    values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    if values.ndim != 2 or not values.size:
        raise ZooError(f"expected class ids (height, width), received {values.dtype} {values.shape}")
    if values.dtype.kind not in "biu":
        raise ZooError(f"expected whole numbers, received {values.dtype}")
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise ZooError(f"ids from {values.min()} to {values.max()}")
    return values.astype(np.int32)
