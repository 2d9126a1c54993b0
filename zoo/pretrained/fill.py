"""Which tensor of a file fills which variable of a network: all is checked before the first one is written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.errors import ZooError, counted
from zoo.layers.head import LOGITS
from zoo.layers.patches import Patches
from zoo.layers.positions import LearnedPositions
from zoo.models.weights.naming import Naming, Rows
from zoo.pretrained.adapt import with_channels, with_positions, with_special_ids
from zoo.pretrained.forms import form_of, leaves
from zoo.pretrained.tensors import FLOATS, Tensor, Tensors

if TYPE_CHECKING:
    from zoo.pretrained.forms import Transform

SpecialIds = tuple[int | None, ...]  # see `zoo.pretrained.adapt.with_special_ids`
_BLOCK = re.compile(r"(?:stage\d+_)?block\d+(?:_layer\d+)?|stage\d+_\d+")


@dataclass(frozen=True)
class Part:
    """A tensor of the file, or one of several equal parts of it."""

    name: str
    part: int = 0
    parts: int = 1


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A variable, and what fills it.

    Attributes:
        variable: the variable.
        sources: of the file, side by side.
        axis: along which they are, and along which they are parts.
        transform: takes them as one array; returns what the variable gets.
        added: a tensor whose first row is added.
        subtracted: a tensor that is subtracted.
    """

    variable: Any
    sources: tuple[Part, ...]
    axis: int = 0
    transform: Callable[[np.ndarray], np.ndarray]
    added: str = ""
    subtracted: str = ""

    def value(self, read: Callable[[str], np.ndarray]) -> np.ndarray:
        """Return what the variable gets, by a function that reads a tensor."""
        found = [np.split(read(s.name), s.parts, self.axis)[s.part] for s in self.sources]
        value = self.transform(np.concatenate(found, self.axis) if len(found) > 1 else found[0])
        if self.added:
            value = value + read(self.added)[0]
        return value - read(self.subtracted) if self.subtracted else value


@dataclass(kw_only=True)
class Plan:
    """What loading will do.

    Attributes:
        filled: variables and what fills them.
        kept: layers that keep their first values: the head.
        notes: what is adapted or left out, a sentence each.
        equal: pairs of tensors of the file that must hold the same numbers.
        has_special_ids: the network's ids begin with special ones, and go on with the file's.
    """

    filled: list[Filled] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    equal: list[tuple[str, str]] = field(default_factory=list)
    has_special_ids: bool = False


def choose_naming(tensors: Tensors, namings: Sequence[Naming]) -> Naming | None:
    """Return the names that a file uses; None where it uses none of these."""
    for naming in namings:
        names = (naming.has,) if isinstance(naming.has, str) else naming.has
        if all(name in tensors for name in names) and naming.rows in (None, (tensors[names[0]].shape or (0,))[0]):
            return naming
    return None


class _Number(int):
    """A number in a name: `{0:-1}` is one less, `{0:*2-1}` one less than twice it."""

    def __format__(self, spec: str) -> str:
        factor, offset = re.fullmatch(r"(?:\*(\d+))?([+-]\d+)?", spec).groups(default="")  # type: ignore[union-attr]
        return str(self * int(factor or 1) + int(offset or 0))


def _modules(path: str, rows: Rows, block: int) -> tuple[str, ...]:
    """Return their modules for our layer, empty where there are none."""
    for pattern, modules in rows.items():
        found = re.fullmatch(pattern, path)
        if found is not None:
            numbers = [_Number(n) for n in found.groups()]
            names = (modules,) if isinstance(modules, str) else modules
            return tuple(name.format(*numbers, n=_Number(block)) for name in names)
    return ()


def plan_by_naming(model: keras.Model, tensors: Tensors, naming: Naming, special: SpecialIds = ()) -> Plan:
    """Return what loading will do with the names of a library.

    Args:
        model: the network.
        tensors: of the file.
        naming: its names.
        special: for a network whose ids begin with special ones, what these are in the file; empty where its ids are
            the file's own.

    Raises:
        ZooError: the file is of another architecture: a tensor is missing, has another shape, or has no place.
    """
    return _Planner(model, tensors, naming, special).plan()


