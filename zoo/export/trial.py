"""The export of a model that is not trained yet: what has no ONNX form is known before the first epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import onnx

from zoo.backend.determinism import random_state_kept
from zoo.errors import ZooError
from zoo.export.decisions import with_decisions
from zoo.export.decoder import convert_decoder
from zoo.export.export import converted
from zoo.export.intervals import with_intervals
from zoo.export.kinds import KINDS
from zoo.tasks import TASKS

if TYPE_CHECKING:
    import keras

    from zoo.data.dataset import Dataset
    from zoo.recipe import LoadedRecipe

_EXAMPLES = 4  # of the test split, that file and model are run on
_MAX_EXCESS = 100.0  # times the tolerance: a wrong conversion is further off, and untrained weights may be large


def try_export(loaded: LoadedRecipe, dataset: Dataset, model: keras.Model) -> None:
    """Convert a model that is not trained yet, check the graph, and run it in onnxruntime beside the model.

    The random numbers that training draws afterwards are the same as without it.

    Args:
        loaded: the recipe.
        dataset: its data.
        model: from raw input to what the task puts out.

    Raises:
        ZooError: the model has no ONNX form, or the file does not load or gives other outputs.
    """
    exporter = KINDS[TASKS[loaded.recipe.task].kind]
    few = replace(dataset, test=dataset.test.part(np.arange(min(_EXAMPLES, len(dataset.test)))))
    few = with_decisions(with_intervals(few, loaded.recipe), loaded.recipe)
    try:
        with random_state_kept(), TemporaryDirectory() as folder:
            proto, path = converted(loaded, few, model), Path(folder) / "model.onnx"
            onnx.save(proto, path)
            difference, allowed = exporter.try_out(path, proto, model, loaded.recipe, few)
            if TASKS[loaded.recipe.task].reconstructs and dataset.signature.kind == "image":
                convert_decoder(model, opset=loaded.recipe.export.opset)
    except Exception as error:  # of TensorFlow, tf2onnx, onnx or onnxruntime, each with classes of its own
        reason = str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}".splitlines()[0]
        raise ZooError(f"{_CANNOT}: {reason}; {_ADVICE}") from error
    if not difference <= _MAX_EXCESS * allowed:
        raise ZooError(
            f"{_CANNOT}: the converted model, not yet trained, differs from the Keras model by {difference:.2e} "
            f"(allowed in the end: {allowed:.0e}); {_ADVICE}"
        )


_CANNOT = "this run could not be exported at its end"
_ADVICE = "train with --no-export, or change the model, the input columns or export.opset"
