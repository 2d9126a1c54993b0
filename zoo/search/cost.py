"""What a trial's model costs where it serves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zoo.recipe import LoadedRecipe
    from zoo.training.problem import Problem


def model_cost(name: str, loaded: LoadedRecipe, problem: Problem, parameters: int) -> float:
    """Return a cost of a trained model.

    Args:
        name: `parameters`, `file_size` or `latency`, as in `search.cost`.
        loaded: the trial's recipe.
        problem: with the trained model.
        parameters: number of trainable parameters.

    Returns:
        Thousands of parameters, kilobytes of the ONNX file, or milliseconds for one example.
    """
    if name == "parameters":
        return parameters / 1000
    import onnx

    from zoo.export.export import converted
    from zoo.serving.exported_model import ExportedModel

    dataset = problem.dataset
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(converted(loaded, dataset, problem.views.saved), path)
        if name == "file_size":
            return path.stat().st_size / 1024
        raw, decoder_input = dataset.validation.take(np.array([0])), None
        if loaded.recipe.task == "sequence_to_sequence":
            decoder_input = np.ones((1, 1), np.int32)
        return ExportedModel(path).latency(raw, decoder_input)
