"""A short recipe, and what is said of one that is refused."""

import pytest

from zoo.errors import ZooError
from zoo.recipe import load_recipe

BASE = """\
extends: [_base/image_classification, _base/adamw_cosine]
data: {source: "builtin:digits"}
model: {name: mlp}
training: {epochs: 3}
"""


def refusal(name, overrides=()):
    with pytest.raises(ZooError) as caught:
        load_recipe(name, overrides)
    return str(caught.value)
