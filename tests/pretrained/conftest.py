"""Files of weights with the names and shapes of other libraries' networks (`make_references.py`)."""

import json

import numpy as np
import pytest
from reference_numbers import REFERENCES, numbers


@pytest.fixture
def reference(tmp_path):
    """Return a function from the name of a reference to its facts, tensors, and a safetensors file of them."""

    def load(name):
        from safetensors.numpy import save_file

        facts = json.loads((REFERENCES / f"{name}.json").read_text())
        tensors = {
            key: numbers(key, shape) if dtype.startswith("float") else np.zeros(shape, dtype)
            for key, (dtype, *shape) in facts["tensors"].items()
        }
        path = tmp_path / f"{name}.safetensors"
        save_file(tensors, path)
        return facts, tensors, path

    return load


def write_tokenizer(path, words):
    """Write a WordPiece tokenizer with BERT's marks, and return it."""
    import tokenizers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {piece: i for i, piece in enumerate([*special, *words])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(special)
    tokenizer.normalizer, tokenizer.pre_tokenizer = (
        tokenizers.normalizers.BertNormalizer(),
        tokenizers.pre_tokenizers.BertPreTokenizer(),
    )
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))
    return tokenizer


@pytest.fixture
def small(reference):
    """Return the file of a small BERT with all that sentence-transformers puts beside it, and its tokenizer."""
    _, tensors, path = reference("bert")
    folder = path.parent
    config = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
    config |= {"max_position_embeddings": 20, "layer_norm_eps": 1e-12}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 16}))
    (folder / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.Normalize"}]))
    words = [*"abcdu", "cat", "kitten", "sits", "is", "sitting", "stocks", "fell", "on", "monday", "##a", "##t", "##b"]
    words += [f"w{i}" for i in range(46 - len(words))]
    return path, tensors, write_tokenizer(folder / "tokenizer.json", words)
