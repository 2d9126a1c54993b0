"""Fit the recipe's `preprocess:` on the training split.

Steps that fix the shape run when data is read, affine steps on values in the model; augmentation comes between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zoo.data.covariate_steps import fit_series, known_moments
from zoo.data.dataset import Dataset, InputKind, Split
from zoo.data.inputs import GraphInputs
from zoo.data.neighborhoods import NeighborhoodInputs
from zoo.data.preprocessor import Preprocessor, chunks
from zoo.data.raw_tensors import array_dtype, column_width, keras_inputs
from zoo.data.spectrograms import spectrogram_model
from zoo.data.table_encoding import Embedded, category_code, date_parts, encode_settings, has_parts
from zoo.errors import ZooError
from zoo.recipe.steps import SHAPE_STEPS, PreprocessStep


def fit_preprocessor(steps: Sequence[PreprocessStep], dataset: Dataset) -> Preprocessor:
    """Fit the preprocessing steps on the training split only.

    Raises:
        ZooError: the steps do not fit the data: images of different sizes without a resize, a crop larger than the
            image, missing values that may not be filled.
    """
    if dataset.resize is not None and not any(step.resize for step in steps):
        steps = [dataset.resize, *steps]
    fitted = _FITTERS[dataset.signature.kind]([s for s in steps if s.kind in SHAPE_STEPS], dataset)
    if dataset.signature.kind == "text":
        return fitted  # token ids have no scale
    fitted.window = any(step.standardize_window is not None for step in steps)
    moments: tuple[np.ndarray, np.ndarray] | None = None
    for step in steps:
        if step.rescale is not None:
            scale, offset = np.array([step.rescale.scale]), np.array([step.rescale.offset])
        elif step.standardize is not None:
            if step.standardize.mean is not None and step.standardize.std is not None:
                mean, std = np.array(step.standardize.mean), np.array(step.standardize.std)
                if {len(mean), len(std)} - {1, fitted.shape[-1]}:
                    grey = "; data.channels: 3 reads grey files in colour" if fitted.shape[-1] == 1 else ""
                    raise ZooError(
                        f"preprocess.standardize: expected 1 or {fitted.shape[-1]} means and stds, one a channel or "
                        f"column, received {len(mean)} and {len(std)}{grey}"
                    )
            else:
                moments = moments or _moments(fitted, dataset.train)
                mean = moments[0] * fitted.scale + fitted.offset
                std = moments[1] * np.abs(fitted.scale)
            std = np.where(std > 0, std, 1.0)
            scale, offset = 1 / std, -mean / std
        else:
            continue
        fitted.scale, fitted.offset = fitted.scale * scale, fitted.offset * scale + offset
    if fitted.embedded:  # numbers of categories and tokens have no scale
        fitted.scale, fitted.offset = (np.broadcast_to(v, fitted.shape).copy() for v in (fitted.scale, fitted.offset))
        first = fitted.shape[0] - sum(each.columns for each in fitted.embedded)
        fitted.scale[first:], fitted.offset[first:] = 1.0, 0.0
    if fitted.dtype == "float64":
        _check_double(fitted, steps, dataset)
    return fitted


def _check_double(fitted: Preprocessor, steps: Sequence[PreprocessStep], dataset: Dataset) -> None:
    """Refuse numbers that need 64 bits where nothing centres them before the network, which computes in 32.

    Raises:
        ZooError: no step does, or the backend has no numbers of 64 bits.
    """
    import keras

    signature = dataset.signature
    names = [f"'{c.name}'" for c in signature.columns if c.double] or [f"'{signature.target}'"]
    what = f"{dataset.name}: float32 would merge different values of {', '.join(names)}"
    if keras.backend.backend() != "tensorflow":
        raise ZooError(f"{what}, and only TensorFlow computes in float64; train with it, or subtract an offset")
    if not any(step.standardize is not None or step.standardize_window is not None for step in steps):
        raise ZooError(f"{what}; put standardize into preprocess, which centres and scales them in float64")


def _moments(preprocessor: Preprocessor, train: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each channel or column over the training split."""
    if preprocessor.unknown:
        return known_moments(preprocessor, train)
    count, total = 0, np.zeros(preprocessor.shape[-1])
    shift: np.ndarray | None = None
    squares = np.zeros_like(total)
    open_steps = preprocessor.signature.kind == "array" and preprocessor.signature.shape[:1] == (None,)
    for chunk in chunks(train, preprocessor):
        x = chunk["nodes"] if isinstance(chunk, dict) else chunk
        x = x.reshape(-1, preprocessor.shape[-1]).astype(np.float64)
        if isinstance(chunk, dict) or open_steps:
            x = x[~np.isnan(x).all(axis=1)]  # without padded nodes or steps
        shift = x.mean(axis=0) if shift is None else shift
        x = x - shift  # near the mean, so that the difference of squares does not cancel
        count += len(x)
        total += x.sum(axis=0)
        squares += (x**2).sum(axis=0)
    mean = total / count
    return (0 if shift is None else shift) + mean, np.sqrt(np.maximum(squares / count - mean**2, 0))


