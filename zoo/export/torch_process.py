"""`python -m zoo.export.torch_process MODEL.keras FILE.onnx OPSET`: PyTorch's exporter, with Keras on that backend."""

from __future__ import annotations

import sys
from typing import Any

from zoo.backend.startup import start_keras

_BATCH, _LENGTH = 4, 9  # of the example by which the graph is traced; 0 and 1 would count as fixed sizes


def main(saved: str, written: str, opset: str) -> None:
    """Load a saved model and export it, with the axes open that are open in the model."""
    start_keras()
    import keras
    import torch

    from zoo import registry
    from zoo.training.registered import register_classes

    register_classes()
    for name in registry.list_models():
        registry.builder(name)  # its module registers the layers of its family
    model = keras.saving.load_model(saved, compile=False)

    class Flat(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: Any) -> Any:
            packed = keras.tree.pack_sequence_as(model.input, list(given))
            return tuple(keras.tree.flatten(self.model(packed, training=False)))

    example, axes = [], []
    for place in model.inputs:
        sizes = [_LENGTH if size is None else size for size in place.shape]
        kind = getattr(torch, keras.backend.standardize_dtype(place.dtype))
        example.append(torch.ones([_BATCH, *sizes[1:]], dtype=kind))
        axes.append({i: torch.export.Dim.AUTO for i, size in enumerate(place.shape) if size is None})
    try:
        with torch.no_grad():
            program: Any = torch.onnx.export(
                Flat().eval(),
                tuple(example),
                dynamo=True,
                dynamic_shapes=(tuple(axes),),
                opset_version=int(opset),
                verbose=False,
            )
        program.save(written)
    except Exception as error:  # of torch, which has classes of its own
        sys.exit(f"{type(error).__name__}: {error}".splitlines()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
