"""Weights of VGG."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, Published

BUILDERS = ("vgg11", "vgg13", "vgg16", "vgg19")

# Their convolutions, normalizations, activations and pooling layers are counted together.
_PLAIN = {r"stage(\d+)_\d+_conv": "features.{n:*2+{0:-1}}"}
_NORMED = {r"stage(\d+)_\d+_conv": "features.{n:*3+{0:-1}}", r"stage(\d+)_\d+_norm": "features.{n:*3+{0}}"}
_BIASES = {r"stage(\d+)_\d+_norm": "features.{n:*3+{0:-1}}"}
_TORCHVISION = {r"top1": "classifier.0", r"top2": "classifier.3", r"logits": "classifier.6"}
_TIMM = {r"top(\d)": "pre_logits.fc{0}", r"logits": "head.fc"}


def _naming(origin: str, top: dict[str, str], first_dense: str, *, normed: bool) -> Naming:
    return Naming(
        origin=origin,
        has=(first_dense, "features.1.running_mean") if normed else first_dense,
        first="stage1_1_conv",
        layers={**(_NORMED if normed else _PLAIN), **top},
        left_out={r".*num_batches_tracked": "a counter of training"},
        flattened="top1",
        folded=_BIASES if normed else {},
        settings={"top_size": 7, "norm": "batch" if normed else "none"},
    )


NAMINGS = tuple(
    _naming(*library, normed=normed)
    for normed in (True, False)
    for library in (
        ("torchvision", _TORCHVISION, "classifier.0.weight"),
        ("timm", _TIMM, "pre_logits.fc1.weight"),
    )
)

PUBLISHED: dict[str, tuple[Published, ...]] = {}
