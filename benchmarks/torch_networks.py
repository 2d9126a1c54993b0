"""The zoo's reference networks written by hand in PyTorch, as its users write them.

Every module that holds weights has the name of the zoo's layer, so that `load` can give both the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5  # of the zoo's norms
BLOCK_EPSILON = 1e-6  # of its transformers'


class MLP(nn.Module):
    """Dense layers with ReLU and dropout."""

    def __init__(self, inputs: int, widths: Sequence[int], outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout, self.names = dropout, [f"layer{i}_dense" for i in range(1, len(widths) + 1)]
        for name, before, width in zip(self.names, [inputs, *widths], widths, strict=False):
            self.add_module(name, nn.Linear(before, width))
        self.logits = nn.Linear(widths[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, outputs)`."""
        x = x.flatten(1)
        for name in self.names:
            x = F.dropout(F.relu(getattr(self, name)(x)), self.dropout, self.training)
        return self.logits(x)


class ResNet20(nn.Module):
    """ResNet-20 with shortcuts that pad (He et al., 2015, section 4.2)."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self._convolution("stem", channels, 16, 1)
        self.blocks, before = [], 16
        for stage, width in enumerate((16, 32, 64), start=1):
            for i in (1, 2, 3):
                stride = 2 if stage > 1 and i == 1 else 1
                name = f"stage{stage}_block{i}"
                self._convolution(f"{name}_1", before, width, stride)
                self._convolution(f"{name}_2", width, width, 1)
                self.blocks.append((name, stride, width - before))
                before = width
        self.logits = nn.Linear(64, outputs)

    def _convolution(self, name: str, before: int, width: int, stride: int) -> None:
        self.add_module(f"{name}_conv", nn.Conv2d(before, width, 3, stride, 1, bias=False))
        self.add_module(f"{name}_norm", nn.BatchNorm2d(width, EPSILON))

    def _normed(self, name: str, x: Tensor) -> Tensor:
        return getattr(self, f"{name}_norm")(getattr(self, f"{name}_conv")(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, outputs)`."""
        x = F.relu(self._normed("stem", x))
        for name, stride, more in self.blocks:
            y = self._normed(f"{name}_2", F.relu(self._normed(f"{name}_1", x)))
            if more:
                x = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, more // 2, more - more // 2))
            x = F.relu(x + y)
        return self.logits(x.mean((2, 3)))


