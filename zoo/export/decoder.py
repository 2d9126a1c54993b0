"""The second half of an autoencoder, from embedding to image, as a file of its own, with its proof.

It says of itself that it makes images, so that `zoo sample` draws embeddings for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper

from zoo.errors import ZooError
from zoo.export.awkward_inputs import try_awkward_inputs
from zoo.export.certificate_facts import certificate_facts
from zoo.export.convert import DATA_KEY, RECIPE_KEY, VERSIONS_KEY, add_metadata, check_graph, name_axes, seal, to_onnx
from zoo.export.parity import OutputParity, Parity, difference, hold_to
from zoo.layers.code import GaussianCode, decoder
from zoo.recipe.load import published_source
from zoo.serving.metadata import FORMAT, FORMAT_KEY, SIGNATURE_KEY, read_signature
from zoo.serving.onnx_file import scan
from zoo.serving.sample_files import Sample, write_sample
from zoo.training.run import versions
from zoo.training.saved_outputs import chunks, keras_output
from zoo.utils.files import replacing, write_json
from zoo.utils.onnx_session import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.data.dataset import Dataset
    from zoo.recipe import LoadedRecipe
    from zoo.serving.feeds import Feeds

DECODER = "decoder.onnx"
BESIDE = (DECODER, "certificate.decoder.json", "sample.decoder.npz", "sample.decoder.json")
_INPUT = "embedding"
_MAX_EMBEDDED = 10_000  # training examples whose embeddings say what `zoo sample` draws
_SAMPLE_EXAMPLES = 4


def export_decoder(folder: Path, model: keras.Model, dataset: Dataset, loaded: LoadedRecipe) -> None:
    """Write the decoder of a saved autoencoder, compared on the embeddings of the test split, with its certificate.

    Raises:
        ZooError: the file differs from the model; it is not left behind.
    """
    settings, path = loaded.recipe.export, folder / DECODER
    proto = convert_decoder(model, opset=settings.opset)
    facts = {
        "kind": "noise",
        "task": "image_generation",
        "target": "image",
        "recipe": loaded.name,
        "shape": [each.dim_value for each in proto.graph.input[0].type.tensor_type.shape.dim][1:],
        "columns": [],
        "labels": [],
        "noise": _distribution(model, dataset),
    }
    add_metadata(
        proto,
        {
            SIGNATURE_KEY: facts,
            RECIPE_KEY: loaded.published_yaml(),
            DATA_KEY: {"source": published_source(dataset.name), "fingerprint": dataset.fingerprint},
            VERSIONS_KEY: versions(),
            FORMAT_KEY: str(FORMAT),
        },
    )
    proto.producer_name, proto.producer_version = "zoo", versions().get("keras-model-zoo", "")
    seal(proto)
    with replacing(path) as temporary:
        onnx.save(proto, temporary)
        parity, tolerance = hold_to(measure_decoder(temporary, model, dataset), settings.tolerance, bounded=True)
        if parity.max_abs_difference > tolerance:
            raise ZooError(
                f"the exported decoder differs from the Keras model by {parity.max_abs_difference:.2e}; it was removed"
            )
    content = path.read_bytes()
    first = dataset.test.take(np.arange(min(_SAMPLE_EXAMPLES, len(dataset.test))))
    inputs = {_INPUT: keras_output(model, first, dataset.signature, None)[_INPUT]}
    session = open_session(content, path)
    names = [each.name for each in session.get_outputs()]
    sample = Sample(inputs=inputs, outputs=dict(zip(names, session.run(names, inputs), strict=True)))
    write_sample(folder, sample, ".decoder")
    half = _half(model)

    def answers(given: Feeds) -> Feeds:
        return {"reconstruction": keras.ops.convert_to_numpy(half(given[_INPUT], training=False))}

    signature = read_signature(scan(content, path), path, verify=False)
    certificate = certificate_facts(
        path.name,
        content,
        parity,
        tolerance,
        dataset,
        split="test",
        opset=settings.opset,
        decisions=None,
        awkward_inputs=try_awkward_inputs(content, answers, inputs, signature, settings.tolerance),
    )
    write_json(folder / "certificate.decoder.json", certificate)


def convert_decoder(model: keras.Model, *, opset: int) -> onnx.ModelProto:
    """Convert the second half of a saved autoencoder: `embedding` `(batch, features)` to `image` and `reconstruction`.

    Args:
        model: the saved model, from raw images.
        opset: version of the ONNX operators, 13 to 18.
    """
    half = _half(model)
    proto = to_onnx(half, [_INPUT], ["reconstruction"], opset=opset)
    name_axes(proto)
    _add_pixels(proto)
    check_graph(proto, half, opset)
    return proto


def _half(model: keras.Model) -> keras.Model:
    network = model.get_layer(model.name)
    return decoder(keras.Model(network.input, network.outputs[1], name=model.name))


def _add_pixels(proto: onnx.ModelProto) -> None:
    """Add `image`, the reconstruction as bytes, before it."""
    graph, reconstruction = proto.graph, proto.graph.output[0]
    shape = [axis.dim_value or axis.dim_param for axis in reconstruction.type.tensor_type.shape.dim]
    for name, value in {"white": 255.0, "black": 0.0}.items():
        graph.initializer.append(helper.make_tensor(f"pixels/{name}", TensorProto.FLOAT, [], [value]))
    graph.node.extend(
        [
            helper.make_node("Mul", ["reconstruction", "pixels/white"], ["pixels/light"]),
            helper.make_node("Clip", ["pixels/light", "pixels/black", "pixels/white"], ["pixels/visible"]),
            helper.make_node("Round", ["pixels/visible"], ["pixels/level"]),
            helper.make_node("Cast", ["pixels/level"], ["image"], to=TensorProto.UINT8),
        ]
    )
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, shape)
    kept = [image, type(reconstruction).FromString(reconstruction.SerializeToString())]
    del graph.output[:]
    graph.output.extend(kept)


def _distribution(model: keras.Model, dataset: Dataset) -> dict[str, Any]:
    """Return what embeddings are drawn from: the prior of a variational autoencoder, else one fitted to training."""
    network = model.get_layer(model.name)
    facts: dict[str, Any] = {"input": _INPUT, "distribution": "normal"}
    if any(isinstance(layer, GaussianCode) for layer in network.layers):
        return facts
    train = dataset.train.part(np.arange(min(_MAX_EMBEDDED, len(dataset.train))))
    raw = (train.take(positions) for positions in chunks(train))
    found = np.concatenate([keras_output(model, each, dataset.signature, None)[_INPUT] for each in raw])
    return {**facts, "mean": found.mean(axis=0).tolist(), "deviation": found.std(axis=0).tolist()}


def measure_decoder(path: Path, model: keras.Model, dataset: Dataset) -> Parity:
    """Return how far an exported decoder is from the saved model, on the embeddings of the test split."""
    session, split = open_session(path), dataset.test
    measured: OutputParity | None = None
    for positions in chunks(split):
        expected = keras_output(model, split.take(positions), dataset.signature, None)
        (found,) = session.run(["reconstruction"], {_INPUT: expected[_INPUT]})
        part = difference(found, expected["reconstruction"], path)
        measured = part if measured is None else measured.joined(part)
    assert measured is not None, "a test split has examples"
    return Parity(measured.max_abs_difference, 0, len(split), measured.scale, {"reconstruction": measured})
