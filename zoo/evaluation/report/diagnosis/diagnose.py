"""The state of a run, what speaks for it, and the edits that would mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from zoo.evaluation.report.diagnosis import curves, figures, labels
from zoo.evaluation.report.diagnosis.edits.propose import propose_edits
from zoo.evaluation.report.diagnosis.epochs import best_epoch, monitored
from zoo.evaluation.report.diagnosis.sign import Sign
from zoo.evaluation.report.diagnosis.situation import Situation
from zoo.evaluation.report.gan_balance import gan_verdict

if TYPE_CHECKING:
    from zoo.recipe import LoadedRecipe

STATES = (
    "diverging",
    "suspicious",
    "label noise",
    "too short",
    "overfitting",
    "underfitting",
    "plateau",
    "inconclusive",
    "good",
)
_NOTHING_FOUND = "Neither the curves nor the gaps between the splits point to a fault."

_DETECTORS: tuple[Callable[[Situation], Iterator[Sign]], ...] = (  # the state is that of the first sign
    curves.non_finite,
    curves.blown_up,
    figures.leaks,
    labels.label_noise,
    curves.too_short,
    figures.overfitting,
    curves.overfitting,
    figures.underfitting,
    curves.plateau,
    figures.odd_gaps,
    figures.without_validation,
)


def diagnose(situation: Situation, is_buildable: Callable[[LoadedRecipe], bool] | None = None) -> dict[str, Any]:
    """Say what state a run is in, by thresholds that can be read here, what speaks for it, and what to change.

    The *error* of a split is 1 - metric where greater is better, else the metric itself. Error a is *clearly above*
    error b if a - b is more than 30% of a; where the metric is a percentage, also more than two standard errors; and
    where greater is better, also more than 0.05. The state is that of the first sign; evidence is what all signs say:

    - `diverging`: a loss or the primary metric is NaN or infinite; or the training loss was more than 1.5 times that of
      a constant answer and ended at 70% of it or above; or it rose by half of its lowest value.
    - `suspicious`: the test error is clearly below that of validation or training; or the audit found a leak.
    - `label noise`: neither the model nor the baseline is better than chance on validation; or the audit takes 5% of
      the training labels for errors, and half as many as the baseline makes, which gets most right.
    - `too short`: over at least 5 epochs, the mean validation loss of the last fifth is more than 2% below that of the
      fifth before, and the learning rate had not yet fallen to a tenth of its peak; or it had, in fewer than 500 steps,
      the loss fell by more than 5% over the last half, and the training error is clearly above the baseline's.
    - `overfitting`: the validation error is clearly above the training error; or the last validation loss is more
      than 10% above the best, and by more than 10% of the way from the first loss to the best, which was at least 3
      epochs before, while the training loss kept falling. From 20 epochs on, losses are means over a tenth of them,
      because a single one may be low by chance.
    - `underfitting`: not overfitting, the model is not ahead of the baseline in `comparison`, its error not 0, and
      its training error is not lower than the baseline's validation error (nor below 0.05 where greater is better,
      unless it is clearly worse); or there is no comparison and the training loss fell by less than 5% in all.
    - `plateau`: over at least 10 epochs, the training loss of the last quarter is within 1% of that of the quarter
      before, at a learning rate that never fell to half of its peak.
    - `suspicious`, too: the training error is clearly above that of validation, or the test error is.
    - `inconclusive`: as `underfitting`, but the training error is lower than the baseline's validation error; or there
      is neither a validation metric nor a validation loss.
    - `good`: none of these.

    Generative adversarial networks have the states of `zoo.evaluation.report.gan_balance.gan_verdict`.

    Args:
        situation: the run.
        is_buildable: whether the builder takes the recipe's settings; without it, the schema alone is asked.

    Returns:
        `state`; `best_epoch` and what it goes by, `best_by` (see `best_epoch`); `evidence`, a list of sentences; and
        `edits`, a list of mappings with `overrides` (a list of `key.path=value`, which the recipe takes), `reason` and
        `lever`, in the order of leverage. There are none without a recipe, or where the state is `good`.
    """
    history = situation.history
    if any("generator_loss" in row for row in history):
        found = gan_verdict(history)
        signs = [Sign(state=found["state"], text=found["advice"])]
        best, by = None, None
    else:
        signs = _signs(situation)
        best, by = best_epoch(situation.task, history), monitored(situation.task, history)
    return {
        "state": signs[0].state,
        "best_epoch": best,
        "best_by": by,
        "evidence": list(dict.fromkeys(sign.text for sign in signs)),
        "edits": [edit.to_json() for edit in propose_edits(situation, signs, is_buildable)],
    }


def _signs(situation: Situation) -> list[Sign]:
    """Return all signs, the one that decides on the state first."""
    found = [sign for detect in _DETECTORS for sign in detect(situation)]
    if any(sign.state == "diverging" for sign in found):
        return [sign for sign in found if sign.state == "diverging"]
    if any(sign.state == "overfitting" for sign in found):
        found = [sign for sign in found if sign.state != "underfitting"]
    if not found:
        comparison = situation.comparison
        verdict = f" The model is {comparison['verdict']}." if comparison else ""
        found = [Sign(state="good", text=_NOTHING_FOUND + verdict)]
    return sorted(found, key=lambda sign: sign.state == "inconclusive")
