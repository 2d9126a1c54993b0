"""The edits for a state, checked against the recipe, in the order of leverage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.evaluation.report.diagnosis.edits import architecture, data, loss, optimization, preprocessing
from zoo.evaluation.report.diagnosis.edits.edit import LEVERS, Context, Edit
from zoo.recipe.load import overridden

if TYPE_CHECKING:
    from zoo.evaluation.report.diagnosis.sign import Sign
    from zoo.evaluation.report.diagnosis.situation import Situation
    from zoo.recipe import LoadedRecipe

Maker = Callable[[Context], Iterator[Edit]]

_STRONGER: tuple[Maker, ...] = (
    data.remedies,
    preprocessing.scaled_inputs,
    preprocessing.less_augmentation,
    loss.fitting_loss,
    optimization.longer_if_falling,
    optimization.higher_rate_if_still,
    optimization.less_decay,
    architecture.less_dropout,
    architecture.wider,
)
_SIMPLER: tuple[Maker, ...] = (
    data.remedies,
    data.more_examples,
    preprocessing.more_augmentation,
    preprocessing.mixup,
    loss.label_smoothing,
    optimization.best_epoch_kept,
    optimization.more_decay,
    optimization.stopped_early,
    architecture.more_dropout,
    architecture.narrower,
    architecture.ensemble,
)
EDITS: dict[str, tuple[Maker, ...]] = {  # state: what may be changed
    "diverging": (preprocessing.scaled_inputs, optimization.lower_rate, optimization.full_precision),
    "suspicious": (data.remedies, data.own_test, data.folds),
    "label noise": (
        data.remedies,
        loss.robust_loss,
        optimization.best_epoch_kept,
        optimization.stopped_early,
        optimization.more_decay,
    ),
    "too short": (data.remedies, optimization.longer, optimization.higher_rate),
    "overfitting": _SIMPLER,
    "underfitting": _STRONGER,
    "plateau": (data.remedies, loss.fitting_loss, optimization.annealed_rate, architecture.wider),
    "inconclusive": _SIMPLER,
    "good": (),
    # of generative adversarial networks
    "diverged": (optimization.lower_rate,),
    "too short to tell": (optimization.longer,),
    "generator collapsed": (loss.penalized_discriminator, optimization.lower_rate),
    "discriminator wins": (loss.penalized_discriminator,),
    "balanced": (),
}


def propose_edits(
    situation: Situation, signs: Sequence[Sign], is_buildable: Callable[[LoadedRecipe], bool] | None = None
) -> list[Edit]:
    """Return the edits for the state that the first sign names, each of which the recipe takes.

    Args:
        situation: the run; without its recipe there are no edits.
        signs: what was seen.
        is_buildable: whether the builder takes a recipe's settings.
    """
    loaded = situation.loaded
    if loaded is None:
        return []
    causes = frozenset(sign.cause for sign in signs)
    context = Context(situation=situation, recipe=loaded.recipe, tree=loaded.tree(), causes=causes)
    made = [edit for make in EDITS[signs[0].state] for edit in make(context)]
    made.sort(key=lambda edit: LEVERS.index(edit.lever))
    found: dict[tuple[str, ...], Edit] = {}
    for edit in made:
        if edit.overrides not in found and _is_taken(loaded, edit, is_buildable):
            found[edit.overrides] = edit
    return list(found.values())


def _is_taken(loaded: LoadedRecipe, edit: Edit, is_buildable: Callable[[LoadedRecipe], bool] | None) -> bool:
    """Return whether schema, checks and builder take an edit, and it changes the recipe."""
    try:
        changed = overridden(loaded, edit.overrides)
    except ZooError:
        return False
    if changed.recipe == loaded.recipe:
        return False
    return edit.lever != "architecture" or is_buildable is None or is_buildable(changed)
