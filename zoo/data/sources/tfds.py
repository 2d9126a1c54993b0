"""`tfds:NAME` (and `builtin:NAME`): any data set of TensorFlow Datasets that this task can take."""

from __future__ import annotations

import contextlib
import socket
import sys
import urllib.parse
import urllib.request
from typing import Any

import numpy as np

from zoo.data.augmentation.masking import hidden_texts
from zoo.data.dataset import ArrayInputs, Signature, SourceData, TextInputs, whole
from zoo.data.sources.graphs import is_graph
from zoo.data.sources.tables import Column
from zoo.data.sources.tfds_read import as_text, is_numeric, read_split
from zoo.data.sources.windows import forecast_windows, text_windows
from zoo.data.targets import (
    box_targets,
    class_indices,
    class_labels,
    mask_targets,
    number_targets,
    same_width,
    token_targets,
    transcription_targets,
    written_targets,
)
from zoo.data.text import fit_tokenizer
from zoo.errors import ZooError, did_you_mean, listing
from zoo.recipe.schema import Data
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
    """Say at once that there is no network, where TFDS would try for minutes."""
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
                "cannot be reached; prepare it on a machine with a network and name its folder in TFDS_DATA_DIR"
            ) from error


def load_tfds(builder: Any, data: Data, task: Task) -> SourceData:
    """Load the splits of a prepared TFDS builder.

    Images come as `(height, width, channels)` uint8, vectors and sequences as float32, texts as `str`, sequences of
    token ids as int32, and several scalar features as a table.

    Raises:
        ZooError: a split or feature is missing, or has a form that the task does not take.
    """
    where = f"{data.source}"
    features = builder.info.features
    names = _splits(builder, data, where)
    if task.kind == "forecasting":
        return _load_series(builder, names["train"], data, where)
    if task.reads_corpus:
        return _load_text(builder, names, data, task, where)
    inputs, target = _keys(builder.info, data, where)
    first = features[inputs[0]]
    kind = _kind(inputs, features, task, where)
    loaded = {split: read_split(builder, name, inputs, target, kind, task.kind) for split, name in names.items()}
    values = {split: y for split, (_, y) in loaded.items()}
    label_names = getattr(features[target], "names", None)
    labels: tuple[str, ...] = ()
    targets: dict[str, Any] = {}
    if task.labeled:
        labels = tuple(label_names) if label_names else class_labels(values["train"], where)
        for split, y in values.items():
            targets[split] = y.astype(np.int32) if label_names else class_indices(y, labels, where)
            unlabelled = np.flatnonzero((targets[split] < 0) | (targets[split] >= len(labels)))
            if len(unlabelled):
                raise ZooError(
                    f"{where}: {len(unlabelled)} of {len(y)} examples of the split '{names[split]}' have no "
                    f"label; name another split under data.splits.{split}"
                )
    elif task.kind == "regression":
        targets = {split: number_targets(y, where) for split, y in values.items()}
    elif task.kind == "sequences":
        labels, targets = written_targets(values)
    elif task.kind == "transcription":
        labels, targets = transcription_targets(values, where)
    elif task.kind == "tokens":
        labels, targets = token_targets(values, where)
    elif task.kind == "segmentation":
        labels, targets = mask_targets(values, (builder.info.metadata or {}).get("mask_labels"), where)
    else:
        labels = tuple(features[target]["label"].names)
        targets = box_targets(values, where)
    splits = {split: whole(examples, targets[split]) for split, (examples, _) in loaded.items()}
    columns = (
        tuple(Column(n, "number" if is_numeric(features[n]) else "category") for n in inputs) if kind == "table" else ()
    )
    shape = () if kind in ("table", "text") else tuple((first["nodes"] if kind == "graph" else first).shape)
    tokens = 0
    if kind == "tokens":
        tokens = 1 + max(int(x.array.max(initial=0)) for x, _ in loaded.values() if isinstance(x, ArrayInputs))
    signature = Signature(kind, target, shape, columns, labels, tokens)
    return SourceData(signature, splits["train"], splits.get("validation"), splits.get("test"))


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
    return names


