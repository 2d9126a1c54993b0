"""`masks:PATH`: images with a mask of the same name, which has the class of each pixel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.sources.class_names import Classes, found_classes, named_classes
from zoo.data.sources.decode_files import SplitFiles, decode_splits, image_inputs, turned_notes
from zoo.data.sources.faults import Faults
from zoo.data.sources.image_files import ImageFiles, image_files, scan_notes
from zoo.data.sources.images import quiet_pillow, reason_of
from zoo.data.sources.mask_folders import find_mask_folders
from zoo.data.sources.mask_image import read_mask
from zoo.data.structured_targets import MAX_CLASSES_OF_MASKS
from zoo.errors import ZooError, listing
from zoo.recipe.data_section import Data
from zoo.tasks import IGNORED_PIXEL, Task

_EITHER_WAY = 255  # an id that may be a class, or mark pixels to be ignored


def load_masks(name: str, data: Data, task: Task) -> SourceData:
    """Load `PATH/images/*` with `PATH/masks/*`, or the same in each split: `PATH/SPLIT/images`, `PATH/images/SPLIT`.

    A mask is a palette or grey PNG or TIFF, whose values are class ids. Every file is decoded once here.

    Raises:
        ZooError: a folder is missing or empty, ids have no class, or images and masks do not fit and `data.on_error`
            does not leave them out.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    notes: list[str] = []
    faults = Faults()
    classes = named_classes(path, data, notes)
    folders = find_mask_folders(path, data.splits, notes)
    pairs = {split: _pair(*both, path, faults, notes) for split, both in folders.items()}
    masks = _read_masks(pairs, path, faults)
    broken: dict[Path, str] = {}
    listed = {split: SplitFiles(list(found), np.arange(len(found))) for split, found in pairs.items()}
    splits, remarks = decode_splits(listed, data, broken)
    for image, reason in sorted(broken.items()):
        faults.add("images that cannot be read", f"{image.relative_to(path)} ({reason})", image)
    notes += remarks
    return mask_source(splits, masks, path, classes, faults, data, notes)


def mask_source(
    splits: dict[str, SplitFiles],
    masks: Mapping[Path, np.ndarray],
    path: Path,
    classes: Classes | None,
    faults: Faults,
    data: Data,
    notes: list[str],
) -> SourceData:
    """Check masks against their images and the classes, and return the examples.

    Args:
        splits: the decoded images.
        masks: the ids of each image's pixels, where they can be read.
        path: what holds them, for messages.
        classes: their names; None where the ids of the training masks are the classes.
        faults: what is wrong so far.
        data: the recipe's section.
        notes: what a reader of the results should know; more is added.

    Raises:
        ZooError: ids have no class, or images and masks do not fit and `data.on_error` does not leave them out.
    """
    _compare_sizes(splits, masks, path, faults)
    if classes is None:
        whole_masks = [masks[image] for image in splits["train"].files if image in masks]
        classes = _classes_of(whole_masks, data, path, notes)
    _check_ids(masks, classes, data, path, faults)
    total = len({image for found in splits.values() for image in found.files} | {*masks} | faults.paths)
    notes += [*faults.settle(path, data, total), *turned_notes([*splits.values()], path, "masks")]

    splits = {split: _without(found, faults.images) for split, found in splits.items()}
    empty = [split for split, found in splits.items() if not found.files]
    if empty:
        raise ZooError(f"{path}: no image with a mask in the split {listing(empty)}")
    targets = {}
    for split, found in splits.items():
        numbered = [_numbered(masks[image], classes, data) for image in found.files]
        splits[split], targets[split] = _with_classes(found, numbered, split, data, notes)
    _say_unused(targets["train"], classes, notes)
    inputs, shape = image_inputs(splits, data)
    signature = Signature("image", "mask", shape, labels=classes.labels)
    return SourceData(
        signature=signature, splits={s: whole(inputs[s], _stacked(targets[s])) for s in splits}, notes=notes
    )


def _pair(images: Path, masks: Path, base: Path, faults: Faults, notes: list[str]) -> dict[Path, Path]:
    """Return each image of a split with its mask: the file of the same name without its suffix."""
    scans = (image_files(images), image_files(masks))
    notes += scan_notes([*scans], base, nested=False)
    for scan in scans:
        for path, reason in scan.unreadable.items():
            faults.add("files that cannot be read", f"{path.relative_to(base)} ({reason})", path)
    named, masked = (_by_name(scan, base, faults) for scan in scans)
    for name in sorted(set(named) - set(masked)):
        faults.add("images without a mask", named[name].relative_to(base), named[name])
    for name in sorted(set(masked) - set(named)):
        faults.add("masks without an image", masked[name].relative_to(base), masked[name])
    return {named[name]: masked[name] for name in sorted(set(named) & set(masked))}


def _by_name(scan: ImageFiles, base: Path, faults: Faults) -> dict[str, Path]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in scan.files:
        found[str(path.relative_to(scan.folder).with_suffix(""))].append(path)
    for paths in found.values():
        if len(paths) > 1:
            faults.add("names that several files have", " and ".join(str(path.relative_to(base)) for path in paths))
    return {name: paths[0] for name, paths in found.items()}


def _read_masks(pairs: Mapping[str, dict[Path, Path]], base: Path, faults: Faults) -> dict[Path, np.ndarray]:
    """Return the ids of each image's mask."""

    def read(mask: Path) -> np.ndarray | str:
        try:
            return read_mask(mask)
        except ZooError as error:
            return reason_of(error, mask)

    every = {image: mask for found in pairs.values() for image, mask in found.items()}
    masks = {}
    with quiet_pillow(), ThreadPoolExecutor(4) as pool:
        for (image, mask), found in zip(every.items(), pool.map(read, every.values()), strict=True):
            if isinstance(found, str):
                faults.add("masks that cannot be used", f"{mask.relative_to(base)} ({found})", image)
            else:
                masks[image] = found
    return masks


