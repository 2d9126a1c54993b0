"""Tiny data written in the forms of sources: what all examples share, and rows, texts, graphs, tags and series."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 60
WORDS = ("ash", "bay", "elm", "fir", "oak", "yew")
_SUFFIX = {"csv": "csv", "parquet": "parquet", "jsonl": "jsonl"}


@dataclass(frozen=True, kw_only=True)
class Written:
    """Data that was written.

    Attributes:
        source: as the recipe names it; None where the data is given in Python.
        data: the other keys of `data:`.
        preprocess: the steps, where those of the base do not fit.
        given: `data=`.
        shown: what `data=` is called in the recipe's place.
    """

    source: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    preprocess: list[dict[str, Any]] = field(default_factory=list)
    given: Any = None
    shown: str = ""


def random_numbers() -> np.random.Generator:
    """Return random numbers that are the same in each call."""
    return np.random.default_rng(0)


def write_table(folder: Path, source: str, columns: dict[str, Any], name: str = "mine", separator: str = " ") -> str:
    """Write a table; in CSV lists become texts. Return it as a recipe names it."""
    import pandas as pd

    if source == "csv":
        columns = {
            key: [separator.join(map(str, v)) if isinstance(v, list) else v for v in values]
            for key, values in columns.items()
        }
    frame, path = pd.DataFrame(columns), folder / f"{name}.{_SUFFIX[source]}"
    if source == "csv":
        frame.to_csv(path, index=False)
    elif source == "parquet":
        frame.to_parquet(path, index=False)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    return f"{source}:{path.name}"


def save_image(image: np.ndarray, path: Path) -> None:
    """Save an image, and make its folder."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def write_rows(task: str, source: str, folder: Path) -> Written:
    """Write rows of numbers and categories."""
    random = random_numbers()
    size, weight = random.normal(50, 20, ROWS).round(2), random.normal(3, 1, ROWS).round(2)
    colour = random.choice(["red", "green", "blue"], ROWS)
    columns = {"size": size.tolist(), "weight": weight.tolist(), "colour": colour.tolist()}
    kinds = np.where(size > 50, "big", "small").tolist()
    target: Any = "kind"
    data: dict[str, Any] = {}
    targets: dict[str, Any] = {"kind": kinds}
    if task == "tabular_regression":
        target, targets = "price", {"price": (2 * size + 10 * weight).round(2).tolist()}
    elif task == "tabular_multi_label_classification":
        target, targets = ["big", "heavy"], {"big": (size > 50).astype(int), "heavy": (weight > 3).astype(int)}
    elif task == "tabular_anomaly_detection":
        target, data = "state", {"abnormal": ["broken"]}
        targets = {"state": np.where(np.arange(ROWS) % 5 == 0, "broken", "whole").tolist()}
    if source == "npz":
        (values,) = targets.values()
        np.savez(folder / "mine.npz", x_train=np.stack([size, weight], axis=1), y_train=np.array(values))
        return Written(source="npz:mine.npz")
    if source == "memory":
        import pandas as pd

        return Written(given=pd.DataFrame({**columns, **targets}), data={"target": target, **data}, shown="frame")
    return Written(source=write_table(folder, source, {**columns, **targets}), data={"target": target, **data})


def write_texts(task: str, source: str, folder: Path) -> Written:
    """Write texts with a class, a number or several labels each; as an npz file sequences of numbers."""
    chosen = random_numbers().integers(0, len(WORDS), (ROWS, 4))
    texts = [" ".join(WORDS[i] for i in row) for row in chosen]
    has = (chosen == 4).any(axis=1)
    columns: dict[str, Any] = {"label": np.where(has, "oak", "other").tolist()}
    target: Any = "label"
    if task == "sequence_regression":
        target, columns = "score", {"score": (chosen == 4).sum(axis=1).astype(float).tolist()}
    elif task == "sequence_multi_label_classification":
        target = ["oak", "yew"]
        columns = {"oak": has.astype(int).tolist(), "yew": (chosen == 5).any(axis=1).astype(int).tolist()}
    (*_, values) = columns.values()
    if source == "npz":
        np.savez(folder / "mine.npz", x_train=random_numbers().normal(size=(ROWS, 6, 2)), y_train=np.array(values))
        return Written(source="npz:mine.npz", preprocess=[{"standardize": {}}])
    if source == "ts":
        kind = "@targetLabel true" if task == "sequence_regression" else "@classLabel true oak other"
        rows = _random_rows(values)
        (folder / "mine.ts").write_text(f"@timeStamps false\n@univariate true\n{kind}\n@data\n{rows}")
        return Written(source="ts:mine.ts", preprocess=[{"standardize": {}}])
    if source == "memory":
        if isinstance(target, list):
            given = {"review": texts, **columns}
            return Written(given=given, data={"text": "review", "target": target}, shown="frame")
        return Written(given=(texts, values), shown=f"(texts, {target}s)")
    if source == "folder":
        for i, text in enumerate(texts):
            path = folder / "texts" / values[i] / f"{i}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Written(source="folder:texts")
    named = write_table(folder, source, {"review": texts, **columns})
    return Written(source=named, data={"text": "review", "target": target})


