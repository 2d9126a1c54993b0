"""Checks of `model:` against the builder that it names."""

from __future__ import annotations

from typing import Any

from zoo import registry
from zoo.errors import ZooError
from zoo.recipe.checks.collect import Checks

_FORECASTS_FIRST_CHANNEL = ("nlinear", "tsmixer", "tide", "nhits")  # builders that map one channel to its future
_ENSEMBLES = ("classification", "multi_label", "regression", "forecasting")  # kinds whose outputs can be averaged
_LINEAR = "its linear map begins at zero, so that the members would be alike"
_ALIKE = {  # builders whose networks would not differ in an ensemble, or are one already
    "dlinear": _LINEAR,
    "minirocket": "its linear model begins at zero on the same convolutions, so that the members would be alike",
    "nlinear": _LINEAR,
    "tabm": "it is an ensemble already; set model.members",
}
_ADDS_THE_LAST_VALUE = ("nlinear", "nhits")  # builders whose window and forecast need the same unit
_ENDS_WITH_THE_HISTORY = ("dlinear", "nlinear", "nhits")  # builders that need a window to end with the last known value


def check_model(checks: Checks) -> None:
    """Check that the builder serves the task and takes the recipe's settings."""
    model, task = checks.recipe.model, checks.task
    checks.refuse(
        model.freeze and model.pretrained is None,
        ("model", "freeze"),
        "is for a network with model.pretrained; weights drawn at random are not worth keeping",
    )
    _check_lora(checks)
    try:
        entry = registry.entry(model.name)
    except ZooError as error:
        checks.add(("model", "name"), str(error))
        return
    if task.name not in entry.served:
        checks.add(("model", "name"), f"{entry.name} serves {', '.join(entry.served)}, not {task.name}")
        return
    data = checks.recipe.data
    checks.refuse(
        bool(data.known_covariates or data.static_covariates) and entry.name in _ENDS_WITH_THE_HISTORY,
        ("model", "name"),
        f"{entry.name} maps the history alone, and takes no known or static covariates; take another builder, such as "
        "mlp, tide, tcn or lstm",
    )
    checks.refuse(
        task.forecasts and len(data.targets) > 1 and entry.name in _FORECASTS_FIRST_CHANNEL,
        ("model", "name"),
        f"{entry.name} forecasts the first channel of a window, and data.target names {len(data.targets)}; take "
        "another builder, such as mlp, tcn or lstm",
    )
    _check_ensemble(checks)
    checks.refuse(
        entry.name in _ADDS_THE_LAST_VALUE
        and not {"standardize", "standardize_window"} & {step.kind for step in checks.recipe.preprocess},
        ("preprocess",),
        f"{entry.name} adds the last value of a window to its forecast, so both need the same unit; add standardize "
        "or standardize_window",
    )
    try:
        registry.validate_config(entry.name, model.config)
    except registry.ModelConfigError as error:
        text = str(error).removeprefix(f"model '{entry.name}': {error.key}: ")
        checks.add(("model", error.key), text)
        return
    if task.inputs == ("graph",):
        _check_graph_model(checks)
    else:
        _check_encoder(checks, model.config)


def _check_lora(checks: Checks) -> None:
    """Check that there are pretrained weights to adapt, and that nothing else decides what is trained."""
    recipe, where = checks.recipe, ("model", "lora")
    if recipe.model.lora is None:
        return
    checks.refuse(
        recipe.model.pretrained is None,
        where,
        "is for a network with model.pretrained; adapters of weights drawn at random could not make up for them",
    )
    checks.refuse(recipe.model.freeze, where, "trains adapters, and model.freeze the head alone; keep one")
    checks.refuse(
        recipe.optimizer.unfreeze_epochs is not None,
        where,
        "keeps the blocks as they are, and optimizer.unfreeze_epochs unfreezes them; keep one",
    )


def _check_ensemble(checks: Checks) -> None:
    """Check that the networks of an ensemble differ, and that their outputs have a mean."""
    model, task, where = checks.recipe.model, checks.task, ("model", "ensemble")
    if model.ensemble is None:
        return
    checks.refuse(
        task.kind not in _ENSEMBLES,
        where,
        f"takes the mean of the networks' logits or values, and those of {task.name} have none; leave it out",
    )
    checks.refuse(model.name in _ALIKE, where, f"{model.name}: {_ALIKE.get(model.name)}")
    checks.refuse(
        model.pretrained is not None,
        where,
        "the networks would begin with the same weights; leave out model.pretrained",
    )
    checks.refuse(
        task.forecasts and len(checks.recipe.data.targets) > 1,
        where,
        "forecasts one series, and data.target names several; leave it out",
    )


def _check_encoder(checks: Checks, config: dict[str, Any]) -> None:
    """Check the builder that a network is built around, and its settings."""
    name = config.get("encoder")
    if name is None:
        return
    try:
        registry.validate_encoder(name, config.get("encoder_config") or {})
    except registry.ModelConfigError as error:
        checks.add(("model", error.key), str(error))


def _check_graph_model(checks: Checks) -> None:
    """Check that the settings of a graph model fit what a source gives and what the task asks."""
    model, task = checks.recipe.model, checks.recipe.task
    settings = {**registry.defaults(model.name), **model.config}
    pool, edges = settings.get("pool"), settings.get("edges", "list")
    checks.refuse(
        task == "node_classification" and pool not in ("first", None),
        ("model", "pool"),
        f"the node that is asked for is the first of its graph; set it to first, received {pool}",
    )
    checks.refuse(
        task != "node_classification" and pool == "first",
        ("model", "pool"),
        "the first node does not stand for the graph; set it to mean, sum or max, received first",
    )
    checks.refuse(
        edges != "list",
        ("model", "edges"),
        f"sources give edges as a list; leave it out, or set it to list, received {edges}",
    )
