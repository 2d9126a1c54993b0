"""What is known about the ImageNet weights of Keras Applications, by builder (keras.io/api/applications)."""

from __future__ import annotations

from typing import Any

from zoo.models.weights.naming import ImagePreprocessing, Published

Colours = tuple[float, float, float]

# Mean and deviation of each colour, by the mode of `preprocess_input`; "caffe" takes BGR, which loading turns round.
# EfficientNet and ConvNeXt have "torch" inside the network, MobileNetV3 "tf", EfficientNetV2 "128".
MODES: dict[str, tuple[Colours, Colours]] = {
    "caffe": ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
    "tf": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "128": ((128.0, 128.0, 128.0), (128.0, 128.0, 128.0)),
    "torch": ((0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255)),
}


def _network(
    name: str,
    *,
    mode: str,
    licence: str,
    megabytes: float,
    top1: float,
    size: int = 224,
    resize: int = 256,
    interpolation: str = "bilinear",
    **settings: Any,
) -> Published:
    mean, std = MODES[mode]
    return Published(
        source=f"keras:{name}",
        licence=licence,
        megabytes=megabytes,
        figure=f"ImageNet top-1 {top1:.3f} (Keras)",
        task="image_classification",
        preprocessing=ImagePreprocessing(size=size, resize=resize, mean=mean, std=std, interpolation=interpolation),
        settings=settings,
        labels="imagenet",
    )


def _efficientnet(number: int, megabytes: float, top1: float, size: int, **scale: float) -> Published:
    return _network(
        f"EfficientNetB{number}",
        mode="torch",
        licence="Apache-2.0",
        megabytes=megabytes,
        top1=top1,
        size=size,
        resize=size + 32,  # the authors' crop
        interpolation="bicubic",
        **scale,
    )


def _convnext(size: str, megabytes: float, top1: float, **settings: Any) -> Published:
    return _network(
        f"ConvNeXt{size}",
        mode="torch",
        licence="MIT",
        megabytes=megabytes,
        top1=top1,
        interpolation="bicubic",
        **settings,
    )


_DENSENET: dict[str, Any] = {"mode": "torch", "licence": "BSD-3-Clause"}
_DEEP = (3, 3, 27, 3)

NETWORKS: dict[str, tuple[Published, ...]] = {
    "vgg16": (_network("VGG16", mode="caffe", licence="CC-BY-4.0", megabytes=528, top1=0.713),),
    "vgg19": (_network("VGG19", mode="caffe", licence="CC-BY-4.0", megabytes=549, top1=0.713),),
    "mobilenet_v2": (_network("MobileNetV2", mode="tf", licence="Apache-2.0", megabytes=14, top1=0.713),),
    "mobilenet_v3_large": (_network("MobileNetV3Large", mode="tf", licence="Apache-2.0", megabytes=22, top1=0.756),),
    "mobilenet_v3_small": (_network("MobileNetV3Small", mode="tf", licence="Apache-2.0", megabytes=10, top1=0.681),),
    "densenet_bc": (
        _network("DenseNet121", megabytes=33, top1=0.750, **_DENSENET),
        _network("DenseNet169", megabytes=57, top1=0.762, blocks=(6, 12, 32, 32), **_DENSENET),
        _network("DenseNet201", megabytes=80, top1=0.773, blocks=(6, 12, 48, 32), **_DENSENET),
    ),
    "efficientnet_b0": (
        _efficientnet(0, 29, 0.771, 224),
        _efficientnet(1, 31, 0.791, 240, depth=1.1),
        _efficientnet(2, 36, 0.801, 260, width=1.1, depth=1.2),
        _efficientnet(3, 48, 0.816, 300, width=1.2, depth=1.4),
        _efficientnet(4, 75, 0.829, 380, width=1.4, depth=1.8),
        _efficientnet(5, 118, 0.836, 456, width=1.6, depth=2.2),
        _efficientnet(6, 166, 0.840, 528, width=1.8, depth=2.6),
        _efficientnet(7, 256, 0.843, 600, width=2.0, depth=3.1),
    ),
    "efficientnet_b1": (_efficientnet(1, 31, 0.791, 240),),
    "efficientnet_b2": (_efficientnet(2, 36, 0.801, 260),),
    "efficientnet_b3": (_efficientnet(3, 48, 0.816, 300),),
    "efficientnet_v2_s": (
        _network(
            "EfficientNetV2S",
            mode="128",
            licence="Apache-2.0",
            megabytes=88,
            top1=0.839,
            size=384,
            resize=384,
            interpolation="bicubic",
        ),
    ),
    "convnext_tiny": (
        _convnext("Tiny", 109, 0.813),
        _convnext("Small", 192, 0.823, depths=_DEEP),
        _convnext("Base", 339, 0.853, depths=_DEEP, widths=(128, 256, 512, 1024)),
        _convnext("Large", 755, 0.863, depths=_DEEP, widths=(192, 384, 768, 1536)),
    ),
    "convnext_small": (_convnext("Small", 192, 0.823),),
}
