"""Published weights into a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo import registry
from zoo.errors import ZooError, counted, listing, prefixed
from zoo.layers.head import LOGITS
from zoo.pretrained.fill import Plan, choose_naming, plan_by_naming
from zoo.pretrained.forms import leaves
from zoo.pretrained.known import mapped_builders, namings_of
from zoo.pretrained.source import WeightsFile, find_weights
from zoo.pretrained.tensor_files import read_tensors, read_values
from zoo.tasks import START

if TYPE_CHECKING:
    from zoo.models.weights.naming import Naming
    from zoo.pretrained.fill import SpecialIds
    from zoo.pretrained.tensors import Tensors

_KERAS_SUFFIXES = (".h5", ".hdf5", ".keras")
_MAX_TOKENIZER_BYTES = 1 << 26


@dataclass(frozen=True, kw_only=True)
class LoadedWeights:
    """What was loaded.

    Attributes:
        source: as it was asked for.
        sha256: of the file; empty for `keras:`.
        names: whose names the file uses.
        kept: layers that keep their first values, because the file has none or has another size.
        notes: what was adapted or left out, a sentence each.
        special: ids of the file that the network's first ones stand for, where these are not the file's own.
    """

    source: str
    sha256: str
    names: str
    kept: tuple[str, ...]
    notes: tuple[str, ...]
    special: SpecialIds = ()


def load_weights(model: keras.Model, source: str) -> LoadedWeights:
    """Put published weights into a network. On an error nothing is loaded, and no code of the file runs.

    Args:
        model: what a builder built.
        source: `file:PATH`, `package:NAME`, `hf:ORG/NAME[@REVISION]` or `keras:NAME`.

    Raises:
        ZooError: there is no such source, the file is damaged, or it is of another architecture.
    """
    found = find_weights(source)
    if found.path is None:
        return _from_keras(model, found)
    with prefixed(f"{source} does not fit model '{model.name}'"):
        return _from_file(model, found, found.path)


def _from_file(model: keras.Model, found: WeightsFile, path: Path) -> LoadedWeights:
    tensors = read_tensors(path)
    content = _sha256(path)
    naming = choose_naming(tensors, namings_of(model.name))
    if naming is not None:
        special = _special_ids(model, found, tensors)
        plan = plan_by_naming(model, tensors, naming, special)
        _write(plan, tensors, path)
        return LoadedWeights(
            source=found.source,
            sha256=content,
            names=naming.origin,
            kept=tuple(plan.kept),
            notes=(*plan.notes, *_unsaid(model.name, naming, found.config)),
            special=special if plan.has_special_ids else (),
        )
    own = _own(model, tensors)
    if own is not None:
        values = {name: read_values(path, tensor, tensors[tensor]) for name, (_, tensor) in own.items()}
        for name, (variable, _) in own.items():
            variable.assign(values[name])
        kept = tuple(sorted({path for path, _ in leaves(model)} - {name.rpartition("/")[0] for name in own}))
        notes = ("the head is new: the file's has another size",) if kept else ()
        return LoadedWeights(source=found.source, sha256=content, names="zoo", kept=kept, notes=notes)
    if path.suffix.lower() in _KERAS_SUFFIXES:
        from zoo.pretrained.applications import REFERENCES, load_applications_weights

        if model.name in REFERENCES:
            loaded = load_applications_weights(model, path)
            notes = ("the head is new: the file has none, or of another size",) if loaded.kept else ()
            return LoadedWeights(
                source=found.source, sha256=content, names="Keras Applications", kept=loaded.kept, notes=notes
            )
    origins = {naming.origin for naming in namings_of(model.name)}
    known = f"known are those of {listing(origins)}" if origins else f"there are maps for {listing(mapped_builders())}"
    raise ZooError(f"{path}: {counted(tensors, 'tensors')} have names of which none is known for it ({known})")


def _unsaid(builder: str, naming: Naming, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what neither tensors nor configuration say of a network, in which networks of its names differ."""
    if naming.origin != "timm" or "architecture" in facts or "padding" not in registry.defaults(builder):
        return ()
    return (
        "the file does not say how its network pads: of timm's, those named tf_… need padding='same' and epsilon=1e-3, "
        "the others padding='symmetric' and epsilon=1e-5",
    )


