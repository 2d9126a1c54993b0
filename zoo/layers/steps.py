"""A sequence model as a function of its next steps and a cache, with the same weights.

A model that reads a source apart from its target becomes two: the encoder, which runs once, and the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from zoo.errors import ZooError
from zoo.layers.attention import Attention
from zoo.layers.attention_recurrent import WeightedMemory
from zoo.layers.cached import (
    CachedAttention,
    CachedConvolution,
    CachedPositions,
    CachedScores,
    EncodedMemory,
    HiddenSteps,
    MemoryAttention,
    state_entries,
    with_state,
)
from zoo.layers.positions import LearnedPositions, Rotations, SinusoidalPositions
from zoo.layers.recurrent import ZeroPaddedSteps
from zoo.layers.relative_positions import RelativeScores
from zoo.layers.stochastic_depth import StochasticDepth
from zoo.layers.tied_embedding import TiedEmbedding
from zoo.layers.transformer import SwiGLU
from zoo.layers.unlikely_tokens import UnlikelyTokens
from zoo.utils.cache_entry import CacheEntry

LENGTH = "length"  # input of a step: steps in the cache

# Layers that map each step by itself.
_STEPWISE = (
    *(keras.layers.Dense, keras.layers.Embedding, keras.layers.Activation, keras.layers.ReLU, keras.layers.Rescaling),
    *(keras.layers.Add, keras.layers.Multiply, keras.layers.Concatenate, keras.layers.Identity, keras.layers.Dropout),
    *(keras.layers.SpatialDropout1D, keras.layers.LayerNormalization, keras.layers.RMSNormalization),
    *(keras.layers.BatchNormalization, SwiGLU, TiedEmbedding, StochasticDepth, ZeroPaddedSteps, WeightedMemory),
    UnlikelyTokens,
)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A sequence model in two parts.

    Attributes:
        encoder: from the source to the entries that it encodes, in their order; None where there is no source.
        step: from the next tokens, the length where `has_length`, and the entries, to the logits and the new values of
            the entries that are not constant.
        entries: the cache.
        has_length: the step needs to know how many steps the cache holds.
    """

    encoder: keras.Model | None
    step: keras.Model
    entries: tuple[CacheEntry, ...]
    has_length: bool


def split_steps(network: keras.Model) -> Steps:
    """Return a causal model of tokens as a function of its next steps.

    Args:
        network: from tokens, or from a source and a target, to the logits of each step.

    Raises:
        ZooError: a layer mixes steps in a way that has no cache.
    """
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), network.input
    )
    *source, target = keras.tree.flatten(inputs)
    build = _Builder(target)
    again = keras.models.clone_model(
        network, input_tensors=inputs, clone_function=lambda layer: layer, call_function=build.call
    )
    return build.finish(again, source)


