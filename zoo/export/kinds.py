"""For each kind of task, how its models become a file, what is proved, and what the card says."""

from __future__ import annotations

from zoo.export import card_inputs, card_outputs
from zoo.export.card_text import CardText, predictor_text, proof_on_noise
from zoo.export.generators import Generator
from zoo.export.graph_outputs import add_label, add_tags, flatten_value
from zoo.export.graph_postprocessing import add_label_set, add_mask, add_unusual, choose_boxes, read_best_path
from zoo.export.parity import different_classes, different_labels, different_sequences, different_sets
from zoo.export.predictors import SOURCE_AND_TARGET, Predictor
from zoo.tasks import Kind

_AUTOENCODER = ("embedding", "reconstruction", "score")  # in the order in which Keras gives the values of a dict
_AUTOENCODER_RESULTS = ", ".join(_AUTOENCODER)

KINDS: dict[Kind, Predictor | Generator] = {
    "classification": Predictor(
        outputs=("probabilities",),
        extend=add_label,
        decide=add_unusual,
        decisions=different_labels,
        exact=True,
        bounded=True,
        decided="labels",
        card=predictor_text(card_outputs.class_outputs, card_outputs.class_results),
    ),
    "multi_label": Predictor(
        outputs=("probabilities",),
        decide=add_label_set,
        decisions=different_sets,
        bounded=True,
        decided="labels",
        card=predictor_text(card_outputs.label_outputs, "probabilities, label_set"),
    ),
    "regression": Predictor(
        outputs=("value",),
        extend=flatten_value,
        expected=lambda output: output[:, 0] if output.shape[1] == 1 else output,
        card=predictor_text(card_outputs.value_outputs, card_outputs.value_results),
    ),
    "forecasting": Predictor(
        outputs=("forecast",),
        card=predictor_text(card_outputs.forecast_outputs, card_outputs.forecast_results),
    ),
    "tokens": Predictor(
        outputs=("logits",),
        extend=add_tags,
        decisions=different_classes,
        decided="most probable tokens",
        card=predictor_text(card_outputs.token_outputs, card_outputs.token_results),
    ),
    "sequences": Predictor(
        outputs=("logits",),
        inputs=SOURCE_AND_TARGET,
        decisions=different_sequences,
        exact=True,
        decided="decoded texts",
        card=predictor_text(card_outputs.decoder_outputs, row=card_inputs.decoder_row),
    ),
    "transcription": Predictor(
        outputs=("probabilities",),
        decide=read_best_path,
        decisions=different_classes,
        bounded=True,
        decided="steps",
        card=predictor_text(card_outputs.transcription_outputs, "probabilities, tokens, count"),
    ),
    "segmentation": Predictor(
        outputs=("probabilities",),
        decide=add_mask,
        decisions=different_classes,
        bounded=True,
        decided="pixels",
        card=predictor_text(card_outputs.mask_outputs, "probabilities, mask"),
    ),
    "detection": Predictor(
        outputs=("detections",),
        decide=choose_boxes,
        bounded=True,
        card=predictor_text(card_outputs.box_outputs, "boxes, scores, labels, count, detections"),
    ),
    "reconstruction": Predictor(
        outputs=_AUTOENCODER, card=predictor_text(card_outputs.autoencoder_outputs, _AUTOENCODER_RESULTS)
    ),
    "anomaly": Predictor(
        outputs=_AUTOENCODER, card=predictor_text(card_outputs.anomaly_outputs, f"{_AUTOENCODER_RESULTS}, abnormal")
    ),
    "generation": Generator(
        card=CardText(
            inputs=card_inputs.noise,
            outputs=card_outputs.image_outputs,
            call=card_inputs.image_call,
            proof=proof_on_noise,
            has_preprocessing=False,
        )
    ),
    "representation": Predictor(
        outputs=("embedding",), card=predictor_text(card_outputs.embedding_outputs, "(embedding,)")
    ),
}
