"""Fitted preprocessing: from raw examples to what the network takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.dataset import Signature, Split
from zoo.data.inputs import CHUNK_VALUES
from zoo.data.raw_tensors import as_tensors, keras_inputs
from zoo.data.shape_images import shape_images
from zoo.data.table_encoding import Embedded

if TYPE_CHECKING:
    import keras

    from zoo.recipe.steps import PreprocessStep, Resize

_CHUNK_EXAMPLES = 1024


@dataclass
class Preprocessor:
    """Fitted preprocessing.

    Attributes:
        signature: what raw examples look like.
        shape: shape of one prepared example; for graphs, of the nodes of the largest.
        dtype: type of prepared examples; for graphs, of the nodes. float64 where float32 would lose what differs
            between them before they are centred and scaled.
        to_shape: Keras model from raw inputs to prepared examples; None where they are the same.
        scale: factor of the affine step, one for each channel or column, or one for all.
        offset: of the affine step, likewise.
        embedded: of a table, the columns that the network embeds, whose numbers stand last in a prepared example.
        window: each window is standardised by its own mean and deviation, and the forecast is transformed back.
        unknown: of windows with covariates, the number of the first channels that are not known in the horizon.
        image_steps: the steps that fix the shape of images, which `to_shape` has as layers.
    """

    signature: Signature
    shape: tuple[int, ...]
    dtype: str
    to_shape: keras.Model | None
    scale: np.ndarray = field(default_factory=lambda: np.ones(1))
    offset: np.ndarray = field(default_factory=lambda: np.zeros(1))
    embedded: tuple[Embedded, ...] = ()
    window: bool = False
    unknown: int = 0
    image_steps: tuple[PreprocessStep, ...] = ()

    @property
    def letterbox(self) -> Resize | None:
        """The step that pads images of another shape, if there is one: what is found in them lies in its frame."""
        padding = [step.resize for step in self.image_steps if step.resize is not None and step.resize.mode == "pad"]
        return padding[-1] if padding else None

    def prepare(self, raw: Any) -> Any:
        """Run the steps that fix the shape on raw examples: an array, a list of images, or a dict of columns.

        Graphs, a dict of `nodes` and `edges`, stay as they are.
        """
        import keras

        if self.signature.tokenizer is not None:
            ids = self.signature.tokenizer.encode(raw)
            return np.pad(ids, ((0, 0), (0, max(0, self.shape[0] - ids.shape[1]))))  # changed texts may be longer
        if self.to_shape is None:
            return raw
        if isinstance(raw, list):  # images of different sizes, one by one
            return np.concatenate([shape_images(image[None], self.image_steps).numpy() for image in raw])
        if self.image_steps:
            return shape_images(raw, self.image_steps).numpy()
        return keras.ops.convert_to_numpy(self.to_shape(as_tensors(raw, self.signature)))

    def normalize(self) -> keras.layers.Layer:
        """Return the layer of the affine steps: prepared examples, or the nodes of graphs, to float32."""
        import keras

        if self.unknown:
            from zoo.layers.covariates import RescaleKnown

            return RescaleKnown(
                self.scale.tolist(),
                self.offset.tolist(),
                self.signature.horizon,
                self.unknown,
                output=self.dtype if self.window else "float32",
                name="normalize",
                dtype=self.dtype,
            )
        if self.dtype == "float64":
            from zoo.layers.preprocessing import DoubleRescaling

            return DoubleRescaling(self.scale.tolist(), self.offset.tolist(), name="normalize")
        scale, offset = self.scale.tolist(), self.offset.tolist()
        return keras.layers.Rescaling(
            scale[0] if len(scale) == 1 else scale, offset[0] if len(offset) == 1 else offset, name="normalize"
        )

    def raw_inputs(self) -> Any:
        """Return Keras inputs for raw examples: one tensor, or a dict of them for a table or a graph."""
        return self.to_shape.input if self.to_shape is not None else keras_inputs(self.signature)


def chunks(split: Split, preprocessor: Preprocessor) -> Iterator[Any]:
    """Yield the prepared examples of a split in order, some at a time: arrays, or dicts of them for graphs."""
    limit = max(1, CHUNK_VALUES // int(np.prod(preprocessor.shape)))
    for positions in split.chunks(min(limit, _CHUNK_EXAMPLES)):
        yield preprocessor.prepare(split.take(positions))
