"""`zoo embed`: the embeddings of inputs as vectors, and the nearest neighbours of each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.commands.exported_file import as_paths, open_exported
from zoo.commands.raw_examples import raw_examples
from zoo.errors import ZooError
from zoo.serving.embeddings import (
    Embeddings,
    check_embeds,
    check_format,
    embed_examples,
    embed_inputs,
    nearest,
    write_embeddings,
)
from zoo.utils.console import OUT, print_json, print_notes
from zoo.utils.execution import ON_CPU, Execution


def embed(
    model: str | os.PathLike[str], data: Any, *, verify: bool = True, notes: list[str] | None = None
) -> np.ndarray:
    """Return the embeddings of data, by an exported file.

    Args:
        model: an ONNX file with embeddings that `zoo export` wrote, or a run that has one.
        data: a file or folder, or several, as `zoo predict` takes them; or examples, as `Run.predict` takes them. A
            text is a path, unless the model takes texts: then `Path(…)` is one.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.
        notes: what a reader should know, such as files that were left out, is added to this list.

    Returns:
        Vectors, float32 `(examples, width)`, in the order of the data.

    Raises:
        ZooError: the file gives no embeddings, or an input is missing, damaged, or does not fit.
    """
    notes = notes if notes is not None else []
    opened = open_exported(model, verify=verify)
    check_embeds(opened)
    paths = as_paths(opened, data)
    if paths is not None:
        return embed_inputs(opened, paths, notes).vectors
    raw = raw_examples(opened, data, notes)
    return embed_examples(opened, raw, [f"row {number}" for number in range(1, len(raw) + 1)])


def embed_and_print(
    file: Path,
    inputs: Sequence[Path],
    *,
    output: Path | None = None,
    neighbours: int | None = None,
    queries: Sequence[Path] = (),
    verify: bool = True,
    execution: Execution = ON_CPU,
    as_json: bool = False,
) -> None:
    """Write the embeddings of inputs, or print the nearest neighbours of each.

    Args:
        file: an ONNX file with embeddings.
        inputs: as `zoo predict` takes them.
        output: `.npy` or `.parquet` file to write.
        neighbours: print so many of the most similar inputs for each.
        queries: print those of these in place of the inputs' own.
        verify: compare the file with the certificate beside it.
        execution: where it runs.
        as_json: print a JSON document.

    Raises:
        ZooError: there is nothing to do, the file gives no embeddings, or an input does not fit.
    """
    if output is None and neighbours is None:
        raise ZooError("zoo embed writes vectors (--output FILE.npy or FILE.parquet) or finds neighbours (--nearest K)")
    if queries and neighbours is None:
        raise ZooError("--query is for neighbours: give --nearest K")
    if output is not None:
        check_format(output)
    notes: list[str] = []
    opened = open_exported(file, verify=verify, execution=execution)
    found = embed_inputs(opened, inputs, notes)
    asked = embed_inputs(opened, queries, notes) if queries else found
    written = [] if output is None else [str(path) for path in write_embeddings(output, found)]
    rows = [] if neighbours is None else _neighbours(found, asked, neighbours, same=not queries)
    if as_json:
        facts = {"examples": len(found.names), "width": int(found.vectors.shape[1]), "files": written}
        print_json(facts | ({} if neighbours is None else {"nearest": rows}))
    else:
        for path in written:
            OUT.print(path, markup=False)
        for row in rows:
            listed = "  ".join(f"{each['input']} {each['similarity']:.4f}" for each in row["nearest"])
            OUT.print(f"{row['input']}  {listed}", markup=False)
    print_notes(notes)


def _neighbours(found: Embeddings, asked: Embeddings, count: int, *, same: bool) -> list[dict[str, Any]]:
    indices, similarities = nearest(found.vectors, asked.vectors, count, same=same)
    return [
        {
            "input": name,
            "nearest": [
                {"input": found.names[i], "similarity": float(similarity)}
                for i, similarity in zip(row, values, strict=True)
            ],
        }
        for name, row, values in zip(asked.names, indices, similarities, strict=True)
    ]
