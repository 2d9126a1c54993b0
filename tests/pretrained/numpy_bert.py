"""BERT in NumPy, from the paper (Devlin et al., 2018; Vaswani et al., 2017), on the tensors of a file."""

import numpy as np
from scipy.special import erf, softmax


def bert(tensors, ids, heads, epsilon=1e-12):
    """Return the last hidden states of one text: ids `(steps,)` of the file to `(steps, width)`, in float32."""

    part = tensors.__getitem__

    def dense(x, name):
        return x @ part(f"{name}.weight").T + part(f"{name}.bias")

    def norm(x, name):
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + epsilon) * part(f"{name}.weight") + part(f"{name}.bias")

    steps = len(ids)
    x = part("embeddings.word_embeddings.weight")[ids] + part("embeddings.position_embeddings.weight")[:steps]
    x = norm(x + part("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")}
    for i in range(len(layers)):
        layer = f"encoder.layer.{i}"
        query, key, value = (
            dense(x, f"{layer}.attention.self.{name}").reshape(steps, heads, -1).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        weights = softmax(query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1]), axis=-1)
        mixed = (weights @ value).swapaxes(0, 1).reshape(steps, -1)
        x = norm(x + dense(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        hidden = dense(x, f"{layer}.intermediate.dense")
        hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
        x = norm(x + dense(hidden, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x


def embedding(tensors, ids, heads):
    """Return the mean of the steps, of length 1."""
    mean = bert(tensors, ids, heads).mean(axis=0)
    return mean / np.linalg.norm(mean)