def _fit_text(_: Sequence[PreprocessStep], dataset: Dataset) -> Preprocessor:
    """Texts become token ids, padded to the longest text of any split."""
    tokenizer = dataset.signature.tokenizer
    assert tokenizer is not None
    longest = 1
    for part in (dataset.train, dataset.validation, dataset.test):
        for positions in part.chunks():
            longest = max(longest, tokenizer.encode(part.take(positions)).shape[1])
    return Preprocessor(dataset.signature, (longest,), "int32", None)


def _fit_graph(_: Sequence[PreprocessStep], dataset: Dataset) -> Preprocessor:
    """Graphs stay as they are; the shape is that of the nodes of the largest graph of any split."""
    splits = (dataset.train, dataset.validation, dataset.test)
    inputs = [s.inputs for s in splits if isinstance(s.inputs, GraphInputs | NeighborhoodInputs)]
    nodes = max(graphs.most_nodes for graphs in inputs)
    return Preprocessor(dataset.signature, (nodes, int(dataset.signature.shape[-1] or 0)), "float32", None)


def _fit_shape(steps: Sequence[PreprocessStep], dataset: Dataset) -> Preprocessor:
    """Images are resized and cropped; vectors, sequences and token ids stay as they are."""
    import keras

    from zoo.layers.preprocessing import AntialiasResize

    signature = dataset.signature
    steps = [s for s in steps if s.encode is None]  # numbers need no encoding
    if not steps and signature.kind == "array" and signature.shape[0] is None:
        longest = dataset.train.take([0]).shape[1]
        return Preprocessor(signature, (longest, int(signature.shape[1] or 0)), array_dtype(signature), None)
    if not steps:
        if None in signature.shape:
            raise ZooError(
                f"{dataset.name}: the images have different sizes; put a resize first in preprocess, "
                "for example {resize: {height: 64, width: 64}}"
            )
        dtype = array_dtype(signature)
        return Preprocessor(signature, tuple(int(n or 0) for n in signature.shape), dtype, None)
    inputs = keras_inputs(signature)
    x = inputs
    for step in steps:
        height, width = step.settings.height, step.settings.width
        if step.resize is not None:
            own = step.resize
            x = AntialiasResize(height, width, own.mode, float(own.fill), interpolation=own.interpolation)(x)
        else:
            if x.shape[1] is None or x.shape[2] is None:
                raise ZooError("preprocess.center_crop: the images have different sizes; put a resize before the crop")
            if x.shape[1] < height or x.shape[2] < width:
                raise ZooError(
                    f"preprocess.center_crop: {height}×{width} is larger than the image, {x.shape[1]}×{x.shape[2]}"
                )
            top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
            bottom, right = x.shape[1] - height - top, x.shape[2] - width - left
            x = keras.layers.Cropping2D(((top, bottom), (left, right)))(x)
    dtype = "float32" if any(s.resize for s in steps) else "uint8"
    to_shape = keras.Model(inputs, x, name="to_shape")
    return Preprocessor(signature, tuple(x.shape[1:]), dtype, to_shape, image_steps=tuple(steps))


