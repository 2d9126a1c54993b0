"""Graphs of tables through the whole chain: trained, exported, and the exported file asked about the same tables."""

import json

import numpy as np
import onnxruntime
import pandas as pd
import pytest

SHARED = """optimizer: {learning_rate: {peak: 2e-2}, weight_decay: 1e-4}
training: {batch_size: 16, epochs: 12}
evaluation: {baselines: []}
"""


def train(zoo, path, recipe, *overrides):
    (path / "mine.yaml").write_text(recipe + SHARED)
    code, out, err = zoo("train", "mine.yaml", *overrides, "--json")
    assert code == 0, err
    run = path / json.loads(out)["run"]
    certificate = json.loads((run / "export/certificate.json").read_text())
    assert certificate["max_abs_difference"] <= certificate["tolerance"]
    return run, json.loads((run / "report.json").read_text())


def write_papers(folder, count=160):
    """Write a graph in which nodes of one topic cite each other, and their own features say little of it."""
    generator = np.random.default_rng(0)
    topic = np.arange(count) % 2
    nodes = pd.DataFrame({"id": [f"p{i}" for i in range(count)], "noise": generator.normal(size=count)})
    nodes["hint"] = (topic + generator.normal(0, 1.5, count)).round(4)
    nodes["topic"] = np.array(["art", "law"])[topic]
    pairs = generator.integers(0, count, (count * 20, 2))
    pairs = pairs[(topic[pairs[:, 0]] == topic[pairs[:, 1]]) & (pairs[:, 0] < pairs[:, 1])][: count * 4]
    edges = pd.DataFrame({"from": nodes["id"].to_numpy()[pairs[:, 0]], "to": nodes["id"].to_numpy()[pairs[:, 1]]})
    folder.mkdir()
    nodes.to_csv(folder / "papers.csv", index=False)
    edges.to_csv(folder / "cites.csv", index=False)
    return nodes


@pytest.mark.ci
def test_nodes_of_csv_files(zoo, tmp_path):
    nodes = write_papers(tmp_path / "data")
    recipe = """extends: [_base/node_classification, _base/adamw_cosine]
data:
  source: "csv:data"
  target: topic
  graph: {nodes: papers.csv, edges: cites.csv, source: from, target: to, hops: 1}
model: {name: gcn, width: 16, depth: 1, dropout: 0.0}
"""
    run, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["accuracy"] > 0.85
    nodes.drop(columns="topic").to_csv(tmp_path / "data/papers.csv", index=False)  # new nodes have no topic
    code, out, err = zoo("predict", str(run / "export/model.onnx"), "data", "--json")
    assert code == 0, err
    answers = json.loads(out)
    assert [answer["input"] for answer in answers[:2]] == ["data/papers.csv:1", "data/papers.csv:2"]
    assert np.mean([a["label"] == topic for a, topic in zip(answers, nodes["topic"], strict=True)]) > 0.85
    # onnxruntime and Keras on the first node with its neighbors, put together here
    from zoo.training.run import open_run
    from zoo.training.saved_model import load_model

    edges = pd.read_csv(tmp_path / "data/cites.csv")
    near = set(edges.loc[edges["from"] == "p0", "to"]) | set(edges.loc[edges["to"] == "p0", "from"])
    chosen = ["p0", *(name for name in nodes["id"] if name in near)]
    inside = edges[edges["from"].isin(chosen) & edges["to"].isin(chosen)]
    pairs = [[chosen.index(a), chosen.index(b)] for a, b in inside.to_numpy()]
    features = nodes.set_index("id").loc[chosen, ["noise", "hint"]].to_numpy(np.float32)
    graph = {"nodes": features[None], "edges": np.array([pairs + [pair[::-1] for pair in pairs]], np.int32)}
    found = onnxruntime.InferenceSession(run / "export/model.onnx").run(["probabilities"], graph)[0][0]
    np.testing.assert_allclose(found, [answers[0]["probabilities"][name] for name in ("art", "law")], atol=1e-5)
    np.testing.assert_allclose(found, load_model(open_run(run)).predict(graph, verbose=0)[0], atol=1e-5)
    code, _, err = zoo("predict", str(run / "export/model.onnx"), "data/papers.csv")
    assert code == 2 and "takes graphs, as arrays 'nodes' and 'edges' in an npz file or a folder of tables" in err


@pytest.mark.slow
def test_numbers_of_graphs(zoo, tmp_path):
    generator = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    graphs, nodes, edges = [], [], []
    for i in range(200):
        size = 3 + i % 4
        mass = generator.integers(1, 9, size)
        graphs.append({"graph": f"m{i}", "weight": 100 + 3.0 * mass.sum()})
        nodes += [{"graph": f"m{i}", "id": j, "mass": int(m)} for j, m in enumerate(mass)]
        edges += [{"graph": f"m{i}", "source": j, "target": j + 1} for j in range(size - 1)]
    for name, rows in (("graphs", graphs), ("nodes", nodes), ("edges", edges)):
        pd.DataFrame(rows).to_csv(tmp_path / f"data/{name}.csv", index=False)
    recipe = """extends: [_base/graph_regression, _base/adamw_cosine]
data: {source: "csv:data", target: weight}
model: {name: graph_sage, width: 32, depth: 1, unit_length: false, pool: sum}
"""
    run, report = train(zoo, tmp_path, recipe, "training.epochs=50")
    wanted = np.array([graph["weight"] for graph in graphs])
    assert report["metrics"]["test"]["mae"] < 0.3 * np.abs(wanted - wanted.mean()).mean()
    code, out, err = zoo("predict", str(run / "export/model.onnx"), "data", "--json")
    assert code == 0, err
    values = np.array([answer["value"] for answer in json.loads(out)])
    assert np.abs(values - wanted).mean() < 0.3 * np.abs(wanted - wanted.mean()).mean()


@pytest.mark.slow
def test_graphs_of_parquet_files(zoo, tmp_path):
    (tmp_path / "data").mkdir()
    graphs, nodes, edges = [], [], []
    for i in range(160):
        size, ring = 4 + i % 5, (i // 2) % 2
        graphs.append({"graph": i, "kind": ("line", "ring")[ring]})
        nodes += [{"graph": i, "id": j, "mass": 1.0 + ring + (i * 7 + j) % 3} for j in range(size)]
        edges += [{"graph": i, "source": j, "target": (j + 1) % size} for j in range(size - 1 + ring)]
    for name, rows in (("graphs", graphs), ("nodes", nodes), ("edges", edges)):
        pd.DataFrame(rows).to_parquet(tmp_path / f"data/{name}.parquet")
    recipe = """extends: [_base/graph_classification, _base/adamw_cosine]
data: {source: "parquet:data", target: kind}
preprocess: []
model: {name: gcn, width: 16, depth: 2, dropout: 0.0, pool: max, norm: layer}
"""
    run, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["accuracy"] > 0.8
    given = {}
    for kept in (True, False):  # new graphs, with and without a table of them
        if not kept:
            (tmp_path / "data/graphs.parquet").unlink()
        code, out, err = zoo("predict", str(run / "export/model.onnx"), "data", "--json")
        assert code == 0, err
        given[kept] = json.loads(out)
    assert [a["input"] for a in given[False][:2]] == ["data/nodes.parquet:0", "data/nodes.parquet:1"]
    assert [a["label"] for a in given[True]] == [a["label"] for a in given[False]]
    assert np.mean([a["label"] == g["kind"] for a, g in zip(given[True], graphs, strict=True)]) > 0.8
