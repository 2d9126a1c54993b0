"""`zoo snapshot`: the exact data of a run or recipe, written, or compared with what was written."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from zoo.commands.reopen import SILENT
from zoo.errors import ZooError
from zoo.utils.files import read_json, write_json

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset, Split
    from zoo.recipe import LoadedRecipe
    from zoo.recipe.data_section import Data

FACTS, HASHES = "snapshot.json", "hashes.npz"


def snapshot(
    source: str | os.PathLike[str],
    *,
    output: str | Path | None = None,
    compare: str | Path | None = None,
    console: Console = SILENT,
) -> dict[str, Any]:
    """Write the data of a run or recipe as Parquet with Croissant metadata, or compare it with a snapshot.

    Args:
        source: a run folder, whose data must still be what it was trained on; a recipe's name or file.
        output: folder to write, which must not exist: `train.parquet`, `validation.parquet`, `test.parquet`,
            `croissant.json`, `snapshot.json` and a hash of each example in `hashes.npz`.
        compare: folder of a snapshot, in place of `output`.
        console: where progress is shown.

    Returns:
        `source`, `fingerprint` and `splits` (their sizes); where it is compared also `same` and `differences`: by
        split, the number of examples that only the snapshot has (`removed`), and that only the data has (`added`).

    Raises:
        ZooError: no such run, recipe or snapshot; the folder exists; or the data cannot be read.
    """
    if (output is None) == (compare is None):
        raise ZooError("say where to write the snapshot (--output FOLDER), or which to compare with (--compare FOLDER)")
    known = _read(Path(compare)) if compare is not None else None
    loaded, dataset = _open(source)
    console.print(f"Read {dataset.name}: {', '.join(f'{len(s):,} {n}' for n, s in _splits(dataset).items())}")
    if known is None:
        assert output is not None
        return _write(Path(output), loaded, dataset, console)
    differences = _differences(known[1], dataset)
    return {
        **_facts(dataset),
        "same": not any(sum(d.values()) for d in differences.values()),
        "differences": differences,
    }


def check_snapshot(dataset: Dataset, data: Data) -> None:
    """Refuse data that is not that of the recipe's snapshot, where it names one; its folds are parts of it.

    Raises:
        ZooError: it is not, or the folder holds no snapshot.
    """
    folder = data.snapshot
    if folder is None or data.fold is not None:
        return
    facts, hashes = _read(Path(folder))
    if facts["fingerprint"] == dataset.fingerprint:
        return
    counts = ", ".join(
        f"{name}: {each['removed']:,} examples removed, {each['added']:,} added"
        for name, each in _differences(hashes, dataset).items()
        if any(each.values())
    )
    raise ZooError(
        f"data.snapshot: the data is not that of {folder}: {counts or 'the same examples in another order'}; put it "
        "back, write a new snapshot, or leave the key out"
    )


def _open(source: str | os.PathLike[str]) -> tuple[LoadedRecipe, Dataset]:
    """Return recipe and data of a run or a recipe."""
    from zoo.commands.reopen import reopen
    from zoo.data.sources.load import load_dataset
    from zoo.recipe import load_recipe
    from zoo.tasks import TASKS

    if (Path(source) / "recipe.yaml").is_file():
        return reopen(source)[1:]
    loaded = load_recipe(os.fspath(source))
    recipe = loaded.recipe
    return loaded, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)


def _splits(dataset: Dataset) -> dict[str, Split]:
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {name: split for name, split in splits.items() if len(split)}


def _facts(dataset: Dataset) -> dict[str, Any]:
    from zoo.recipe.load import published_source

    return {
        "source": published_source(dataset.name),
        "fingerprint": dataset.fingerprint,
        "splits": {name: len(split) for name, split in _splits(dataset).items()},
    }


def _write(folder: Path, loaded: LoadedRecipe, dataset: Dataset, console: Console) -> dict[str, Any]:
    from zoo.data.croissant import write_croissant
    from zoo.data.snapshot_rows import write_split

    if folder.exists():
        raise ZooError(f"{folder} exists already; name a new folder, or compare with it: --compare {folder}")
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
    temporary = scratch / folder.name
    temporary.mkdir()  # with the usual permissions, which a temporary folder has not
    try:
        schemas, hashes = {}, {}
        for name, split in _splits(dataset).items():
            console.print(f"Writing {name}: {len(split):,} examples")
            schemas[name] = write_split(temporary / f"{name}.parquet", dataset, split)
            hashes[name] = _hashes(split)
        np.savez(temporary / HASHES, allow_pickle=False, **hashes)
        facts = {**_facts(dataset), "recipe": loaded.name, "config": loaded.published_yaml()}
        description = loaded.recipe.description or f"The data of {loaded.name}."
        write_croissant(temporary, name=loaded.name, description=description, schemas=schemas)
        write_json(temporary / FACTS, facts)
        temporary.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return _facts(dataset)


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the facts and hashes of a snapshot."""
    if not (folder / FACTS).is_file() or not (folder / HASHES).is_file():
        raise ZooError(f"{folder} is no snapshot: expected {FACTS} and {HASHES}, which `zoo snapshot` writes")
    with np.load(folder / HASHES, allow_pickle=False) as stored:
        return read_json(folder / FACTS), {name: stored[name] for name in stored.files}


def _hashes(split: Split) -> np.ndarray:
    """Return a hash of each example with its target, bytes `(examples, 16)`."""
    from zoo.data.hashes import split_hashes

    inputs = split_hashes(split)
    found = np.empty((len(split), 16), np.uint8)
    for row, (of_input, target) in enumerate(zip(inputs, split.targets, strict=True)):
        content = np.asarray(of_input).tobytes() + np.ascontiguousarray(target).tobytes()
        found[row] = np.frombuffer(hashlib.blake2b(content, digest_size=16).digest(), np.uint8)
    return found


def _differences(known: dict[str, np.ndarray], dataset: Dataset) -> dict[str, dict[str, int]]:
    """Return by split how many examples only the snapshot has (`removed`), and only the data (`added`)."""
    found = {name: _hashes(split) for name, split in _splits(dataset).items()}
    none = np.empty((0, 16), np.uint8)
    differences = {}
    for name in dict.fromkeys([*known, *found]):
        before, now = (Counter(map(bytes, hashes.get(name, none))) for hashes in (known, found))
        differences[name] = {"removed": (before - now).total(), "added": (now - before).total()}
    return differences


def snapshot_and_print(source: Path, *, output: Path | None, compare: Path | None, as_json: bool) -> bool:
    """Write or compare a snapshot, and say what was found.

    Returns:
        Whether the data is that of the snapshot, where it is compared.
    """
    from zoo.utils.console import ERR, OUT, print_json

    found = snapshot(source, output=output, compare=compare, console=ERR)
    if as_json:
        print_json(found)
    elif output is not None:
        OUT.print(str(output), markup=False)
    else:
        OUT.print("The data is that of the snapshot" if found["same"] else "The data differs from the snapshot:")
        for split, counts in found["differences"].items():
            if any(counts.values()):
                OUT.print(f"  {split}: {counts['removed']:,} examples removed, {counts['added']:,} added")
    return bool(found.get("same", True))
