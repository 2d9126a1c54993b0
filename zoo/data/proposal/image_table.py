"""A recipe for a table whose rows are images: which column has their paths, and what is predicted of them."""

from __future__ import annotations

from pathlib import Path

from zoo.data.proposal.folder import add_image_network, add_images, image_sizes
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_training
from zoo.data.proposal.table import split_of
from zoo.data.proposal.targets import find_target, task_of
from zoo.data.sources.faults import Faults
from zoo.data.sources.image_files import has_image_suffix
from zoo.data.sources.image_paths import image_paths, leads_to_files
from zoo.data.tables.file import Table, read_table
from zoo.errors import ZooError, counted

_MAX_TRANSCRIBED = 60  # characters of a text that an image of it may have


def propose_image_table(path: Path, source: str, target: str | None) -> Proposal | None:
    """Return a recipe for images that a table names; None where no column leads to images.

    Raises:
        ZooError: the file is not readable, or no column can be told to be the target.
    """
    table = read_table(path, target=target or "", form=source.partition(":")[0])
    image = next((n for n in table.columns if n != target and leads_to_files(table, n, has_image_suffix)), None)
    if image is None:
        return None
    target, doubts = find_target(table, target, "--target COLUMN")
    task, reason, more_doubts = _task(table, target)
    proposal = Proposal(task, bases=(f"_base/{task}", "_base/adamw_cosine"), reason=reason)
    proposal.target = target
    proposal.doubts += [*doubts, *more_doubts]
    proposal.add("data.source", source, f"{len(table):,} rows")
    proposal.add("data.image", image, "its texts are paths of images, relative to the table")
    proposal.add("data.target", target)
    apart = split_of(table, [name for name in table.columns if name not in (target, image)])
    for key, (value, why) in apart.keys.items():
        proposal.add(key, value, why)
    proposal.doubts += apart.doubts
    faults = Faults()
    files = image_paths(table, image, faults).paths
    lacking = sum(not text or text in table.reading.missing for text in table.texts(target).tolist())
    if faults.places or (lacking and task != "image_multi_label_classification"):
        found = [counted(places, what) for what, places in faults.places.items()]
        found += [f"{lacking} rows without '{target}'"] * bool(lacking)
        proposal.add("data.on_error", "skip", f"{'; '.join(found)}: these rows are left out")
    sizes, _ = image_sizes(files)
    add_images(proposal, sizes, len(files), "where what matters lies at the edge")
    own_test = "data.split_column" in apart.keys
    if task == "transcription":
        proposal.lines = [line for line in proposal.lines if line[0] != "augment"]
        proposal.add("model.name", "crnn")
        proposal.add("model.widths", [32, 64, 128], f"{len(files):,} images")
        proposal.add("model.units", 64)
        add_training(proposal, len(files), own_test=own_test)
    else:
        add_image_network(proposal, len(files), own_test=own_test)
    return proposal


def _task(table: Table, target: str) -> tuple[str, str, list[str]]:
    """Return the task, why, and what is in doubt.

    Raises:
        ZooError: the target's values tell no task.
    """
    try:
        kind, reason, doubts = task_of(table, target)
    except ZooError:
        texts = [text for text in table.texts(target).tolist() if text]
        if table.columns[target].dtype != object or max(map(len, texts), default=0) > _MAX_TRANSCRIBED:
            raise
        reason = f"'{target}' holds {len(set(texts)):,} different texts, taken for what is written in the images"
        return "transcription", reason, [f"'{target}' may be something else than the text in the image"]
    return f"image_{kind}", reason, [doubt.replace("tabular_", "image_") for doubt in doubts]
