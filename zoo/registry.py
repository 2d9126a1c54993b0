"""The registry of builders: register, build, list_models, describe. It knows no model by name.

A family is one file in `zoo/models/`; a builder is one function in it, decorated with `@register`. Listing reads those
decorators from the source text, so that it needs neither Keras nor a backend; the family's module is imported only when
one of its builders is used. Installed packages add builders through the entry-point group `zoo.models`: each entry
point names a module that calls `@register` when it is imported.
"""

from __future__ import annotations

import ast
import fnmatch
import importlib
import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, ValidationError, create_model

from zoo.backend.startup import import_keras, start_keras
from zoo.errors import ZooError, did_you_mean, listing

if TYPE_CHECKING:
    import keras

ENTRY_POINT_GROUP = "zoo.models"
ENCODERS = "image_classification"  # the task whose builders other networks are built around
_SHARED = ("input_shape", "outputs", "vocabulary", "every_step")
_WORDS = {
    "Input should": "must",
    "an instance of Sequence": "a list",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "a valid integer": "a whole number",
    "a valid number": "a number",
}


@dataclass(frozen=True)
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
    outputs: int | None
    vocabulary: int | None
    paper: str
    summary: str
    module: str


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

    The function takes `input_shape` and `outputs` and its own settings as keyword arguments, each annotated and each
    with a default, and returns a built functional `keras.Model` that ends in `zoo.layers.head.head`; builders of models
    that give back what they take, or an embedding of it, have no `outputs` and no head. Where it can take tokens it
    also has the argument `vocabulary`, where it can give one output a step `every_step`. In the package's own families
    the decorator's arguments are literals, because listing reads them from the source.

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
        entry = Entry(
            name=name,
            family=family or module.rpartition(".")[2],
            tasks=tuple(tasks),
            input_shape=tuple(input_shape),
            outputs=outputs,
            vocabulary=vocabulary,
            paper=paper,
            summary=_summary(inspect.getdoc(builder)),
            module=module,
        )
        known = _entries.get(name) or _shipped().get(name)  # not _index: plugins may import the module that is loading
        if known is not None and (known.module != module or name in _builders):
            raise ZooError(
                f"a model named '{name}' is already registered by {known.module}; {module} must choose another name"
            )
        _entries[name] = entry
        _builders[name] = builder
        return builder

    return decorate


