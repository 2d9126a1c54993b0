"""Metadata of a snapshot in the Croissant format (Akhtar et al. 2024), by which other programs read it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import import_extra

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "croissant.json"
_CHUNK_BYTES = 1 << 20


def write_croissant(folder: Path, *, name: str, description: str, schemas: Mapping[str, pa.Schema]) -> None:
    """Describe the Parquet files of a snapshot, one a split.

    Args:
        folder: holds `SPLIT.parquet`; `croissant.json` is written there.
        name: of the data.
        description: of the data.
        schemas: of each split.

    Raises:
        ZooError: the package `mlcroissant` is missing.
    """
    mlcroissant = import_extra("mlcroissant", "`zoo snapshot`")
    metadata = mlcroissant.Metadata(
        name=name,
        description=description,
        date_published=datetime.now(UTC),
        version="1.0.0",
        conforms_to=["http://mlcommons.org/croissant/1.0"],
        distribution=[
            mlcroissant.FileObject(
                id=f"{split}.parquet",
                name=f"{split}.parquet",
                content_url=f"{split}.parquet",
                content_size=f"{(folder / f'{split}.parquet').stat().st_size} B",
                encoding_formats=["application/x-parquet"],
                sha256=_sha256(folder / f"{split}.parquet"),
            )
            for split in schemas
        ],
        record_sets=[
            mlcroissant.RecordSet(
                id=split,
                name=split,
                fields=[_field(mlcroissant, split, place, column) for place, column in enumerate(schema)],
            )
            for split, schema in schemas.items()
        ],
    )
    text = json.dumps(metadata.to_json(), indent=2, default=str, ensure_ascii=False)
    (folder / FILE).write_text(f"{text}\n", encoding="utf-8")


def _field(mlcroissant: Any, split: str, place: int, column: pa.Field) -> Any:
    plain = re.fullmatch(r"\S+", column.name)  # an id has no blanks
    name = column.name if plain else f"column_{place}"
    source = mlcroissant.Source(file_object=f"{split}.parquet", extract=mlcroissant.Extract(column=column.name))
    kind, depth = _element(column.type)
    shape = ",".join(["-1"] * depth)
    return mlcroissant.Field(
        id=f"{split}/{name}",
        name=column.name,
        data_types=[getattr(mlcroissant.DataType, kind)],
        source=source,
        **({"is_array": True, "array_shape": shape} if depth else {}),
    )


def _element(of: pa.DataType) -> tuple[str, int]:
    """Return the Croissant type of a column's elements, and how many lists they are nested in."""
    import pyarrow as pa

    depth = 0
    while pa.types.is_list(of) or pa.types.is_fixed_size_list(of):
        of, depth = of.value_type, depth + 1
    if pa.types.is_binary(of):
        return "IMAGE_OBJECT", depth
    if pa.types.is_floating(of):
        return "FLOAT", depth
    if pa.types.is_boolean(of):
        return "BOOL", depth
    return ("INTEGER" if pa.types.is_integer(of) else "TEXT"), depth


def _sha256(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK_BYTES):
            state.update(part)
    return state.hexdigest()
