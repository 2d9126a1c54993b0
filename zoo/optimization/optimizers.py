"""Optimisers, by the names that recipes use."""

from __future__ import annotations

import fnmatch
from typing import Any

import keras

from zoo.errors import ZooError, listing
from zoo.layers.decay import is_decayed
from zoo.layers.head import LOGITS
from zoo.optimization.averaged import AveragedOptimizer
from zoo.optimization.clipping import CLIPS
from zoo.optimization.depth import heights, layers_of
from zoo.optimization.grouped import GroupedOptimizer, innermost
from zoo.optimization.schedules import Scaled, Stretched, build_schedule
from zoo.recipe.schedules import steps_of

_CLASSES = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "lion": keras.optimizers.Lion,
    "adafactor": keras.optimizers.Adafactor,
    "muon": keras.optimizers.Muon,
    "lamb": keras.optimizers.Lamb,
}
_KERAS_NAMES = {  # Keras's names of settings, where they differ
    "adagrad": {"initial_accumulator": "initial_accumulator_value"},
    "adafactor": {"epsilon": "epsilon_1", "least_scale": "epsilon_2"},
    "muon": {
        "beta_1": "adam_beta_1",
        "beta_2": "adam_beta_2",
        "adam_rate": "adam_lr_ratio",
        "iterations": "ns_steps",
    },
}
_NOT_HIDDEN = [rf"(^|/){LOGITS}/", "codebook"]  # paths of matrices that Muon leaves to Adam, beside embeddings
_OWN = ("name", "accumulate", "learning_rate", "ema", "swa", "groups", "layer_decay", "unfreeze_epochs", *CLIPS)


