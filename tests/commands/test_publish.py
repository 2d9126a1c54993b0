"""A run in a folder, or on a stand-in for the Hugging Face hub."""

import base64
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml
from in_ci import in_ci
from safetensors.numpy import load_file

import zoo
from zoo.errors import ZooError

SHORT = ["training.epochs=2", "optimizer.learning_rate.warmup_epochs=0.5", "evaluation.baselines=[]"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose data lies in a folder of this machine."""
    folder = tmp_path_factory.mktemp("private place")
    draw = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in draw.normal(size=(120, 2))]
    (folder / "cars.csv").write_text("\n".join(["a,b,sold", *rows]) + "\n")
    return zoo.train(data=str(folder / "cars.csv"), target="sold", overrides=SHORT[:1], runs=folder / "runs")


def test_a_published_folder_is_a_run(run, tmp_path):
    found = zoo.publish(run, f"folder:{tmp_path / 'cars'}", license="apache-2.0")
    published = zoo.load(tmp_path / "cars")
    rows = {"a": [1.0, -1.0], "b": [0.0, 0.5]}
    np.testing.assert_array_equal(
        published.exported.predict(rows).probabilities, run.exported.predict(rows).probabilities
    )
    weights = load_file(tmp_path / "cars" / "model.safetensors")
    variables = [v for v in run.model.variables if "seed_generator" not in v.path]
    assert {v.path for v in variables} == set(weights)
    for variable in variables:
        np.testing.assert_array_equal(weights[variable.path], variable.numpy())
    assert set(found["files"]) == {p.relative_to(tmp_path / "cars").as_posix() for p in files(tmp_path / "cars")}
    front = yaml.safe_load((tmp_path / "cars" / "README.md").read_text().split("---\n")[1])
    assert front["license"] == "apache-2.0" and "keras-model-zoo" in front["tags"]
    assert zoo.verify(tmp_path / "cars" / "export" / "model.onnx")["ok"]
    assert published.metrics == run.metrics


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_nothing_says_where_it_was_made(run, tmp_path):
    zoo.publish(run, f"folder:{tmp_path / 'cars'}", sample=False)
    for path in files(tmp_path / "cars"):
        found = path.read_bytes()
        at = found.find(b"private place")
        assert at < 0, (path.name, found[max(0, at - 80) : at + 60])
        assert not path.name.startswith("sample.")


def test_a_folder_with_a_blank_is_cut_in_the_middle_of_a_sentence(run, tmp_path):
    copied = shutil.copytree(run, tmp_path / "run")
    report = json.loads((copied / "report.json").read_text())
    place = Path(report["data"]["source"].partition(":")[2]).parent
    assert " " in str(place)
    report["verdict"] = f"row 3 of {place}/cars.csv and /etc/other/rows.csv: odd"
    (copied / "report.json").write_text(json.dumps(report))
    zoo.publish(copied, f"folder:{tmp_path / 'cars'}")
    found = json.loads((tmp_path / "cars" / "report.json").read_text())
    assert found["verdict"] == "row 3 of cars.csv and rows.csv: odd"


@pytest.mark.parametrize("source", in_ci(["folder", "file"], but=["file"]))
@pytest.mark.ci
def test_a_published_run_is_fine_tuned(run, tmp_path, source):
    zoo.publish(run, f"folder:{tmp_path / 'cars'}")
    given = tmp_path / "cars" if source == "folder" else f"file:{tmp_path / 'cars' / 'model.safetensors'}"
    recipe = tmp_path / "again.yaml"
    recipe.write_text((run / "recipe.yaml").read_text())
    again = zoo.train(recipe, [f"model.pretrained={given}", "model.freeze=true"], runs=tmp_path, export=False)
    own, theirs = ({v.path: v.numpy() for v in each.model.trainable_variables} for each in (again, run))
    frozen = [path for path in theirs if "logits" not in path]
    assert frozen
    weights = {v.path: v.numpy() for v in again.model.variables}
    for path in frozen:
        np.testing.assert_array_equal(weights[path], theirs[path])
    assert all("logits" in path for path in own)


def test_what_cannot_be_published_is_refused(run, tmp_path):
    (tmp_path / "there").mkdir()
    for to, message in (
        (f"folder:{tmp_path / 'there'}", "is there already"),
        ("s3:bucket", "expected folder:DIR or hf:ORG/NAME"),
        ("hf:name", "expected hf:ORG/NAME"),
    ):
        with pytest.raises(ZooError, match=message):
            zoo.publish(run, to)
    with pytest.raises(ZooError, match=r"expected a name such as apache-2\.0"):
        zoo.publish(run, f"folder:{tmp_path / 'x'}", license="My Own")
    unfinished = zoo.train("mlp/wine", SHORT, runs=tmp_path, export=False)
    with pytest.raises(ZooError, match="its export is missing; finish it"):
        zoo.publish(unfinished, f"folder:{tmp_path / 'x'}")
    assert {path.name for path in tmp_path.iterdir()} == {"there", "mlp"}


class Hub(BaseHTTPRequestHandler):
    """What the hub's API answers to a repository that is made and a commit of files."""

    received: dict[str, bytes] = {}
    created: list[dict] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/repos/create":
            self.created.append({**json.loads(body), "token": self.headers.get("Authorization")})
            self.answer({"url": f"http://{self.headers['Host']}/team/cars", "name": "team/cars"})
        elif self.path.endswith("/preupload/main"):
            given = json.loads(body)["files"]
            self.answer({"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in given]})
        elif self.path.startswith("/api/models/team/cars/commit/main"):
            for line in body.decode().splitlines():
                part = json.loads(line)
                if part["key"] == "file":
                    self.received[part["value"]["path"]] = base64.b64decode(part["value"]["content"])
            url = f"http://{self.headers['Host']}/team/cars/commit/abc"
            self.answer({"commitUrl": url, "commitOid": "abc", "success": True})
        else:
            self.answer({"errors": [], "warnings": []})

    def do_GET(self):
        self.answer({"id": "team/cars", "sha": "abc", "siblings": [], "name": "me", "type": "user"})

    def answer(self, facts):
        text = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(monkeypatch):
    pytest.importorskip("huggingface_hub")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    for name in ("constants", "hf_api"):
        module = __import__(f"huggingface_hub.{name}", fromlist=["ENDPOINT"])
        if hasattr(module, "ENDPOINT"):
            monkeypatch.setattr(module, "ENDPOINT", address)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    Hub.received, Hub.created = {}, []
    yield Hub
    server.shutdown()
    server.server_close()


def test_a_repository_of_the_hub_gets_the_same_files(run, hub, tmp_path):
    found = zoo.publish(run, "hf:team/cars", private=True, license="mit")
    zoo.publish(run, f"folder:{tmp_path / 'cars'}", license="mit")
    asked = hub.created[0]
    assert asked["name"] == "cars" and (asked.get("private") is True or asked.get("visibility") == "private")
    assert hub.created[0]["token"] == "Bearer hf_test"
    assert found["url"].endswith("/team/cars")
    names = {path.relative_to(tmp_path / "cars").as_posix(): path for path in files(tmp_path / "cars")}
    assert set(hub.received) == set(names)
    for name, path in names.items():
        assert hub.received[name] == path.read_bytes(), name


def test_a_hub_that_refuses_is_said(run, hub, monkeypatch):
    monkeypatch.setattr(Hub, "do_POST", lambda self: self.send_error(403, "no right to write"))
    with pytest.raises(ZooError, match=r"hf:team/cars: the hub did not take the files"):
        zoo.publish(run, "hf:team/cars")
