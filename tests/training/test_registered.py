"""The classes that saved models hold are known to Keras once both packages are imported."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.training.registered import MODULES

PACKAGE = Path(zoo.__file__).parent
LOAD = """
import json, sys
{imports}
known = keras.saving.get_registered_object("zoo>FillMissing")
assert known is not None and known.__name__ == "FillMissing"
{more}
"""


def test_every_module_with_registered_classes_is_listed():
    decorated = re.compile(r"^@keras\.saving\.register_keras_serializable", re.MULTILINE)
    found = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if decorated.search(path.read_text(encoding="utf-8"))
    }
    assert set(MODULES) == found


@pytest.mark.parametrize(
    "imports",
    [
        "import zoo\nimport keras",
        "import zoo.layers.head\nimport keras",
        "import zoo.optimization.averaged\nimport keras",
        pytest.param("import keras\nimport zoo", marks=pytest.mark.slow),
    ],
)
@pytest.mark.ci
def test_either_may_be_imported_first(imports):
    code = LOAD.format(imports=imports, more="assert not any('KerasFinder' in type(f).__name__ for f in sys.meta_path)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