class Recurrent(nn.Module):
    """Stacked LSTM or GRU over the steps, the last state, a linear head."""

    def __init__(self, kind: type[nn.RNNBase], features: int, units: int, layers: int, outputs: int) -> None:
        super().__init__()
        make: Any = kind  # which says "LSTM" or "GRU" to its base
        self.recurrent = make(features, units, layers, batch_first=True)
        self.logits = nn.Linear(units, outputs)
        if kind is nn.LSTM:  # the zoo's has one bias
            for i in range(layers):
                bias = getattr(self.recurrent, f"bias_hh_l{i}").requires_grad_(False)
                bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, steps, features)` to `(batch, outputs)`."""
        return self.logits(self.recurrent(x)[0][:, -1])


class SelfAttention(nn.Module):
    """Multi-head attention by PyTorch's own kernel."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.projection = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map `(batch, steps, width)` to the same shape."""
        batch, steps, width = x.shape
        key, value = self.key_value(x).chunk(2, dim=-1)
        q, k, v = (t.view(batch, steps, self.heads, -1).transpose(1, 2) for t in (self.query(x), key, value))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.projection(y.transpose(1, 2).reshape(batch, steps, width))


class Transformer(nn.Module):
    """Pre-norm encoder of tokens with sinusoidal positions and a mask of the padding."""

    def __init__(self, vocabulary: int, steps: int, width: int, depth: int, heads: int, outputs: int) -> None:
        super().__init__()
        self.depth, self.width = depth, width
        self.embedding = nn.Embedding(vocabulary, width)
        for i in range(1, depth + 1):
            self.add_module(f"block{i}_attention_norm", nn.LayerNorm(width, BLOCK_EPSILON))
            self.add_module(f"block{i}_attention", SelfAttention(width, heads))
            self.add_module(f"block{i}_mlp_norm", nn.LayerNorm(width, BLOCK_EPSILON))
            self.add_module(f"block{i}_mlp_dense1", nn.Linear(width, 4 * width))
            self.add_module(f"block{i}_mlp_dense2", nn.Linear(4 * width, width))
        self.blocks_norm = nn.LayerNorm(width, BLOCK_EPSILON)
        self.logits = nn.Linear(width, outputs)
        frequencies = 10_000.0 ** (-torch.arange(0, width, 2) / width)
        angles = torch.arange(steps)[:, None] * frequencies
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1).reshape(steps, width)
        self.register_buffer("waves", waves, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `(batch, steps)` to `(batch, outputs)`."""
        valid = tokens != 0
        x = self.embedding(tokens) * self.width**0.5 + self.waves
        for i in range(1, self.depth + 1):
            part = {name: getattr(self, f"block{i}_{name}") for name in ("attention", "attention_norm", "mlp_norm")}
            x = x + part["attention"](part["attention_norm"](x), valid[:, None, None, :])
            y = F.gelu(getattr(self, f"block{i}_mlp_dense1")(part["mlp_norm"](x)))
            x = x + getattr(self, f"block{i}_mlp_dense2")(y)
        weights = valid[:, :, None].to(x.dtype)
        return self.logits((self.blocks_norm(x) * weights).sum(1) / weights.sum(1).clamp(min=1))


class ConvAutoencoder(nn.Module):
    """Strided convolutions to a code, and transposed ones back to the image."""

    def __init__(self, size: int, channels: int, widths: Sequence[int], code: int) -> None:
        super().__init__()
        self.levels, before = len(widths), channels
        for i, width in enumerate(widths, start=1):
            self._convolution(f"encoder{i}_1", before, width, 1)
            self._convolution(f"encoder{i}_2", width, width, 2)
            before = width
        self.smallest = (widths[-1], size >> self.levels, size >> self.levels)
        self.encode = nn.Linear(math.prod(self.smallest), code)
        self.decode = nn.Linear(code, math.prod(self.smallest))
        for i in range(self.levels, 0, -1):
            width = widths[max(0, i - 2)]
            self._convolution(f"decoder{i}_1", widths[i - 1], widths[i - 1], 1)
            self.add_module(f"decoder{i}_up", nn.ConvTranspose2d(widths[i - 1], width, 4, 2, 1))
        self.pixels = nn.Conv2d(widths[0], channels, 3, padding=1)

    def _convolution(self, name: str, before: int, width: int, stride: int) -> None:
        self.add_module(f"{name}_conv", nn.Conv2d(before, width, 3, stride, 1, bias=False))
        self.add_module(f"{name}_norm", nn.BatchNorm2d(width, EPSILON))

    def _active(self, name: str, x: Tensor) -> Tensor:
        return F.relu(getattr(self, f"{name}_norm")(getattr(self, f"{name}_conv")(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to the same shape."""
        for i in range(1, self.levels + 1):
            x = self._active(f"encoder{i}_2", self._active(f"encoder{i}_1", x))
        # the zoo's code reads the pixels of a map one after the other, each with its channels
        code = self.encode(x.permute(0, 2, 3, 1).flatten(1))
        x = self.decode(code).view(-1, *self.smallest[1:], self.smallest[0]).permute(0, 3, 1, 2)
        for i in range(self.levels, 0, -1):
            x = F.relu(getattr(self, f"decoder{i}_up")(self._active(f"decoder{i}_1", x)))
        return torch.sigmoid(self.pixels(x))


class UNet(nn.Module):
    """The denoiser of Ho, Jain and Abbeel (2020): residual blocks that are told the time, and attention."""

    def __init__(
        self,
        size: int,
        channels: int,
        widths: Sequence[int],
        depth: int,
        attention: Sequence[int],
        heads: int,
        groups: int,
    ) -> None:
        super().__init__()
        self.widths, self.depth, self.attention, self.groups = list(widths), depth, attention, groups
        self.told = 4 * widths[0]
        waves = 1000 * 10_000.0 ** (-torch.arange(0, widths[0], 2) / widths[0])
        self.register_buffer("waves", waves, persistent=False)
        self.time_dense1, self.time_dense2 = nn.Linear(widths[0], self.told), nn.Linear(self.told, self.told)
        self.stem_conv = nn.Conv2d(channels, widths[0], 3, padding=1)
        skips, before = [widths[0]], widths[0]
        self.sizes = [size]
        for level, width in enumerate(widths, start=1):
            if level > 1:
                self.add_module(f"down{level}_conv", nn.Conv2d(before, before, 3, 2, 1))
                self.sizes.append((self.sizes[-1] + 1) // 2)
                skips.append(before)
            for i in range(1, depth + 1):
                self._block(f"down{level}_{i}", before, width, level in attention, heads)
                before = width
                skips.append(width)
        self._block("middle1", before, before, True, heads)
        self._block("middle2", before, before, False, heads)
        for level in range(len(widths), 0, -1):
            if level < len(widths):
                self.add_module(f"up{level}_conv", nn.Conv2d(before, before, 3, padding=1))
            for i in range(1, depth + 2):
                self._block(f"up{level}_{i}", before + skips.pop(), widths[level - 1], level in attention, heads)
                before = widths[level - 1]
        self.final_norm = self._norm(before)
        self.prediction = nn.Conv2d(before, channels, 3, padding=1)

    def _norm(self, width: int) -> nn.GroupNorm:
        return nn.GroupNorm(max(n for n in range(1, self.groups + 1) if width % n == 0), width, EPSILON)

    def _block(self, name: str, before: int, width: int, attend: bool, heads: int) -> None:
        self.add_module(f"{name}_1_norm", self._norm(before))
        self.add_module(f"{name}_1_conv", nn.Conv2d(before, width, 3, padding=1))
        self.add_module(f"{name}_condition", nn.Linear(self.told, width))
        self.add_module(f"{name}_2_norm", self._norm(width))
        self.add_module(f"{name}_2_conv", nn.Conv2d(width, width, 3, padding=1))
        if before != width:
            self.add_module(f"{name}_shortcut", nn.Conv2d(before, width, 1))
        if attend:
            self.add_module(f"{name}_attention_norm", self._norm(width))
            self.add_module(f"{name}_attention", SelfAttention(width, heads))

    def _run(self, name: str, x: Tensor, condition: Tensor) -> Tensor:
        y = getattr(self, f"{name}_1_conv")(F.silu(getattr(self, f"{name}_1_norm")(x)))
        y = y + getattr(self, f"{name}_condition")(condition)[:, :, None, None]
        y = getattr(self, f"{name}_2_conv")(F.silu(getattr(self, f"{name}_2_norm")(y)))
        shortcut = getattr(self, f"{name}_shortcut", None)
        x = (x if shortcut is None else shortcut(x)) + y
        attention = getattr(self, f"{name}_attention", None)
        if attention is None:
            return x
        y = getattr(self, f"{name}_attention_norm")(x).flatten(2).transpose(1, 2)
        return x + attention(y).transpose(1, 2).view(x.shape)

    def forward(self, image: Tensor, time: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` and `(batch,)` to the shape of the images."""
        waves: Any = self.waves
        angles = time[:, None] * waves
        told = F.silu(self.time_dense1(torch.cat([angles.sin(), angles.cos()], dim=1)))
        told = F.silu(self.time_dense2(told))
        x = self.stem_conv(image)
        skips = [x]
        for level in range(1, len(self.widths) + 1):
            if level > 1:
                x = getattr(self, f"down{level}_conv")(x)
                skips.append(x)
            for i in range(1, self.depth + 1):
                x = self._run(f"down{level}_{i}", x, told)
                skips.append(x)
        x = self._run("middle2", self._run("middle1", x, told), told)
        for level in range(len(self.widths), 0, -1):
            if level < len(self.widths):
                size = self.sizes[level - 1]
                x = F.interpolate(x, scale_factor=2.0, mode="nearest")[:, :, :size, :size]
                x = getattr(self, f"up{level}_conv")(x)
            for i in range(1, self.depth + 2):
                x = self._run(f"up{level}_{i}", torch.cat([x, skips.pop()], dim=1), told)
        return self.prediction(F.silu(self.final_norm(x)))


def cosine_process(time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of image and noise of the cosine schedule (Nichol and Dhariwal, 2021), `(batch, 1, 1, 1)`."""
    offset = 0.008
    a = (time + offset) / (1 + offset) * (math.pi / 2)
    alpha = (a.cos() / math.cos(offset / (1 + offset) * math.pi / 2)).clamp(min=1e-3)
    sigma = (1 - alpha**2).clamp(min=0).sqrt()
    return alpha[:, None, None, None], sigma[:, None, None, None]