@dataclass
class _Builder:
    """Follows a model operation by operation and builds the step beside it.

    Attributes:
        target: the input that is given step by step.
    """

    target: keras.KerasTensor
    tokens: keras.KerasTensor = field(init=False)
    length: keras.KerasTensor = field(init=False)
    has_length: bool = False
    hidden: keras.KerasTensor | None = None  # scores of steps that are not to be seen
    relative: dict[int, RelativeScores] = field(default_factory=dict)  # by the id of what they return
    scores: dict[int, keras.KerasTensor] = field(default_factory=dict)  # hidden steps and relative positions together
    entries: list[CacheEntry] = field(default_factory=list)
    given: list[keras.KerasTensor] = field(default_factory=list)  # inputs of the step, one for each entry
    encoded: list[keras.KerasTensor] = field(default_factory=list)  # outputs of the encoder
    renewed: list[keras.KerasTensor] = field(default_factory=list)  # new values of entries that are not constant
    steps: dict[int, keras.KerasTensor] = field(default_factory=dict)  # of tensors of the model, by their id
    kept: list[Any] = field(default_factory=list)  # so that no id is used twice
    boundary: dict[int, keras.KerasTensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokens = keras.Input((None,), dtype=self.target.dtype, name="tokens")
        self.steps[id(self.target)] = self.tokens
        self.length = keras.Input((), dtype="int32", name=LENGTH)

    def call(self, operation: Any, *arguments: Any, **options: Any) -> Any:
        """Call an operation as the model does, and again on the steps where its inputs come from them."""
        found = operation(*arguments, **options)
        self.kept.append(found)
        tensors = [t for t in keras.tree.flatten([arguments, options]) if isinstance(t, keras.KerasTensor)]
        if isinstance(operation, RelativeScores) and id(arguments[0]) in self.steps:
            self.relative[id(found)] = operation
        elif any(id(t) in self.steps for t in tensors):
            self.steps[id(found)] = self._rule(operation)(operation, arguments, options)
        return found

    def _rule(self, operation: Any) -> Callable[..., Any]:
        if not isinstance(operation, keras.layers.Layer) or isinstance(operation, _STEPWISE):
            return self._stepwise
        for kind, rule in self._rules().items():
            if isinstance(operation, kind):
                return rule
        raise ZooError(
            f"layer '{operation.name}' ({type(operation).__name__}) mixes steps, and this version has no cache for it"
        )

    def _rules(self) -> dict[type, Callable[..., Any]]:
        return {
            Attention: self._attention,
            LearnedPositions: self._positions,
            SinusoidalPositions: self._positions,
            Rotations: self._positions,
            keras.layers.RNN: self._recurrent,
            keras.layers.Conv1D: self._convolution,
        }

    def _stepwise(self, operation: Any, arguments: Any, options: Any) -> Any:
        arguments, options = keras.tree.map_structure(self._step_of, [arguments, options])
        return operation(*arguments, **options)

    def _attention(self, layer: Attention, arguments: Any, options: Any) -> Any:
        x, *_ = arguments
        context = options.get("context")
        if context is not None:
            if id(context) in self.steps or id(x) not in self.steps:
                raise ZooError(f"layer '{layer.name}' attends to later steps, which has no cache")
            encode = EncodedMemory(layer)
            memory = encode(context, options.get("valid"))
            given = [self._given(e, t) for e, t in zip(encode.entries(x.shape[-1]), memory, strict=True)]
            return MemoryAttention(layer)(self._step_of(x), *given)
        if not layer.causal or options.get("valid") is not None:
            raise ZooError(f"layer '{layer.name}' attends to later steps, which has no cache")
        cached = CachedAttention(layer)
        given = [self._given(entry) for entry in cached.entries(x.shape[-1])]
        if self.hidden is None:  # is the same in all layers
            self.has_length, self.hidden = True, HiddenSteps(name="hidden_steps")(self.tokens, self.length, given[0])
        rotations = options.get("rotations")
        given_rotations = {} if rotations is None else {"rotations": self._step_of(rotations)}
        hidden = self._hidden(options.get("added_scores"))
        y, *new = cached(self._step_of(x), hidden, *given, **given_rotations)
        self.renewed += new
        return y

    def _hidden(self, added: keras.KerasTensor | None) -> keras.KerasTensor:
        """Return the scores that are added in self-attention: of hidden steps, and of relative positions."""
        assert self.hidden is not None, "it is made for the first attention"
        if added is None:
            return self.hidden
        if id(added) not in self.relative:
            raise ZooError("scores that are added in attention and are not of relative positions have no cache")
        if id(added) not in self.scores:
            self.scores[id(added)] = CachedScores(self.relative[id(added)])(self.hidden, self.length)
        return self.scores[id(added)]

    def _positions(self, layer: Any, arguments: Any, options: Any) -> Any:
        if not isinstance(layer, LearnedPositions) and (layer.grid is not None or layer.prefix):
            raise ZooError(f"layer '{layer.name}' has positions on a grid, which have no cache")
        self.has_length = True
        return CachedPositions(layer)(self._step_of(arguments[0]), self.length)

    def _recurrent(self, layer: keras.layers.RNN, arguments: Any, options: Any) -> Any:
        if layer.go_backwards or not layer.return_sequences or getattr(layer, "stateful", False):
            raise ZooError(f"layer '{layer.name}' does not go forward step by step, which has no cache")
        first = options.get("initial_state")
        states = [] if first is None else keras.tree.flatten(first)
        if any(id(state) in self.steps for state in states):
            raise ZooError(f"layer '{layer.name}' starts from states that depend on the steps, which has no cache")
        entries = state_entries(layer, encoded=bool(states))
        given = [self._given(entry, *states[i : i + 1]) for i, entry in enumerate(entries)]
        y, *new = with_state(layer)(self._step_of(arguments[0]), initial_state=given)
        self.renewed += new
        return y

    def _convolution(self, layer: keras.layers.Conv1D, arguments: Any, options: Any) -> Any:
        if layer.kernel_size == (1,) and layer.strides == (1,):
            return self._stepwise(layer, arguments, options)
        if layer.padding != "causal" or layer.strides != (1,) or layer.groups != 1:
            raise ZooError(f"layer '{layer.name}' convolves over later steps, which has no cache")
        cached = CachedConvolution(layer)
        (entry,) = cached.entries(arguments[0].shape[-1])
        y, new = cached(self._step_of(arguments[0]), self._given(entry))
        self.renewed.append(new)
        return y

    def _given(self, entry: CacheEntry, encoded: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """Return a new input of the step, and note what the encoder gives for it."""
        self.entries.append(entry)
        self.given.append(keras.Input(entry.shape, dtype=entry.dtype, name=entry.past))
        if encoded is not None:
            self.encoded.append(encoded)
        return self.given[-1]

    def _step_of(self, value: Any) -> Any:
        """Return what stands for a tensor of the model in the step; what does not depend on the steps is encoded."""
        if not isinstance(value, keras.KerasTensor):
            return value
        if id(value) in self.steps:
            return self.steps[id(value)]
        if id(value) not in self.boundary:
            entry = CacheEntry(
                name=f"memory{len(self.boundary) + 1}",
                shape=tuple(value.shape[1:]),
                dtype=str(value.dtype),
                encoded=True,
                constant=True,
            )
            self.boundary[id(value)] = self._given(entry, value)
        return self.boundary[id(value)]

    def finish(self, again: keras.Model, source: list[keras.KerasTensor]) -> Steps:
        """Return the parts, once the whole model has been followed."""
        if self.encoded and not source:
            raise ZooError(f"model '{again.name}' adds what does not depend on its tokens, which has no cache")
        length = [self.length] if self.has_length else []
        step = keras.Model(
            [self.tokens, *length, *self.given],
            [self.steps[id(again.outputs[0])], *self.renewed],
            name=f"{again.name}_step",
        )
        encoder = keras.Model(source, self.encoded, name=f"{again.name}_encoder") if source else None
        return Steps(encoder=encoder, step=step, entries=tuple(self.entries), has_length=self.has_length)
