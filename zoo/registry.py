"""The registry of builders. Listing reads their decorators as source text, so it needs neither Keras nor a backend."""

from __future__ import annotations

import fnmatch
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.backend.startup import import_keras, start_keras
from zoo.errors import ZooError, did_you_mean, listing
from zoo.tasks import TASKS
from zoo.utils.decorated import decorated_functions, first_line
from zoo.utils.settings import defaults_of, first_problem
from zoo.utils.shapes import as_shape, is_positive

if TYPE_CHECKING:
    import keras

ENTRY_POINT_GROUP = "zoo.models"
ENCODERS = "image_classification"  # the task whose builders other networks are built around
_OPEN_AXIS = "no `None` dimensions"  # what Keras says of a layer whose weights have no size
_SHARED = ("input_shape", "outputs", "vocabulary", "every_step")  # arguments of builders that are no settings
_LACKS = {  # what is said where one of them is given to a builder that has no such argument
    "outputs": "has no number of outputs to choose, and outputs={} was given",
    "vocabulary": "does not take tokens, and vocabulary={} was given",
    "every_step": "gives one output for a whole sequence, not one for every step",
}


class ModelConfigError(ZooError):
    """A builder's setting is unknown or ill-typed; `key` names it."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One registered builder.

    Attributes:
        name: the registry key, which is the function's name.
        family: the architecture family, which is the module's name.
        tasks: tasks that the builder's head serves.
        input_shape: default input shape, without the batch axis; None for an axis that varies.
        outputs: default number of outputs; None for builders that have no such argument.
        vocabulary: default number of token ids, for builders that take tokens by default.
        paper: source of the architecture.
        summary: first line of the docstring.
        module: module that holds the builder.
    """

    name: str
    family: str
    tasks: tuple[str, ...]
    input_shape: tuple[int | None, ...]
    outputs: int | None = None
    vocabulary: int | None = None
    paper: str = ""
    summary: str
    module: str

    @property
    def served(self) -> tuple[str, ...]:
        """Tasks that the builder serves: its own, and those whose heads are like theirs."""
        return (*self.tasks, *(task.name for task in TASKS.values() if task.like in self.tasks))


_entries: dict[str, Entry] = {}
_builders: dict[str, Callable[..., keras.Model]] = {}


