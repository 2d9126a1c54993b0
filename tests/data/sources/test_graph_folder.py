"""Graphs from tables of nodes and edges: neighborhoods, whole graphs, what is said of them, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
from loading import load, refused
from scipy.sparse import coo_array
from scipy.sparse.csgraph import shortest_path

NODES, GRAPHS = "node_classification", "graph_classification"
RNG = np.random.default_rng(0)
COUNT = 60


def papers():
    """Return a graph: names, two features, a label where known, and directed edges."""
    nodes = pd.DataFrame(
        {
            "id": [f"p{i:03}" for i in RNG.permutation(1000)[:COUNT]],
            "year": RNG.integers(1990, 2020, COUNT),
            "topic": np.where(np.arange(COUNT) % 6 == 5, None, np.array(["art", "law", "sea"])[np.arange(COUNT) % 3]),
            "cited": RNG.normal(size=COUNT).astype(np.float32),
        }
    )
    pairs = np.unique(RNG.integers(0, COUNT, (90, 2)), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    edges = pd.DataFrame({"source": nodes["id"].to_numpy()[pairs[:, 0]], "target": nodes["id"].to_numpy()[pairs[:, 1]]})
    return nodes, edges, pairs


PAPERS, CITES, PAIRS = papers()


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes tables, and returns the source."""

    def write(kind="csv", **tables):
        (tmp_path / "data").mkdir(exist_ok=True)
        for name, frame in tables.items():
            path = tmp_path / "data" / f"{name}.{kind}"
            if isinstance(frame, str):
                path.write_text(frame)
            elif kind == "csv":
                frame.to_csv(path, index=False)
            elif kind == "parquet":
                frame.to_parquet(path)
            else:
                frame.to_json(path, orient="records", lines=True, double_precision=15)
        return f"{kind}:{tmp_path / 'data'}"

    return write


def graphs_of(dataset):
    """Return nodes, edges and target of each example, without padding."""
    found = []
    for split in (dataset.train, dataset.validation, dataset.test):
        raw = split.take(np.arange(len(split)))
        for nodes, edges, y in zip(raw["nodes"], raw["edges"], split.targets, strict=True):
            found.append((nodes[~np.isnan(nodes).all(axis=1)], edges[edges[:, 0] >= 0], dataset.signature.labels[y]))
    return found


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize(("directed", "hops"), [(False, 2), (True, 1), (True, 3)])
def test_a_node_comes_with_all_that_reach_it(folder, kind, directed, hops):
    source = folder(kind, nodes=PAPERS, edges=CITES)
    dataset = load(source, NODES, target="topic", graph={"directed": directed, "hops": hops})
    found = dataset.signature
    assert (found.kind, found.shape, found.labels) == ("graph", (None, 2), ("art", "law", "sea"))
    assert [column.name for column in found.columns] == ["year", "cited"]
    features = PAPERS[["year", "cited"]].to_numpy(np.float32)
    matrix = coo_array((np.ones(len(PAIRS)), (PAIRS[:, 0], PAIRS[:, 1])), shape=(COUNT, COUNT)).toarray() > 0
    matrix = matrix if directed else matrix | matrix.T
    distances = shortest_path(matrix.astype(float), unweighted=True)  # from row to column
    examples = graphs_of(dataset)
    assert len(examples) == 50
    for nodes, edges, label in examples:
        center = int(np.flatnonzero((features == nodes[0]).all(axis=1))[0])
        assert label == PAPERS["topic"][center]
        near = np.flatnonzero(distances[:, center] <= hops)
        chosen = np.concatenate([[center], near[near != center]])
        np.testing.assert_array_equal(nodes, features[chosen])
        wanted = np.argwhere(matrix[np.ix_(chosen, chosen)])
        assert sorted(map(tuple, edges)) == sorted(map(tuple, wanted))
    assert "10 of 60 nodes have no label, and are neighbors alone" in dataset.notes


def test_double_edges_loops_and_directions_are_counted(folder):
    more = pd.DataFrame({"source": PAPERS["id"][[0, 1]], "target": PAPERS["id"][[0, 1]]})
    both = CITES.rename(columns={"source": "target", "target": "source"}).head(10)
    edges = pd.concat([CITES, CITES.head(7), more, both])
    plain = load(folder(nodes=PAPERS, edges=CITES), NODES, target="topic")
    dataset = load(folder(nodes=PAPERS, edges=edges), NODES, target="topic")
    notes = " ".join(dataset.notes)
    assert f"7 of {len(edges)} edges are there twice, and are taken once" in notes
    assert "2 edges lead from a node to itself, and stay" in notes
    assert f"of {len(CITES) + 12} edges are written in one direction, and are taken in both" in notes
    loops = sum(int((edges[:, 0] == edges[:, 1]).sum()) for _, edges, _ in graphs_of(dataset))
    assert loops > 0
    for (nodes, edges, _), (own, pairs, _) in zip(graphs_of(dataset), graphs_of(plain), strict=True):
        np.testing.assert_array_equal(nodes, own)
        np.testing.assert_array_equal(edges[edges[:, 0] != edges[:, 1]], pairs)