def _kind(inputs: list[str], features: Any, task: Task, where: str) -> Any:
    """Return what kind of input the features are, and check that the task takes it."""
    import tensorflow_datasets as tfds

    first = features[inputs[0]]
    kind = "table"
    if len(inputs) == 1:
        if isinstance(first, tfds.features.Image):
            kind = "image"
        elif is_graph(first):
            kind = "graph"
        elif isinstance(first, tfds.features.Text) and "text" in task.inputs:
            kind = "text"
        elif isinstance(first.shape, tuple) and len(first.shape) in (1, 2):
            whole_numbers = np.dtype(first.np_dtype).kind == "i" and len(first.shape) == 1
            kind = "tokens" if whole_numbers and "tokens" in task.inputs else "array"
    if kind not in task.inputs:
        raise ZooError(f"{where}: its inputs are of the kind '{kind}', and this task takes {' or '.join(task.inputs)}")
    rank = 2 if task.name.startswith("sequence") else 1
    if kind == "array" and len(first.shape) != rank:
        form = "(steps, features)" if rank == 2 else "(features,)"
        raise ZooError(f"{where}: {task.name} takes {form}, and '{inputs[0]}' has shape {first.shape}")
    if kind == "image" and (first.shape[-1] not in (1, 3) or first.np_dtype != np.uint8):
        raise ZooError(
            f"{where}: images must have 1 or 3 channels of uint8, received {first.shape} {first.np_dtype.__name__}"
        )
    if task.kind == "segmentation" and None in first.shape:
        raise ZooError(f"{where}: segmentation takes images of one size, and these have {first.shape}")
    for name in inputs if kind == "table" else ():
        if features[name].shape:
            raise ZooError(
                f"{where}: feature '{name}' has shape {features[name].shape}; a table's columns hold one value each"
            )
    return kind


def _load_series(builder: Any, split: str, data: Data, where: str) -> SourceData:
    """A feature `(time,)` or `(time, channels)` of the one example of a split, cut into windows."""
    import tensorflow_datasets as tfds

    name = data.target or "values"
    if name not in builder.info.features:
        raise ZooError(
            f"{where}: data.target must name the feature that holds the series, received {name!r} "
            f"(features: {listing(builder.info.features)})"
        )
    examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
    if len(examples) != 1:
        raise ZooError(f"{where}: forecasting takes one series, and the split '{split}' holds {len(examples)} examples")
    values = np.asarray(examples[0][name], np.float32)
    return forecast_windows(values.reshape(len(values), -1), data, name, where)


def _load_text(builder: Any, names: dict[str, str], data: Data, task: Task, where: str) -> SourceData:
    """The texts of each split, put end to end and cut into windows."""
    import tensorflow_datasets as tfds

    name = data.input or data.target or "text"
    if name not in builder.info.features:
        raise ZooError(
            f"{where}: data.input must name a text feature, received {name!r} "
            f"(features: {listing(builder.info.features)})"
        )
    texts = {}
    for part, split in names.items():
        examples = tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False))
        texts[part] = "\n".join(as_text(example[name]) for example in examples)
    return load_corpus(texts, data, task, where)


def load_corpus(texts: dict[str, str], data: Data, task: Task, where: str) -> SourceData:
    """Return the windows of a corpus for language modeling; parts that it lacks are cut from its end.

    Of validation and test, a model that fills in sees texts with a seeded part of their characters hidden; of training
    the texts as they are, whose tokens are hidden anew in each batch.

    Args:
        texts: split to text; `train` at least.
        data: the recipe's section.
        task: the recipe's task.
        where: the source, for messages.

    Raises:
        ZooError: a part has fewer than two characters.
    """
    texts, notes = dict(texts), []
    for part, share in (("test", data.test), ("validation", data.validation)):
        if part not in texts:
            cut = len(texts["train"]) - round(len(texts["train"]) * share)
            texts[part], texts["train"] = texts["train"][cut:], texts["train"][:cut]
            notes.append(f"no {part} text of its own: the last {share:.0%} of the training text were held out for it")
    splits = {}
    tokenizer = fit_tokenizer([texts["train"]], level="character")
    for part, text in texts.items():
        if len(text) < 2:
            raise ZooError(f"{where}: the {part} part has {len(text)} characters; a language model needs two at least")
        seen, said = text_windows(text, data.context)
        targets = tokenizer.encode(seen if task.fills_in else said)
        if task.fills_in and part != "train":
            seen, targets = hidden_texts(seen, targets, data.split_seed)
        splits[part] = whole(TextInputs(seen), targets)
    width = max(split.targets.shape[1] for split in splits.values())
    if any(split.targets.shape[1] < width for split in splits.values()):
        aligned = same_width({part: split.targets for part, split in splits.items()})
        splits = {part: whole(split.inputs, aligned[part]) for part, split in splits.items()}
    signature = Signature(
        "text",
        "hidden character" if task.fills_in else "next character",
        (data.context,),
        labels=tokenizer.names,
        tokenizer=tokenizer,
    )
    return SourceData(signature, splits["train"], splits["validation"], splits["test"], notes)


def _keys(info: Any, data: Data, where: str) -> tuple[list[str], str]:
    """Return the names of the input features and of the target."""
    supervised = info.supervised_keys
    inputs = data.input or (supervised[0] if supervised else None)
    target = data.target or (supervised[1] if supervised else None)
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