def register(
    *,
    tasks: Sequence[str],
    input_shape: Sequence[int | None],
    outputs: int | None = None,
    vocabulary: int | None = None,
    paper: str = "",
    family: str | None = None,
) -> Callable[[Callable[..., keras.Model]], Callable[..., keras.Model]]:
    """Register a builder under its function's name.

    The function takes `input_shape`, `outputs` and its own settings as keyword arguments, each with an annotation and a
    default, and returns a built functional `keras.Model` that ends in `zoo.layers.head.head`. Models that return what
    they take, or an embedding of it, have no `outputs` and no head. A builder that can take tokens also has the
    argument `vocabulary`, and one that can give an output for each step `every_step`. In this package the decorator's
    arguments are literals, because listing reads them from the source.

    Args:
        tasks: tasks that the builder's head serves, for example `("image_classification",)`.
        input_shape: default input shape, without the batch axis; None for an axis that varies.
        outputs: default number of outputs (classes or values), for builders that have the argument.
        vocabulary: default number of token ids, for builders that take tokens by default.
        paper: source of the architecture.
        family: architecture family; the name of the module where it is left out.

    Raises:
        ZooError: a different builder already has the name.
    """

    def decorate(builder: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
        name, module = builder.__name__, builder.__module__
        made = Entry(
            name=name,
            family=family or module.rpartition(".")[2],
            tasks=tuple(tasks),
            input_shape=tuple(input_shape),
            outputs=outputs,
            vocabulary=vocabulary,
            paper=paper,
            summary=first_line(inspect.getdoc(builder)),
            module=module,
        )
        known = _entries.get(name) or _shipped().get(name)  # not _index: plugins may import the module that is loading
        if known is not None and (known.module != module or name in _builders):
            raise ZooError(f"model '{name}' is already registered by {known.module}; {module} must choose another name")
        _entries[name] = made
        _builders[name] = builder
        return builder

    return decorate


def list_models(pattern: str = "*", *, family: str | None = None, task: str | None = None) -> list[str]:
    """Return the sorted names of the registered builders.

    Args:
        pattern: shell-style wildcard on the name, such as `"res*"`.
        family: only this family.
        task: only builders that serve this task.

    Raises:
        ZooError: no registered builder has that family or task.
    """
    entries = _index().values()
    families, tasks = {e.family for e in entries}, {t for e in entries for t in e.served}
    for what, value, known in (("family", family, families), ("task", task, tasks)):
        if value is not None and value not in known:
            raise ZooError(f"unknown {what} '{value}'{did_you_mean(value, known)} (known: {listing(known)})")
    return sorted(
        e.name
        for e in entries
        if fnmatch.fnmatchcase(e.name, pattern) and family in (None, e.family) and (task is None or task in e.served)
    )


def entry(name: str) -> Entry:
    """Return the registry entry of a builder, without importing its module.

    Raises:
        ZooError: the name is unknown; the message suggests the nearest.
    """
    index = _index()
    if name not in index:
        raise ZooError(f"unknown model '{name}'{did_you_mean(name, index)} (known: {listing(index)})")
    return index[name]


def build(
    name: str,
    *,
    input_shape: Sequence[int | None] | None = None,
    outputs: int | None = None,
    vocabulary: int | None = None,
    every_step: bool = False,
    **config: Any,
) -> keras.Model:
    """Build a model.

    Args:
        name: registry key, for example `"resnet18"`.
        input_shape: shape of one example, without the batch axis, None for an axis that varies; the builder's default
            where it is left out.
        outputs: number of classes or values, for models that have a head; the builder's default where it is left out.
        vocabulary: number of token ids, where the input is tokens; the builder's default where `input_shape` and
            `vocabulary` are both left out.
        every_step: give one output for each step of a sequence.
        **config: the builder's own settings; `defaults(name)` lists them.

    Returns:
        A built model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step` and for dense tasks, to
        one output for each step or pixel; without a final activation.

    Raises:
        ZooError: unknown name, or an argument that is unknown, of the wrong type or out of range.
    """
    found = entry(name)
    if input_shape is None and vocabulary is None:
        vocabulary = found.vocabulary
    shape = found.input_shape if input_shape is None else as_shape(input_shape)
    if shape is None:
        raise ZooError(
            f"model '{name}': input_shape must be a list of positive whole numbers, or None for an axis that varies, "
            f"without the batch axis, as its default {found.input_shape}; received {input_shape!r}"
        )
    validate_config(name, config)
    shared = _shared_arguments(name, outputs=outputs, vocabulary=vocabulary, every_step=every_step)
    start_keras()
    try:
        return builder(name)(input_shape=shape, **shared, **config)
    except ValueError as error:
        given = "".join(f"{key}={value}, " for key, value in {"input_shape": shape, **shared}.items())
        problem = str(error)
        if _OPEN_AXIS in problem:
            problem = f"every axis of input_shape must have a size, as in its default {found.input_shape}"
        raise ZooError(f"model '{name}' with {given}{config}: {problem}") from error


def _shared_arguments(name: str, **asked: Any) -> dict[str, Any]:
    """Return those of `outputs`, `vocabulary` and `every_step` that a builder takes, after a check of all."""
    takes = inspect.signature(builder(name)).parameters
    for argument, value in asked.items():
        if argument not in takes and value is not None and value is not False:
            raise ZooError(f"model '{name}' {_LACKS[argument].format(value)}")
    shared = {argument: value for argument, value in asked.items() if argument in takes}
    if "outputs" in shared and shared["outputs"] is None:
        shared["outputs"] = entry(name).outputs
    for argument in ("outputs", "vocabulary"):
        value = shared.get(argument)
        if argument in shared and not is_positive(value) and (argument == "outputs" or value is not None):
            raise ZooError(f"model '{name}': {argument} must be a positive whole number, received {value!r}")
    return shared


def builder(name: str) -> Callable[..., keras.Model]:
    """Return the builder function itself, importing its module."""
    found = entry(name)
    if name not in _builders:
        import_keras()
        importlib.import_module(found.module)
    return _builders[name]


def defaults(name: str) -> dict[str, Any]:
    """Return the builder's own settings and their default values."""
    return defaults_of(builder(name), _SHARED)


def validate_config(name: str, config: dict[str, Any]) -> None:
    """Check the names and types of a builder's settings against its signature.

    Raises:
        ModelConfigError: an argument is unknown or has the wrong type; the message names the valid ones.
    """
    problem = first_problem(builder(name), config, _SHARED)
    if problem is None:
        return
    key, wanted = problem
    valid = defaults(name)
    if wanted is None:
        text = f"model '{name}' has no setting '{key}'{did_you_mean(key, valid)} (valid: {listing(valid)})"
    else:
        text = f"model '{name}': {key}: {wanted}, received {config[key]!r} (default: {valid[key]!r})"
    raise ModelConfigError(key, text)


def validate_encoder(name: str, config: dict[str, Any]) -> None:
    """Check the builder that a network is built around (`encoder`), and its settings (`encoder_config`).

    Raises:
        ModelConfigError: no builder for images with classes is called so, or its settings are wrong.
    """
    known = list_models(task=ENCODERS)
    if name not in known:
        text = f"no model for {ENCODERS} is called '{name}'{did_you_mean(name, known)} (known: {listing(known)})"
        raise ModelConfigError("encoder", text)
    try:
        validate_config(name, config)
    except ModelConfigError as error:
        raise ModelConfigError("encoder_config", str(error)) from error


def build_encoder(name: str, input_shape: Sequence[int | None], config: dict[str, Any] | None) -> keras.Model:
    """Build the network that another one is built around (`encoder`), with a head of one output.

    Raises:
        ValueError: no builder for images with classes is called so, or its settings are wrong.
        ZooError: it cannot be built for the shape.
    """
    try:
        validate_encoder(name, config or {})
    except ModelConfigError as error:
        raise ValueError(f"{error.key}: {error}") from error
    return build(name, input_shape=input_shape, outputs=1, **(config or {}))


def _index() -> dict[str, Entry]:
    """Return every entry: read from the package's sources, from entry points, or registered by hand."""
    for point in _plugins():
        point.load()
    return {**_shipped(), **_entries}


@cache
def _shipped() -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path in sorted((Path(__file__).parent / "models").glob("*.py")):
        module = f"zoo.models.{path.stem}"
        for function in decorated_functions(path, register.__name__):
            name = function.name
            if name in found:
                raise ZooError(f"a model named '{name}' is defined in {found[name].module} and in {module}")
            given = {"family": path.stem, **function.arguments}
            found[name] = Entry(name=name, module=module, summary=function.summary, **given)
    return found


@cache
def _plugins() -> Iterator[EntryPoint]:
    """Return the entry points that are still to be loaded: an iterator, since a plugin may list models itself."""
    return iter(entry_points(group=ENTRY_POINT_GROUP))
