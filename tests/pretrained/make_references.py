"""Write `references/*.json`: names and shapes of the tensors of other libraries' networks, and what these put out.

Needs torch, timm, torchvision, transformers and efficientnet_lite_pytorch; the tests do not. From this folder:
`python make_references.py [NAME]…`
"""

import json
import re
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from reference_numbers import images, numbers, tokens

SIZES = ((64, 64), (75, 91))
OUTPUTS = 12  # of the logits of a step


def lite0():
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0", num_classes=5)


def timm_of(name, **options):
    import timm

    return timm.create_model(name, **options)


def torchvision_of(name, **options):
    import torchvision

    return getattr(torchvision.models, name)(**options)


def small_vgg(library, depths, *, norm):
    """Return a narrow VGG with dense layers of 16 units: both libraries give it 4,096 whatever its convolutions."""
    from torch import nn

    widths = [each for width, depth in zip(VGG_WIDTHS, depths, strict=True) for each in [width] * depth + ["M"]]
    if library == "timm":
        from timm.models.vgg import VGG, ConvMlp

        network = VGG(widths, num_classes=5, norm_layer=nn.BatchNorm2d if norm else None)
        network.pre_logits, network.head.fc = ConvMlp(VGG_WIDTHS[-1], 16, 7), nn.Linear(16, 5)
        return network
    from torchvision.models.vgg import VGG, make_layers

    network = VGG(make_layers(widths, batch_norm=norm), num_classes=5, init_weights=False)
    network.classifier[0] = nn.Linear(49 * VGG_WIDTHS[-1], 16)
    network.classifier[3], network.classifier[6] = nn.Linear(16, 16), nn.Linear(16, 5)
    return network


def small_efficientnet(name, epsilon, **scale):
    """Return torchvision's network with multipliers of width and depth."""
    from torch import nn
    from torchvision.models.efficientnet import EfficientNet, _efficientnet_conf

    stages, last = _efficientnet_conf(name, **scale)
    if "v2" in name:  # these take no multipliers
        for stage in stages:
            stage.num_layers = -(-stage.num_layers // 8)
    return EfficientNet(stages, 0.2, num_classes=5, last_channel=last, norm_layer=partial(nn.BatchNorm2d, eps=epsilon))


def small_timm(module, make, name, **options):
    import importlib

    return getattr(importlib.import_module(f"timm.models.{module}"), make)(name, num_classes=5, **options)


def small_convnext(version, **sizes):
    from timm.models.convnext import ConvNeXt

    options = {"use_grn": True, "ls_init_value": None} if version == 2 else {}
    return ConvNeXt(num_classes=5, **sizes, **options)


def transformer(name, kind="Model", **settings):
    import transformers

    config = getattr(transformers, f"{name}Config")(**settings)
    return getattr(transformers, name + kind)(config)


def mixer(**options):
    from timm.models.mlp_mixer import MlpMixer

    return MlpMixer(num_classes=5, patch_size=8, num_blocks=2, embed_dim=24, **options)


def vision(name, **settings):
    """Return a network of Hugging Face with the numbers of the names that its files use, which are not its own."""
    import transformers
    from safetensors.torch import load_file, save_file

    kind = getattr(transformers, name)
    with tempfile.TemporaryDirectory() as folder:
        sizes = {} if "Swin" in name else SMALL_VIT
        kind(kind.config_class(**sizes, **settings)).save_pretrained(folder)
        file = Path(folder) / "model.safetensors"
        tensors = {key: torch.tensor(numbers(key, tuple(t.shape))) for key, t in load_file(file).items()}
        save_file(tensors, file, metadata={"format": "pt"})
        network = kind.from_pretrained(folder).eval()
    network.files_tensors = tensors
    return network


def torchvision_swin():
    from torchvision.models.swin_transformer import SwinTransformer

    return SwinTransformer([4, 4], 12, [2, 2, 2], [2, 3, 4], [3, 3], num_classes=5)


SMALL_VIT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "patch_size": 8}
OUR_VIT = {"width": 24, "depth": 2, "heads": 3, "patch": 8}
SMALL_DINOV2 = {"embed_dim": 24, "depth": 2, "num_heads": 3, "num_classes": 5}
OUR_DINOV2 = {"width": 24, "depth": 2, "heads": 3}
SMALL_SWIN = {"embed_dim": 12, "depths": (2, 2, 2), "num_heads": (2, 3, 4), "window_size": 3}
OUR_SWIN = {"width": 12, "depths": (2, 2, 2), "heads": (2, 3, 4), "window": 3}