def settings_of(
    base: Callable[..., keras.Model], **defaults: Any
) -> Callable[[Callable[..., keras.Model]], Callable[..., keras.Model]]:
    """Give a builder the keyword-only arguments of `base`, which documents them, with some other defaults.

        @register(tasks=("image_classification",), input_shape=(224, 224, 3), outputs=1000)
        @settings_of(_vit, width=384, heads=6)
        def vit_small(**settings: Any) -> keras.Model:
            return _vit("vit_small", **settings)

    The builder names only the arguments that are its own. All others arrive in `**settings`, defaults filled in. The
    decorated function's signature, type hints and docstring list both.

    Args:
        base: function that builds the model from the settings, and documents them.
        **defaults: default values that differ from those of `base`.
    """

    def decorate(builder: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
        own = _keyword_only(builder)
        shared = {key: p for key, p in _keyword_only(base).items() if key not in own}
        shared |= {key: shared[key].replace(default=value) for key, value in defaults.items()}
        filled = {key: p.default for key, p in shared.items() if p.default is not inspect.Parameter.empty}
        hints = _hints(base) | _hints(builder)

        @wraps(builder)
        def build(**settings: Any) -> keras.Model:
            return builder(**{**filled, **settings})

        build.__signature__ = inspect.Signature([*own.values(), *shared.values()])  # type: ignore[attr-defined]
        build.__annotations__ = {key: hints[key] for key in (*own, *shared, "return")}
        build.__doc__ = "\n\n".join([inspect.getdoc(builder) or "", *(inspect.getdoc(base) or "").split("\n\n")[1:]])
        return build

    return decorate


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(function, include_extras=True)


def _keyword_only(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function).parameters
    return {key: p for key, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}


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
    for kind, value, known in (
        ("family", family, {e.family for e in entries}),
        ("task", task, {t for e in entries for t in e.tasks}),
    ):
        if value is not None and value not in known:
            raise ZooError(f"unknown {kind} '{value}'{did_you_mean(value, known)} (known: {listing(known)})")
    return sorted(
        e.name
        for e in entries
        if fnmatch.fnmatchcase(e.name, pattern) and family in (None, e.family) and (task is None or task in e.tasks)
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
        **config: the builder's own settings; `describe(name)["defaults"]` lists them.

    Returns:
        A built model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step` and for dense tasks, to
        one output for each step or pixel; without a final activation.

    Raises:
        ZooError: unknown name, or an argument that is unknown, of the wrong type or out of range.
    """
    found = entry(name)
    if input_shape is None:
        vocabulary = found.vocabulary if vocabulary is None else vocabulary
    shape = found.input_shape if input_shape is None else tuple(input_shape)
    count = found.outputs if outputs is None else outputs
    validate_config(name, config)
    if not shape or any(n is not None and not _positive(n) for n in shape):
        raise ZooError(f"model '{name}': input_shape must be positive whole numbers, received {shape}")
    takes = inspect.signature(builder(name)).parameters
    shared: dict[str, Any] = {}
    if "outputs" in takes:
        if not _positive(count):
            raise ZooError(f"model '{name}': outputs must be a positive whole number, received {count!r}")
        shared["outputs"] = count
    elif outputs is not None:
        raise ZooError(f"model '{name}' has no number of outputs to choose, and outputs={outputs} was given")
    if "vocabulary" in takes:
        shared["vocabulary"] = vocabulary
    elif vocabulary is not None:
        raise ZooError(f"model '{name}' does not take tokens, and vocabulary={vocabulary} was given")
    if "every_step" in takes:
        shared["every_step"] = every_step
    elif every_step:
        raise ZooError(f"model '{name}' gives one output for a whole sequence, not one for every step")
    if vocabulary is not None and not _positive(vocabulary):
        raise ZooError(f"model '{name}': vocabulary must be a positive whole number, received {vocabulary!r}")
    start_keras()
    try:
        return builder(name)(input_shape=shape, **shared, **config)
    except ValueError as error:
        given = "".join(f"{key}={value}, " for key, value in {"input_shape": shape, **shared}.items())
        raise ZooError(f"model '{name}' with {given}{config}: {error}") from error


def _positive(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


def describe(name: str) -> dict[str, Any]:
    """Describe a builder: family, tasks, defaults, parameters, FLOPs, paper.

    Builds the model once with its defaults, so it needs Keras. FLOPs are those of one example's forward pass, counted
    by the backend's own profiler (a multiply-add counts as two), at a stated length where the length is open.
    """
    from zoo.backend.size import LENGTH, count_flops, count_parameters

    found = entry(name)
    model = build(name)
    return {
        "name": name,
        "family": found.family,
        "tasks": list(found.tasks),
        "summary": found.summary,
        "paper": found.paper,
        "defaults": {
            "input_shape": list(found.input_shape),
            **({"outputs": found.outputs} if found.outputs else {}),
            **({"vocabulary": found.vocabulary} if found.vocabulary else {}),
            **defaults(name),
        },
        "parameters": count_parameters(model),
        "flops": count_flops(model, length=LENGTH),
        **({"flops_at_length": LENGTH} if None in found.input_shape else {}),
    }


def builder(name: str) -> Callable[..., keras.Model]:
    """Return the builder function itself, importing its module."""
    found = entry(name)
    if name not in _builders:
        import_keras()
        importlib.import_module(found.module)
    return _builders[name]


def defaults(name: str) -> dict[str, Any]:
    """Return the builder's own settings and their default values."""
    parameters = inspect.signature(builder(name)).parameters
    return {k: p.default for k, p in parameters.items() if k not in _SHARED}


def validate_config(name: str, config: dict[str, Any]) -> None:
    """Check the names and types of a builder's settings against its signature.

    Raises:
        ModelConfigError: an argument is unknown or has the wrong type; the message names the valid ones.
    """
    try:
        _config_model(name)(**config)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        valid = defaults(name)
        if first["type"] == "extra_forbidden":
            problem = f"model '{name}' has no setting '{key}'{did_you_mean(key, valid)} (valid: {listing(valid)})"
        else:
            wanted = first["msg"]
            for said, meant in _WORDS.items():
                wanted = wanted.replace(said, meant)
            problem = f"model '{name}': {key}: {wanted}, received {config[key]!r} (default: {valid[key]!r})"
        raise ModelConfigError(key, problem) from error


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


class ModelConfigError(ZooError):
    """A builder's setting is unknown or ill-typed; `key` names it."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@cache
def _config_model(name: str) -> Any:
    hints = _hints(builder(name))
    fields = {key: (hints[key], default) for key, default in defaults(name).items()}
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return create_model(f"{name}_config", __config__=config, **fields)  # type: ignore[call-overload]


def _index() -> dict[str, Entry]:
    """Return every entry: read from the package's sources, from entry points, or registered by hand."""
    return {**_shipped(), **_entries} if _plugins_loaded() else {}


@cache
def _shipped() -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path in sorted((Path(__file__).parent / "models").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", None) == "register":
                    given = {str(k.arg): ast.literal_eval(k.value) for k in decorator.keywords}
                    module = f"zoo.models.{path.stem}"
                    if node.name in found:
                        raise ZooError(
                            f"a model named '{node.name}' is defined in {found[node.name].module} and in {module}"
                        )
                    found[node.name] = Entry(
                        name=node.name,
                        family=given.get("family") or path.stem,
                        tasks=tuple(given["tasks"]),
                        input_shape=tuple(given["input_shape"]),
                        outputs=given.get("outputs"),
                        vocabulary=given.get("vocabulary"),
                        paper=given.get("paper", ""),
                        summary=_summary(ast.get_docstring(node)),
                        module=module,
                    )
    return found


_plugins = {"loaded": False}


def _plugins_loaded() -> bool:
    if not _plugins["loaded"]:
        _plugins["loaded"] = True  # before the import: a plugin may list models itself
        for point in entry_points(group=ENTRY_POINT_GROUP):
            point.load()
    return True


def _summary(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n")[0]
