"""`tfds:NAME` and `builtin:NAME`: any data set of TensorFlow Datasets that the task can take."""

from __future__ import annotations

import contextlib
import socket
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.data.builtin import builtin_builder
from zoo.data.columns import Column
from zoo.data.dataset import InputKind, Signature, SourceData, whole
from zoo.data.inputs import ArrayInputs, Inputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.sources.graphs import is_graph
from zoo.data.sources.text import corpus_windows
from zoo.data.sources.tfds_audio import check_audio, load_audio
from zoo.data.sources.tfds_read import Request, as_text, is_numeric, read_split
from zoo.data.sources.tfds_series import load_tfds_series
from zoo.errors import ZooError, counted, did_you_mean, listing
from zoo.recipe.data_section import Data
from zoo.tasks import Task


def tfds_builder(name: str) -> Any:
    """Return the prepared builder of a TFDS data set, downloading it where it is not there yet.

    Raises:
        ZooError: unknown name, or the download failed.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        raise ZooError(f"tfds has no data set '{name}'{did_you_mean(name, known)}") from error
    _refuse_offline(builder, name)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare()
    except Exception as error:  # network, checksums, disk: whatever the builder's own code raises
        reason = str(error).partition("\n")[0]
        raise ZooError(
            f"tfds:{name} is not prepared in {builder.data_dir}, and preparing it failed: "
            f"{type(error).__name__}: {reason}"
        ) from error
    return builder


def _refuse_offline(builder: Any, name: str) -> None:
    """Refuse at once where there is no network; TFDS would try for minutes."""
    mocked = type(builder).download_and_prepare.__module__.startswith("tensorflow_datasets.testing")
    if mocked or builder.is_prepared() or urllib.request.getproxies():
        return
    hosts = {urllib.parse.urlsplit(url).hostname for url in builder.url_infos}
    for host in sorted(filter(None, hosts)):
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            raise ZooError(
                f"tfds:{name} is not prepared in {builder.data_dir}, and {host}, which it is downloaded from, "
                "cannot be reached; prepare it on a machine with a network and set TFDS_DATA_DIR to its folder"
            ) from error


def load_tfds(name: str, data: Data, task: Task) -> SourceData:
    """Load `tfds:NAME`; see `load_builder`."""
    return load_builder(tfds_builder(name), data, task)


def load_builtin(name: str, data: Data, task: Task) -> SourceData:
    """Load `builtin:NAME`; see `load_builder`."""
    return load_builder(builtin_builder(name), data, task)


def load_builder(builder: Any, data: Data, task: Task) -> SourceData:
    """Load the splits of a prepared TFDS builder.

    Images come as `(height, width, channels)` uint8, vectors and sequences as float32, texts as `str`, sequences of
    token ids as int32, and several scalar features as a table.

    Raises:
        ZooError: a split or feature is missing, or has a form that the task does not take.
    """
    where = data.source
    names = _splits(builder, data, where)
    read_targets = KINDS[task.kind].targets
    if read_targets is None:
        return load_tfds_series(builder, names["train"], data, where)
    if task.reads_corpus:
        return _load_text(builder, names, data, task, where)
    features = builder.info.features
    inputs, target = _keys(builder.info, data, where)
    kind = _input_kind(inputs, features, task, where)
    pick = KINDS[task.kind].picker(features, target)
    if kind == "audio":
        return load_audio(builder, names, inputs[0], target, data, read_targets)
    loaded = {
        split: read_split(
            Request(
                builder=builder,
                split=name,
                inputs=inputs,
                target=target,
                kind=kind,
                pick=pick,
                form="labels" if task.multi_label else "",
            )
        )
        for split, name in names.items()
    }
    raw = RawTargets(
        values={split: y for split, (_, y) in loaded.items()},
        where=where,
        feature=features[target],
        metadata=builder.info.metadata or {},
        splits=names,
        notes=_unused_splits(builder, names),
        ignore_index=data.ignore_index,
    )
    labels, targets = read_targets(raw)
    signature = Signature(
        kind,
        target,
        _shape(features[inputs[0]], kind),
        columns=_columns(inputs, features) if kind == "table" else (),
        labels=labels,
        tokens=_count_tokens([x for x, _ in loaded.values()]) if kind == "tokens" else 0,
    )
    splits = {split: whole(examples, targets[split]) for split, (examples, _) in loaded.items()}
    return SourceData(signature=signature, splits=splits, notes=raw.notes)


def _shape(feature: Any, kind: InputKind) -> tuple[int | None, ...]:
    """Return the shape of an example; of a graph, that of its nodes."""
    if kind in ("table", "text"):
        return ()
    return tuple((feature["nodes"] if kind == "graph" else feature).shape)


def _columns(names: list[str], features: Any) -> tuple[Column, ...]:
    return tuple(Column(name, "number" if is_numeric(features[name]) else "category") for name in names)


def _count_tokens(splits: list[Inputs]) -> int:
    """Return the number of token ids: one more than the highest."""
    return 1 + max(int(x.array.max(initial=0)) for x in splits if isinstance(x, ArrayInputs))


def _splits(builder: Any, data: Data, where: str) -> dict[str, str]:
    """Return the names of the source's splits that the recipe asks for."""
    available = list(builder.info.splits)
    named = {"train": data.splits.train, "validation": data.splits.validation, "test": data.splits.test}
    names = {split: name for split, name in named.items() if name is not None}
    if names.get("test") == "test" and available and "test" not in available:
        del names["test"]  # cut from the training split instead
    for name in names.values():
        if available and name.partition("[")[0] not in available:  # a mocked builder does not know its splits
            raise ZooError(
                f"{where} has no split '{name}'{did_you_mean(name, available)} (splits: {listing(available)})"
            )
        if available and not _examples(builder, name, where):
            raise ZooError(f"{where}: the split '{name}' holds no examples; name another one under data.splits")
    return names