def t5(**settings):
    sizes = {"vocab_size": 50, "d_model": 24, "d_kv": 5, "d_ff": 40, "num_layers": 2, "num_heads": 4}
    distances = {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 10}
    network = transformer("T5", "ForConditionalGeneration", **sizes, **distances, **settings)
    if not settings.get("tie_word_embeddings", True):
        network.lm_head = torch.nn.Linear(24, 50, bias=False)
    return network


SMALL_T5 = {"width": 24, "depth": 2, "heads": 4, "head_size": 5, "hidden": 40, "buckets": 8, "longest": 10}
SMALL_GPT = {"width": 24, "depth": 2, "heads": 4}
LLAMA = {**SMALL_GPT, "kv_heads": 2, "hidden": 40, "positions": "rotary", "norm": "rms", "feed_forward": "swiglu"}
LLAMA |= {"bias": False, "epsilon": 1e-5, "rotary_base": 500.0}
SMALL_LLAMA = {"vocab_size": 50, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
SMALL_LLAMA |= {"num_key_value_heads": 2, "intermediate_size": 40, "rms_norm_eps": 1e-5, "pad_token_id": None}
SMALL_LLAMA |= {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}

SMALL_BERT = {"vocab_size": 50, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3}

VGG_WIDTHS = (4, 8, 8, 12, 12)
OF_VGG = {"widths": VGG_WIDTHS, "top_width": 16}
TF = {"pad_type": "same", "bn_eps": 1e-3}  # of timm's networks that TensorFlow trained
TORCH = {"padding": "symmetric", "epsilon": 1e-5}
SMALL_DEPTHS, SMALL_WIDTHS = (1, 2, 3, 1), (8, 12, 16, 24)
OF_CONVNEXT = {"depths": SMALL_DEPTHS, "widths": SMALL_WIDTHS}

# Name: how the reference is made, our builder, its settings, the sizes of the inputs.
REFERENCES = {
    "efficientnet_lite0": (lite0, "efficientnet_lite0", {}, ((64, 64), (96, 32))),  # pads as for 224 pixels
    "efficientnet_lite0-timm": (
        lambda: timm_of("tf_efficientnet_lite0", num_classes=5),
        "efficientnet_lite0",
        {},
        SIZES,
    ),
    "efficientnet_b0-timm": (lambda: timm_of("tf_efficientnet_b0", num_classes=5), "efficientnet_b0", {}, SIZES),
    "resnet18": (lambda: torchvision_of("resnet18", num_classes=5), "resnet18", {}, SIZES),
    "resnet34": (lambda: torchvision_of("resnet34", num_classes=5), "resnet34", {}, SIZES),
    "resnet50": (lambda: torchvision_of("resnet50", num_classes=5), "resnet50", {}, SIZES),
    "resnet101": (lambda: torchvision_of("resnet101", num_classes=5), "resnet101", {}, SIZES),
    "resnet152": (lambda: torchvision_of("resnet152", num_classes=5), "resnet152", {}, SIZES),
    "vit_tiny": (lambda: timm_of("vit_tiny_patch16_224", num_classes=5, img_size=(64, 64)), "vit_tiny", {}, SIZES[:1]),
    "vit_tiny-wide": (
        lambda: timm_of("vit_tiny_patch16_224", num_classes=5, img_size=(48, 80), depth=3),
        "vit_tiny",
        {"depth": 3},
        ((48, 80),),
    ),
    "vit_small": (lambda: timm_of("vit_small_patch16_224", num_classes=5), "vit_small", {}, ((224, 224),)),
    "vit_base-torchvision": (lambda: torchvision_of("vit_b_16", num_classes=5), "vit_base", {}, ((224, 224),)),
    "deit_tiny": (
        lambda: timm_of("deit_tiny_patch16_224", num_classes=5, img_size=(80, 32), embed_dim=24, depth=2),
        "vit_tiny",
        {"width": 24, "depth": 2},
        ((80, 32),),
    ),
    "vit-hugging_face": (
        lambda: vision("ViTForImageClassification", image_size=[32, 48], intermediate_size=40, num_labels=5),
        "vit_base",
        {**OUR_VIT, "mlp_ratio": 40 / 24},
        ((32, 48),),
    ),
    "vit-hugging_face-features": (
        lambda: vision("ViTModel", image_size=40, intermediate_size=96),
        "vit_base",
        OUR_VIT,
        ((40, 40),),
    ),
    "mlp_mixer": (
        lambda: mixer(img_size=32),
        "mlp_mixer",
        {"patch": 8, "width": 24, "depth": 2, "token_width": 12, "channel_width": 96},
        ((32, 32),),
    ),
    "mlp_mixer-wide": (
        lambda: mixer(img_size=(24, 40), mlp_ratio=(1.5, 2)),
        "mlp_mixer",
        {"patch": 8, "width": 24, "depth": 2, "token_width": 36, "channel_width": 48},
        ((24, 40),),
    ),
    "dinov2_small": (
        lambda: timm_of("vit_small_patch14_dinov2", **SMALL_DINOV2, img_size=(42, 70)),
        "dinov2_small",
        OUR_DINOV2,
        ((42, 70),),
    ),
    "dinov2_small-registers": (
        lambda: timm_of("vit_small_patch14_reg4_dinov2", **SMALL_DINOV2, img_size=56),
        "dinov2_small",
        {**OUR_DINOV2, "registers": 4},
        ((56, 56),),
    ),
    "dinov2-hugging_face": (
        lambda: vision("Dinov2Model", image_size=40),
        "dinov2_small",
        OUR_VIT,
        ((40, 40),),
    ),
    "dinov2-hugging_face-registers": (
        lambda: vision("Dinov2WithRegistersModel", image_size=32, num_register_tokens=3),
        "dinov2_small",
        {**OUR_VIT, "registers": 3},
        ((32, 32),),
    ),
    "swin_tiny": (
        lambda: timm_of("swin_tiny_patch4_window7_224", **SMALL_SWIN, img_size=(48, 96), num_classes=5),
        "swin_tiny",
        OUR_SWIN,
        ((48, 96),),
    ),
    "swin_tiny-hugging_face": (
        lambda: vision(
            "SwinForImageClassification",
            **{"embed_dim": 12, "depths": [2, 2], "num_heads": [2, 3], "window_size": 3, "patch_size": 4},
            image_size=[44, 52],
            num_labels=5,
        ),
        "swin_tiny",
        {**OUR_SWIN, "depths": (2, 2), "heads": (2, 3)},
        ((44, 52),),
    ),
    "swin_tiny-torchvision": (torchvision_swin, "swin_tiny", OUR_SWIN, ((48, 96), (44, 68), (16, 16))),
    "swin_tiny-full": (
        lambda: timm_of("swin_tiny_patch4_window7_224", num_classes=5),
        "swin_tiny",
        {},
        ((224, 224),),
    ),
    "convnext_tiny-timm": (lambda: timm_of("convnext_tiny", num_classes=5), "convnext_tiny", {}, SIZES),
    "convnext_tiny": (lambda: torchvision_of("convnext_tiny", num_classes=5), "convnext_tiny", {}, SIZES),
    "densenet121": (lambda: torchvision_of("densenet121", num_classes=5), "densenet_bc", {}, SIZES),
    "vgg11": (lambda: small_vgg("torchvision", (1, 1, 2, 2, 2), norm=False), "vgg11", OF_VGG, SIZES),
    "vgg13-bn": (lambda: small_vgg("torchvision", (2, 2, 2, 2, 2), norm=True), "vgg13", OF_VGG, SIZES),
    "vgg16": (lambda: torchvision_of("vgg16", num_classes=5), "vgg16", {}, ((224, 224), (97, 131))),
    "vgg16-timm": (lambda: small_vgg("timm", (2, 2, 3, 3, 3), norm=False), "vgg16", OF_VGG, SIZES),
    "vgg19-bn-timm": (lambda: small_vgg("timm", (2, 2, 4, 4, 4), norm=True), "vgg19", OF_VGG, SIZES),
    "resnext50": (lambda: torchvision_of("resnext50_32x4d", num_classes=5), "resnext50", {}, SIZES),
    "resnext50-timm": (lambda: timm_of("resnext50_32x4d", num_classes=5), "resnext50", {}, SIZES[1:]),
    "convnext_small": (lambda: torchvision_of("convnext_small", num_classes=5), "convnext_small", {}, SIZES),
    "convnext_small-timm": (
        lambda: small_convnext(1, depths=SMALL_DEPTHS, dims=SMALL_WIDTHS),
        "convnext_small",
        OF_CONVNEXT,
        SIZES,
    ),
    "convnext_v2_tiny": (lambda: timm_of("convnextv2_tiny", num_classes=5), "convnext_v2_tiny", {}, SIZES),
    "convnext_v2_tiny-small": (
        lambda: small_convnext(2, depths=SMALL_DEPTHS, dims=SMALL_WIDTHS),
        "convnext_v2_tiny",
        OF_CONVNEXT,
        SIZES,
    ),
    "mobilenet_v2": (
        lambda: torchvision_of("mobilenet_v2", num_classes=5, width_mult=0.25),
        "mobilenet_v2",
        {"width": 0.25},
        SIZES,
    ),
    "mobilenet_v2-timm": (lambda: timm_of("mobilenetv2_100", num_classes=5), "mobilenet_v2", TORCH, SIZES),
    "mobilenet_v3_large": (
        lambda: torchvision_of("mobilenet_v3_large", num_classes=5),
        "mobilenet_v3_large",
        {},
        SIZES,
    ),
    "mobilenet_v3_large-timm": (
        lambda: timm_of("tf_mobilenetv3_large_100", num_classes=5),
        "mobilenet_v3_large",
        {},
        SIZES,
    ),
    "mobilenet_v3_small": (
        lambda: torchvision_of("mobilenet_v3_small", num_classes=5),
        "mobilenet_v3_small",
        {},
        SIZES,
    ),
    "mobilenet_v3_small-timm": (
        lambda: timm_of("mobilenetv3_small_100", num_classes=5),
        "mobilenet_v3_small",
        TORCH,
        SIZES,
    ),
    "efficientnet_b0": (
        lambda: small_efficientnet("efficientnet_b0", 1e-5, width_mult=0.25, depth_mult=0.3),
        "efficientnet_b0",
        {"width": 0.25, "depth": 0.3},
        SIZES,
    ),
    "efficientnet_b1-timm": (lambda: timm_of("tf_efficientnet_b1", num_classes=5), "efficientnet_b1", {}, SIZES),
    "efficientnet_b2": (lambda: torchvision_of("efficientnet_b2", num_classes=5), "efficientnet_b2", {}, SIZES),
    "efficientnet_b3-timm": (lambda: timm_of("efficientnet_b3", num_classes=5), "efficientnet_b3", TORCH, SIZES),
    "efficientnet_v2_s": (
        lambda: small_efficientnet("efficientnet_v2_s", 1e-3),
        "efficientnet_v2_s",
        {"depth": 0.125},
        SIZES,
    ),
    "efficientnet_v2_s-timm": (
        lambda: small_timm(
            "efficientnet", "_gen_efficientnetv2_s", "s", channel_multiplier=0.25, depth_multiplier=0.1, **TF
        ),
        "efficientnet_v2_s",
        {"width": 0.25, "depth": 0.1},
        SIZES,
    ),
    "bert": (
        lambda: transformer("Bert", **SMALL_BERT, intermediate_size=40, max_position_embeddings=20),
        "bert",
        {"width": 24, "depth": 2, "heads": 3, "mlp_ratio": 40 / 24, "maximum_length": 20},
        (12, 7),
    ),
    "roberta": (
        lambda: transformer(
            "Roberta",
            **SMALL_BERT,
            intermediate_size=40,
            max_position_embeddings=514,
            layer_norm_eps=1e-5,
            pad_token_id=0,
        ),
        "bert",
        {"width": 24, "depth": 2, "heads": 3, "mlp_ratio": 40 / 24, "maximum_length": 512, "epsilon": 1e-5},
        (12, 7),
    ),
    "distilbert": (
        lambda: transformer(
            "DistilBert", vocab_size=50, dim=24, n_layers=2, n_heads=3, hidden_dim=40, max_position_embeddings=20
        ),
        "bert",
        {"width": 24, "depth": 2, "heads": 3, "mlp_ratio": 40 / 24, "maximum_length": 20},
        (12, 7),
    ),
    "gpt2": (
        lambda: transformer("GPT2", "LMHeadModel", vocab_size=50, n_embd=24, n_layer=2, n_head=4, n_positions=20),
        "gpt",
        {**SMALL_GPT, "maximum_length": 20, "feed_forward": "gelu_tanh", "epsilon": 1e-5, "tie_embeddings": True},
        (12, 7),
    ),
    "llama": (lambda: transformer("Llama", "ForCausalLM", **SMALL_LLAMA), "gpt", LLAMA, (12, 7)),
    "llama-tied": (
        lambda: transformer("Llama", "ForCausalLM", **SMALL_LLAMA, tie_word_embeddings=True, head_dim=10),
        "gpt",
        {**LLAMA, "tie_embeddings": True, "head_size": 10},
        (12, 7),
    ),
    "mistral": (
        lambda: transformer("Mistral", "ForCausalLM", **SMALL_LLAMA, sliding_window=None),
        "gpt",
        LLAMA,
        (12, 7),
    ),
    "qwen2": (
        lambda: transformer("Qwen2", "ForCausalLM", **SMALL_LLAMA),
        "gpt",
        {**LLAMA, "qkv_bias": True},
        (12, 7),
    ),
    "t5": (lambda: t5(feed_forward_proj="relu"), "t5", SMALL_T5, (12, 7)),
    "t5-1.1": (
        lambda: t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False),
        "t5",
        {**SMALL_T5, "feed_forward": "geglu", "tie_embeddings": False},
        (12, 7),
    ),
}


