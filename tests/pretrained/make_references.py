"""Write `references/*.json`: names and shapes of the tensors of other libraries' networks, and what these put out.

Needs torch, timm, torchvision, transformers and efficientnet_lite_pytorch; the tests do not. From this folder:
`python make_references.py [NAME]…`
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from reference_numbers import images, numbers, tokens

SIZES = ((64, 64), (75, 91))


def lite0():
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0", num_classes=5)


def timm_of(name, **options):
    import timm

    return timm.create_model(name, **options)


def torchvision_of(name, **options):
    import torchvision

    return getattr(torchvision.models, name)(**options)


def transformer(name, **settings):
    import transformers

    config = getattr(transformers, f"{name}Config")(**settings)
    return getattr(transformers, f"{name}Model")(config)


SMALL_BERT = {"vocab_size": 50, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3}

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
    "convnext_tiny-timm": (lambda: timm_of("convnext_tiny", num_classes=5), "convnext_tiny", {}, SIZES),
    "convnext_tiny": (lambda: torchvision_of("convnext_tiny", num_classes=5), "convnext_tiny", {}, SIZES),
    "densenet121": (lambda: torchvision_of("densenet121", num_classes=5), "densenet_bc", {}, SIZES),
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
}


def filled(network):
    """Give a network the numbers of its names."""
    state = network.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(torch.tensor(numbers(name, tuple(tensor.shape))))
    network.load_state_dict(state)
    return network.eval()


def output(network, size):
    """Return logits of images, or the means of the steps of texts."""
    with torch.no_grad():
        if isinstance(size, tuple):
            return network(torch.tensor(images(*size).transpose(0, 3, 1, 2)))
        ids = torch.tensor(tokens(size, 50)).long()
        mask = (ids > 0).long()
        given = {"input_ids": ids, "attention_mask": mask}
        if type(network).__name__.startswith("Roberta"):  # its own numbers of positions follow from the padding's id
            given["position_ids"] = torch.arange(2, 2 + size)[None].expand(len(ids), -1)
        steps = network(**given).last_hidden_state
        return (steps * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def main(names):
    folder = Path(__file__).parent / "references"
    for name in names or REFERENCES:
        make, builder, settings, sizes = REFERENCES[name]
        network = filled(make())
        facts = {
            "made_by": f"{type(network).__module__.partition('.')[0]}, torch {torch.__version__.partition('+')[0]}",
            "builder": builder,
            "settings": settings,
            "parameters": sum(p.numel() for p in network.parameters()),
            "tensors": {n: [str(t.dtype).removeprefix("torch."), *t.shape] for n, t in network.state_dict().items()},
            "outputs": {
                str(size): [[float(f"{v:.7g}") for v in row] for row in np.asarray(output(network, size)).tolist()]
                for size in sizes
            },
        }
        (folder / f"{name}.json").write_text(json.dumps(facts) + "\n")
        print(name, facts["parameters"])


if __name__ == "__main__":
    main(sys.argv[1:])
