"""The maps of an image encoder at each of its sizes, for networks that answer for every pixel."""

from __future__ import annotations

import re

import keras

_BLOCK = re.compile(r"(stage\d+_block\d+|block\d+)_")
_KERNELS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def encoder_maps(model: keras.Model) -> dict[int, keras.KerasTensor]:
    """Return the last map of each size. Of a residual block only the output counts, as the names of its layers tell.

    Args:
        model: a network for images.

    Returns:
        Maps `(batch, height / stride, width / stride, channels)` by stride, the number of the image's rows that one of
        theirs stands for, smallest first.

    Raises:
        ValueError: there is no such map, or the image is no multiple of the largest stride.
    """
    _, height, width, _ = model.input_shape
    strides = _strides(model)
    last: dict[str, keras.layers.Layer] = {}  # of each block; other layers are by themselves
    for layer in model.layers:
        block = _BLOCK.match(layer.name)
        name = block[1] if block else layer.name
        last.pop(name, None)
        last[name] = layer
    found: dict[int, keras.KerasTensor] = {}
    largest = 1
    for layer in last.values():
        output = layer.output
        if isinstance(layer, keras.layers.InputLayer) or not isinstance(output, keras.KerasTensor):
            continue
        stride = strides[id(output)]
        if len(output.shape) == 4 and output.shape[1] > 1:
            largest = max(largest, stride)
        if len(output.shape) == 4 and (height, width) == (output.shape[1] * stride, output.shape[2] * stride):
            found[stride] = output
    if not found or max(found) < largest:
        raise ValueError(
            f"encoder: the image's height and width must be multiples of {largest} for model '{model.name}'. Received: "
            f"{height}x{width}"
            if largest > 1
            else f"encoder: model '{model.name}' has no maps of its image, only vectors"
        )
    return dict(sorted(found.items()))


def dilate(model: keras.Model, stride: int) -> keras.Model:
    """Return a new network without the halvings beyond a stride, whose later kernels are dilated instead.

    The weights of the network fit, and its kernels see as far as before (Chen, Papandreou, Schroff and Adam, 2017,
    arXiv:1706.05587, section 3.1). As in torchvision, the kernel that halved is not dilated itself.

    Args:
        model: a network for images.
        stride: the largest that remains.

    Raises:
        ValueError: a layer that halves is no convolution of padded maps.
    """
    strides = _strides(model)

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, (*_KERNELS, keras.layers.ZeroPadding2D, keras.layers.MaxPooling2D)):
            given = strides[id(layer.input)]
            rate = max(1, given // stride)
            if isinstance(layer, keras.layers.ZeroPadding2D):
                config["padding"] = [[side * rate for side in pair] for pair in layer.padding]
            elif layer.strides[0] * given > stride:
                config["strides"] = (1, 1)
            if isinstance(layer, _KERNELS):
                config["dilation_rate"] = (rate, rate)
        return layer.__class__.from_config(config)

    found = keras.models.clone_model(model, clone_function=copy)
    try:
        largest = max(encoder_maps(found))
    except ValueError:
        largest = 0
    if largest != stride:
        raise ValueError(
            f"output_stride: the layers of model '{model.name}' cannot be dilated to {stride}; leave it at 32, or take "
            "an encoder that halves by convolutions with padding, such as a ResNet"
        )
    return found


def _strides(model: keras.Model) -> dict[int, int]:
    """Return by the id of each tensor how many rows of the image one of its rows stands for."""
    found: dict[int, int] = {}
    for operation in model.operations:
        outputs = keras.tree.flatten(operation.output)
        given = 1
        if not isinstance(operation, keras.layers.InputLayer):
            given = max(found[id(each)] for each in keras.tree.flatten(operation.input))
        own = getattr(operation, "strides", None)
        for each in outputs:
            found[id(each)] = given * (own[0] if isinstance(own, tuple) else own or 1)
    return found