def test_splits_by_masks_a_column_and_groups(folder):
    part = np.arange(COUNT) % 4
    masks = PAPERS.assign(train_mask=part == 0, val_mask=(part == 1).astype(int), test_mask=part == 2)
    dataset = load(folder(nodes=masks, edges=CITES), NODES, target="topic")
    known = PAPERS["topic"].notna()
    sizes = [int((known & (part == i)).sum()) for i in range(3)]
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == sizes
    assert dataset.signature.shape == (None, 2)
    assert (
        f"{int((known & (part == 3)).sum())} labelled nodes are in no split, and are neighbors alone" in dataset.notes
    )
    column = PAPERS.assign(split=np.array(["train", "dev", "test", ""])[part])
    other = load(folder(nodes=column, edges=CITES), NODES, target="topic", split_column="split")
    assert other.fingerprint == dataset.fingerprint
    groups = PAPERS.assign(author=[f"a{i // 3}" for i in range(COUNT)])
    grouped = load(folder(nodes=groups, edges=CITES), NODES, target="topic", group="author")
    assert any("groups of column 'author', each whole" in note for note in grouped.notes)
    assert grouped.signature.shape == (None, 2)


def molecules():
    """Return tables of 30 graphs: rings and lines of 3 to 7 nodes, whose names repeat."""
    graphs, nodes, edges = [], [], []
    for i in range(30):
        size, ring = 3 + i % 5, i % 2
        graphs.append({"graph": f"m{i}", "kind": ("line", "ring")[ring]})
        nodes += [{"graph": f"m{i}", "id": j, "mass": float(i + j / 10)} for j in range(size)]
        edges += [{"graph": f"m{i}", "source": j, "target": j + 1} for j in range(size - 1)]
        edges += [{"graph": f"m{i}", "source": size - 1, "target": 0}] * ring
    return {name: pd.DataFrame(rows) for name, rows in (("graphs", graphs), ("nodes", nodes), ("edges", edges))}


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_many_graphs_by_their_names(folder, kind):
    tables = molecules()
    tables["nodes"] = tables["nodes"].sample(frac=1, random_state=0, ignore_index=True)  # in any order
    dataset = load(folder(kind, **tables), GRAPHS, target="kind")
    examples = graphs_of(dataset)
    assert len(examples) == 30 and dataset.signature.labels == ("line", "ring")
    for nodes, edges, label in examples:
        graph = int(nodes.min())
        size = 3 + graph % 5
        assert len(nodes) == size and label == ("line", "ring")[graph % 2]
        places = np.round((nodes[:, 0] - graph) * 10).astype(int)  # the names of the nodes, in their order
        found = {(int(places[a]), int(places[b])) for a, b in edges}
        wanted = {(j, j + 1) for j in range(size - 1)} | ({(size - 1, 0)} if graph % 2 else set())
        assert found == wanted | {(b, a) for a, b in wanted}


def test_names_of_nodes_that_are_those_of_all_graphs_need_no_graph_for_edges(folder):
    tables = molecules()
    dataset = load(folder(**tables), GRAPHS, target="kind")
    for name, columns in (("nodes", ["id"]), ("edges", ["source", "target"])):
        for column in columns:
            tables[name][column] = tables[name]["graph"] + "/" + tables[name][column].astype(str)
    tables["edges"] = tables["edges"].drop(columns="graph")
    assert load(folder(**tables), GRAPHS, target="kind").fingerprint == dataset.fingerprint


@pytest.mark.ci
def test_the_built_in_neighborhoods_as_tables_are_the_same_data(folder):
    from zoo.data.builtin import graphs
    from zoo.data.builtin.measured import digit_images

    images, labels = digit_images()
    flat = images.reshape(len(images), -1)
    pixels = pd.DataFrame(flat.astype(np.float32) / np.float32(255), columns=[f"x{i}" for i in range(64)])
    pairs = np.argwhere(graphs._joined(flat.astype(np.int64)))
    split = np.full(len(labels), "", object)
    for name, rows in graphs._node_splits(labels).items():
        split[rows] = name
    nodes = pixels.assign(id=np.arange(len(labels)), label=labels, split=split)
    edges = pd.DataFrame(pairs[pairs[:, 0] < pairs[:, 1]], columns=["source", "target"])
    builtin = load("builtin:digit_neighbors", NODES, splits={"validation": "validation"})
    tables = load(folder("parquet", nodes=nodes, edges=edges), NODES, target="label", split_column="split")
    for own, other in zip(*(parts_of(dataset) for dataset in (tables, builtin)), strict=True):
        assert own == other  # but for their order, which TFDS draws


