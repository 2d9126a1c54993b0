"""The second half of an autoencoder, from embedding to image, as a file of its own, with its proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import onnx

from zoo.errors import ZooError
from zoo.export.convert import check_graph, name_axes, to_onnx
from zoo.layers.code import decoder
from zoo.training.saved_outputs import chunks, keras_output
from zoo.utils.files import replacing
from zoo.utils.onnx_session import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.data.dataset import Dataset, Signature, Split
    from zoo.recipe.schema import Export


def export_decoder(path: Path, model: keras.Model, dataset: Dataset, settings: Export) -> None:
    """Write the decoder of a saved autoencoder, compared with it on the embeddings of the test split.

    Raises:
        ZooError: the file differs from the model; it is not left behind.
    """
    with replacing(path) as temporary:
        onnx.save(convert_decoder(model, opset=settings.opset), temporary)
        difference = measure_decoder(temporary, model, dataset.test, dataset.signature)
        if difference > settings.tolerance:
            raise ZooError(f"the exported decoder differs from the Keras model by {difference:.2e}; it was removed")


def convert_decoder(model: keras.Model, *, opset: int) -> onnx.ModelProto:
    """Convert the second half of a saved autoencoder: `embedding` `(batch, features)` to `reconstruction`.

    Args:
        model: the saved model, from raw images.
        opset: version of the ONNX operators, 13 to 18.
    """
    network = model.get_layer(model.name)
    half = decoder(keras.Model(network.input, network.outputs[1], name=model.name))
    proto = to_onnx(half, ["embedding"], ["reconstruction"], opset=opset)
    name_axes(proto)
    check_graph(proto, half, opset)
    return proto


def measure_decoder(path: Path, model: keras.Model, split: Split, signature: Signature) -> float:
    """Return the largest difference of an exported decoder from the saved model's, on the embeddings of a split."""
    session = open_session(path)
    worst = 0.0
    for positions in chunks(split):
        expected = keras_output(model, split.take(positions), signature, None)
        (found,) = session.run(["reconstruction"], {"embedding": expected["embedding"]})
        worst = max(worst, float(np.abs(found.astype(np.float64) - expected["reconstruction"]).max()))
    return worst
