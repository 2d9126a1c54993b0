"""`mvtec:PATH`: normal images to learn from, and faults to find, as the MVTec data sets have them.

Bergmann et al., "MVTec AD: A Comprehensive Real-World Dataset for Unsupervised Anomaly Detection", 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.sources.decode_files import SplitFiles, decode_splits, image_inputs, turned_notes
from zoo.data.sources.faults import Faults
from zoo.data.sources.folder_layout import split_folders, subfolders
from zoo.data.sources.image_files import ImageFiles, image_files, scan_notes
from zoo.data.sources.images import reason_of
from zoo.data.sources.mask_image import read_mask
from zoo.errors import ZooError, counted, listing, visible
from zoo.recipe.data_section import Data
from zoo.tasks import Task

GOOD, GROUND_TRUTH = "good", "ground_truth"
LABELS = ("normal", "abnormal")
_ENDINGS = ("_mask", "")  # of the name of a mask, behind that of its image


def load_mvtec(name: str, data: Data, task: Task) -> SourceData:
    """Load `PATH/train/good/*`, `PATH/test/good/*` and `PATH/test/FAULT/*`; a validation split may have good images.

    Masks of the faults lie in `PATH/ground_truth/FAULT/`, with the name of the image, which `_mask` may follow.

    Raises:
        ZooError: a folder is missing or empty, other folders than `good` are to be trained on, or images or masks are
            damaged, and `data.on_error` does not leave them out.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    folders = _folders(path, data)
    scans = {(split, kind): image_files(folder) for split, kinds in folders.items() for kind, folder in kinds.items()}
    faults, broken = Faults(), dict[Path, str]()
    for scan in scans.values():
        broken.update(scan.unreadable)
    masks = {image: mask for (_, kind), scan in scans.items() for image, mask in _masks(path, kind, scan, faults)}
    splits, remarks = decode_splits({split: _listed(split, scans) for split in folders}, data, broken)
    for image, reason in sorted(broken.items()):
        faults.add("images that cannot be read", f"{image.relative_to(path)} ({reason})", image)
    _check_masks(splits, masks, path, faults)
    total = len({image for scan in scans.values() for image in (*scan.files, *scan.unreadable)})
    notes = [
        *scan_notes([*scans.values()], path, nested=False),
        *faults.settle(path, data, total),
        *remarks,
        *turned_notes([found for found in splits.values() if set(found.turned) & set(masks)], path, "masks"),
    ]
    splits = {
        split: found.part([i for i, file in enumerate(found.files) if file not in faults.images])
        for split, found in splits.items()
    }
    _refuse_empty(splits, path)
    counts = {kind: len(scan.files) for (split, kind), scan in scans.items() if split == "test"}
    notes.append(f"test images by their folder: {', '.join(f'{visible(kind)} ({n})' for kind, n in counts.items())}")
    if not masks:
        notes.append(f"no masks of faults ({GROUND_TRUTH}/): where in an image a fault is found is not measured")
    inputs, shape = image_inputs(splits, data)
    signature = Signature("image", "class", shape, labels=LABELS)
    return SourceData(
        signature=signature,
        splits={split: whole(inputs[split], found.targets) for split, found in splits.items()},
        notes=notes,
        masks={i: masks[file] for i, file in enumerate(splits["test"].files) if file in masks},
    )


def _folders(path: Path, data: Data) -> dict[str, dict[str, Path]]:
    """Return the folders of each split, by their names.

    Raises:
        ZooError: they are not as MVTec's.
    """
    roots = split_folders(path, data.splits)
    expected = f"expected train/{GOOD}, test/{GOOD} and test/FAULT for each kind of fault"
    if not {"train", "test"} <= set(roots):
        found = listing(f.name for f in subfolders(path)) or "none"
        raise ZooError(f"{path}: {expected}; found the folders {found}")
    folders = {split: {folder.name: folder for folder in subfolders(root)} for split, root in roots.items()}
    for split, kinds in folders.items():
        if GOOD not in kinds:
            raise ZooError(f"{roots[split]}: {expected}; found {listing(kinds) or 'no folders'}")
        if split != "test" and len(kinds) > 1:
            others = counted([kind for kind in kinds if kind != GOOD], "folders")
            raise ZooError(f"{roots[split]}: only {GOOD} images are learned from; beside them lie {others}")
    if len(folders["test"]) < 2:
        raise ZooError(f"{roots['test']}: {expected}; found no folder of faults beside {GOOD}")
    return folders


def _listed(split: str, scans: Mapping[tuple[str, str], ImageFiles]) -> SplitFiles:
    """Return the images of a split: 0 for good ones, 1 for faults."""
    own = [(kind, scan) for (other, kind), scan in scans.items() if other == split]
    files = [file for _, scan in own for file in scan.files]
    return SplitFiles(files, np.repeat([int(kind != GOOD) for kind, _ in own], [len(s.files) for _, s in own]))


def _masks(base: Path, kind: str, scan: ImageFiles, faults: Faults) -> list[tuple[Path, Path]]:
    """Return each image of a kind of fault with its mask; faults without one are added, where others have some."""
    folder = base / GROUND_TRUTH / kind
    if kind == GOOD or scan.folder.parent.name == GROUND_TRUTH or not (base / GROUND_TRUTH).is_dir():
        return []
    found = {file.relative_to(folder).with_suffix("").as_posix(): file for file in image_files(folder).files}
    pairs = []
    for image in scan.files:
        stem = image.relative_to(scan.folder).with_suffix("").as_posix()
        mask = next((found[stem + ending] for ending in _ENDINGS if stem + ending in found), None)
        if mask is None:
            faults.add(f"images of faults without a mask in {GROUND_TRUTH}", image.relative_to(base), image)
        else:
            pairs.append((image, mask))
    return pairs


def _check_masks(splits: Mapping[str, SplitFiles], masks: Mapping[Path, Path], base: Path, faults: Faults) -> None:
    """Check that masks can be read, have the size of their images, and mark something."""
    sizes = {file: size for found in splits.values() for file, size in zip(found.files, found.sizes, strict=True)}
    for image, file in masks.items():
        try:
            mask = read_mask(file)
        except ZooError as error:
            faults.add("masks that cannot be used", f"{file.relative_to(base)} ({reason_of(error, file)})", image)
            continue
        if image in sizes and mask.shape != sizes[image]:
            size, other = (f"{height}×{width}" for height, width in (sizes[image], mask.shape))
            faults.add(
                "masks of another size than their image", f"{image.relative_to(base)} ({size}, its mask {other})", image
            )
        elif not mask.any():
            faults.add("masks of faults that mark nothing", file.relative_to(base), image)


def _refuse_empty(splits: Mapping[str, SplitFiles], base: Path) -> None:
    for split, found in splits.items():
        wanted = (0, 1) if split == "test" else (0,)
        lacking = [LABELS[target] for target in wanted if not (found.targets == target).any()]
        if lacking:
            raise ZooError(f"{base}: the {split} split has no {' and no '.join(lacking)} images")