def _random_rows(values: list[Any]) -> str:
    """Return a line of six numbers for each value, and the value after them, as `.ts` files have them."""
    steps = random_numbers().normal(size=(len(values), 6)).round(3).tolist()
    return "".join(f"{','.join(map(str, row))}:{value}\n" for row, value in zip(steps, values, strict=True))


def write_graphs(task: str, source: str, folder: Path) -> Written:
    """Write one graph with labelled nodes, or many with a target each."""
    random = random_numbers()
    heights = random.normal(size=(ROWS, 4)).round(3)
    edges = [[0, 1], [1, 2], [2, 3]]
    columns: dict[str, Any] = {"label": np.where(heights.sum(axis=1) > 0, "high", "low").tolist()}
    if task == "graph_regression":
        columns = {"value": heights.mean(axis=1).round(3).tolist()}
    ((target, values),) = columns.items()
    if source == "memory":
        graphs = [{"nodes": row[:, None], "edges": edges} for row in heights]
        return Written(given=(graphs, values), shown=f"(graphs, {target}s)")
    place = folder / "graphs"
    place.mkdir()
    if task == "node_classification":
        nodes = {"id": list(range(4 * ROWS)), "height": heights.reshape(-1).tolist()}
        label = np.where(heights.reshape(-1) > 0, "high", "low").tolist()
        write_table(place, source, {**nodes, "label": label}, "nodes")
        first = list(range(4 * ROWS - 1))
        write_table(place, source, {"source": first, "target": [i + 1 for i in first]}, "edges")
        return Written(source=f"{source}:graphs", data={"target": "label"})
    names = [f"g{i}" for i in range(ROWS)]
    write_table(place, source, {"graph": names, **columns}, "graphs")
    nodes = {"graph": [name for name in names for _ in range(4)], "id": [0, 1, 2, 3] * ROWS}
    write_table(place, source, {**nodes, "height": heights.reshape(-1).tolist()}, "nodes")
    ends = {"source": [a for a, _ in edges] * ROWS, "target": [b for _, b in edges] * ROWS}
    write_table(place, source, {"graph": [name for name in names for _ in edges], **ends}, "edges")
    return Written(source=f"{source}:graphs", data={"target": target})


def write_tags(task: str, source: str, folder: Path) -> Written:
    """Write sentences with a tag for each word."""
    chosen = random_numbers().integers(0, len(WORDS), (ROWS, 5))
    words = [[WORDS[i] for i in row] for row in chosen]
    tags = [["B-TREE" if i in (0, 4) else "O" for i in row] for row in chosen]
    if source == "memory":
        return Written(given=(words, tags), shown="(words, tags)")
    if source == "conll":
        rows = zip(words, tags, strict=True)
        lines = ["".join(f"{w}\t{t}\n" for w, t in zip(*pair, strict=True)) for pair in rows]
        (folder / "names.conll").write_text("\n".join(lines))
        return Written(source="conll:names.conll")
    named = write_table(folder, source, {"tokens": words, "tags": tags})
    return Written(source=named, data={"text": "tokens", "target": "tags"})


def write_running_text(task: str, source: str, folder: Path) -> Written:
    """Write running text."""
    chosen = random_numbers().integers(0, len(WORDS), 600)
    text = " ".join(WORDS[i] for i in chosen)
    if source == "memory":
        return Written(given=text, data={"context": 16}, shown="text")
    (folder / "mine.txt").write_text(text)
    return Written(source="text:mine.txt", data={"context": 16})


def write_pairs_of_texts(task: str, source: str, folder: Path) -> Written:
    """Write texts with the initials of their words."""
    chosen = random_numbers().integers(0, len(WORDS), (ROWS, 2))
    columns = {
        "english": [" ".join(WORDS[i] for i in row) for row in chosen],
        "german": ["".join(WORDS[i][0] for i in row) for row in chosen],
    }
    if source == "memory":
        return Written(given=(columns["english"], columns["german"]), shown="(texts, texts)")
    return Written(source=write_table(folder, source, columns), data={"text": "english", "target": "german"})


def write_series(task: str, source: str, folder: Path) -> Written:
    """Write a series of days with a season of a week."""
    import pandas as pd

    steps = np.arange(160)
    sold = (10 + 3 * np.sin(2 * np.pi * steps / 7) + random_numbers().normal(0, 0.3, 160)).round(3)
    days = pd.date_range("2024-01-01", periods=160).strftime("%Y-%m-%d").tolist()
    columns = {"day": days, "sold": sold.tolist()}
    data = {"target": "sold", "window": {"history": 14, "horizon": 3, "season": 7}}
    if task == "series_anomaly_detection":
        columns["state"] = np.where(steps % 40 == 37, "broken", "whole").tolist()
        data = {"target": "state", "abnormal": ["broken"], "window": {"history": 14}}
    if source == "memory":
        return Written(given=pd.DataFrame(columns), data=data, shown="frame")
    return Written(source=write_table(folder, source, columns), data=data)
