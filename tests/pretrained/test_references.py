"""Networks of other libraries, with random weights of which none is idle, give the same outputs here."""

import json
import re

import keras
import numpy as np
import pytest
from reference_numbers import REFERENCES, images, tokens

import zoo
from zoo.layers.head import features
from zoo.pretrained.build import settings_for
from zoo.pretrained.load import load_weights

CI = (
    *("efficientnet_lite0-timm", "resnet18", "efficientnet_b0-timm", "vit_tiny", "resnet50", "convnext_tiny"),
    *("mobilenet_v2-timm", "mobilenet_v3_large", "mobilenet_v3_small-timm", "vgg16-timm", "convnext_v2_tiny-small"),
    *("vit-hugging_face-features", "mlp_mixer-wide", "dinov2_small", "dinov2-hugging_face", "swin_tiny"),
    *("efficientnet_b0", "efficientnet_v2_s-timm", "mobilenet_v2", "swin_tiny-torchvision", "t5", "vgg19-bn-timm"),
)
SLOW = (
    *("resnet34", "resnet101", "resnet152", "vit_small", "vit_base-torchvision", "convnext_tiny-timm", "densenet121"),
    *("resnext50", "resnext50-timm", "convnext_small", "convnext_small-timm", "convnext_v2_tiny", "vgg16"),
    *("mobilenet_v3_large-timm", "mobilenet_v3_small", "efficientnet_b1-timm", "efficientnet_b2"),
    *("efficientnet_b3-timm", "efficientnet_v2_s", "swin_tiny-full"),
)
MARKED = {"ci": CI, "slow": SLOW}
UNUSED = r"^pooler|token_type_embeddings.weight$|mask_token$"
DIFFERENT = {  # parameters that ours has more
    "roberta": -2 * 24,  # positions of padding
    "dinov2_small-registers": 24,  # position of the class token
}
NAMES = [
    pytest.param(path.stem, marks=[getattr(pytest.mark, mark) for mark, names in MARKED.items() if path.stem in names])
    for path in sorted(REFERENCES.glob("*.json"))
]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_equal_those_of_the_reference(name, reference):
    facts, _, path = reference(name)
    for size, expected in facts["outputs"].items():
        size, expected = json.loads(size.replace("(", "[").replace(")", "]")), np.array(expected)
        model = zoo.build(facts["builder"], **shapes(facts, size), **settings(facts), weights=f"file:{path}")
        x = images(*size) if isinstance(size, list) else tokens(size, 50)
        if facts["builder"] == "t5":
            x = [x[1:2], tokens(size + 1, 50)[:1]]
        if is_headless(facts):
            model = features(model)
        found = keras.ops.convert_to_numpy(model(x, training=False))
        if facts["builder"] in ("gpt", "t5"):
            found = found[0, :, : expected.shape[-1]]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_is_used_or_left_out_for_a_reason(name, reference):
    facts, tensors, path = reference(name)
    size = json.loads(next(iter(facts["outputs"])).replace("(", "[").replace(")", "]"))
    model = zoo.build(
        facts["builder"], **shapes(facts, size), **settings_for(facts["builder"], f"file:{path}", settings(facts))
    )
    loaded = load_weights(model, f"file:{path}")
    assert loaded.kept == (("logits",) if is_headless(facts) else ())
    count = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    head = model.get_layer("logits").count_params() if is_headless(facts) else 0
    unused = sum(values.size for key, values in tensors.items() if re.search(UNUSED, key))
    unused += sum(tensors[n].size for n in tensors if is_before_a_norm(n, tensors))
    assert count - head == facts["parameters"] - unused + DIFFERENT.get(name, 0)


def is_headless(facts):
    """Return whether features are compared, of a reference that has no head."""
    return facts.get("compared") == "features" or facts["builder"] == "bert"


def settings(facts):
    """Return the settings of the builder of a reference."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in facts["settings"].items()}


def shapes(facts, size):
    """Return input shape, outputs and vocabulary of the builder for a size of the inputs."""
    if isinstance(size, list):
        return {"input_shape": (*size, 3), "outputs": len(next(iter(facts["outputs"].values()))[0])}
    given = {"input_shape": (None,), "vocabulary": 50}
    return given if facts["builder"] == "bert" else {**given, "outputs": 50}


def is_before_a_norm(name, tensors):
    """Return whether a tensor is the bias of a convolution of VGG that the mean of a batch normalization takes up."""
    found = re.fullmatch(r"features\.(\d+)\.bias", name)
    return found is not None and f"features.{int(found[1]) + 1}.running_mean" in tensors
