"""A recipe for examples of a Python program that are no table: boxes, masks, tags, graphs, running text, pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from zoo.data.memory.given import MemoryData, is_frame, is_texts
from zoo.data.memory.images import decoded_images, is_image_list
from zoo.data.memory.pairs import as_array, value_of
from zoo.data.proposal.folder import add_resize
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_training
from zoo.recipe.default_sections import default_model

_DIFFERENT = 0.5  # of the target texts, from which on they are no classes


def propose_structured(given: MemoryData) -> Proposal | None:
    """Return a recipe for what is no table, array or text with a class or number each; None for what is one."""
    data = given.train
    if isinstance(data, str):
        return _proposal(given, "language_modeling", f"running text of {len(data):,} characters")
    if isinstance(data, list | tuple) and data and all(isinstance(each, Mapping) and "image" in each for each in data):
        return _on_images(given, "object_detection", [each["image"] for each in data], "boxes")
    if is_frame(data) or not isinstance(data, list | tuple) or len(data) != 2:
        return None
    x, y = data
    count = f"{len(x):,}" if hasattr(x, "__len__") else ""
    if _is_graph(_first(x)):
        return _proposal(given, "graph_classification", f"{count} graphs with a label each")
    if is_image_list(x) or _are_pixels(x):
        if isinstance(_first(y), Mapping):
            return _on_images(given, "object_detection", x, "boxes")
        if isinstance(_first(y), Image.Image) or as_array(_first(y)).ndim >= 2:
            return _on_images(given, "semantic_segmentation", x, "a mask")
        if _are_different_texts(y):
            return _on_images(given, "transcription", x, "a text of its own")
        return None
    if _is_word_list(_first(x)) and _is_word_list(_first(y)):
        return _proposal(given, "sequence_labeling", f"{count} lists of words with as many tags")
    if is_texts(x) and _are_different_texts(y):
        return _proposal(given, "sequence_to_sequence", f"{count} texts with a text of its own each")
    return None


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list | tuple | np.ndarray) and len(values) else None


def _is_graph(value: Any) -> bool:
    edges = value_of(value, "edges", "edge_index")
    return edges is not None and value_of(value, "nodes", "x") is not None


def _are_pixels(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == np.uint8 and x.ndim in (3, 4)


def _is_word_list(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray) and len(value) > 0 and isinstance(value[0], str | int)


def _are_different_texts(y: Any) -> bool:
    """Return whether targets are texts of which most are different, which are no classes."""
    return is_texts(y) and len(set(y)) > max(20, _DIFFERENT * len(y))


def _proposal(given: MemoryData, task: str, reason: str) -> Proposal:
    proposal = Proposal(task, bases=(f"_base/{task}", "_base/adamw_cosine"), reason=reason)
    proposal.add("data.source", given.source)
    _add_model(proposal, task, given)
    return proposal


def _on_images(given: MemoryData, task: str, images: Any, what: str) -> Proposal:
    """Return a recipe for targets that lie on images."""
    decoded = decoded_images(list(images), None, "data x", [])
    bases = (f"_base/{task}", "_base/adamw_cosine")
    proposal = Proposal(task, bases=bases, reason=f"{len(decoded):,} images with {what} each")
    proposal.add("data.source", given.source)
    add_resize(proposal, Counter((image.shape[0], image.shape[1]) for image in decoded))
    _add_model(proposal, task, given)
    return proposal


def _add_model(proposal: Proposal, task: str, given: MemoryData) -> None:
    """Add a network and its training."""
    for key, value in default_model(task).items():
        proposal.add(f"model.{key}", value)
    add_training(proposal, len(given), own_test=given.test is not None)
