"""From a recipe's `data:` section to a data set in three splits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from zoo.data.dataset import Dataset, Signature, SourceData, Split
from zoo.data.default_size import default_resize
from zoo.data.folds import hold_out_fold
from zoo.data.kinds import KINDS
from zoo.data.mask_steps import resize_notes
from zoo.data.memory.given import MemoryData
from zoo.data.repeats import without_repeats
from zoo.data.sources.audio_folder import load_audio_folder
from zoo.data.sources.coco import load_coco
from zoo.data.sources.folder import load_folder
from zoo.data.sources.graph_folder import load_graph_folder
from zoo.data.sources.masks import load_masks
from zoo.data.sources.memory import load_memory, refuse_memory
from zoo.data.sources.mvtec import load_mvtec
from zoo.data.sources.npz import load_npz
from zoo.data.sources.table import load_table
from zoo.data.sources.tagged import load_conll, load_tagged_table
from zoo.data.sources.text import load_text
from zoo.data.sources.text_folder import load_text_folder
from zoo.data.sources.tfds import load_builtin, load_tfds
from zoo.data.sources.ts_file import load_ts
from zoo.data.sources.voc import load_voc
from zoo.data.sources.yolo import load_yolo
from zoo.data.splits import draw_per_class, hold_out, hold_out_by_content
from zoo.data.table_encoding import encode_settings, encoding_notes
from zoo.data.table_texts import with_vocabularies
from zoo.data.tokenizer import Tokenizer, fit_tokenizer
from zoo.data.train_fraction import take_fraction
from zoo.errors import ZooError, listing
from zoo.recipe.data_section import Data
from zoo.recipe.steps import PreprocessStep, Tokenize
from zoo.tasks import Task


def _load_folder(name: str, data: Data, task: Task) -> SourceData:
    kind = next(kind for kind in ("image", "audio", "text") if kind in task.inputs)
    return _FOLDERS[kind](name, data, task)


def _load_table(name: str, data: Data, task: Task) -> SourceData:
    if task.inputs == ("graph",):
        return load_graph_folder(name, data, task)
    return (load_tagged_table if task.labels_tokens else load_table)(name, data, task)


_FOLDERS = {"image": load_folder, "audio": load_audio_folder, "text": load_text_folder}
LOADERS: dict[str, Callable[[str, Data, Task], SourceData]] = {  # what stands before the colon of `data.source`
    "tfds": load_tfds,
    "builtin": load_builtin,
    "folder": _load_folder,
    "masks": load_masks,
    "mvtec": load_mvtec,
    "coco": load_coco,
    "yolo": load_yolo,
    "voc": load_voc,
    "csv": _load_table,
    "parquet": _load_table,
    "jsonl": _load_table,
    "conll": load_conll,
    "npz": load_npz,
    "text": load_text,
    "ts": load_ts,
    "memory": refuse_memory,
}

_HOLDS = {
    "image": "images",
    "audio": "audio",
    "table": "a table",
    "array": "numbers",
    "series": "numbers",
    "tokens": "token ids",
    "graph": "graphs",
}


def load_dataset(
    data: Data, task: Task, preprocess: Sequence[PreprocessStep] = (), memory: MemoryData | None = None
) -> Dataset:
    """Load the source of a recipe and split it.

    A test or validation split that the source lacks is cut from the training examples. Cuts are seeded by
    `data.split_seed` and keep the proportions of the classes, or follow a column (`data.group`, `data.time`); series
    and running text are cut by time. The vocabulary of texts is fitted on the training split.

    Args:
        data: the recipe's section.
        task: the recipe's task.
        preprocess: the recipe's steps; `tokenize` sets how texts are cut into tokens.
        memory: the data of a Python program, which `memory:` stands for.

    Raises:
        ZooError: the source is missing, damaged, or does not fit the task.
    """
    kind, _, name = data.source.partition(":")
    source = LOADERS[kind](name, data, task) if memory is None else load_memory(memory, data, task)
    train, validation, test = source.splits["train"], source.splits.get("validation"), source.splits.get("test")
    notes = list(source.notes)
    if test is None:
        train, test, note = _held_out(source, train, "test", data, task)
        notes.append(note or f"no test split of its own: {data.test:.0%} of the examples were held out for it")
    if data.fold is not None:
        train, validation, test, note = hold_out_fold(
            train,
            validation,
            data.fold,
            seed=data.split_seed,
            stratify=task.is_stratified,
            labels=source.signature.labels,
            cut=source.cut,
        )
        notes.append(note)
    if validation is None:
        train, validation, note = _held_out(source, train, "validation", data, task)
        notes += [note] if note else []
    resize, note = default_resize(preprocess, train, source.signature, lines=task.kind == "transcription")
    preprocess, notes = ([resize, *preprocess], [*notes, note]) if resize is not None else (preprocess, notes)
    follow = KINDS[task.kind].follow
    if follow is not None:
        splits = (train, validation, test)
        train, validation, test = (
            replace(split, targets=follow(split.targets, preprocess, data.source)) for split in splits
        )
        notes += resize_notes(preprocess)
    signature = _of_any_size(source.signature, preprocess)
    relabel = KINDS[task.kind].relabel if kind != "mvtec" else None  # whose folders say what is abnormal
    if relabel is not None:
        signature, (train, validation, test) = relabel(signature, (train, validation, test), data)
        if data.abnormal:
            notes.append(f"abnormal, and so kept out of the training split: {listing(data.abnormal)}")
    if data.leaked_examples == "drop":
        train, note = without_repeats(train, (validation, test))
        notes.append(note)
    if data.per_class is not None:
        train = draw_per_class(train, data.per_class, data.split_seed)
        notes.append(f"{data.per_class} examples of each class are used for training; the others are left out")
    series = source.series
    if data.train_fraction is not None:
        train, series, note = take_fraction(
            train,
            data.train_fraction,
            seed=data.split_seed,
            stratify=task.labeled,
            by_time=task.scans_series,
            cut=source.cut,
            series=series,
        )
        notes.append(note)
    if signature.kind != "text" and any(step.tokenize is not None for step in preprocess):
        raise ZooError(
            f"{data.source}: holds {_HOLDS[signature.kind]}, and preprocess.tokenize is for texts; leave it out "
            "(preprocess: [])"
        )
    if signature.kind == "text" and signature.tokenizer is None:
        default = Tokenize(level="whitespace") if task.labels_tokens else Tokenize()
        settings = next((step.tokenize for step in preprocess if step.tokenize is not None), default)
        tokenizer, lost = _vocabulary(train, validation, test, settings)
        signature, notes = replace(signature, tokenizer=tokenizer), [*notes, *lost]
    if signature.kind == "table":
        splits_by_name = {"training": train, "validation": validation, "test": test}
        signature, more = with_vocabularies(signature, splits_by_name, encode_settings(preprocess).texts)
        notes += more
        notes += encoding_notes(signature.columns, train.take(np.arange(len(train))), preprocess)
    return Dataset(
        name=data.source,
        signature=signature,
        train=train,
        validation=validation,
        test=test,
        fingerprint=_fingerprint(source.signature, {"train": train, "validation": validation, "test": test}),
        notes=tuple(notes),
        series=series,
        resize=resize,
        masks=source.masks if data.fold is None else {},  # a fold's test is of training images
        table=source.table,
        cut=source.cut,
        held_out=tuple(name for name in ("validation", "test") if name not in source.splits or data.fold is not None),
    )


def _of_any_size(signature: Signature, steps: Sequence[PreprocessStep]) -> Signature:
    """Return the signature of images of any size where a step resizes them, though all in the source have one size."""
    if signature.kind != "image" or not any(step.resize is not None for step in steps):
        return signature
    return replace(signature, shape=(None, None, signature.shape[-1]))


def _held_out(source: SourceData, train: Split, name: str, data: Data, task: Task) -> tuple[Split, Split, str]:
    """Cut a split from the training examples; return the rest, the split, and a note where a column led the cut."""
    fraction = data.test if name == "test" else data.validation
    labels = source.signature.labels if task.labeled else ()
    if source.cut is not None:
        return source.cut.hold_out(train, fraction, name, seed=data.split_seed, labels=labels)
    if data.split_by == "content":
        return hold_out_by_content(train, fraction, name, seed=data.split_seed, labels=labels)
    return *hold_out(train, fraction, name, seed=data.split_seed, stratify=task.is_stratified, labels=labels), ""


def _vocabulary(train: Split, validation: Split, test: Split, settings: Tokenize) -> tuple[Tokenizer, list[str]]:
    """Return the tokenizer of the training texts, and notes on what it loses of each split."""
    tokenizer = fit_tokenizer(
        train.take(np.arange(len(train))),
        level=settings.level,
        lowercase=settings.lowercase,
        max_ids=settings.vocabulary,
        kind=settings.kind,
        file=settings.file,
        marks=settings.marks,
        length=settings.length,
    )
    notes = [
        tokenizer.note(split.take(np.arange(len(split))), f"the texts of the {name} split")
        for name, split in (("training", train), ("validation", validation), ("test", test))
    ]
    return tokenizer, [note for note in notes if note]


def _fingerprint(signature: Signature, splits: dict[str, Split]) -> str:
    """Return SHA-256 over signature, examples, targets and splits."""
    columns = [f"Column(name={c.name!r}, type={c.type!r})" for c in signature.columns if signature.kind == "table"]
    form = {
        "kind": repr(signature.kind),
        "target": repr(signature.target),
        "shape": repr(signature.shape),
        "columns": f"({', '.join(columns)}{',' * (len(columns) == 1)})",
        "labels": repr(signature.labels),
    }
    state = hashlib.sha256(f"Signature({', '.join(f'{k}={v}' for k, v in form.items())})".encode())
    digests: dict[int, str] = {}
    for name, split in splits.items():
        digest = digests.setdefault(id(split.inputs), split.inputs.digest())
        state.update(f"{name}:{digest}".encode())
        state.update(np.ascontiguousarray(split.indices, np.int64).data)
        state.update(np.ascontiguousarray(split.targets).data)
    return state.hexdigest()
