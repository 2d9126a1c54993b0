"""Image files and folders of them, as an exported model takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.sources.faults import Faults
from zoo.data.sources.image_files import has_image_suffix, image_files, scan_notes
from zoo.data.sources.image_paths import image_paths
from zoo.data.sources.images import FORMATS, decode, holds_image, quiet_pillow, read_image_file, reason_of
from zoo.errors import ZooError, counted, listing
from zoo.recipe.image_column import columns_of
from zoo.utils.files import check_regular

if TYPE_CHECKING:
    from zoo.data.tables.file import Table
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
    named = {str(file): file for file in files}
    for name, image in _decoded(model, named, broken, f"{path}: ", notes):
        yield [name], [image]
    if broken:
        raise ZooError(_damaged(path, broken))


def path_columns(model: ExportedModel) -> list[str]:
    """Return the column of paths in a table that a model of images takes; empty where it was trained on no table."""
    return columns_of(model.columns[0].name) if model.columns else [""]


def images_of_table(
    model: ExportedModel, table: Table, notes: list[str]
) -> Iterator[tuple[list[str], list[np.ndarray]]]:
    """Yield the name, with the number of its row, and the pixels of the image of each row of a table.

    The column of paths is the one that the model was trained on or, where it was trained on no table, the only one.

    Raises:
        ZooError: the table lacks the column or has several, or images are missing, damaged or of another size.
    """
    places = files_of_table(model, table, notes)
    faults, broken = Faults(), dict[Path, str]()
    for name, image in _decoded(model, places, broken, f"{table.where}: ", notes):
        yield [name], [image]
    for name, path in places.items():
        if path in broken:
            faults.add("images that cannot be read", f"{name} ({broken[path]})")
    faults.refuse(table.where)


def files_of_table(model: ExportedModel, table: Table, notes: list[str], key: str = "image") -> dict[str, Path]:
    """Return the file of each row of a table, by a name with the number of its row.

    Args:
        model: what the files are for; it knows the column where it was trained on a table.
        table: with a column of paths.
        notes: what a reader of the answers should know is added here.
        key: what the files are: "image" or "audio".

    Raises:
        ZooError: the table lacks the column or has several, or files are missing.
    """
    several = {"image": "images", "audio": "clips"}[key]
    pattern = model.columns[0].name if model.columns else next(iter(table.columns))
    if not model.columns and len(table.columns) > 1:
        raise ZooError(
            f"{table.where}: the model was not trained on a table, and does not know which column holds the paths of "
            f"the {several}: give it a file with this column alone (found: {listing(table.columns)})"
        )
    faults = Faults()
    found = image_paths(table, pattern, faults, key)
    places = {f"{table.where}:{row + 1}": path for row, path in zip(found.rows, found.paths, strict=True)}
    notes += [f"{table.where}: {note}" for note in [*table.notes, *found.notes]]
    unused = [name for name in table.columns if name not in (*columns_of(pattern), model.target)]
    if unused:
        notes.append(f"{table.where}: the model does not take {counted([repr(name) for name in unused], 'columns')}")
    faults.refuse(table.where)
    return places


def _decoded(
    model: ExportedModel, files: Mapping[str, Path], broken: dict[Path, str], where: str, notes: list[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the pixels of each file that can be read; the others are added to `broken`."""
    remarks = Counter[str]()
    with quiet_pillow():
        for name, file in files.items():
            try:
                image = decode(read_image_file(file), int(model.shape[2] or 3), str(file))
            except ZooError as error:
                broken[file] = reason_of(error, file)
                continue
            remarks.update(image.remarks)
            yield name, _of_the_model(model, file, image.pixels)
    notes += [f"{where}{count:,} of {len(files):,} images {remark}" for remark, count in sorted(remarks.items())]


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
