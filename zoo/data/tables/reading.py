"""How a table file is read, and how its texts and names are tidied."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.errors import ZooError


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file is read; what is None is found out.

    Attributes:
        separator: what stands between the fields of a CSV file.
        encoding: of a CSV file.
        decimal: the decimal mark of numbers.
        thousands: what separates thousands.
        other_encoding: of a CSV file that is no UTF-8.
        missing: texts that count as missing in each column.
        skip: rows that cannot be read are left out, not refused.
        whole_files: a text file is one text, not one a line.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    other_encoding: str | None = None
    missing: tuple[str, ...] = ()
    skip: bool = False
    whole_files: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what another file of the same kind is read with, where it is not as usual."""
        facts = {"separator": self.separator, "other_encoding": self.encoding or self.other_encoding}
        found: dict[str, Any] = {n: value for n, value in facts.items() if value and value not in (",", "utf-8")}
        return found | ({"whole_files": True} if self.whole_files else {})


AS_USUAL = Reading()


def tidy(text: str) -> str:
    """Return a text without blanks around it, accents in one character with their letters (NFC)."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def check_names(names: Sequence[str], where: str) -> None:
    """Check the names of columns.

    Raises:
        ZooError: one is there twice.
    """
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ZooError(f"{where}: columns named twice: {', '.join(twice)}")
