"""A certificate in words, a fact a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def certificate_words(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a certificate says, as pairs of a heading and a sentence.

    Args:
        facts: the certificate, of any version; empty where a file has none.
    """
    if not facts:
        return []
    lines = [("Compared with the Keras model", _compared(facts))] if "max_abs_difference" in facts else []
    lines += [(f"Output {name}", _difference(output)) for name, output in facts.get("outputs", {}).items()]
    if facts.get("label_flips") is not None:
        what = str(facts.get("decisions") or "labels").capitalize()
        lines.append((what, f"{facts['label_flips']:,} of {facts.get('samples', 0):,} differ"))
    tried = facts.get("awkward_inputs") or []
    if tried:
        lines.append(("Awkward inputs", "; ".join(f"{each['input']}: {each['answer']}" for each in tried)))
    if facts.get("runtimes"):
        lines.append(("Runtimes", ", ".join(f"{each['runtime']} {each['version']}" for each in facts["runtimes"])))
    if "float32" in facts and "quantized" in facts:
        lines.append(("Smaller file", _loss(facts)))
    if "data" in facts:
        lines.append(
            ("Data", f"{facts['data'].get('source')}, fingerprint {str(facts['data'].get('fingerprint'))[:16]}")
        )
    if facts.get("opset") is not None:
        lines.append(("Opset", str(facts["opset"])))
    if facts.get("sha256"):
        lines.append(("SHA-256", str(facts["sha256"])))
    return lines


def _compared(facts: Mapping[str, Any]) -> str:
    allowed = facts.get("tolerance")
    split = facts.get("split", "test")
    return (
        f"on {facts.get('samples', 0):,} examples of the {split} split; largest difference "
        f"{facts.get('max_abs_difference', 0.0):.1e}{'' if allowed is None else f', allowed {allowed:.0e}'}"
    )


def _difference(output: Mapping[str, Any]) -> str:
    mean = output.get("mean_abs_difference")
    return (
        f"largest difference {output['max_abs_difference']:.1e}"
        f"{'' if mean is None else f', mean {mean:.1e}'}, allowed {output['tolerance']:.1e}"
    )


def _loss(facts: Mapping[str, Any]) -> str:
    interval = facts.get("interval")
    span = "" if not interval else f" (difference {interval[0]:+.4f} to {interval[1]:+.4f})"
    return f"{facts.get('metric')}: {facts['quantized']:.4f}, that of float32 {facts['float32']:.4f}{span}"
