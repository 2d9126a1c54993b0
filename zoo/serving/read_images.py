"""Image files and folders of them, as an exported model takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.sources.image_files import has_image_suffix, image_files, scan_notes
from zoo.data.sources.images import FORMATS, decode, holds_image, quiet_pillow, read_image_file, reason_of
from zoo.errors import ZooError, counted
from zoo.utils.files import check_regular

if TYPE_CHECKING:
    from zoo.serving.exported_model import ExportedModel


def is_image(path: Path) -> bool:
    """Return whether a file is an image by its suffix or its content.

    Raises:
        ZooError: it is no regular file.
    """
    try:
        check_regular(path)
    except OSError as error:
        raise ZooError(f"input {path}: not readable ({error.strerror})") from error
    return has_image_suffix(path) or holds_image(path)


def read_images(model: ExportedModel, path: Path, notes: list[str]) -> Iterator[tuple[list[str], list[np.ndarray]]]:
    """Yield the name and the pixels of an image, or of each image below a folder.

    Args:
        model: what the images are for.
        path: an image file, or a folder.
        notes: what a reader of the answers should know is added here.

    Raises:
        ZooError: the folder holds no images, or images are damaged or of another size than the model takes.
    """
    files, broken = [path], {}
    if path.is_dir():
        scan = image_files(path)
        files, broken = scan.files, dict(scan.unreadable)
        notes += [f"{path}: {note}" for note in scan_notes([scan], path, nested=False)]
        if not files and not broken:
            raise ZooError(f"input {path}: the folder holds no images ({FORMATS})")
    remarks = Counter[str]()
    with quiet_pillow():
        for file in files:
            try:
                image = decode(read_image_file(file), int(model.shape[2] or 3), str(file))
            except ZooError as error:
                broken[file] = reason_of(error, file)
                continue
            remarks.update(image.remarks)
            yield [str(file)], [_of_the_model(model, file, image.pixels)]
    if broken:
        raise ZooError(_damaged(path, broken))
    notes += [f"{path}: {count:,} of {len(files):,} images {remark}" for remark, count in sorted(remarks.items())]


def _damaged(path: Path, broken: dict[Path, str]) -> str:
    if list(broken) == [path]:
        return f"{path}: not readable as an image ({broken[path]})"
    files = [f"{file.relative_to(path)} ({reason})" for file, reason in sorted(broken.items())]
    return f"input {path}: {counted(files, 'images cannot be read')}; mend or remove them"


def _of_the_model(model: ExportedModel, path: Path, image: np.ndarray) -> np.ndarray:
    wanted = tuple(have if want is None else want for want, have in zip(model.shape, image.shape, strict=True))
    if image.shape != wanted:
        raise ZooError(
            f"input {path}: the image is {image.shape[0]}×{image.shape[1]}, the model takes {wanted[0]}×{wanted[1]} "
            "(train with a resize in preprocess to take any size)"
        )
    return image
