"""A recipe for a folder: of images by class, with masks or with boxes, or of texts or audio by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from zoo.data.proposal.audio import holds_clips, propose_clips
from zoo.data.proposal.images_alone import propose_anomalies, propose_generation
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_search, add_training
from zoo.data.proposal.texts import add_text_model
from zoo.data.sources.folder_layout import find_classes, find_splits, flat_splits, split_folders, subfolders
from zoo.data.sources.image_files import image_files
from zoo.data.sources.images import DecodedImage, decode, quiet_pillow, read_image_file
from zoo.data.sources.mvtec import GOOD
from zoo.data.sources.text_folder import is_text_file, read_text_files
from zoo.data.tables.files import table_files
from zoo.errors import ZooError, counted, listing
from zoo.recipe.data_section import Splits
from zoo.tasks import BOX_SOURCES, TABLE_SOURCES, TASKS

_LOOKED_AT = 200  # images that are opened to see their sizes
_LARGEST_SIDE = 128  # of images as the network sees them, so that two cores train in minutes
_ROUND_TO = 16
_SMALL_SIDE = 40
_FEW_IMAGES = 2_000  # from here on augmentation matters less


def propose_folder(path: Path, source: str) -> Proposal:
    """Return a recipe for what a folder holds.

    Args:
        path: the folder.
        source: as the recipe names it.

    Raises:
        ZooError: it holds nothing that the zoo trains on.
    """
    form = source.partition(":")[0]
    if form in BOX_SOURCES:
        return _detection(path, source)
    if form == "masks":
        return _segmentation(path, source)
    if form == "mvtec":
        return propose_anomalies(path, source)
    if any(is_text_file(file) for file in path.rglob("*.txt")) and not image_files(path).files:
        return _texts(path, source)
    if holds_clips(path) and not image_files(path).files:
        return propose_clips(path, source)
    if flat_splits(path, Splits()):
        return propose_generation(path, source)
    return _images(path, source)


def folder_source(path: Path) -> str:
    """Return which source reads a folder: that of its boxes or tables, "masks", "mvtec" or "folder"."""
    boxes = _boxes_source(path) or _tables_source(path)
    if boxes is not None:
        return boxes
    splits = split_folders(path, Splits())
    if {"train", "test"} <= set(splits) and [f.name for f in subfolders(splits["train"])] == [GOOD]:
        return "mvtec"
    roots = [path, *splits.values()]
    return "masks" if any((root / "images").is_dir() and (root / "masks").is_dir() for root in roots) else "folder"


def _tables_source(path: Path) -> str | None:
    """Return the source that reads a folder of tables; None where it holds none, or more than a text about them."""
    for form in TABLE_SOURCES:
        files, others = table_files(path, form)
        if files and all(Path(name).suffix.lower() in (".md", ".txt") for name in others):
            return form
    return None


def _boxes_source(path: Path) -> str | None:
    """Return the source that reads a folder of images with boxes; None where it is none."""
    if (path / "Annotations").is_dir() and (path / "JPEGImages").is_dir():
        return "voc"
    if any((path / file).is_file() for file in ("data.yaml", "data.yml", "dataset.yaml")):
        return "yolo"
    if (path / "labels").is_dir() and (path / "images").is_dir():
        return "yolo"
    if (
        (path / "annotations").is_dir()
        or any(path.glob("*annotations*.json"))
        or any(path.glob("*/_annotations.coco.json"))
    ):
        return "coco"
    return None


def _images(path: Path, source: str) -> Proposal:
    """Return a recipe for images, a folder a class."""
    roots, _ = find_splits(path, Splits())
    classes = find_classes(roots["train"])
    files = {label: image_files(folder).files for label, folder in classes.items()}
    empty = [label for label, found in files.items() if not found]
    if len(files) < 2 or len(empty) == len(files):
        raise ZooError(
            f"{path}: expected one subfolder a class, at least two, with images or .txt files in them; found "
            f"{listing(classes) or 'no subfolder'}; images with masks lie in images/ and masks/, with boxes as COCO, "
            "YOLO or Pascal VOC have them"
        )
    bases = ("_base/image_classification", "_base/adamw_cosine")
    count = sum(map(len, files.values()))
    reason = f"{count:,} images in {len(files)} folders, each a class: {listing(files)}"
    proposal = Proposal("image_classification", bases=bases, reason=reason)
    proposal.add("data.source", source)
    _add_images(
        proposal, [file for found in files.values() for file in found], crop="where what matters lies at the edge"
    )
    counts = {label: len(found) for label, found in files.items()}
    rarest = min(counts, key=counts.__getitem__)
    if counts[rarest] < 10:
        proposal.doubts.append(f"class '{rarest}' has {counts[rarest]} images, too few to learn it or to measure it by")
    add_image_network(proposal, count, own_test="test" in roots)
    return proposal


def add_image_network(proposal: Proposal, count: int, *, own_test: bool) -> None:
    """Add a network for classes or numbers of images, its training and what `zoo tune` tries."""
    side = _side(proposal)
    proposal.add("model.name", "cnn")
    widths = [24, 48, 96] if side <= _SMALL_SIDE else [16, 32, 64, 128]
    proposal.add("model.widths", widths, f"images of some {side} pixels")
    proposal.add("model.depth", 2)
    proposal.add("model.dropout", 0.2)
    add_training(proposal, count, own_test=own_test)
    mixup = {"regularization.mixup": [0.0, 0.2, 0.4]} if TASKS[proposal.task].classifies else {}
    add_search(proposal, {"model.dropout": [0.0, 0.2, 0.5], **mixup})


def _add_images(proposal: Proposal, files: Sequence[Path], crop: str) -> None:
    """Add what the images of files need."""
    sizes, broken = image_sizes(files)
    if broken:
        proposal.add(
            "data.on_error", "skip", f"{counted(broken, f'of {len(files):,} images that were opened cannot be read')}"
        )
    add_images(proposal, sizes, len(files), crop)


def add_images(proposal: Proposal, sizes: Counter[tuple[int, int]], count: int, crop: str) -> None:
    """Add what images of these sizes need.

    Args:
        proposal: is added to.
        sizes: height and width of images.
        count: number of all images.
        crop: when cutting does no harm, for a doubt.
    """
    if add_resize(proposal, sizes) and len({round(h / w, 1) for h, w in sizes}) > 1:
        proposal.doubts.append(f"resizing stretches images of other shapes; cut with center_crop {crop} does not count")
    if count < _FEW_IMAGES:
        proposal.lines.append(
            ("augment", [{"random_translation": {"height": 0.1, "width": 0.1}}], f"{count:,} images are few")
        )
        proposal.doubts.append("where left and right mean the same, add random_flip: {mode: horizontal} to augment")


def add_resize(proposal: Proposal, sizes: Counter[tuple[int, int]]) -> bool:
    """Add what brings images of these sizes to one that two cores train on in minutes; return whether any needs it."""
    heights, widths = (sorted(values) for values in zip(*sizes.elements(), strict=True))
    middle = (heights[len(heights) // 2], widths[len(widths) // 2])
    if len(sizes) == 1 and max(middle) <= _LARGEST_SIDE:
        return False
    scale = min(1.0, _LARGEST_SIDE / max(middle))
    height, width = (max(_ROUND_TO, round(side * scale / _ROUND_TO) * _ROUND_TO) for side in middle)
    seen = f"{len(sizes)} sizes" if len(sizes) > 1 else "one size"
    reason = f"images have {seen}, {middle[0]}×{middle[1]} in the middle of them"
    steps = [{"resize": {"height": height, "width": width}}, {"rescale": {"scale": "1/255"}}, {"standardize": {}}]
    proposal.lines.append(("preprocess", steps, reason))
    return True


def image_sizes(files: Sequence[Path]) -> tuple[Counter[tuple[int, int]], list[str]]:
    """Return the sizes of some of the images, evenly spread, and those that cannot be read.

    Raises:
        ZooError: none can be read.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    broken = []
    step = max(1, len(files) // _LOOKED_AT)
    with quiet_pillow():
        for file in files[::step]:
            try:
                image: DecodedImage = decode(read_image_file(file), None, str(file))
            except ZooError:
                broken.append(file.name)
                continue
            sizes[image.pixels.shape[0], image.pixels.shape[1]] += 1
    if not sizes:
        raise ZooError(f"{files[0].parent}: {counted(broken, 'images, none of which can be read')}")
    return sizes, broken


def _side(proposal: Proposal) -> int:
    steps = next((value for key, value, _ in proposal.lines if key == "preprocess"), None)
    return max(steps[0]["resize"].values()) if steps else _SMALL_SIDE


def _texts(path: Path, source: str) -> Proposal:
    """Return a recipe for texts, a folder a class."""
    roots, _ = find_splits(path, Splits(), is_text_file, "texts")
    classes = find_classes(roots["train"], is_text_file)
    counts = {label: sum(map(is_text_file, folder.rglob("*"))) for label, folder in classes.items()}
    if len(counts) < 2:
        raise ZooError(f"{path}: expected one subfolder a class, at least two; found {listing(counts) or 'none'}")
    count = sum(counts.values())
    bases = ("_base/sequence_classification", "_base/adamw_cosine")
    reason = f"{count:,} texts in {len(counts)} folders, each a class: {listing(counts)}"
    proposal = Proposal("sequence_classification", bases=bases, reason=reason)
    proposal.add("data.source", source)
    texts = read_text_files(roots["train"]).texts
    add_text_model(proposal, texts, len(counts), own_test="test" in roots)
    return proposal


def _segmentation(path: Path, source: str) -> Proposal:
    """Return a recipe for images with masks."""
    files = [file for file in image_files(path).files if "masks" not in file.relative_to(path).parts]
    bases = ("_base/semantic_segmentation", "_base/adamw_cosine")
    proposal = Proposal("semantic_segmentation", bases=bases, reason=f"{len(files):,} images with masks beside them")
    return _dense(
        proposal, source, files, "unet", {"widths": [16, 32, 64]}, own_test="test" in split_folders(path, Splits())
    )


def _detection(path: Path, source: str) -> Proposal:
    """Return a recipe for images with boxes."""
    files = image_files(path).files
    form = {"coco": "COCO", "yolo": "YOLO", "voc": "Pascal VOC"}[source.partition(":")[0]]
    bases = ("_base/object_detection", "_base/adamw_cosine")
    proposal = Proposal("object_detection", bases=bases, reason=f"{len(files):,} images with boxes as {form} has them")
    return _dense(proposal, source, files, "center_net", {}, own_test="test" in split_folders(path, Splits()))


def _dense(
    proposal: Proposal, source: str, files: Sequence[Path], builder: str, settings: dict[str, object], own_test: bool
) -> Proposal:
    """Add what tasks have whose targets lie on the image."""
    if not files:
        raise ZooError(f"{source.partition(':')[2]}: holds no images")
    proposal.add("data.source", source)
    sizes, _ = image_sizes(files)
    if len(sizes) > 1 or max(map(max, sizes)) > _LARGEST_SIDE:
        proposal.doubts.append(
            f"images have {len(sizes)} sizes, up to {max(map(max, sizes))} pixels a side: preprocess has to "
            "bring them to one that the network can take in memory"
        )
    proposal.add("model.name", builder)
    for key, value in settings.items():
        proposal.add(f"model.{key}", value, f"{len(files):,} images")
    add_training(proposal, len(files), own_test=own_test)
    return proposal
