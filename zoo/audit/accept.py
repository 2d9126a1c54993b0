"""What stops a training: errors of the audit that the recipe does not accept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoo.audit.finding import Finding
from zoo.errors import ZooError, visible


def refuse_errors(findings: Iterable[Finding], accepted: Sequence[str], where: str) -> None:
    """Refuse data with errors that the recipe does not accept.

    Args:
        findings: of the audit.
        accepted: names of findings, the recipe's `data.accept`.
        where: the source, for the message.

    Raises:
        ZooError: there are such; the message has all of them, what to do, and how to accept them.
    """
    errors = [each for each in findings if each.severity == "error" and each.name not in accepted]
    if not errors:
        return
    lines = [f"{visible(where)}: the audit found what would make the metrics of the test untrue:"]
    for each in errors:
        lines.append(f"  {each.name}: {visible(each.message)}")
        lines += [f"    remedy: {visible(each.remedy)}"] if each.remedy else []
    names = list(dict.fromkeys([*accepted, *(each.name for each in errors)]))
    lines.append(f"mend the data, or train all the same with data: {{accept: [{', '.join(names)}]}}")
    raise ZooError("\n".join(lines))