@dataclass
class _Planner:
    model: keras.Model
    tensors: Tensors
    naming: Naming
    special: SpecialIds
    found: Plan = field(default_factory=Plan)

    def plan(self) -> Plan:
        blocks = list[str]()
        for path, layer in leaves(self.model):
            block = _BLOCK.match(path)
            if block and block[0] not in blocks:
                blocks.append(block[0])
            modules = _modules(path, self.naming.layers, len(blocks) - 1)
            if not modules:
                raise ZooError(f"the names of {self.naming.origin} have none for layer '{path}' of the network")
            self.check_settings(layer)
            biases = _modules(path, self.naming.folded, len(blocks) - 1)
            if path == LOGITS and not self.has_head(layer, modules):
                self.found.kept.append(path)
                continue
            for attribute, suffix, transform in form_of(layer, transposed=self.naming.dense == "out_in"):
                variable = getattr(layer, attribute, None)
                if variable is not None:
                    parts = tuple(_part(module, suffix) for module in modules)
                    filled = self.fill(path, variable, parts, transform)
                    if biases and attribute == "moving_mean":
                        filled = self.without_bias(filled, f"{biases[0]}.bias")
                    self.found.filled.append(filled)
        self.check_left_over()
        return self.found

    def has_head(self, layer: keras.layers.Layer, modules: tuple[str, ...]) -> bool:
        """Return whether the file's head is the network's; say why it is not."""
        kernel = self.tensors.get(f"{modules[0]}.weight")
        outputs = layer.kernel.shape[-1]
        if kernel is None:
            self.found.notes.append("the head is new: the file has none")
            return False
        if kernel.shape[0] != outputs and not self.has_special_ids(
            LOGITS, (outputs, layer.kernel.shape[0]), kernel.shape
        ):
            self.found.notes.append(f"the head is new: it has {outputs} outputs, and the file's {kernel.shape[0]}")
            return False
        return True

    def has_special_ids(self, path: str, wanted: tuple[int, ...], shape: tuple[int, ...]) -> bool:
        """Return whether a matrix `(ids, width)` is the file's behind vectors of special ids.

        The file of a language model may have more vectors than there are tokens.
        """
        paths = ("embedding", LOGITS) if self.naming.token_logits else ("embedding",)
        if not self.special or path not in paths or len(shape) != 2 or wanted[1:] != shape[1:]:
            return False
        count = shape[0] + len(self.special)
        return len(self.special) < wanted[0] <= count if self.naming.token_logits else wanted[0] == count

    def check_settings(self, layer: keras.layers.Layer) -> None:
        """Check that a layer has the form that those of the library have.

        Raises:
            ZooError: it pads in another way, or has another epsilon.
        """
        epsilon, padding = self.naming.settings.get("epsilon"), self.naming.settings.get("padding")
        if epsilon and isinstance(layer, keras.layers.BatchNormalization) and layer.epsilon != epsilon:
            raise ZooError(
                f"layer '{layer.name}' has epsilon {layer.epsilon}, and the networks of {self.naming.origin} have "
                f"{epsilon}: set epsilon={epsilon}"
            )
        strided = isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D) and max(layer.strides) > 1
        if padding and strided and max(layer.kernel_size) > 1 and (layer.padding == "same") != (padding == "same"):
            raise ZooError(
                f"layer '{layer.name}' has another padding than the networks of {self.naming.origin}: set "
                f"padding={padding!r}"
            )

    def without_bias(self, filled: Filled, bias: str) -> Filled:
        """Return a mean from which a bias is subtracted.

        Raises:
            ZooError: the file lacks the bias, or it has another shape.
        """
        shape = tuple(filled.variable.shape)
        if bias not in self.tensors or self.tensors[bias].shape != shape or self.tensors[bias].dtype not in FLOATS:
            raise ZooError(f"the file lacks the tensor '{bias}' of the shape {shape}")
        return replace(filled, subtracted=bias)

    def fill(self, path: str, variable: Any, parts: tuple[Part, ...], transform: Transform) -> Filled:
        for part in parts:
            if part.name not in self.tensors:
                raise ZooError(f"the file lacks the tensor '{part.name}' for layer '{path}'")
            if self.tensors[part.name].dtype not in FLOATS:
                raise ZooError(f"tensor '{part.name}' holds {self.tensors[part.name].dtype}, and weights are floats")
        axis = 0 if self.naming.dense == "out_in" else -1
        shapes = [_shape_of(self.tensors[part.name], part, axis) for part in parts]
        shape = list(shapes[0])
        if len(shapes) > 1:
            shape[axis] = sum(each[axis] for each in shapes)
        added = self.naming.first_segment if path == "positions" else ""
        if added and added not in self.tensors:
            added = ""
        elif added:
            self.found.notes.append(
                f"the first row of {added} is added to the positions; those of a second text are not"
            )
        found = self.adapted(path, variable, tuple(shape), transform)
        return Filled(variable=variable, sources=parts, axis=axis, transform=found, added=added)

    def adapted(
        self, path: str, variable: Any, shape: tuple[int, ...], transform: Transform
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return what brings a tensor of a shape into that of the variable.

        Raises:
            ZooError: nothing does.
        """
        wanted = tuple(variable.shape)
        layer = self.model.get_layer(path.partition("/")[0])
        if isinstance(layer, LearnedPositions):
            return self.positions(layer, shape)
        if path == self.naming.flattened and len(shape) == 2 and math.prod(shape) == math.prod(wanted):
            height, width, channels = self.flattened_maps
            return lambda values: transform(values.reshape(-1, channels, height, width), variable)
        if math.prod(shape) == math.prod(wanted):
            if transform(np.broadcast_to(np.float32(0), shape), variable).shape == wanted:
                return lambda values: transform(values, variable)
        elif path == self.naming.first and len(shape) == 4:
            return self.channels(path, wanted, shape)
        elif self.has_special_ids(path, wanted if path != LOGITS else wanted[::-1], shape):
            count = wanted[-1] if path == LOGITS else wanted[0]
            self.found.has_special_ids = True
            self.found.notes.append(
                f"the ids of '{path}' begin with {len(self.special)} special ones, which have the vectors of the "
                "file's own"
            )
            if count < shape[0] + len(self.special):
                over = shape[0] + len(self.special) - count
                self.found.notes.append(f"left out: the last {over} vectors of '{path}', which no token has")
            are_logits = self.naming.token_logits
            return lambda values: transform(
                with_special_ids(values, self.special, count, are_logits=are_logits), variable
            )
        raise ZooError(f"layer '{path}' has a variable of the shape {wanted}, and the file's has {shape}")

    def channels(
        self, path: str, wanted: tuple[int, ...], shape: tuple[int, ...]
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return what brings a first convolution `(filters, channels, height, width)` to other channels."""
        filters, given, height, width = shape
        count = math.prod(wanted) // (filters * height * width)
        if math.prod(wanted) != count * filters * height * width or wanted[-1] != filters or len(wanted) not in (2, 4):
            raise ZooError(f"layer '{path}' has a kernel of the shape {wanted}, and the file's has {shape}")
        self.found.notes.append(f"the first convolution is adapted from {given} channels to {count}")
        return lambda values: with_channels(values.transpose(2, 3, 1, 0), count).reshape(wanted)

    def positions(self, layer: LearnedPositions, shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
        """Return what brings learned positions to the number that the network has."""
        skipped, prefix, grid = self.naming.skipped_positions, self.naming.prefix, self.grid
        own, width = layer.embeddings.shape
        new = self.naming.new_positions
        count = own - new
        steps = shape[-2] - skipped if len(shape) > 1 else 0
        if len(shape) not in (2, 3) or shape[-1] != width or math.prod(shape[:-2]) != 1 or steps < 1:
            raise ZooError(f"the network has positions of the shape {(count, width)}, and the file's have {shape}")
        if steps != count:
            how = "the first of them are taken" if grid is None else "resized by bicubic interpolation"
            self.found.notes.append(f"the network has {count} positions, and the file {steps}: {how}")
            if grid is None and steps < count:
                raise ZooError(f"the file has {steps} positions; set maximum_length to at most that, not {count}")

        def adapt(values: np.ndarray) -> np.ndarray:
            found = with_positions(values.reshape(-1, width)[skipped:], count, prefix, grid=grid)
            return np.concatenate([np.zeros((new, width), np.float32), found])

        return adapt

    @property
    def flattened_maps(self) -> tuple[int, ...]:
        """Height, width and channels of the maps that the network flattens."""
        flat = next(layer for layer in self.model.layers if isinstance(layer, keras.layers.Flatten))
        return tuple(flat.input.shape[1:])

    @cached_property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of the patches that an image is cut into; None for other networks."""
        for layer in self.model.layers:
            if isinstance(layer, Patches):
                _, height, width, _ = layer.input.shape
                return height // layer.size, width // layer.size
        return None

    def check_left_over(self) -> None:
        """Check that each tensor of the file is used, or left out for a reason, which is noted."""
        used = {part.name for filled in self.found.filled for part in filled.sources}
        used |= {name for filled in self.found.filled for name in (filled.added, filled.subtracted)}
        if LOGITS in self.found.kept:
            head = _modules(LOGITS, self.naming.layers, 0)[0]
            used |= {f"{head}.weight", f"{head}.bias"}
        over = [name for name in self.tensors if name not in used]
        for name in over:
            if name in self.naming.copies:
                self.found.equal.append((name, self.naming.copies[name]))
        for pattern, why in self.naming.left_out.items():
            named = [name for name in over if re.fullmatch(pattern, name)]
            if named:
                self.found.notes.append(f"left out: {counted(named, 'tensors')}, {why}")
            over = [name for name in over if name not in named]
        if over:
            raise ZooError(f"the network has no place for {counted(over, 'tensors')} of the file")


def _part(module: str, suffix: str) -> Part:
    name, _, fraction = module.partition("#")
    part, _, parts = fraction.partition("/")
    suffix = suffix.removeprefix(".") if name.endswith("_") else suffix
    return Part(name + suffix, int(part or 0), int(parts or 1))


def _shape_of(tensor: Tensor, part: Part, axis: int) -> tuple[int, ...]:
    shape = list(tensor.shape)
    if part.parts > 1:
        if not shape or shape[axis] % part.parts:
            raise ZooError(f"tensor '{part.name}' of the shape {tensor.shape} has no {part.parts} equal parts")
        shape[axis] //= part.parts
    return tuple(shape)