def _own(model: keras.Model, tensors: Tensors) -> dict[str, tuple[Any, str]] | None:
    """Return variables and tensors by the names of this package's files; None where the file is none of them.

    The names may stand behind that of the model in which the network is, as in the file of a run.

    Raises:
        ZooError: a variable is missing, or has another shape.
    """
    by_end: dict[str, list[str]] = {}
    for name in tensors:
        parts = name.split("/")
        for start in range(len(parts)):
            by_end.setdefault("/".join(parts[start:]), []).append(name)
    plan: dict[str, tuple[Any, str]] = {}
    missing, others = [], []
    for path, layer in leaves(model):
        for i, variable in enumerate(layer.weights):
            found = by_end.get(f"{path}/{i}") or by_end.get(f"{path}/{variable.name}", [])
            if len(found) != 1:
                missing.append(path)
            elif tensors[found[0]].shape == tuple(variable.shape):
                plan[f"{path}/{i}"] = variable, found[0]
            else:
                others.append((path, tuple(variable.shape), tensors[found[0]].shape))
    if not plan:
        return None
    wrong = [each for each in others if each[0] != LOGITS]
    if wrong:
        path, ours, theirs = wrong[0]
        raise ZooError(f"layer '{path}' has a variable of the shape {ours}, and the file's has {theirs}")
    lacking = [path for path in dict.fromkeys(missing) if path != LOGITS]
    if lacking:
        raise ZooError(f"the file lacks {counted(lacking, 'layers')}")
    if others:
        plan = {name: pair for name, pair in plan.items() if name.rpartition("/")[0] != LOGITS}
    return plan


def _write(plan: Plan, tensors: Tensors, path: Path) -> None:
    """Read and transform everything, and only then write."""
    read: dict[str, np.ndarray] = {}

    def values(name: str) -> np.ndarray:
        if name not in read:
            read[name] = read_values(path, name, tensors[name])
        return read[name]

    for name, other in plan.equal:
        if not np.array_equal(values(name), values(other)):
            raise ZooError(
                f"{path}: tensor '{name}' differs from '{other}', and the network has one for both: set "
                "tie_embeddings: false"
            )
    found = [(filled.variable, filled.value(values)) for filled in plan.filled]
    for variable, value in found:
        variable.assign(value)


def _special_ids(model: keras.Model, found: WeightsFile, tensors: Tensors) -> SpecialIds:
    """Return which ids of the file padding, unknown, start and end are; empty where no tokenizer is beside it.

    They are what `config.json` says, or have the names that they usually have.
    """
    path = found.tokenizer
    if path is None:
        return ()
    if path.stat().st_size > _MAX_TOKENIZER_BYTES:
        raise ZooError(f"{path}: a tokenizer of {path.stat().st_size:,} bytes")
    facts = json.loads(path.read_text("utf-8"))
    added = {each["content"]: int(each["id"]) for each in facts.get("added_tokens", [])}
    names = (("[PAD]", "<pad>"), ("[UNK]", "<unk>"), ("[CLS]", "<s>"), ("[SEP]", "</s>"))
    keys = (("pad_token_id",), (), ("decoder_start_token_id", "bos_token_id"), ("eos_token_id",))
    assert START == 2, "the order of the special ids"
    config = found.config
    said = [next((_first_id(config[key]) for key in group if config.get(key) is not None), None) for group in keys]
    named = [next((added[name] for name in pair if name in added), None) for pair in names]
    return tuple(a if a is not None else b for a, b in zip(said, named, strict=True))


def _first_id(value: Any) -> int | None:
    """Return an id that a `config.json` gives, alone or as the first of several."""
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _from_keras(model: keras.Model, found: WeightsFile) -> LoadedWeights:
    from zoo.pretrained.applications import load_applications_network

    loaded = load_applications_network(model, found.keras)
    notes = ("the head is new: it has another number of outputs",) if loaded.kept else ()
    return LoadedWeights(source=found.source, sha256="", names="Keras Applications", kept=loaded.kept, notes=notes)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
