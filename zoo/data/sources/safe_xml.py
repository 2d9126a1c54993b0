"""XML from others: no document types, and so no entities and nothing read from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.parsers.expat import ExpatError, ParserCreate

from zoo.errors import ZooError
from zoo.utils.files import read_regular

MAX_XML_BYTES = 1 << 22  # of one annotation
__all__ = ["Element", "read_xml"]


def read_xml(path: Path) -> Element:
    """Return the root of an XML file.

    Raises:
        ZooError: the file is not readable, no XML, or declares a document type, which could hold entities.
    """

    def refuse(*_: object) -> NoReturn:
        raise ZooError(f"{path}: declares a document type (DOCTYPE), which is not read")

    try:
        content = read_regular(path, MAX_XML_BYTES)
        guard = ParserCreate()  # a first pass: ElementTree's own parser cannot be told to refuse
        guard.StartDoctypeDeclHandler = refuse
        guard.Parse(content, True)
        return fromstring(content)
    except OSError as error:
        raise ZooError(f"{path}: not readable ({error.strerror})") from error
    except (ExpatError, ParseError, ValueError, LookupError, RecursionError) as error:
        raise ZooError(f"{path}: not readable as XML ({error})") from error