def _fit_audio(steps: Sequence[PreprocessStep], dataset: Dataset) -> Preprocessor:
    """Clips become log-mel spectrograms."""
    model = spectrogram_model(next(step.log_mel for step in steps if step.log_mel is not None), dataset)
    return Preprocessor(dataset.signature, tuple(model.output_shape[1:]), "float32", model)


def _fit_table(steps: Sequence[PreprocessStep], dataset: Dataset) -> Preprocessor:
    """Rows become vectors: numbers with their gaps filled, parts of moments, categories one-hot or by their number."""
    import keras

    from zoo.layers.preprocessing import FillMissing, OneHot
    from zoo.layers.table import DateParts, WholeNumbers

    encode, signature = encode_settings(steps), dataset.signature
    columns = dict(dataset.train.take(np.arange(len(dataset.train))))
    inputs = keras_inputs(signature)
    named = list(zip(signature.columns, inputs.values(), strict=True))
    moments = [(c.name, tensor) for c, tensor in named if has_parts(c, encode)]
    numbers = [(c, tensor) for c, tensor in named if c.type == "number" and not has_parts(c, encode)]
    dtype = "float64" if any(c.double for c, _ in numbers) else "float32"
    parts = []
    if numbers:
        tensors = [tensor for _, tensor in numbers]
        stacked = keras.layers.Concatenate(dtype=dtype)(tensors) if len(tensors) > 1 else tensors[0]
        fills = [_fill(columns[c.name], c.name, encode.missing, dataset.name) for c, _ in numbers]
        parts.append(FillMissing(fills, dtype=dtype)(stacked))
    for name, tensor in moments:
        filled = FillMissing([_fill(columns[name], name, encode.missing, dataset.name)], dtype="float64")(tensor)
        parts.append(DateParts(date_parts(columns[name]), dtype=dtype)(filled))
    embedded, indices = [], []
    for column, tensor in named:
        if column.type == "category":
            code = category_code(columns[column.name], encode)
            index = keras.layers.StringLookup(vocabulary=list(code.known), num_oov_indices=1)(tensor)
            if code.width:
                embedded.append(Embedded(size=len(code.known) + 1, width=code.width))
                indices.append(WholeNumbers(1)(index))
            else:
                parts.append(OneHot(len(code.known))(index))
    for column, tensor in named:
        if column.tokenizer is not None:
            length = column_width(column)
            embedded.append(Embedded(size=len(column.tokenizer), width=encode.text_width, length=length))
            indices.append(WholeNumbers(length)(tensor))
    parts += indices
    vector = keras.layers.Concatenate(dtype=dtype)(parts) if len(parts) > 1 else parts[0]
    to_shape = keras.Model(inputs, vector, name="to_shape")
    return Preprocessor(signature, tuple(vector.shape[1:]), dtype, to_shape, embedded=tuple(embedded))


def _fill(values: np.ndarray, name: str, missing: str, where: str) -> float:
    present = values[~np.isnan(values)]
    if missing == "refuse" and len(present) < len(values):
        raise ZooError(
            f"{where}: column '{name}' lacks {len(values) - len(present)} of {len(values)} values, and "
            "preprocess.encode.missing refuses that; fill them in, or choose median or mean"
        )
    if not len(present):
        raise ZooError(f"{where}: column '{name}' is empty; list it under data.ignore")
    return float(np.median(present) if missing == "median" else np.mean(present))


_FITTERS: dict[InputKind, Callable[[Sequence[PreprocessStep], Dataset], Preprocessor]] = {
    "image": _fit_shape,
    "array": _fit_shape,
    "series": fit_series,
    "audio": _fit_audio,
    "tokens": _fit_shape,
    "table": _fit_table,
    "text": _fit_text,
    "graph": _fit_graph,
}
