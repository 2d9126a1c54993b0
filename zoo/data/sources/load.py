"""From a recipe's `data:` section to a data set in three splits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.builtin import builtin_builder
from zoo.data.dataset import Dataset, Signature, SourceData, Split, TableInputs, whole
from zoo.data.sources.folder import load_folder
from zoo.data.sources.npz import load_npz
from zoo.data.sources.tables import infer_columns, read_table, take_columns
from zoo.data.sources.tfds import load_corpus, load_tfds, tfds_builder
from zoo.data.sources.windows import forecast_windows
from zoo.data.splits import few_of_each, held_out
from zoo.data.targets import abnormal_apart, class_indices, class_labels, number_targets
from zoo.data.text import Tokenizer, fit_tokenizer
from zoo.errors import ZooError, did_you_mean, listing
from zoo.recipe.schema import Data
from zoo.recipe.steps import PreprocessStep, Tokenize
from zoo.tasks import Task


def load_dataset(data: Data, task: Task, preprocess: Sequence[PreprocessStep] = ()) -> Dataset:
    """Load the source of a recipe and split it.

    The source's own test split is used where it has one, else a share of the training examples is cut; likewise for
    validation. Cuts are seeded by `data.split_seed` and keep the proportions of the classes; series and running text
    are cut by time. The vocabulary of texts is fitted on the training split.

    Args:
        data: the recipe's section.
        task: the recipe's task.
        preprocess: the recipe's steps; `tokenize` says how texts are cut up.

    Raises:
        ZooError: the source is missing, damaged, or does not fit the task.
    """
    source = _load(data, task)
    stratify = task.labeled
    train, validation, test = source.train, source.validation, source.test
    notes = list(source.notes)
    if test is None:
        train, test = held_out(train, data.test, data.split_seed, stratify, "test")
        notes.append(f"no test split of its own: {data.test:.0%} of the examples were held out for it")
    if validation is None:
        train, validation = held_out(train, data.validation, data.split_seed, stratify, "validation")
    signature = source.signature
    if task.kind == "anomaly":
        signature, (train, validation, test) = abnormal_apart(signature, (train, validation, test), data)
        notes.append(f"abnormal, and so kept out of the training split: {listing(data.abnormal or ())}")
    if data.per_class is not None:
        train = few_of_each(train, data.per_class, data.split_seed)
        notes.append(f"{data.per_class} examples of each class are used for training; the others are left out")
    if signature.kind == "text" and signature.tokenizer is None:
        signature = replace(signature, tokenizer=_tokenizer(train, preprocess))
    return Dataset(
        name=data.source,
        signature=signature,
        train=train,
        validation=validation,
        test=test,
        fingerprint=_fingerprint(source.signature, {"train": train, "validation": validation, "test": test}),
        notes=tuple(notes),
        series=source.series,
    )


def _tokenizer(train: Split, preprocess: Sequence[PreprocessStep]) -> Tokenizer:
    settings = next((s.tokenize for s in preprocess if s.tokenize is not None), Tokenize())
    return fit_tokenizer(
        train.take(np.arange(len(train))),
        level=settings.level,
        lowercase=settings.lowercase,
        most=settings.vocabulary,
        length=settings.length,
    )


def _load(data: Data, task: Task) -> SourceData:
    kind, _, name = data.source.partition(":")
    if kind == "builtin":
        return load_tfds(builtin_builder(name), data, task)
    if kind == "tfds":
        return load_tfds(tfds_builder(name), data, task)
    path = Path(name).expanduser()
    if kind == "folder":
        return load_folder(path, data)
    if kind == "npz":
        return load_npz(path, data, task)
    if kind == "text":
        return load_corpus({"train": _read_text(path)}, data, task, data.source)
    if task.kind == "forecasting":
        return _load_series(path, data)
    return _load_table(path, data, task)


def _load_table(path: Path, data: Data, task: Task) -> SourceData:
    """`csv:PATH` and `parquet:PATH`: one file; the recipe names the column to predict."""
    frame = read_table(path)
    named: dict[str, list[Any]] = {
        "data.target": [data.target],
        "data.ignore": data.ignore,
        "data.categorical": data.categorical,
    }
    for key, names in named.items():
        for name in names:
            if name not in frame.columns:
                hint = did_you_mean(str(name), frame.columns)
                raise ZooError(
                    f"{path}: {key} names the column '{name}', which the table lacks{hint} "
                    f"(columns: {', '.join(frame.columns)})"
                )
    target = str(data.target)
    inputs = [c for c in frame.columns if c != target and c not in data.ignore]
    if not inputs:
        raise ZooError(f"{path}: no input column is left beside the target '{target}'")
    columns = infer_columns(frame, inputs, data.categorical, str(path))
    text = [c.name for c in columns if c.type == "category"]
    frame = read_table(path, text + [target] * (task.kind == "classification"))
    labels: tuple[str, ...] = ()
    where = f"{path}: column '{target}'"
    values = frame[target].to_numpy(dtype=object, na_value=None)
    if task.kind == "classification":
        labels = class_labels(values, where)
        targets = class_indices(values, labels, where)
    else:
        targets = number_targets(values, where)
    examples = TableInputs(take_columns(frame, columns, str(path)))
    signature = Signature("table", target, (), tuple(columns), labels)
    return SourceData(signature, whole(examples, targets))


def _read_text(path: Path) -> str:
    """`text:PATH`: one file, in UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(f"{path}: not readable as UTF-8 text ({error})") from error


def _load_series(path: Path, data: Data) -> SourceData:
    """`csv:PATH`: rows in the order of time; the target's column, and beside it those that are numbers."""
    frame = read_table(path)
    target = str(data.target)
    if target not in frame.columns:
        hint = did_you_mean(target, frame.columns)
        raise ZooError(
            f"{path}: data.target names the column '{target}', which the table lacks{hint} "
            f"(columns: {', '.join(frame.columns)})"
        )
    others = [c for c in frame.columns if c != target and c not in data.ignore and frame[c].dtype.kind in "fiu"]
    columns = [number_targets(frame[c].to_numpy(dtype=object), f"{path}: column '{c}'") for c in (target, *others)]
    return forecast_windows(np.stack(columns, axis=1), data, target, str(path))


def _fingerprint(signature: Signature, splits: dict[str, Split]) -> str:
    """Return SHA-256 over what the examples look like, the examples, their targets and the splits."""
    form = {k: getattr(signature, k) for k in ("kind", "target", "shape", "columns", "labels")}
    state = hashlib.sha256(f"Signature({', '.join(f'{k}={v!r}' for k, v in form.items())})".encode())
    digests: dict[int, str] = {}
    for name, split in splits.items():
        digest = digests.setdefault(id(split.inputs), split.inputs.digest())
        state.update(f"{name}:{digest}".encode())
        state.update(np.ascontiguousarray(split.indices, np.int64).data)
        state.update(np.ascontiguousarray(split.targets).data)
    return state.hexdigest()
