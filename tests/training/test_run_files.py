"""The JSON files of a run: a damaged one is named, with the entry that is wrong and what to do."""

import json
from pathlib import Path

import pytest

from zoo.errors import ZooError
from zoo.training.run_files import read_run_file

OLD = Path(__file__).parents[1] / "old_runs"
TRAINING = {"kept_epoch": 2, "seconds": 1.5}


def write(folder, name, value):
    path = folder / name
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize("path", sorted(OLD.rglob("*.json")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_of_older_runs_are_read(path):
    assert read_run_file(path) == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "expected entries by name, received None; put back the file"),
        (["x" * 99], r"expected entries by name, received \['x{38}…"),
        ({"seconds": 1.5}, "damaged at kept_epoch: it is missing; put back the file"),
        (TRAINING | {"kept_epoch": "2"}, "damaged at kept_epoch: .*valid integer, received '2'"),
        (TRAINING | {"kept_epoch": True}, "damaged at kept_epoch: .*valid integer, received True"),
        (TRAINING | {"model_sha256": 3}, "damaged at model_sha256: .*valid string, received 3"),
    ],
)
def test_a_damaged_entry_is_named(tmp_path, value, message):
    with pytest.raises(ZooError, match=rf"training\.json: {'damaged: ' if 'by name' in message else ''}{message}"):
        read_run_file(write(tmp_path, "training.json", value))


def test_a_report_can_be_written_anew(tmp_path):
    report = json.loads((OLD / "wine" / "report.json").read_text(encoding="utf-8"))
    report["data"]["splits"]["train"] = None
    with pytest.raises(ZooError, match=r"report\.json: damaged at data\.splits\.train: .*`zoo report RUN` writes it"):
        read_run_file(write(tmp_path, "report.json", report))


def test_what_is_no_json(tmp_path):
    (tmp_path / "data.json").write_text('{"fingerprint": "ab')
    for path in (tmp_path / "data.json", tmp_path / "gone" / "data.json"):
        with pytest.raises(ZooError, match=r"data\.json: not readable as JSON \(.*\); put back the file"):
            read_run_file(path)