def _compare_sizes(
    splits: Mapping[str, SplitFiles], masks: Mapping[Path, np.ndarray], base: Path, faults: Faults
) -> None:
    for found in splits.values():
        for image, size in zip(found.files, found.sizes, strict=True):
            mask = masks.get(image)
            if mask is not None and mask.shape != size:
                what = f"{image.relative_to(base)} ({_form(size)}, its mask {_form(mask.shape)})"
                faults.add("masks of another size than their image", what, image)


def _form(size: tuple[int, ...]) -> str:
    return f"{size[0]}×{size[1]}"


def _classes_of(masks: list[np.ndarray], data: Data, base: Path, notes: list[str]) -> Classes:
    """Return the ids of the training masks as classes.

    Raises:
        ZooError: there are too few or too many, or one may be a class or mark pixels to be ignored.
    """
    ids = {int(value) for mask in masks for value in np.unique(mask)} - {data.ignore_index}
    if _EITHER_WAY in ids and len(ids) > 2:
        raise ZooError(
            f"{base}: masks hold {_EITHER_WAY} beside {len(ids) - 1} other ids, and it may be a class or mark pixels "
            f"to be ignored; set data.ignore_index to {_EITHER_WAY}, or name all classes under data.classes"
        )
    if not 2 <= len(ids) <= MAX_CLASSES_OF_MASKS:
        raise ZooError(
            f"{base}: the masks of the training split hold {len(ids):,} ids that count ({listing(sorted(ids)[:5])}); "
            f"expected 2 to {MAX_CLASSES_OF_MASKS} classes"
        )
    return found_classes(ids, "the training masks", notes)


def _check_ids(masks: Mapping[Path, np.ndarray], classes: Classes, data: Data, base: Path, faults: Faults) -> None:
    if not 2 <= len(classes.labels) <= MAX_CLASSES_OF_MASKS:
        raise ZooError(
            f"{base}: expected the names of 2 to {MAX_CLASSES_OF_MASKS} classes, the background among them, received "
            f"{len(classes.labels):,}"
        )
    known = {*classes.ids, data.ignore_index}
    for image, mask in masks.items():
        unknown = [int(value) for value in np.unique(mask) if int(value) not in known]
        if unknown:
            hint = ": see data.ignore_index" if _EITHER_WAY in unknown else ""
            what = f"{image.relative_to(base)} (ids {', '.join(map(str, unknown[:5]))}{hint})"
            faults.add(f"masks with ids that no class has (ids: {_ranges(classes)})", what, image)


def _ranges(classes: Classes) -> str:
    first, last = classes.ids[0], classes.ids[-1]
    if classes.ids == tuple(range(first, last + 1)):
        return f"{first} to {last}"
    return ", ".join(map(str, classes.ids[:20])) + (", …" if len(classes.ids) > 20 else "")


def _numbered(mask: np.ndarray, classes: Classes, data: Data) -> np.ndarray:
    """Return the index of each pixel's class, uint8; `IGNORED_PIXEL` where it has the id to be ignored."""
    table = np.zeros(1 + max(*classes.ids, data.ignore_index or 0, int(mask.max(initial=0))), np.uint8)
    table[list(classes.ids)] = np.arange(len(classes.ids))
    if data.ignore_index is not None:
        table[data.ignore_index] = IGNORED_PIXEL
    return table[mask]


def _without(found: SplitFiles, left_out: set[Path | int]) -> SplitFiles:
    kept = [i for i, file in enumerate(found.files) if file not in left_out]
    return found if len(kept) == len(found.files) else found.part(kept)


def _with_classes(
    found: SplitFiles, masks: list[np.ndarray], split: str, data: Data, notes: list[str]
) -> tuple[SplitFiles, list[np.ndarray]]:
    """Leave out images all of whose pixels are ignored, and say how many pixels of the split are.

    Raises:
        ZooError: no image is left.
    """
    if data.ignore_index is None:
        return found, masks
    ignored, total = sum(int((m == IGNORED_PIXEL).sum()) for m in masks), sum(m.size for m in masks)
    notes.append(
        f"ignored by data.ignore_index ({data.ignore_index}): {ignored:,} of {total:,} pixels of the {split} split "
        f"({ignored / total:.1%})"
    )
    kept = [i for i, mask in enumerate(masks) if (mask != IGNORED_PIXEL).any()]
    if len(kept) == len(masks):
        return found, masks
    if not kept:
        raise ZooError(f"data.ignore_index is {data.ignore_index}, and every pixel of the {split} split has it")
    notes.append(
        f"left out of the {split} split: {len(masks) - len(kept):,} of {len(masks):,} images, all of whose pixels are "
        "ignored"
    )
    return found.part(kept), [masks[i] for i in kept]


def _say_unused(masks: list[np.ndarray], classes: Classes, notes: list[str]) -> None:
    seen = {int(value) for mask in masks for value in np.unique(mask)}
    unused = [label for index, label in enumerate(classes.labels) if index not in seen]
    if unused:
        notes.append(f"classes that no training mask has: {listing(unused)}")


def _stacked(masks: list[np.ndarray]) -> np.ndarray:
    """Return one array where all masks have one size, else an array of arrays."""
    if len({mask.shape for mask in masks}) == 1:
        return np.stack(masks)
    found = np.empty(len(masks), object)
    found[:] = masks
    return found
