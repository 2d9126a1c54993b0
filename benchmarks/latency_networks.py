"""Networks of the comparison of latencies, by hand in PyTorch as its users write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_networks import BLOCK_EPSILON, EPSILON, SelfAttention


class TokenRecurrent(nn.Module):
    """Embedding, one recurrent layer, the last step that is not padding, a linear head."""

    def __init__(self, kind: str, vocabulary: int = 100, width: int = 64, units: int = 128, outputs: int = 5) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.recurrent = getattr(nn, kind)(width, units, batch_first=True)
        self.logits = nn.Linear(units, outputs)
        if kind == "LSTM":  # the zoo's has one bias
            self.recurrent.bias_hh_l0.requires_grad_(False).zero_()

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `(batch, steps)` to `(batch, outputs)`."""
        x, _ = self.recurrent(self.embedding(tokens))
        last = (tokens != 0).sum(1).sub(1).clamp(min=0)
        return self.logits(torch.gather(x, 1, last[:, None, None].expand(-1, 1, x.shape[2]))[:, 0])


class GPTStep(nn.Module):
    """Next tokens through a pre-norm causal transformer, after those whose keys and values a cache holds."""

    def __init__(self, vocabulary: int, longest: int, width: int, depth: int, heads: int, outputs: int) -> None:
        super().__init__()
        self.depth = depth
        self.embedding, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(longest, width)
        for i in range(1, depth + 1):
            self.add_module(f"block{i}_attention_norm", nn.LayerNorm(width, BLOCK_EPSILON))
            self.add_module(f"block{i}_attention", SelfAttention(width, heads))
            self.add_module(f"block{i}_mlp_norm", nn.LayerNorm(width, BLOCK_EPSILON))
            self.add_module(f"block{i}_mlp_dense1", nn.Linear(width, 4 * width))
            self.add_module(f"block{i}_mlp_dense2", nn.Linear(4 * width, width))
        self.blocks_norm = nn.LayerNorm(width, BLOCK_EPSILON)
        self.logits = nn.Linear(width, outputs)

    def forward(self, tokens: Tensor, length: Tensor, caches: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Map tokens, `(batch, steps)`, to logits, `(batch, steps, outputs)`, and their keys and values.

        Args:
            tokens: the next ones.
            length: steps that the cache holds, `(batch,)`.
            caches: keys and values of each block, `(batch, heads, capacity, size)`.
        """
        steps, capacity = tokens.shape[1], caches[0].shape[2]
        x = self.embedding(tokens) + self.positions(length[:, None] + torch.arange(steps))
        held = (torch.arange(capacity) < length[:, None])[:, None, None, :].expand(-1, 1, steps, -1)
        earlier = torch.ones(steps, steps, dtype=torch.bool).tril()[None, None].expand(tokens.shape[0], 1, -1, -1)
        mask, added = torch.cat([held, earlier], dim=3), []
        for i in range(1, self.depth + 1):
            attention: Any = getattr(self, f"block{i}_attention")
            y = getattr(self, f"block{i}_attention_norm")(x)
            q, k, v = (
                t.view(*tokens.shape, attention.heads, -1).transpose(1, 2)
                for t in (attention.query(y), *attention.key_value(y).chunk(2, dim=-1))
            )
            added += [k, v]
            keys, values = torch.cat([caches[2 * i - 2], k], dim=2), torch.cat([caches[2 * i - 1], v], dim=2)
            y = F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
            x = x + attention.projection(y.transpose(1, 2).flatten(2))
            y = F.gelu(getattr(self, f"block{i}_mlp_dense1")(getattr(self, f"block{i}_mlp_norm")(x)))
            x = x + getattr(self, f"block{i}_mlp_dense2")(y)
        return self.logits(self.blocks_norm(x)), added


class _Convolutions(nn.Module):
    """What networks of named convolutions share."""

    def _convolution(self, name: str, before: int, width: int, kernel: int = 3, stride: int = 1) -> None:
        self.add_module(f"{name}_conv", nn.Conv2d(before, width, kernel, stride, kernel // 2, bias=False))
        self.add_module(f"{name}_norm", nn.BatchNorm2d(width, EPSILON))

    def _normed(self, name: str, x: Tensor) -> Tensor:
        return getattr(self, f"{name}_norm")(getattr(self, f"{name}_conv")(x))


class SegmentationUNet(_Convolutions):
    """U-Net with batch norm and padded convolutions (Ronneberger et al., 2015)."""

    def __init__(self, channels: int, widths: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.levels, before = len(widths), channels
        for level, width in enumerate(widths, start=1):
            self._convolution(f"down{level}_1", before, width)
            self._convolution(f"down{level}_2", width, width)
            before = width
        for level in range(self.levels - 1, 0, -1):
            width = widths[level - 1]
            self.add_module(f"up{level}_conv", nn.ConvTranspose2d(widths[level], width, 2, 2))
            self._convolution(f"up{level}_1", 2 * width, width)
            self._convolution(f"up{level}_2", width, width)
        self.logits = nn.Conv2d(widths[0], outputs, 1)

    def _double(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self._normed(f"{name}_2", F.relu(self._normed(f"{name}_1", x))))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, outputs, height, width)`."""
        skips = []
        for level in range(1, self.levels + 1):
            if level > 1:
                skips.append(x)
                x = F.max_pool2d(x, 2)
            x = self._double(f"down{level}", x)
        for level in range(self.levels - 1, 0, -1):
            x = getattr(self, f"up{level}_conv")(x)
            x = self._double(f"up{level}", torch.cat([skips.pop(), x], dim=1))
        return self.logits(x)


class CenterNet(_Convolutions):
    """Maps of a ResNet of basic blocks with an upsampling path (Zhou et al., 2019)."""

    def __init__(self, channels: int, widths: Sequence[int], depth: int, head_width: int, outputs: int) -> None:
        super().__init__()
        self.levels = len(widths)
        self._convolution("stem", channels, widths[0], 7, 2)
        self.blocks, before = [], widths[0]
        for stage, width in enumerate(widths, start=1):
            for i in range(1, depth + 1):
                name, stride = f"stage{stage}_block{i}", 2 if stage > 1 and i == 1 else 1
                self._convolution(f"{name}_1", before, width, 3, stride)
                self._convolution(f"{name}_2", width, width)
                if stride > 1:
                    self._convolution(f"{name}_shortcut", before, width, 1, stride)
                self.blocks.append((name, stride > 1, i == depth))
                before = width
        for level in range(self.levels - 1, 0, -1):
            width = widths[level - 1]
            self.add_module(f"up{level}_conv", nn.ConvTranspose2d(widths[level], width, 2, 2))
            self._convolution(f"up{level}_merge", width, width)
        self._convolution("maps", widths[0], head_width)
        self.logits = nn.Conv2d(head_width, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, outputs, height / 4, width / 4)`."""
        x = F.max_pool2d(F.relu(self._normed("stem", x)), 3, 2, 1)
        stages = []
        for name, projects, is_last in self.blocks:
            y = self._normed(f"{name}_2", F.relu(self._normed(f"{name}_1", x)))
            x = F.relu((self._normed(f"{name}_shortcut", x) if projects else x) + y)
            if is_last:
                stages.append(x)
        for level in range(self.levels - 1, 0, -1):
            x = getattr(self, f"up{level}_conv")(x) + stages[level - 1]
            x = F.relu(self._normed(f"up{level}_merge", x))
        return self.logits(F.relu(self._normed("maps", x)))
