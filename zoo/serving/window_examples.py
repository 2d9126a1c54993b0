"""Windows of series with covariates that a caller hands over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data.dataset import KNOWN
from zoo.errors import ZooError, listing
from zoo.serving.feeds import input_names
from zoo.serving.metadata import FileSignature
from zoo.serving.values import as_array, as_floats, shown


def check_windows(raw: Any, signature: FileSignature) -> dict[str, np.ndarray]:
    """Return windows with their covariates, each part checked: one without an axis for the examples, or several.

    Raises:
        ZooError: an input is missing or of another form, or they differ in the number of windows.
    """
    wanted = input_names(signature, decodes=False)
    if not isinstance(raw, Mapping) or set(raw) != set(wanted):
        received = listing(raw) if isinstance(raw, Mapping) else shown(raw)
        raise ZooError(f"expected a dict of {listing(wanted)}, received {received}; `zoo predict` takes a table")
    dtype = np.float64 if signature.double else np.float32
    found = {"array": as_floats(raw["array"], signature.shape, "array", dtype)}
    if signature.known:
        found[KNOWN] = as_floats(raw[KNOWN], (signature.horizon, len(signature.known)), KNOWN, dtype)
    for column in signature.static:
        name = signature.inputs[column.name]
        values = np.atleast_1d(as_array(raw[name], name, object if column.type == "category" else None))
        values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        if column.type == "number":
            found[name] = as_floats(values[:, None], (1,), name)[:, 0]
        elif values.ndim != 1 or not all(isinstance(value, str) for value in values):
            raise ZooError(f"{name}: expected a text for each window, received {shown(raw[name])}")
        else:
            found[name] = values
    sizes_found = {name: len(values) for name, values in found.items()}
    if len(set(sizes_found.values())) > 1:
        raise ZooError(f"each input needs as many windows; received {sizes_found}")
    return found