def parts_of(dataset):
    """Return the graphs and targets of each split, sorted."""
    splits = (dataset.train, dataset.validation, dataset.test)
    return [sorted((s.inputs.content(i), int(y)) for i, y in zip(s.indices, s.targets, strict=True)) for s in splits]


@pytest.mark.ci
def test_the_built_in_graphs_as_tables_are_the_same_data(folder):
    import tensorflow_datasets as tfds

    from zoo.data.builtin import builtin_builder

    builder, tables = builtin_builder("digit_graphs"), {"graphs": [], "nodes": [], "edges": []}
    for split in ("train", "test"):
        for i, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False))):
            name = f"{split}{i}"
            tables["graphs"].append({"graph": name, "label": int(example["label"]), "split": split})
            for j, row in enumerate(example["graph"]["nodes"].astype(np.float64)):
                tables["nodes"].append({"graph": name, "id": j, "ink": row[0], "row": row[1], "column": row[2]})
            for a, b in example["graph"]["edges"].tolist():
                tables["edges"].append({"graph": name, "source": a, "target": b})
    source = folder(**{name: pd.DataFrame(rows) for name, rows in tables.items()})
    dataset = load(source, GRAPHS, target="label", split_column="split", graph={"directed": True})
    assert dataset.fingerprint == load("builtin:digit_graphs", GRAPHS).fingerprint


def without(frame, *columns):
    return frame.drop(columns=list(columns))


def changed(frame, row, **values):
    frame = frame.copy().astype(dict.fromkeys(values, object))
    for name, value in values.items():
        frame.loc[row, name] = value
    return frame


