"""What a card says of a file's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.export import markdown
from zoo.export.card_inputs import float_type
from zoo.postprocessing.boxes import MAX_DETECTIONS, MIN_SCORE
from zoo.tasks import IGNORED_PIXEL, LABEL_THRESHOLD

if TYPE_CHECKING:
    from zoo.data.dataset import Signature

MAX_LISTED_CLASSES = 40  # names of classes that a card lists


def class_outputs(signature: Signature) -> str:
    """Describe probabilities and the most probable class of each example."""
    return (
        f"- `probabilities` `(batch, {len(signature.labels)})`: float32, in the order {_classes(signature)}\n"
        f"- `label` `(batch,)`: {_label(signature)}, {_named(signature)}{_sets(signature)}{_ood(signature)}"
    )


def class_results(signature: Signature) -> str:
    """Return the outputs of a call in Python."""
    more = ", prediction_set" * bool(_sets(signature)) + ", ood_score, unusual" * bool(_ood(signature))
    return f"probabilities, label{more}"


def _named(signature: Signature) -> str:
    """Return how a class is given."""
    return "int64, its place in this order" if signature.numeric_only else "text"


def _label(signature: Signature) -> str:
    decisions = signature.decisions
    if decisions is None or decisions.costs is None:
        return "the most probable class"
    by = "" if decisions.threshold is None else f", by a threshold of {decisions.threshold:.4g}"
    return f"the class with the least expected cost{by}"


def _ood(signature: Signature) -> str:
    decisions = signature.decisions
    if decisions is None or decisions.ood_quantiles is None:
        return ""
    first, second = decisions.ood_quantiles
    return (
        "\n- `ood_score` `(batch,)`: float32, the squared Mahalanobis distance of the features to the nearest class; "
        f"95% of the validation examples are below {first:.4g}, 99% below {second:.4g}\n"
        "- `unusual` `(batch,)`: bool, the score is above the second"
    )


def _sets(signature: Signature) -> str:
    decisions = signature.decisions
    if decisions is None or decisions.level is None:
        return ""
    return (
        f"\n- `prediction_set` `(batch, {len(signature.labels)})`: bool, the classes that together hold the right one "
        f"for {decisions.level:.0%} of the examples, calibrated on the validation split; as far as new data is like it"
    )


def label_outputs(signature: Signature) -> str:
    """Describe the probability of each label."""
    return (
        f"- `probabilities` `(batch, {len(signature.labels)})`: float32, of each label by itself, in the order "
        f"{_classes(signature)}\n"
        f"- `label_set` `(batch, {len(signature.labels)})`: bool, which labels an example has: those whose "
        f"probability is {LABEL_THRESHOLD} or more"
    )


def value_outputs(signature: Signature) -> str:
    """Describe one number an example, or several."""
    if signature.targets:
        names = ", ".join(markdown.code(name) for name in signature.targets)
        what = f"- `value` `(batch, {len(signature.targets)})`: {names}, in this order, {float_type(signature.double)}"
    else:
        what = f"- `value` `(batch,)`: {markdown.text(signature.target)}, {float_type(signature.double)}"
    return what + _bounds(signature)


def forecast_outputs(signature: Signature) -> str:
    """Describe the next values of a series."""
    what = f"the next values of {markdown.text(signature.target)}, {float_type(signature.double)}"
    if signature.targets:
        what = f"- `forecast` `(batch, {signature.horizon}, {len(signature.targets)})`: {what}, in this order"
    else:
        what = f"- `forecast` `(batch, {signature.horizon})`: {what}"
    return what + _bounds(signature)


def value_results(signature: Signature) -> str:
    """Return the outputs of a call in Python."""
    return "value, lower, upper" if signature.intervals is not None else "(value,)"


def forecast_results(signature: Signature) -> str:
    """Return the outputs of a call in Python."""
    return "forecast, lower, upper" if signature.intervals is not None else "(forecast,)"


def _bounds(signature: Signature) -> str:
    if signature.intervals is None:
        return ""
    return (
        f"\n- `lower` and `upper`, of the same shape: bounds of {signature.intervals.level:.0%} prediction intervals, "
        "calibrated on the validation split; they hold as far as new data is like it"
    )


def token_outputs(signature: Signature) -> str:
    """Describe the logits of each step."""
    logits = f"- `logits` `(batch, length, {len(signature.labels)})`: float32, at each step, before the softmax"
    padding = "0 for padding" if signature.numeric_only else "empty for padding"
    tags = f"\n- `tags` `(batch, length)`: {_named(signature)}, the most probable tag of each token, {padding}"
    return logits + tags * signature.tags_tokens


def token_results(signature: Signature) -> str:
    """Return the outputs of a call in Python."""
    return "logits, tags" if signature.tags_tokens else "(logits,)"


def decoder_outputs(signature: Signature) -> str:
    """Describe one step of decoding."""
    return (
        "The graph is one step of decoding: it takes `source` `(batch, source_length)` and the `target` so far "
        "`(batch, target_length)`, which begins with 2, and gives\n"
        f"- `logits` `(batch, target_length, {len(signature.labels)})`: float32; the last step is for the next token"
    )


def transcription_outputs(signature: Signature) -> str:
    """Describe the probabilities that CTC takes."""
    return (
        f"- `probabilities` `(batch, steps, {len(signature.labels)})`: float32, for connectionist temporal "
        f"classification, in the order {_classes(signature)}\n"
        "- `tokens` `(batch, steps)`: int64, the symbols by their place in this order: the most probable at each step, "
        "repeats dropped, then blanks; padded on the right with 0\n"
        "- `count` `(batch,)`: int64, how many symbols there are"
    )


def mask_outputs(signature: Signature) -> str:
    """Describe probabilities and the most probable class of each pixel."""
    return (
        f"- `probabilities` `(batch, height, width, {len(signature.labels)})`: float32, in the order "
        f"{_classes(signature)}; all 0 in the padding, where the model pads images\n"
        "- `mask` `(batch, height, width)`: int64, the most probable class of each pixel; "
        f"{IGNORED_PIXEL} in the padding"
    )


def box_outputs(signature: Signature) -> str:
    """Describe boxes and scores."""
    classes = len(signature.labels)
    return (
        f"The best {MAX_DETECTIONS} boxes with a score of at least {MIN_SCORE}, by falling score, padded with 0:\n\n"
        f"- `boxes` `(batch, {MAX_DETECTIONS}, 4)`: float32, ymin, xmin, ymax, xmax in fractions of the image\n"
        f"- `scores` `(batch, {MAX_DETECTIONS})`: float32\n"
        f"- `labels` `(batch, {MAX_DETECTIONS})`: int64, the class by its place in {_classes(signature)}\n"
        "- `count` `(batch,)`: int64, how many boxes there are\n"
        f"- `detections` `(batch, places, {4 + classes})`: float32, of every place the box and a score for each "
        "class, 0 where there is no peak, so that no further suppression is needed"
    )


def autoencoder_outputs(signature: Signature) -> str:
    """Describe embedding, reconstruction and score."""
    return (
        "- `embedding` `(batch, features)`: the code, float32; `decoder.onnx` takes it back to an image\n"
        "- `reconstruction` `(batch, height, width, channels)`: float32 in [0, 1]\n"
        "- `score` `(batch,)`: mean squared difference of image and reconstruction, float32"
    )


def anomaly_outputs(signature: Signature) -> str:
    """Describe the outputs of an autoencoder whose score is compared with a threshold."""
    abnormal = "\n- `abnormal` `(batch,)`: bool, the score is above the threshold that the file's metadata hold"
    if signature.kind == "image":
        return autoencoder_outputs(signature) + abnormal
    if signature.kind == "array":
        return (
            "- `embedding` `(batch, features)`: the code, float32\n"
            "- `reconstruction` `(batch, steps, channels)`: float32, standardised\n"
            f"- `score` `(batch,)`: mean squared difference of the last step and its reconstruction, float32{abnormal}"
        )
    return (
        "- `embedding` `(batch, features)`: the code, float32\n"
        "- `reconstruction` `(batch, features)`: float32, of the numbers and categories as the network takes them, "
        "standardised\n"
        f"- `score` `(batch,)`: mean squared difference of these and the reconstruction, float32{abnormal}"
    )


def image_outputs(signature: Signature) -> str:
    """Describe images."""
    return (
        "- `image` `(batch, height, width, channels)`: uint8\n"
        "- `sample`: the same in float32, before -1 to 1 became 0 to 255"
    )


def embedding_outputs(signature: Signature) -> str:
    """Describe embeddings."""
    return "- `embedding` `(batch, features)`: float32"


def _classes(signature: Signature) -> str:
    names = ", ".join(markdown.code(label) for label in signature.labels[:MAX_LISTED_CLASSES])
    return names + (" …" if len(signature.labels) > MAX_LISTED_CLASSES else "")
