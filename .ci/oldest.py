"""Print the oldest version that setup.cfg allows of each requirement, as constraints for pip."""

import configparser
import re
from pathlib import Path

config = configparser.ConfigParser()
config.read(Path(__file__).resolve().parents[1] / "setup.cfg", encoding="utf-8")
texts = [config["options"]["install_requires"], *config["options.extras_require"].values()]
found = re.findall(r"^([\w.-]+)(?:\[[\w-]+\])?>=([\d.]+),", "\n".join(texts), re.MULTILINE)
print("\n".join(sorted({f"{name}=={version}" for name, version in found})))
