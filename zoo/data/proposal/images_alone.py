"""A recipe for images without classes: to make more of their kind, or to find those that are not of it."""

from __future__ import annotations

from pathlib import Path

from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_training
from zoo.data.sources.folder_layout import split_folders, subfolders
from zoo.data.sources.image_files import image_files
from zoo.data.sources.mvtec import GOOD, GROUND_TRUTH
from zoo.errors import listing
from zoo.recipe.data_section import Splits

_SIDE = 32  # of images that are made: from here on a network for them takes hours on two cores
_SEEN_SIDE = 64  # of images that are looked at for faults


def propose_generation(path: Path, source: str) -> Proposal:
    """Return a recipe that makes images like those of a folder."""
    count = len(image_files(path).files)
    reason = f"{count:,} images in no folders of classes: the task that needs neither classes nor numbers"
    proposal = Proposal("image_generation", bases=("_base/image_generation",), reason=reason)
    proposal.doubts += [
        "to predict something of each image, sort the images into a folder a class, or give a table of their paths: "
        "zoo init TABLE",
        "to compress images, or to find unusual ones, take _base/reconstruction or _base/anomaly_detection",
    ]
    proposal.add("data.source", source)
    steps = [
        {"resize": {"height": _SIDE, "width": _SIDE, "mode": "crop"}},
        {"rescale": {"scale": "2/255", "offset": -1}},
    ]
    proposal.lines.append(("preprocess", steps, f"images are made with {_SIDE} pixels a side; more take much longer"))
    proposal.add("model.name", "dcgan")
    proposal.add("model.latent", 64)
    proposal.add("model.generator_widths", [128, 64, 32])
    proposal.add("model.discriminator_widths", [32, 64, 128])
    proposal.add("loss", {"name": "adversarial", "r1": 0.02})
    proposal.add("optimizer", {"name": "adam", "learning_rate": 2e-4, "beta_1": 0.5})
    add_training(proposal, count)
    proposal.lines = [line for line in proposal.lines if line[0] != "regularization.early_stopping"]
    return proposal


def propose_anomalies(path: Path, source: str) -> Proposal:
    """Return a recipe that learns from good images what a fault is, for a folder in MVTec's layout."""
    splits = split_folders(path, Splits())
    count = len(image_files(splits["train"] / GOOD).files)
    faults = [folder.name for folder in subfolders(splits["test"]) if folder.name != GOOD]
    reason = f"{count:,} good images to train on, and {len(faults)} kinds of faults to find: {listing(faults)}"
    bases = ("_base/anomaly_detection", "_base/adamw_cosine")
    proposal = Proposal("anomaly_detection", bases=bases, reason=reason)
    proposal.doubts.append(
        f"faults smaller than {_SEEN_SIDE} pixels a side can show are not seen: a larger resize finds smaller ones"
    )
    masks = f"masks of the faults are in {GROUND_TRUTH}/" if (path / GROUND_TRUTH).is_dir() else "no masks of faults"
    proposal.add("data.source", source, masks)
    steps = [{"resize": {"height": _SEEN_SIDE, "width": _SEEN_SIDE}}, {"rescale": {"scale": "1/255"}}]
    proposal.lines.append(("preprocess", steps, "an autoencoder of two cores"))
    proposal.add("model.name", "conv_autoencoder")
    proposal.add("model.widths", [16, 32, 64])
    proposal.add("model.code", 64)
    add_training(proposal, count, own_test=True)
    return proposal
