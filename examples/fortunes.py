"""Fortune cookies by their file: the folder of the recipe `ngrams/fortunes`.

python examples/fortunes.py [--output fortunes]

needs `apt-get install fortunes`. Writes `fortunes/CLASS/NUMBER.txt`, a text each, of the files with 300 or more.
"""

from __future__ import annotations

import argparse
from pathlib import Path

PACKAGE = Path("/usr/share/games/fortunes")
MIN_TEXTS = 300  # of a file


def texts(path: Path) -> list[str]:
    """Return the fortunes of a file, which a line of `%` separates; one that is repeated counts once."""
    parts = path.read_text(encoding="utf-8").split("\n%\n")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip(" \n%")))


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("fortunes"))
    given = parser.parse_args()
    files = [path for path in sorted(PACKAGE.iterdir()) if not path.suffix]
    found = {path.name: texts(path) for path in files}
    for name, each in found.items():
        if len(each) < MIN_TEXTS:
            continue
        (given.output / name).mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(each):
            (given.output / name / f"{number:04}.txt").write_text(text + "\n", encoding="utf-8")
        print(f"{name}: {len(each):,}")


if __name__ == "__main__":
    main()
