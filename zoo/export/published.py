"""A published network as an ONNX file that takes raw input, without any training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import onnx

from zoo import registry
from zoo.data.dataset import Dataset, Signature
from zoo.data.raw_tensors import keras_inputs
from zoo.data.tokenizer import SPECIAL, Tokenizer, fit_tokenizer
from zoo.errors import ZooError, listing
from zoo.export.convert import VERSIONS_KEY, add_metadata, seal
from zoo.export.kinds import KINDS
from zoo.export.parity import hold_to
from zoo.export.predictors import Predictor
from zoo.export.probe_inputs import probe_images, probe_texts
from zoo.export.sample import take_sample
from zoo.export.steps import export_steps, has_steps
from zoo.layers.head import features
from zoo.layers.preprocessing import INTERPOLATIONS, AntialiasResize
from zoo.layers.unit_length import UnitLength
from zoo.layers.unlikely_tokens import UnlikelyTokens
from zoo.models.weights.naming import ImagePreprocessing, TextPreprocessing
from zoo.pretrained.build import settings_for
from zoo.pretrained.known import known_weights, labels_of
from zoo.pretrained.load import LoadedWeights, load_weights
from zoo.pretrained.preprocessing import preprocessing_of
from zoo.pretrained.source import find_weights
from zoo.recipe.schema import Export
from zoo.serving.certificate import CERTIFICATE, CERTIFICATE_VERSION
from zoo.serving.metadata import FORMAT, FORMAT_KEY, SIGNATURE_KEY
from zoo.serving.sample_files import write_sample
from zoo.tasks import END, PADDING, START, TASKS, UNKNOWN
from zoo.training.run import versions
from zoo.utils.files import read_json, replacing, write_json
from zoo.utils.onnx_session import runtime

if TYPE_CHECKING:
    from zoo.data.dataset import Split

WEIGHTS_KEY = "zoo.weights"
CLASSIFICATION, EMBEDDING, LANGUAGE = "image_classification", "representation_learning", "language_modeling"
_COMPARED_TOKENS = 64  # of the longest text on which the file of a language model is compared
_COMPARED_TEXTS = 8  # each step has a number for every token that there is
_OPSET, _TOLERANCE = 18, 1e-4


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published network, ready to be written.

    Attributes:
        model: from raw input to probabilities or embedding.
        signature: its raw input.
        loaded: where its weights are from.
        preprocessing: what is part of the model.
        probe: examples on which the file is compared with the model.
    """

    model: keras.Model
    signature: Signature
    loaded: LoadedWeights
    preprocessing: ImagePreprocessing | TextPreprocessing
    probe: Split

    @property
    def notes(self) -> list[str]:
        """What loading adapted or left out, but for the head where the file ends before it."""
        return [note for note in self.loaded.notes if self.signature.labels or not note.startswith("the head")]


