"""The report of a trained run, from what the parts of the chain gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.backend.size import count_flops, count_parameters
from zoo.evaluation.metrics.threshold import choose_threshold, threshold_metrics
from zoo.evaluation.report.build import build_report, write_report
from zoo.evaluation.report.predictions import Predictions
from zoo.postprocessing.decoding import sample
from zoo.tasks import TASKS

_PROMPT, _SAMPLE = 16, 400  # characters that a language model is given, and that it adds


def report_run(
    run: Any,
    loaded: Any,
    problem: Any,
    model: Any,
    fitted: Any,
    facts: Any,
    outputs: Any,
    baseline: dict[str, Any] | None,
    judged: Any = None,
) -> dict[str, Any]:
    """Write what is known of a trained run: figures, figures of its baseline, and what it takes to draw them.

    Args:
        run: the run folder.
        loaded: its recipe.
        problem: data and model.
        model: the saved model.
        fitted: what training gave.
        facts: what is known of the data.
        outputs: targets and outputs of each split.
        baseline: the figures and outputs of the baseline.
        judged: what is known of made images or of embeddings.

    Returns:
        The report, as it stands in `report.json`.
    """
    environment = run.environment
    dataset = problem.dataset
    report = build_report(
        task=loaded.recipe.task,
        recipe=loaded.name,
        model=loaded.recipe.model.name,
        outputs=outputs,
        labels=dataset.signature.labels,
        history=fitted.history,
        data=facts,
        seed=loaded.recipe.training.seed,
        seconds=fitted.seconds,
        parameters=count_parameters(problem.views.network),
        versions=environment["versions"],
        hardware=environment["hardware"],
        config=loaded.run_yaml(),
        baseline=baseline,
        flops=count_flops(problem.views.network, length=problem.preprocessor.shape[0]),
    )

    if judged is not None:
        report |= judged.facts
    if TASKS[loaded.recipe.task].kind == "anomaly":
        (known, scores), (y, output) = outputs["validation"], outputs["test"]
        report["threshold"] = threshold_metrics(y, output, choose_threshold(scores, known))

    def example(position: int) -> Any:
        raw = dataset.test.take(np.array([position]))
        return {name: values[0] for name, values in raw.items()} if isinstance(raw, dict) else raw[0]

    def made(position: int) -> np.ndarray:
        raw = dataset.test.take(np.array([position]))
        image = model.predict_on_batch(np.asarray(raw))["reconstruction"][0]
        return np.asarray(np.round(np.clip(image, 0, 1) * 255), np.uint8)

    y, output = outputs["test"]
    kind = dataset.signature.kind
    series = dataset.series
    predictions = Predictions(
        y,
        output,
        dataset.signature.labels,
        example if kind not in ("array", "tokens", "graph") else None,
        baseline["test"] if baseline else None,
        _samples(model, dataset) if loaded.recipe.task == "language_modeling" else (),
        (lambda window: series.values[: series.origins["test"][window]]) if series is not None else None,
        made if TASKS[loaded.recipe.task].reconstructs else None,
        judged.pictures if judged is not None else {},
    )
    write_report(run.folder, report, predictions)
    return report


def _samples(model: Any, dataset: Any) -> list[dict[str, str]]:
    """Return texts that a language model writes, each from the beginning of a test window."""
    tokenizer = dataset.signature.tokenizer
    found: list[dict[str, str]] = []
    for temperature, top_p in ((0.5, None), (0.8, 0.95), (1.0, None)):
        prompt = dataset.test.take([len(found)])[0][:_PROMPT]
        ids = sample(
            lambda tokens: model.predict_on_batch(tokens[:, -dataset.signature.shape[0] :])[:, -1],
            tokenizer.encode([prompt]),
            length=_SAMPLE,
            temperature=temperature,
            top_p=top_p,
            seed=0,
        )
        settings = f"temperature {temperature}" + (f", top-p {top_p}" if top_p else "")
        found.append({"settings": settings, "text": tokenizer.decode(ids[0])})
    return found
