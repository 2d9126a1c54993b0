"""`sample.npz` and `sample.json` beside an exported file: a few examples as the file takes them, and its answers.

Both hold the same tensors by their names in the graph; onnxruntime alone is enough to run them.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.sources.archive import Archive
from zoo.errors import ZooError, listing
from zoo.serving.certificate import DECODER, own_part
from zoo.serving.feeds import Feeds
from zoo.utils.files import replacing, write_text

SAMPLE = "sample.npz"
SAMPLE_JSON = "sample.json"
_MAX_SAMPLE_BYTES = 256 << 20  # of the arrays, once unpacked
_DATATYPES = {  # of the Open Inference Protocol, by NumPy's kind and bytes
    **{("b", 1): "BOOL", ("u", 1): "UINT8", ("i", 4): "INT32", ("i", 8): "INT64"},
    **{("f", 2): "FP16", ("f", 4): "FP32", ("f", 8): "FP64"},
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A few examples as a file takes them, and what it answers.

    Attributes:
        inputs: tensors by the name of the input.
        outputs: tensors by the name of the output.
    """

    inputs: Feeds
    outputs: Feeds


def write_sample(folder: Path, sample: Sample, form: str = "") -> None:
    """Write `sample.npz` and `sample.json` to a folder; texts are fixed-width Unicode, so that nothing is pickled.

    Args:
        folder: where the model is.
        sample: what is written.
        form: of `model.int8.onnx`, ".int8", which these files then have in their names.
    """
    path = folder / f"sample{form}.npz"
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in {**sample.inputs, **sample.outputs}.items():  # `np.savez` takes no array named "file"
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, _without_objects(values), allow_pickle=False)
    parts = {"inputs": sample.inputs, "outputs": sample.outputs}
    tensors = {part: {name: _tensor(values) for name, values in each.items()} for part, each in parts.items()}
    write_text(
        path.with_suffix(".json"),
        json.dumps(tensors, allow_nan=False, ensure_ascii=False, separators=(",", ":")) + "\n",
    )


def sample_of(path: Path) -> Path:
    """Return where the sample of a file is: `sample.int8.npz` of `model.int8.onnx`, `sample.npz` of all others."""
    own = path.with_name(f"sample{own_part(path)}.npz")
    return own if own.is_file() or own_part(path) == f".{DECODER}" else path.with_name(SAMPLE)


def read_sample(path: Path, inputs: list[str], outputs: list[str]) -> Sample:
    """Read `sample.npz`.

    Args:
        path: the file.
        inputs: names of the model's inputs.
        outputs: names of its outputs.

    Raises:
        ZooError: it is missing or damaged, or its tensors are not those of the model.
    """
    arrays = Archive(path).read_all(_MAX_SAMPLE_BYTES)
    if set(arrays) != {*inputs, *outputs}:
        raise ZooError(f"{path}: expected the tensors {listing([*inputs, *outputs])}, found {listing(arrays)}")
    found = {name: values.astype(object) if values.dtype.kind == "U" else values for name, values in arrays.items()}
    return Sample(inputs={name: found[name] for name in inputs}, outputs={name: found[name] for name in outputs})


def _without_objects(values: np.ndarray) -> np.ndarray:
    return values.astype(np.str_) if values.dtype == object else values


def _tensor(values: np.ndarray) -> dict[str, Any]:
    """Return a tensor as the Open Inference Protocol writes it: type, shape and numbers in the order of rows.

    JSON has no NaN and no infinity: NaN is null there, and the infinities are the texts that Python reads as such.
    """
    datatype = _DATATYPES.get((values.dtype.kind, values.dtype.itemsize), "BYTES")
    flat: list[Any] = values.ravel().tolist()
    if values.dtype.kind == "f":  # by way of text, which has the fewest digits that give the same number again
        flat = [_number(float(text)) for text in values.ravel().astype(np.str_)]
    return {"datatype": datatype, "shape": list(values.shape), "data": flat}


def _number(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)