def export_published(
    name: str, source: str, path: Path, *, labels: Sequence[str] | None = None, task: str | None = None
) -> dict[str, Any]:
    """Write a published network to a file that takes raw input, and compare it with the Keras model.

    Args:
        name: the builder.
        source: of the weights.
        path: the file to write.
        labels: the classes in the order of the outputs; those that are known for the weights where left out.
        task: "image_classification", "representation_learning" or "language_modeling"; that of the weights where left
            out.

    Returns:
        The certificate, with `notes` of the loading. It is written to `certificate.json` beside the file, unless there
        is one of another file.

    Raises:
        ZooError: the weights cannot be had or do not fit, there are no labels, or the file is not equal to the model.
    """
    network = published_network(name, source, labels=labels, task=task)
    task = _task(name, source, task)
    exporter = KINDS[TASKS[task].kind]
    assert isinstance(exporter, Predictor), "files of published networks take raw input"
    proto = exporter.graph(network.model, network.signature, opset=_OPSET)
    packages = versions()
    add_metadata(
        proto,
        {
            SIGNATURE_KEY: {**network.signature.to_json(), "task": task, "recipe": name},
            WEIGHTS_KEY: _weights_facts(name, network),
            VERSIONS_KEY: packages,
            FORMAT_KEY: str(FORMAT),
        },
    )
    proto.producer_name, proto.producer_version = "zoo", packages.get("keras-model-zoo", "")
    proto.doc_string = f"{name} with the weights {source}, not trained further"
    seal(proto)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        onnx.save(proto, temporary)
        measured = exporter.measure(temporary, network.model, network.probe, network.signature)
        parity, tolerance = hold_to(measured, _TOLERANCE, bounded=exporter.bounded)
        if parity.max_abs_difference > tolerance or (exporter.exact and parity.label_flips):
            raise ZooError(
                f"the exported file differs from the Keras model by {parity.max_abs_difference:.2e} (allowed "
                f"{tolerance:.0e}), and in {parity.label_flips} of {parity.samples} decisions; it was removed"
            )
        content = temporary.read_bytes()
    certificate = {
        "version": CERTIFICATE_VERSION,
        "file": path.name,
        "max_abs_difference": parity.max_abs_difference,
        "mean_abs_difference": parity.mean_abs_difference,
        "label_flips": parity.label_flips,
        "samples": parity.samples,
        "tolerance": tolerance,
        "decisions": exporter.decided,
        "runtimes": [runtime()],
        "split": "generated",
        "opset": _OPSET,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "versions": packages,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    written = _may_certify(path)
    if written:
        one = Dataset(
            name=source,
            signature=network.signature,
            train=network.probe,
            validation=network.probe,
            test=network.probe,
            fingerprint="",
        )
        if has_steps(TASKS[task]):
            certificate["steps"] = export_steps(path, network.model, one, TASKS[task], Export())
        write_sample(path.parent, take_sample(path, one))
        write_json(path.with_name(CERTIFICATE), certificate)
    return {**certificate, "path": str(path), "certificate": written, "notes": network.notes}


def published_network(
    name: str, source: str, *, labels: Sequence[str] | None = None, task: str | None = None
) -> Published:
    """Return a published network with its preprocessing, from raw input to probabilities or embedding.

    Raises:
        ZooError: see `export_published`.
    """
    chosen = _task(name, source, task)
    found = find_weights(source)
    prepared = preprocessing_of(name, found)
    settings = settings_for(name, source, {})
    if isinstance(prepared, TextPreprocessing):
        wanted = LANGUAGE if LANGUAGE in registry.entry(name).tasks else EMBEDDING
        if chosen != wanted:
            raise ZooError(f"{name}: its published networks are written as {wanted}, not {chosen}")
        if found.tokenizer is None:
            raise ZooError(f"{source}: there is no tokenizer.json beside the weights")
        write = _of_language if chosen == LANGUAGE else _of_texts
        return write(name, source, settings, prepared, found.tokenizer)
    names = _labels(name, source, labels) if chosen == CLASSIFICATION else ()
    return _of_images(name, source, settings, prepared, names)


def _of_images(
    name: str, source: str, settings: dict[str, Any], prepared: ImagePreprocessing, labels: tuple[str, ...]
) -> Published:
    size = prepared.size
    network = registry.build(name, input_shape=(size, size, 3), outputs=len(labels) or None, **settings)
    loaded = load_weights(network, source)
    if labels and loaded.kept:
        raise ZooError(
            f"{source}: {loaded.notes[0]}. A head that is not trained answers at random: write the features instead "
            f"(--task {EMBEDDING}), or train it by a recipe (model.pretrained)"
        )
    signature = Signature(kind="image", target="label" if labels else "", shape=(None, None, 3), labels=labels)
    raw = keras_inputs(signature)
    resize = AntialiasResize(
        prepared.resize, prepared.resize, "crop", interpolation=_interpolation(prepared), name="resize"
    )
    x = resize(raw)
    top = (prepared.resize - size) // 2
    x = keras.layers.Cropping2D(((top, prepared.resize - size - top),) * 2, name="center_crop")(x)
    scale = [1 / std for std in prepared.std]
    offset = [-mean / std for mean, std in zip(prepared.mean, prepared.std, strict=True)]
    x = keras.layers.Rescaling(scale, offset, name="normalize")(x)
    last = _probabilities if labels else _embedding
    model = keras.Model(raw, last(network, x, unit=False), name=name)
    return Published(
        model=model, signature=signature, loaded=loaded, preprocessing=prepared, probe=probe_images(prepared.size)
    )


def _of_texts(name: str, source: str, settings: dict[str, Any], prepared: TextPreprocessing, file: Path) -> Published:
    tokenizer = fit_tokenizer([], level="subword", file=str(file), length=prepared.length, marks=True)
    network = registry.build(name, input_shape=(None,), vocabulary=len(tokenizer), **settings)
    loaded = load_weights(network, source)
    signature = Signature(kind="text", target="", tokenizer=tokenizer)
    raw = keras_inputs(signature)
    model = keras.Model(raw, _embedding(network, raw, unit=prepared.unit), name=name)
    return Published(
        model=model, signature=signature, loaded=loaded, preprocessing=prepared, probe=probe_texts(tokenizer)
    )


def _of_language(
    name: str, source: str, settings: dict[str, Any], prepared: TextPreprocessing, file: Path
) -> Published:
    tokenizer = _with_first_marks(fit_tokenizer([], level="subword", file=str(file)))
    count = len(tokenizer)
    network = registry.build(name, input_shape=(None,), outputs=count, vocabulary=count, **settings)
    loaded = load_weights(network, source)
    if loaded.kept:
        raise ZooError(f"{source}: {loaded.notes[0]}. A head that is not trained writes at random")
    if not loaded.special:
        raise ZooError(
            f"{source}: the weights have {len(SPECIAL)} vectors more than tokenizer.json has tokens, taken for "
            "those of padding, unknown, start and end"
        )
    _, unknown, _, end = loaded.special
    twice = [UNKNOWN if unknown is None else unknown + len(SPECIAL), END if end is None else end + len(SPECIAL)]
    unlikely = UnlikelyTokens(sorted({PADDING, START, *twice}), count, name="unlikely_tokens")
    network = keras.Model(network.input, unlikely(network.output), name=name)
    signature = Signature(
        kind="text", target="next token", shape=(prepared.length,), labels=tokenizer.names, tokenizer=tokenizer
    )
    raw = keras_inputs(signature)
    longest = min(_COMPARED_TOKENS, prepared.length)
    return Published(
        model=keras.Model(raw, network(raw), name=name),
        signature=signature,
        loaded=loaded,
        preprocessing=prepared,
        probe=_next_tokens(probe_texts(tokenizer, longest=longest, count=_COMPARED_TEXTS), tokenizer),
    )


def _with_first_marks(tokenizer: Tokenizer) -> Tokenizer:
    """Return a tokenizer that puts the marks of its template before a text, if it has none behind it."""
    marked = replace(tokenizer, marks=True)
    return marked if marked.tokens("a")[-1:] == tokenizer.tokens("a")[-1:] else tokenizer


def _next_tokens(texts: Split, tokenizer: Tokenizer) -> Split:
    """Return texts with the ids of each next token as targets."""
    ids = tokenizer.encode(texts.take(np.arange(len(texts))))
    return replace(texts, targets=np.pad(ids[:, 1:], [(0, 0), (0, 1)]))


def _probabilities(network: keras.Model, x: Any, *, unit: bool) -> Any:
    return keras.layers.Softmax(name="probabilities", dtype="float32")(network(x))


def _embedding(network: keras.Model, x: Any, *, unit: bool) -> Any:
    x = features(network)(x)
    return UnitLength(name="embedding")(x) if unit else keras.layers.Identity(name="embedding", dtype="float32")(x)


def _task(name: str, source: str, asked: str | None) -> str:
    known = known_weights(name, source)
    if asked not in (None, CLASSIFICATION, EMBEDDING, LANGUAGE):
        raise ZooError(f"task: expected {CLASSIFICATION}, {EMBEDDING} or {LANGUAGE}, received '{asked}'")
    if asked is not None:
        return asked
    if known is not None:
        return known.task
    tasks = registry.entry(name).tasks
    if tasks == ("sequence_to_sequence",):
        raise ZooError(f"{name}: networks with a source and a target are not written from weights alone")
    return next((task for task in (CLASSIFICATION, LANGUAGE) if task in tasks), EMBEDDING)


def _labels(name: str, source: str, given: Sequence[str] | None) -> tuple[str, ...]:
    known = known_weights(name, source)
    if given is None and known is not None and known.labels:
        return labels_of(known.labels)
    if given is None:
        raise ZooError(f"{source}: the names of its classes are not known: give a file with a name a line (--labels)")
    twice = sorted({label for label in given if list(given).count(label) > 1})
    if not given or twice:
        raise ZooError(f"labels: expected a different name for each class, received {listing(twice) or 'none'} twice")
    return tuple(given)


def _weights_facts(name: str, network: Published) -> dict[str, Any]:
    known = known_weights(name, network.loaded.source)
    prepared = network.preprocessing
    given: dict[str, Any] = {}
    if isinstance(prepared, ImagePreprocessing):
        own = {"interpolation": prepared.interpolation}
        given = {"interpolation": _interpolation(prepared), "trained_with": own}
    return {
        "builder": name,
        "source": network.loaded.source,
        "sha256": network.loaded.sha256,
        "names": network.loaded.names,
        "licence": "" if known is None else known.licence,
        "notes": network.notes,
        **given,
    }


def _interpolation(prepared: ImagePreprocessing) -> str:
    """Return the interpolation of the file: the authors' own, or bilinear where the layer has no such filter."""
    return prepared.interpolation if prepared.interpolation in INTERPOLATIONS else "bilinear"


def _may_certify(path: Path) -> bool:
    """Return whether the certificate beside a file is this file's own, or there is none of another file."""
    beside = path.with_name(CERTIFICATE)
    if not beside.is_file():
        return True
    facts = read_json(beside)
    other = str(facts.get("file", "")) if isinstance(facts, dict) else ""
    return other == path.name or not other or not path.with_name(Path(other).name).is_file()
