"""One matrix for the tokens and the logits (Press and Wolf, 2016, arXiv:1608.05859)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class TiedEmbedding(keras.layers.Layer):
    """Embedding whose vectors are also the kernel of the logits: the layer is called twice.

    Tokens, `(batch, steps)` integers, give `(batch, steps, width)`. Features, `(batch, steps, width)`, called with
    `to_logits`, give `(batch, steps, outputs)`: the products with the vectors of the first `outputs` ids.

    Args:
        vocabulary: number of token ids.
        width: length of the vectors.
        outputs: number of logits, at most `vocabulary`.
        stddev: standard deviation of the initial vectors.
    """

    def __init__(self, vocabulary: int, width: int, *, outputs: int, stddev: float = 0.02, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if outputs > vocabulary:
            raise ValueError(
                "tied embeddings have one logit for each token. "
                f"Received: outputs={outputs}, more than vocabulary={vocabulary}"
            )
        self.vocabulary, self.width, self.outputs, self.stddev = vocabulary, width, outputs, stddev

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        self.embeddings = self.add_weight(
            shape=(self.vocabulary, self.width),
            initializer=keras.initializers.RandomNormal(stddev=self.stddev),
            name="embeddings",
        )

    def call(self, x: Any, to_logits: bool = False) -> Any:
        """Look tokens up, or map features to logits in float32."""
        if not to_logits:
            return ops.cast(ops.take(self.embeddings, x, axis=0), self.compute_dtype)
        vectors = ops.cast(self.embeddings[: self.outputs], "float32")
        return ops.matmul(ops.cast(x, "float32"), ops.transpose(vectors))

    def compute_output_spec(self, x: Any, to_logits: bool = False) -> keras.KerasTensor:
        """Return shape and type of what `call` returns."""
        if to_logits:
            return keras.KerasTensor((*x.shape[:-1], self.outputs), "float32")
        return keras.KerasTensor((*x.shape, self.width), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"vocabulary": self.vocabulary, "width": self.width, "outputs": self.outputs, "stddev": self.stddev}
        return {**super().get_config(), **own}