def _examples(builder: Any, name: str, where: str) -> int:
    """Return the number of examples of a split or of a part of one, such as `train[:10%]`."""
    try:
        return int(builder.info.splits[name].num_examples)
    except ValueError as error:
        raise ZooError(f"{where}: data.splits: '{name}' names no part of a split, such as train[:10%]") from error


def _unused_splits(builder: Any, names: dict[str, str]) -> list[str]:
    """Return a note where the source has splits that the recipe does not name."""
    used = {name.partition("[")[0] for name in names.values()}
    sizes = {name: info.num_examples for name, info in builder.info.splits.items() if name not in used}
    unused = [f"'{name}' ({count:,} examples)" for name, count in sizes.items() if count]
    return [f"of the source are not used: {counted(unused, 'splits')}"] if unused else []


def _keys(info: Any, data: Data, where: str) -> tuple[list[str], str]:
    """Return the names of the input features and of the target."""
    supervised = info.supervised_keys
    inputs = data.input or (supervised[0] if supervised else None)
    target = data.one_target or (supervised[1] if supervised else None)
    if target not in info.features:
        raise ZooError(
            f"{where}: data.target must name a feature, received {target!r} (features: {listing(info.features)})"
        )
    names = list(inputs.values()) if isinstance(inputs, dict) else [inputs] if inputs else list(info.features)
    unknown = [n for n in names if n not in info.features]
    if unknown:
        hint = did_you_mean(unknown[0], info.features)
        raise ZooError(f"{where}: data.input names no feature: {unknown[0]!r}{hint} ({listing(info.features)})")
    names = [n for n in names if n != target and n not in data.ignore]
    if not names:
        raise ZooError(f"{where}: no input feature is left beside the target '{target}'")
    return names, str(target)


def _input_kind(inputs: list[str], features: Any, task: Task, where: str) -> InputKind:
    """Return what kind of input the features are, and check that the task takes it."""
    kind = _guess_kind(features[inputs[0]], task) if len(inputs) == 1 else "table"
    if kind == "text" and task.labels_tokens:
        raise ZooError(
            f"{where}: '{inputs[0]}' holds texts; {task.name} takes words from conll and tables, ids from here"
        )
    if kind not in task.inputs:
        raise ZooError(f"{where}: its inputs are of the kind '{kind}', and this task takes {' or '.join(task.inputs)}")
    check = _CHECKS.get(kind)
    if check is not None:
        for name in inputs:
            check(name, features[name], task, where)
    return kind


def _guess_kind(feature: Any, task: Task) -> InputKind:
    import tensorflow_datasets as tfds

    if isinstance(feature, tfds.features.Image):
        return "image"
    if isinstance(feature, tfds.features.Audio) and "audio" in task.inputs:
        return "audio"
    if is_graph(feature):
        return "graph"
    if isinstance(feature, tfds.features.Text) and "text" in task.inputs:
        return "text"
    if isinstance(feature.shape, tuple) and len(feature.shape) in (1, 2):
        whole_numbers = np.dtype(feature.np_dtype).kind == "i" and len(feature.shape) == 1
        return "tokens" if whole_numbers and "tokens" in task.inputs else "array"
    return "table"


def _check_length(name: str, feature: Any, task: Task, where: str) -> None:
    if None in feature.shape:
        raise ZooError(
            f"{where}: feature '{name}' has shape {feature.shape}, and zoo takes arrays of one length; pad or cut its "
            "examples to the same"
        )


def _check_array(name: str, feature: Any, task: Task, where: str) -> None:
    axes = "(steps, features)" if task.takes_sequences else "(features,)"
    if len(feature.shape) != 1 + task.takes_sequences:
        raise ZooError(f"{where}: {task.name} takes {axes}, and '{name}' has shape {feature.shape}")
    _check_length(name, feature, task, where)


def _check_image(name: str, feature: Any, task: Task, where: str) -> None:
    shape = feature.shape
    if shape[-1] not in (1, 3) or feature.np_dtype != np.uint8:
        raise ZooError(
            f"{where}: images must have 1 or 3 channels of uint8, received {shape} {feature.np_dtype.__name__}"
        )
    if KINDS[task.kind].targets_are_masks and None in shape:
        raise ZooError(f"{where}: {task.name} takes images of one size, and '{name}' has shape {shape}")


def _check_column(name: str, feature: Any, task: Task, where: str) -> None:
    if feature.shape:
        raise ZooError(f"{where}: feature '{name}' has shape {feature.shape}; a table's columns hold one value each")


_CHECKS: dict[InputKind, Callable[[str, Any, Task, str], None]] = {
    "array": _check_array,
    "audio": check_audio,
    "image": _check_image,
    "table": _check_column,
    "tokens": _check_length,
}


def _load_text(builder: Any, names: dict[str, str], data: Data, task: Task, where: str) -> SourceData:
    """Join the texts of each split and cut them into windows."""
    import tensorflow_datasets as tfds

    name = data.input or data.one_target or "text"
    if name not in builder.info.features:
        raise ZooError(
            f"{where}: data.input must name a text feature, received {name!r} "
            f"(features: {listing(builder.info.features)})"
        )
    texts = {}
    for part, split in names.items():
        examples = tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False))
        texts[part] = "\n".join(as_text(example[name]) for example in examples)
    return corpus_windows(texts, data, task, where)
