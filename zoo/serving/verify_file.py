"""`zoo verify`: an exported file examined again with onnxruntime alone: is it the certified one, and does it answer so?

Each check is made once what it needs has passed; one that cannot be made says why, and fails nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.serving.certificate import CERTIFICATE_VERSION, certificate_of, check_certificate
from zoo.serving.exported_model import ExportedModel
from zoo.serving.metadata import FORMAT_KEY, SIGNATURE_KEY, read_signature
from zoo.serving.onnx_file import CHECKSUM_KEY, OnnxFile, scan
from zoo.serving.read_file import read_content
from zoo.serving.sample_check import check_batches, check_sample
from zoo.serving.sample_files import SAMPLE, read_sample, sample_of
from zoo.serving.step_check import check_steps
from zoo.utils.execution import ON_CPU, Execution
from zoo.utils.files import read_json
from zoo.utils.onnx_session import check_providers, runtime

CHECKS = ("certificate", "checksum", "metadata", "graph", "sample", "batches")  # in their order
_METADATA = (SIGNATURE_KEY, "zoo.recipe", "zoo.data", "zoo.versions", FORMAT_KEY, CHECKSUM_KEY)
_WEIGHTS = "zoo.weights"  # of a published network, which comes from no run
_OF_A_RUN = ("zoo.recipe", "zoo.data")

_TOLERANCE = 1e-4  # where there is no certificate
_NOTHING = {  # of checks that cannot be made
    "certificate": "not made: no certificate of this file is beside it",
    "sample": f"not made: no {SAMPLE} is beside the file",
    "steps": "not made: no steps of this file are beside it",
}

Check = dict[str, Any]


def verify_file(path: Path, execution: Execution = ON_CPU) -> dict[str, Any]:
    """Examine an exported file.

    Args:
        path: the file. The certificate and the sample beside it are used where they are there.
        execution: where it is run.

    Returns:
        `file`; `ok`, whether no check failed; and `checks`, each with `name`, `ok` (None for one that could not be
        made) and `detail`.

    Raises:
        ZooError: there is no such file, it cannot be read, or this onnxruntime lacks a provider.
    """
    check_providers(execution)
    content = read_content(path)
    checks = _check_content(path, content)
    if all(check["ok"] is not False for check in checks):
        checks += _check_answers(path, execution)
    made = {check["name"] for check in checks}
    why = "not made: what comes before it failed"
    checks += [_check(name, None, why) for name in CHECKS if name not in made]
    return {"file": str(path), "ok": all(check["ok"] is not False for check in checks), "checks": checks}


def _check(name: str, ok: bool | None, detail: str) -> Check:
    return {"name": name, "ok": ok, "detail": detail}


def _check_content(path: Path, content: bytes) -> list[Check]:
    """Check the bytes, before anything runs them."""
    checks = [_outcome("certificate", _compare_certificate, path, content)]
    try:
        file = scan(content, path)
    except ZooError as error:
        return [*checks, _check("checksum", False, str(error))]
    return [*checks, _check_sum(file), _check_metadata(file, path)]


def _compare_certificate(path: Path, content: bytes) -> str | None:
    beside = certificate_of(path)
    if beside is None:
        return None
    check_certificate(path, content)
    version = read_json(beside).get("version", 1)
    if version not in range(1, CERTIFICATE_VERSION + 1):
        raise ZooError(
            f"{beside}: of version {version}, and this package reads versions up to {CERTIFICATE_VERSION}; install the "
            "version that exported the file, or a later one"
        )
    return f"the SHA-256 is that in {beside.name}, of version {version}"


def _check_sum(file: OnnxFile) -> Check:
    if CHECKSUM_KEY not in file.metadata:
        return _check("checksum", None, f"not made: the metadata have no '{CHECKSUM_KEY}'")
    if file.metadata[CHECKSUM_KEY] != file.sha256:
        return _check("checksum", False, f"graph and metadata differ from '{CHECKSUM_KEY}': the file was changed")
    return _check("checksum", True, f"graph and metadata are those of '{CHECKSUM_KEY}'")


def _check_metadata(file: OnnxFile, path: Path) -> Check:
    try:
        signature = read_signature(file, path, verify=False)
        for key in ("zoo.data", "zoo.versions"):
            json.loads(file.metadata.get(key, "{}"))
    except ZooError as error:
        return _check("metadata", False, str(error))
    except ValueError as error:
        return _check("metadata", False, f"{path}: damaged, no JSON ({error})")
    is_old = file.metadata.get(FORMAT_KEY, "1") == "1"  # such files lack the two last entries
    needed = [key for key in _METADATA if not (_WEIGHTS in file.metadata and key in _OF_A_RUN)]
    lacking = [key for key in needed if key not in file.metadata and not (is_old and key in _METADATA[-2:])]
    if lacking:
        return _check("metadata", False, f"lacks {', '.join(lacking)}")
    return _check("metadata", True, f"{len(file.metadata)} entries; {signature.task}, takes {signature.kind}")


def _check_answers(path: Path, execution: Execution) -> list[Check]:
    """Load a file, and run it."""
    try:
        model = ExportedModel(path, verify=False, **execution.settings())  # compares graph and metadata
        session = model.session
    except ZooError as error:
        return [_check("graph", False, str(error))]
    inputs, outputs = ([each.name for each in part()] for part in (session.get_inputs, session.get_outputs))
    loaded = (
        f"loads in onnxruntime {runtime()['version']} ({', '.join(execution.providers)}); {len(inputs)} inputs and "
        f"{len(outputs)} outputs as described"
    )
    checks = [_check("graph", True, loaded)]
    tolerances, sample = _tolerances(path), None
    beside = sample_of(path)
    if not beside.is_file():
        checks.append(_check("sample", None, _NOTHING["sample"]))
    else:
        try:
            sample = read_sample(beside, inputs, outputs)
            checks.append(_outcome("sample", check_sample, session, sample, tolerances, model.signature))
        except ZooError as error:
            checks.append(_check("sample", False, str(error)))
    checks.append(_outcome("batches", check_batches, session, sample, tolerances, model.signature))
    steps = _outcome("steps", check_steps, path, session, sample, tolerances, model.signature)
    return checks if steps["ok"] is None else [*checks, steps]


def _outcome(name: str, check: Callable[..., str | None], *arguments: Any) -> Check:
    """Make a check, which returns what it saw, or None where nothing is there to see, and raises what is wrong."""
    try:
        seen = check(*arguments)
        return _check(name, None if seen is None else True, seen or _NOTHING[name])
    except ZooError as error:
        return _check(name, False, str(error))


def _tolerances(path: Path) -> dict[str, float]:
    """Return what the certificate beside a file allows, by output, and under "" for those that it does not name."""
    beside = certificate_of(path)
    facts = {} if beside is None else read_json(beside)
    own = {name: output["tolerance"] for name, output in facts.get("outputs", {}).items()}
    return {"": facts.get("tolerance", _TOLERANCE), **own}
