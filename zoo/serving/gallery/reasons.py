"""Why a file cannot be tried in the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_TYPES = ("float", "double", "int32", "int64", "uint8", "bool", "string")  # that the script makes tensors of
_PIECES = {"BPE": "ByteLevel", "WordPiece": "BertPreTokenizer"}  # how such tokenizers, as `zoo train` makes them, cut


def reason_not_to_run(facts: Mapping[str, Any]) -> str | None:
    """Return why the inputs of a file cannot be made in the browser; None where they can.

    Args:
        facts: what `zoo.serving.gallery.description.describe` returned.
    """
    other = [each["name"] for each in facts["inputs"] if each["type"] not in _TYPES]
    if other:
        return f"onnxruntime-web's tensors lack the type of {', '.join(other)}"
    signature = facts["signature"]
    tokenizers = [signature.get("tokenizer"), *(column.get("tokenizer") for column in signature.get("columns", []))]
    for tokenizer in tokenizers:
        if tokenizer and tokenizer.get("subwords") and not _are_known_pieces(tokenizer["subwords"]):
            return "its tokenizer of subwords cuts in a way that the page's script does not know"
    return None


def _are_known_pieces(text: str) -> bool:
    """Return whether a tokenizer of subwords is one that `zoo train` makes."""
    facts = json.loads(text)
    before = facts.get("pre_tokenizer") or {}
    normalizer = facts.get("normalizer") or {}
    steps = normalizer.get("normalizers", [normalizer]) if normalizer else []
    model = facts["model"]
    plain = not facts.get("added_tokens") and not model.get("dropout") and not model.get("byte_fallback")
    known = _PIECES.get(model.get("type")) == before.get("type")
    return plain and known and all(step.get("type") in ("NFC", "Lowercase") for step in steps)