def load(network: nn.Module, weights: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Give a network the weights of the zoo's layers, by name.

    Args:
        network: one of these networks.
        weights: the arrays of each layer, as `layer.get_weights()` gives them.
    """
    used = set()

    def put(parameter: Any, value: np.ndarray) -> None:
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))

    for name, module in network.named_modules():
        if name not in weights and not isinstance(module, nn.RNNBase):
            continue
        used.add(name)
        if isinstance(module, nn.RNNBase):
            for i in range(module.num_layers):
                layer = f"layer{i + 1}"
                used.add(layer)
                kernel, recurrent, bias = (_gates(value, module) for value in weights[layer])
                put(getattr(module, f"weight_ih_l{i}"), kernel.T)
                put(getattr(module, f"weight_hh_l{i}"), recurrent.T)
                if isinstance(module, nn.LSTM):
                    put(getattr(module, f"bias_ih_l{i}"), bias)
                else:
                    put(getattr(module, f"bias_ih_l{i}"), bias[0])
                    put(getattr(module, f"bias_hh_l{i}"), bias[1])
            used.discard(name)
            continue
        given = list(weights[name])
        if isinstance(module, SelfAttention):
            for part in (module.query, module.key_value, module.projection):
                put(part.weight, given.pop(0).T)
                put(part.bias, given.pop(0))
        elif isinstance(module, nn.Embedding):
            put(module.weight, given.pop(0))
        elif isinstance(module, nn.BatchNorm2d):
            for parameter in (module.weight, module.bias, module.running_mean, module.running_var):
                put(parameter, given.pop(0))
        elif isinstance(module, nn.LayerNorm | nn.GroupNorm):
            put(module.weight, given.pop(0))
            put(module.bias, given.pop(0))
        else:
            axes = {2: (1, 0), 4: (3, 2, 0, 1)}[given[0].ndim]
            kernel = given.pop(0).transpose(axes)
            if isinstance(module, nn.Conv2d) and kernel.ndim == 2:  # the zoo's is a dense layer on each pixel
                kernel = kernel[:, :, None, None]
            put(module.weight, kernel)
            if module.bias is not None:
                put(module.bias, given.pop(0))
    left = {name for name, arrays in weights.items() if arrays} - used
    if left:
        raise ValueError(f"no module for the weights of {sorted(left)}")


def _gates(value: np.ndarray, module: nn.RNNBase) -> np.ndarray:
    """Order the gates as PyTorch does: the GRU's update and reset gates change places."""
    if isinstance(module, nn.LSTM):
        return value
    update, reset, candidate = np.split(value, 3, axis=-1)
    return np.concatenate([reset, update, candidate], axis=-1)