M = molecules()
LOST = changed(CITES, [3, 8], target="nobody")
BAD = {  # tables, settings, and what is said
    "no folder": (NODES, None, {}, "expected a folder with tables of nodes and edges"),
    "no edges": (NODES, {"nodes": PAPERS}, {}, r"there is no file 'edges.csv', which .* \(found: nodes.csv\)"),
    "no nodes": (NODES, {"edges": CITES}, {}, "there is no file 'nodes.csv'"),
    "other file": (NODES, {"nodes": PAPERS, "edges": CITES}, {"graph": {"edges": "links.csv"}}, "no file 'links.csv'"),
    "empty edges": (NODES, {"nodes": PAPERS, "edges": CITES.head(0)}, {}, "edges.csv.*no rows"),
    "no id": (NODES, {"nodes": without(PAPERS, "id"), "edges": CITES}, {}, "column 'id', which the table lacks"),
    "no source": (NODES, {"nodes": PAPERS, "edges": without(CITES, "source")}, {}, "column 'source', which"),
    "no target": (NODES, {"nodes": without(PAPERS, "topic"), "edges": CITES}, {}, "names the column 'topic', which"),
    "unknown nodes": (
        *(NODES, {"nodes": PAPERS, "edges": LOST}, {}),
        rf"2 of {len(CITES)} edges have an end that is no node: row 4 \(line 5\): p\d+ to nobody, row 9",
    ),
    "nodes twice": (
        *(NODES, {"nodes": pd.concat([PAPERS, PAPERS.head(2)]), "edges": CITES}, {}),
        r"column 'id' names nodes twice: 2 rows: p\d+ \(row 61 \(line 62\)\)",
    ),
    "node without a name": (
        *(NODES, {"nodes": changed(PAPERS, [1], id=None), "edges": CITES}, {}),
        r"column 'id' is empty in 1 of 60 rows: row 2 \(line 3\)",
    ),
    "end without a name": (
        NODES,
        {"nodes": PAPERS, "edges": changed(CITES, [0], source=None)},
        {},
        "'source' is empty",
    ),
    "text as a feature": (
        *(NODES, {"nodes": PAPERS.assign(venue=["x", "y"] * 30), "edges": CITES}, {}),
        "features of nodes are numbers, and text is in 1 columns: 'venue'; write categories as columns of 0 and 1",
    ),
    "split column that is not named": (
        *(NODES, {"nodes": PAPERS.assign(split=["train", "val", "test"] * 20), "edges": CITES}, {}),
        "split the nodes by data.split_column: split",
    ),
    "gaps": (NODES, {"nodes": changed(PAPERS, [2], cited=None), "edges": CITES}, {}, "1 values of 1 nodes are missing"),
    "no features": (NODES, {"nodes": PAPERS[["id", "topic"]], "edges": CITES}, {}, "no column of features is left"),
    "numbers that float32 merges": (
        *(NODES, {"nodes": PAPERS.assign(cited=1.7e9 + np.arange(60) / 10), "edges": CITES}, {}),
        "float32, which models take, rounds 1 of 2 features",
    ),
    "overlapping masks": (
        *(NODES, {"nodes": PAPERS.assign(train_mask=1, test_mask=[0] * 58 + [1, 1]), "edges": CITES}, {}),
        r"masks put 2 nodes into several splits: row 59 \(line 60\)",
    ),
    "no mask for training": (NODES, {"nodes": PAPERS.assign(test_mask=1), "edges": CITES}, {}, "train_mask is missing"),
    "mask of other values": (
        *(NODES, {"nodes": PAPERS.assign(train_mask=[2] + [1] * 59), "edges": CITES}, {}),
        "column 'train_mask' is a mask of 0 and 1, and has something else in 1 rows",
    ),
    "empty split": (
        *(NODES, {"nodes": PAPERS.assign(train_mask=1, val_mask=0), "edges": CITES}, {}),
        "no labelled node is in the split validation",
    ),
    "one class": (NODES, {"nodes": PAPERS.assign(topic="art"), "edges": CITES}, {}, "class"),
    "broken json": (NODES, {"nodes": '{"id": 1}\n{"id": \n', "edges": '{"source": 1, "target": 1}\n'}, {}, "line 2"),
    "ragged edges": (NODES, {"nodes": PAPERS, "edges": "source,target\na,b,c\n"}, {}, "line 2|row 1"),
    "no graphs": (GRAPHS, {"nodes": M["nodes"], "edges": M["edges"]}, {}, "there is no file 'graphs.csv'"),
    "graph without nodes": (
        *(GRAPHS, {**M, "graphs": pd.concat([M["graphs"], pd.DataFrame([{"graph": "m99", "kind": "ring"}])])}, {}),
        "1 of 31 graphs have no nodes: m99",
    ),
    "nodes without a graph": (
        *(GRAPHS, {**M, "graphs": M["graphs"].iloc[:-2]}, {}),
        "13 nodes are of a graph that .*graphs.csv lacks: row",
    ),
    "graph twice": (
        *(GRAPHS, {**M, "graphs": pd.concat([M["graphs"], M["graphs"].head(1)])}, {}),
        r"column 'graph' names graphs twice: 1 rows: m0 \(row 31",
    ),
    "names that repeat over graphs": (
        *(GRAPHS, {**M, "edges": without(M["edges"], "graph")}, {}),
        "names nodes twice in one graph; where names repeat over graphs, give the edges a column 'graph'",
    ),
    "edges between graphs": (
        *(GRAPHS, {**M, "edges": pd.DataFrame({"source": [0], "target": [9]})}, {}),
        "1 edges join nodes of two graphs",
    ),
    "edge of a graph that is not there": (
        *(GRAPHS, {**M, "edges": changed(M["edges"], [0], graph="m99")}, {}),
        "1 of .* edges have an end that is no node",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_tables_that_make_no_graphs_are_refused(folder, tmp_path, fault):
    task, tables, settings, message = BAD[fault]
    if fault == "edges between graphs":
        tables = {**tables, "nodes": tables["nodes"].assign(id=np.arange(len(tables["nodes"])))}
    kind = "jsonl" if fault == "broken json" else "csv"
    source = f"csv:{tmp_path / 'nothing'}" if tables is None else folder(kind, **tables)
    refused(message, source, task, target="topic" if task == NODES else "kind", **settings)


def test_edges_without_nodes_are_left_out_where_the_recipe_says_so(folder):
    dataset = load(folder(nodes=PAPERS, edges=LOST), NODES, target="topic", on_error="skip")
    assert any(f"left out by data.on_error: 2 of {len(CITES)} edges have an end" in note for note in dataset.notes)


def test_a_neighborhood_that_is_too_large_is_refused(folder, monkeypatch):
    monkeypatch.setattr("zoo.data.sources.graph_folder.MAX_NEIGHBORHOOD", 5)
    refused(
        "nodes have more than 5 nodes up to 2 edges away: node .*lower data.graph.hops",
        folder(nodes=PAPERS, edges=CITES),
        NODES,
        target="topic",
    )


def test_what_the_file_keeps_of_the_tables(folder):
    dataset = load(folder(nodes=PAPERS, edges=CITES), NODES, target="topic", graph={"hops": 1})
    facts = json.loads(json.dumps(dataset.signature.to_json()))["graph"]
    assert facts == {
        **{"nodes": "nodes.csv", "edges": "edges.csv", "graphs": "", "node": "id", "source": "source"},
        **{"target": "target", "graph": "graph", "directed": False, "hops": 1},
    }
