"""Files read by the rules of docs/serving.md, "The metadata", with onnxruntime, NumPy and json alone.

`Reader` is what another program would write: it shares no code with the package, whose answers it has to give.
"""

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from zoo.serving.exported_model import ExportedModel

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
PADDING, UNKNOWN, START, END = range(4)


def token_ids(texts, tokenizer):
    symbols = {symbol: i for i, symbol in enumerate(tokenizer["symbols"], start=4)}
    rows = []
    for text in texts:
        text = text.lower() if tokenizer["lowercase"] else text
        parts = {"character": list, "word": lambda t: re.findall(r"\w+|[^\w\s]", t), "whitespace": str.split}
        tokens = parts[tokenizer["level"]](text)[: tokenizer["length"]]
        rows.append([symbols.get(token, UNKNOWN) for token in tokens])
    longest = tokenizer["length"] if tokenizer["length"] is not None else max(map(len, rows))
    return np.array([row + [PADDING] * (longest - len(row)) for row in rows], np.int32)


class Reader:
    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        metadata = self.session.get_modelmeta().custom_metadata_map
        assert int(metadata.get("zoo.format", "1")) <= 3
        self.signature = json.loads(metadata["zoo.signature"])

    def run(self, **inputs):
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, inputs), strict=True))

    def rows(self, table):
        """Answer to a table, given as a list of values for each column."""
        inputs = {}
        for column in self.signature["columns"]:
            values = table[column["name"]]
            if column["type"] == "number":
                dtype = np.float64 if column.get("double") else np.float32
                values = np.array([np.nan if v is None else v for v in values], dtype)[:, None]
            elif column["type"] == "category":
                gone = {None, *(column.get("missing") or ())}
                values = np.array([["" if v in gone else v] for v in values], object)
            else:
                values = token_ids([v or "" for v in values], column["tokenizer"])
            inputs[self.signature["inputs"][column["name"]]] = values
        return self.run(**inputs)

    def decode(self, text, width=1):
        """Return the best text, by a beam that keeps every beginning apart; width 1 is greedy."""
        source, beams, done = token_ids([text], self.signature["tokenizer"]), [((START,), 0.0)], []
        for _ in range(256):
            found = []
            for tokens, score in beams:
                logits = self.run(source=source, target=np.array([tokens], np.int32))["logits"][0, -1].astype(float)
                logits[[PADDING, START]] = -np.inf
                odds = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
                found += [((*tokens, i), score + odds[i]) for i in np.flatnonzero(np.isfinite(odds))]
            found += done
            found.sort(key=lambda each: -each[1] / ((4 + len(each[0])) / 6) ** 0.6)
            done = [each for each in found[:width] if each[0][-1] == END]
            beams = [each for each in found[:width] if each[0][-1] != END]
            if not beams:
                break
        best = max([*done, *beams], key=lambda each: each[1] / ((4 + len(each[0])) / 6) ** 0.6)[0]
        return "".join(self.signature["labels"][i] for i in best[1:] if i != END)


def both(name):
    path = EXPORTED / name / "model.onnx"
    return Reader(path), ExportedModel(path)


@pytest.mark.parametrize("name", ["lstm/dates", "transformer/dates"])
def test_texts_are_decoded_by_the_rules(name):
    reader, model = both(name)
    texts = ["March 29th, 2016", "tuesday, 4 MAY 1971", "\N{SNOWMAN}", " ", "x"]  # the last two depend on the penalty
    assert [reader.decode(text) for text in texts] == model.predict(texts).texts
    beams = ["".join(model.labels[i] for i in row if i > END) for row in model.decode(texts, beams=3)]
    assert [reader.decode(text, width=3) for text in texts] == beams


def test_a_language_model_continues_by_the_rules():
    reader, model = both("transformer/python_topics")
    context, symbols = reader.signature["shape"][0], reader.signature["tokenizer"]["symbols"]
    text = "A function is " * 20  # longer than the context
    for _ in range(8):
        ids = token_ids([text], reader.signature["tokenizer"])
        while ids.shape[1] > context:
            ids = ids[:, context // 2 :]
        last = reader.run(tokens=ids)["logits"][0, -1]
        text += symbols[max(range(4, len(last)), key=lambda i: last[i]) - 4]
    assert text == model.generate("A function is " * 20, 8, top_k=1)


def test_a_table_is_read_by_the_rules():
    reader, model = both("mlp/wine")
    draw = np.random.default_rng(0)
    table = {column["name"]: [*draw.normal(10, 5, 6).tolist(), None] for column in reader.signature["columns"]}
    found, expected = reader.rows(table), model.predict(table)
    np.testing.assert_array_equal(found["probabilities"], expected.probabilities)
    assert found["label"].tolist() == expected.labels
    places = found["probabilities"].argmax(1)
    assert [reader.signature["labels"][i] for i in places] == expected.labels


def test_categories_texts_and_missing_values_are_read_by_the_rules(reopened):
    run, dataset, _ = reopened("table")
    path = run.folder / "export" / "model.onnx"
    reader, model = Reader(path), ExportedModel(path)
    table = {
        "size, in cm": [1.5, None, 1e6],
        "größe": [None, 0.1, 3.0],
        "colour": ["never seen", None, "weiß"],
        "zip code": ["01234", "", "9"],
    }
    assert {column["name"] for column in reader.signature["columns"]} == set(table)
    np.testing.assert_array_equal(reader.rows(table)["probabilities"], model.predict(table).probabilities)
    run, dataset, _ = reopened("text")
    path = run.folder / "export" / "model.onnx"
    reader, model = Reader(path), ExportedModel(path)
    texts = [str(text) for text in dataset.test.take(np.arange(3))] + ["\N{SNOWMAN} never seen", "x " * 500]
    found = reader.run(tokens=token_ids(texts, reader.signature["tokenizer"]))
    np.testing.assert_allclose(found["probabilities"], model.predict(texts).probabilities, atol=1e-6)


def test_classes_of_pixels_boxes_and_flags_are_read_by_the_rules():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 1), dtype=np.uint8)
    reader, model = both("cnn/digit_scenes_masks")
    np.testing.assert_array_equal(reader.run(image=pixels)["mask"], model.predict(pixels).masks)
    reader, model = both("autoencoder/digits_anomaly")
    found = reader.run(image=pixels[:, :8, :8])
    labels = [reader.signature["labels"][int(s > reader.signature["threshold"])] for s in found["score"]]
    assert labels == model.predict(pixels[:, :8, :8]).labels