def tensors_of(network):
    """Return the tensors of a network, of tied ones the first, as files hold them."""
    state = network.state_dict()
    places = {}
    for name, tensor in state.items():
        places.setdefault(tensor.data_ptr() if tensor.numel() else name, name)
    return {name: state[name] for name in places.values()}


def filled(network):
    """Give a network the numbers of its names."""
    if hasattr(network, "files_tensors"):
        return network
    state = tensors_of(network)
    for name, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(torch.tensor(numbers(name, tuple(tensor.shape))))
    return network.eval()


def output(network, size):
    """Return logits of images, the means of the steps of texts, or the logits of the steps of the first text."""
    with torch.no_grad():
        if isinstance(size, tuple):
            found = network(torch.tensor(images(*size).transpose(0, 3, 1, 2)))
            if isinstance(found, torch.Tensor):
                return found
            return found.logits if "logits" in found else found.last_hidden_state[:, 0]
        ids = torch.tensor(tokens(size, 50)).long()
        if type(network).__name__.endswith(("LMHeadModel", "ForCausalLM")):
            return network(ids[:1]).logits[0, :, :OUTPUTS]
        mask = (ids > 0).long()
        if type(network).__name__.startswith("T5"):  # the source is padded, the target longer than it
            target = torch.tensor(tokens(size + 1, 50)[:1]).long()
            given = {"input_ids": ids[1:2], "attention_mask": mask[1:2], "decoder_input_ids": target}
            return network(**given).logits[0, :, :OUTPUTS]
        given = {"input_ids": ids, "attention_mask": mask}
        if type(network).__name__.startswith("Roberta"):  # its own numbers of positions follow from the padding's id
            given["position_ids"] = torch.arange(2, 2 + size)[None].expand(len(ids), -1)
        steps = network(**given).last_hidden_state
        return (steps * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def dense():
    """Write what torchvision's parts of networks for segmentation put out."""
    import torchvision
    from torchvision.models.segmentation.deeplabv3 import ASPP

    def rounded(tensor):
        return [float(f"{v:.7g}") for v in tensor.detach().permute(0, 2, 3, 1).flatten().tolist()]

    maps = {str(i): torch.tensor(images(8 >> i, 4 >> i, 3 + i)[:1].transpose(0, 3, 1, 2)) for i in range(3)}
    pyramid = filled(torchvision.ops.FeaturePyramidNetwork([3, 4, 5], 4))
    pooling = filled(ASPP(3, [2, 3, 4], 4))
    found = {
        "made_by": f"torchvision, torch {torch.__version__.partition('+')[0]}",
        "pyramid": {name: rounded(x) for name, x in pyramid(maps).items()},
        "pooling": rounded(pooling(torch.tensor(images(6, 10)[:1].transpose(0, 3, 1, 2)))),
        "dilated": {},
    }
    for stride, replaced in ((16, [False, False, True]), (8, [False, True, True])):
        network = filled(torchvision_of("resnet50", num_classes=5, replace_stride_with_dilation=replaced))
        found["dilated"][stride] = [[float(f"{v:.7g}") for v in row] for row in output(network, (64, 96)).tolist()]
    (Path(__file__).parent / "dense_references.json").write_text(json.dumps(found) + "\n")


def main(names):
    folder = Path(__file__).parent / "references"
    if not names or "dense" in names:
        dense()
    for name in [each for each in names if each != "dense"] or (() if names else REFERENCES):
        make, builder, settings, sizes = REFERENCES[name]
        network = filled(make())
        tensors = getattr(network, "files_tensors", None) or tensors_of(network)
        facts = {
            "made_by": f"{type(network).__module__.partition('.')[0]}, torch {torch.__version__.partition('+')[0]}",
            "builder": builder,
            "settings": settings,
            "compared": "features" if re.search(r"(?<!LMHead)Model$", type(network).__name__) else "logits",
            "parameters": sum(p.numel() for p in network.parameters()),
            "tensors": {n: [str(t.dtype).removeprefix("torch."), *t.shape] for n, t in tensors.items()},
            "outputs": {
                str(size): [[float(f"{v:.7g}") for v in row] for row in np.asarray(output(network, size)).tolist()]
                for size in sizes
            },
        }
        (folder / f"{name}.json").write_text(json.dumps(facts) + "\n")
        print(name, facts["parameters"])


if __name__ == "__main__":
    main(sys.argv[1:])