def build_optimizer(settings: Any, model: keras.Model, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    """Return the optimiser of a recipe's `optimizer:` section, built for the model's trainable variables.

    Weight decay is decoupled from the gradient (Loshchilov & Hutter 2019); see `zoo.layers.decay` for what it leaves
    out. A global norm is that of the whole model; of two players that train at once (`model.players`), of each.

    Raises:
        ZooError: a group fits no variable of the model.
    """
    variables = model.trainable_variables
    if settings.layer_decay is not None or settings.unfreeze_epochs is not None:
        optimizers, groups = _by_depth(settings, model, steps_per_epoch, epochs)
    else:
        own = [
            settings.model_copy(update=group.model_dump(exclude={"layers", "learning_rate"}, exclude_none=True))
            for group in settings.groups or ()
        ]
        rates = [group.learning_rate or settings.learning_rate for group in settings.groups or ()]
        each = [one.model_copy(update={"learning_rate": rate}) for one, rate in zip(own, rates, strict=True)]
        optimizers = [_one(one, variables, steps_per_epoch, epochs) for one in (*each, settings)]
        groups = _groups(settings, model)
    rules = [(rule, limit) for rule in CLIPS if (limit := getattr(settings, rule)) is not None]
    optimizer = optimizers[0]
    if len(optimizers) > 1 or rules or settings.accumulate > 1:
        player_of = {id(v): i for i, player in enumerate(getattr(model, "players", ())) for v in player}
        optimizer = GroupedOptimizer(
            optimizers,
            groups,
            clip=rules[0] if rules else None,
            players=[player_of.get(id(v), 0) for v in variables],
            accumulate=settings.accumulate,
        )
    optimizer.build(variables)
    if settings.swa is not None:
        start = round(steps_of(settings.swa, steps_per_epoch, epochs) / settings.accumulate)
        return AveragedOptimizer.around(optimizer, model, start=start)
    return optimizer if settings.ema is None else AveragedOptimizer.around(optimizer, model, settings.ema)


def _by_depth(
    settings: Any, model: keras.Model, steps_per_epoch: int, epochs: int
) -> tuple[list[keras.optimizers.Optimizer], list[int]]:
    """Return one optimiser for each unit of depth, with a lower rate and a later start for deeper units.

    The second of what is returned is the group of each variable.

    The head is last: its learning rate is the one that logs show.

    Raises:
        ZooError: the deepest unit would never learn.
    """
    variables, height = model.trainable_variables, heights(model)
    own = [height.get(id(v), 0) for v in variables]
    wait, deepest = settings.unfreeze_epochs or 0, max(own)
    if deepest == 0:
        key = "layer_decay" if settings.layer_decay is not None else "unfreeze_epochs"
        raise ZooError(
            f"optimizer.{key}: has no effect, as all that is trained of model '{model.name}' is one block; leave it out"
        )
    if wait * deepest >= epochs:
        raise ZooError(
            f"optimizer.unfreeze_epochs: {wait} for each of the {deepest + 1} units of the model is longer than "
            f"the run; its first layers would never learn in {epochs} epochs"
        )
    optimizers = []
    for h in range(deepest, -1, -1):
        one = _one(settings, variables, steps_per_epoch, epochs)
        rate = _rate(settings, steps_per_epoch, epochs)
        factor = (settings.layer_decay or 1.0) ** h
        follows = (
            getattr(settings.learning_rate, "schedule", None) == "reduce_on_plateau"
        )  # needs a number that it can lower
        start = -(-h * wait * steps_per_epoch // settings.accumulate)  # the first update after that many steps
        one.learning_rate = rate * factor if follows else Scaled(rate, factor, start)
        optimizers.append(one)
    return optimizers, [deepest - h for h in own]


def _groups(settings: Any, model: keras.Model) -> list[int]:
    """Return the group of each trainable variable: the first whose layers hold it, else `len(settings.groups)`.

    Raises:
        ZooError: a group is left without variables.
    """
    groups: dict[int, int] = {}
    trained = {id(v) for v in model.trainable_variables}
    for i, group in enumerate(settings.groups or ()):
        held = {
            id(v)
            for layer in layers_of(model)
            if fnmatch.fnmatchcase(layer.name, group.layers)
            for v in layer.variables
        }
        if not (held & trained) - set(groups):
            names = sorted({layer.name for layer in layers_of(model) if layer.trainable_variables})
            raise ZooError(
                f"optimizer.groups: '{group.layers}' fits no layer that is trained and that an earlier group has left "
                f"(layers: {listing(names)})"
            )
        for variable in held:
            groups.setdefault(variable, i)
    return [groups.get(id(v), len(settings.groups or ())) for v in model.trainable_variables]


def _one(settings: Any, variables: list[Any], steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    names = _KERAS_NAMES.get(settings.name, {})
    given = settings.model_dump(exclude=set(_OWN), exclude_none=True)
    options = {names.get(key, key): value for key, value in given.items()}
    if not options["weight_decay"] and settings.name != "adamw":  # AdamW does not accept None
        options["weight_decay"] = None
    if settings.name == "muon":
        options |= {"adam_weight_decay": options["weight_decay"], "exclude_layers": _NOT_HIDDEN}
    optimizer = _CLASSES[settings.name](_rate(settings, steps_per_epoch, epochs), **options)
    if options["weight_decay"]:
        optimizer.exclude_from_weight_decay(var_list=[v for v in variables if not is_decayed(v)])
    return optimizer


def _rate(settings: Any, steps_per_epoch: int, epochs: int) -> Any:
    """Return the learning rate over the updates, of which there is one in `accumulate` steps."""
    rate = build_schedule(settings.learning_rate, steps_per_epoch, epochs)
    every = settings.accumulate
    return Stretched(rate, every) if every > 1 and callable(rate) else rate


def on_plateau(settings: Any, optimizer: keras.optimizers.Optimizer) -> list[tuple[keras.optimizers.Optimizer, Any]]:
    """Return the optimisers whose rate follows the validation loss, each with its `reduce_on_plateau` section.

    Args:
        settings: the recipe's `optimizer:` section.
        optimizer: what `build_optimizer` made of it.
    """
    optimizer = innermost(optimizer)
    each = getattr(optimizer, "optimizers", [optimizer])
    groups = settings.groups or [None] * (len(each) - 1)  # one of each unit of depth has the section's rate
    rates = [getattr(group, "learning_rate", None) or settings.learning_rate for group in (*groups, None)]
    pairs = zip(each, rates, strict=True)
    return [(one, rate) for one, rate in pairs if getattr(rate, "schedule", None) == "reduce_on_plateau"]
