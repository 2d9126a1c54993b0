"""Commands on a run, and on the file that it exports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.app import app
from zoo.commands.options import Json, Provider, Run, Threads, Verify
from zoo.errors import ZooError
from zoo.utils.console import ERR, print_result
from zoo.utils.execution import execution


@app.command()
def evaluate(
    run: Run,
    data: Annotated[
        Path | None,
        typer.Argument(help="New labelled data in the form of the recipe's source, in place of the test split."),
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Add the metric on corrupted and attacked test examples to the report.")
    ] = False,
    attribution: Annotated[
        bool,
        typer.Option("--attribution", help="Add what the worst mistakes and the metric depend on to the report."),
    ] = False,
    representation: Annotated[
        bool, typer.Option("--representation", help="Add what the features before the head know to the report.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="JSON file to write the result to.")] = None,
    as_json: Json = False,
) -> None:
    """Evaluate a run's saved model on the test split again, or its exported file on new labelled data."""
    from zoo.commands import evaluate as evaluating

    result = evaluating.evaluate(
        run,
        data,
        robustness=robustness,
        attribution=attribution,
        representation=representation,
        output=output,
        console=ERR,
    )
    print_result(result, evaluating.metric_lines(result), as_json)


@app.command()
def report(run: Run, as_json: Json = False) -> None:
    """Evaluate a run's saved model again, and write its report anew."""
    from zoo.commands.report import report as report_run

    found = report_run(run, console=ERR)
    print_result({"run": str(run), **found}, [str(run / "report.html")], as_json)


@app.command()
def export(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|FILE|NAME",
            help="A run folder; with --layout an exported file, too; with --weights the name of a model.",
        ),
    ],
    quantize: Annotated[
        str | None,
        typer.Option(
            metavar="FORM",
            help="Write a smaller file too, its loss measured: int8, int4, float16, or smallest.",
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(metavar="triton|kserve|docker", help="Write the exported file as this server wants it."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="With --layout, the folder to write to; with --weights, the file.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(metavar="URI", help="With --layout kserve, where the cluster finds the models."),
    ] = None,
    one_tensor: Annotated[
        bool, typer.Option("--one-tensor", help="Put all numeric columns of a table into one input.")
    ] = False,
    numeric_only: Annotated[
        bool, typer.Option("--numeric-only", help="No texts in or out: ids of categories and labels, for TensorRT.")
    ] = False,
    file_format: Annotated[
        str, typer.Option("--format", help="litert or openvino: write the run in this format beside the ONNX file.")
    ] = "onnx",
    weights: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Published weights: package:NAME, file:PATH, hf:ORG/NAME or keras:NAME."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="With --weights, a text file with the name of a class in each line.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="With --weights: image_classification, or representation_learning for features, or language_modeling."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Export a run to ONNX, proved on the test split; or published weights; or lay a file out for a server."""
    if layout is not None:
        if weights is not None:
            raise ZooError("--layout takes a file: export the weights first, with --output")
        if quantize is not None:
            raise ZooError("--layout takes one file: give the smaller one itself, such as RUN/export/model.int8.onnx")
        if one_tensor or numeric_only:
            raise ZooError("--layout takes a file as it is: export it first, with --one-tensor or --numeric-only")
        from zoo.commands.layout import lay_out, layout_lines

        laid_out = lay_out(run, layout, output, storage=storage, console=ERR)
        print_result(laid_out, layout_lines(laid_out, output or ""), as_json)
        ERR.print(f"next: {laid_out['next']}", markup=False)
        return
    if storage is not None or (output is not None and weights is None):
        raise ZooError("--storage is for --layout, and --output for --layout and --weights")
    from zoo.commands.export import export as export_run

    result = export_run(
        run,
        quantize=quantize,
        one_tensor=one_tensor,
        numeric_only=numeric_only,
        format=file_format,
        weights=weights,
        output=output,
        labels=labels,
        task=task,
        console=ERR,
    )
    smaller = result.get("quantized")
    paths = [str(Path(result["path"]).with_name(smaller["file"]))] if smaller and smaller["kept"] else []
    if "other_format" in result:
        paths.append(str(Path(result["path"]).with_name(result["other_format"]["file"])))
    print_result(result, [result["path"], *paths], as_json)


@app.command()
def predict(
    file: Annotated[Path, typer.Argument(help="An ONNX file that `zoo export` wrote.")],
    inputs: Annotated[
        list[Path],
        typer.Argument(help="Images, folders of images or texts, CSV, JSON Lines, Parquet, npz or text files."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            help="File to write in place of printing: .csv, .parquet or .jsonl; a folder for pictures of boxes or "
            "masks."
        ),
    ] = None,
    provider: Provider = "cpu",
    threads: Threads = None,
    verify: Verify = True,
    as_json: Json = False,
) -> None:
    """Predict with an exported file; needs onnxruntime, not TensorFlow."""
    from zoo.commands.predict import predict_and_print

    where_it_runs = execution(provider, threads)
    predict_and_print(file, inputs, output=output, verify=verify, execution=where_it_runs, as_json=as_json)


@app.command()
def embed(
    file: Annotated[Path, typer.Argument(help="An ONNX file with embeddings that `zoo export` wrote.")],
    inputs: Annotated[list[Path], typer.Argument(help="As `zoo predict` takes them.")],
    output: Annotated[
        Path | None, typer.Option(help="File of vectors to write: .npy (names in a .json beside it) or .parquet.")
    ] = None,
    nearest: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="Print the K most similar inputs of each, by cosine.")
    ] = None,
    query: Annotated[
        list[Path] | None, typer.Option(help="With --nearest: print those of these inputs; may be given several times.")
    ] = None,
    provider: Provider = "cpu",
    threads: Threads = None,
    verify: Verify = True,
    as_json: Json = False,
) -> None:
    """Write the embeddings of inputs, or find the most similar ones; needs onnxruntime, not TensorFlow."""
    from zoo.commands.embed import embed_and_print

    embed_and_print(
        file,
        inputs,
        output=output,
        neighbours=nearest,
        queries=query or (),
        verify=verify,
        execution=execution(provider, threads),
        as_json=as_json,
    )


@app.command()
def sample(
    file: Annotated[Path, typer.Argument(help="An ONNX file of a model that makes images, or of a language model.")],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Images to make.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same images and texts.")] = 0,
    label: Annotated[str | None, typer.Option(help="Class of the images; all in turn where it is left out.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Weight of the class, for diffusion models.")] = None,
    output: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("samples.png"),
    prompt: Annotated[
        list[str] | None, typer.Option(help="Text that a language model continues; may be given several times.")
    ] = None,
    length: Annotated[int, typer.Option(min=1, help="Tokens to add to a prompt.")] = 200,
    temperature: Annotated[float, typer.Option(help="Below 1 is more even, above 1 more varied.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Keep only the k most probable tokens.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Keep the most probable tokens of this probability.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End before this text; may be given several times.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print each piece of a text as it comes.")] = False,
    provider: Provider = "cpu",
    threads: Threads = None,
    verify: Verify = True,
) -> None:
    """Make images or continue texts with an exported file; needs onnxruntime, not TensorFlow."""
    from zoo.commands.sample import TextOptions, print_texts, write_images
    from zoo.serving.exported_model import ExportedModel

    model = ExportedModel(file, verify=verify, providers=provider, threads=threads)
    if prompt:
        options = TextOptions(
            length=length, temperature=temperature, top_k=top_k, top_p=top_p, stop=stop or (), seed=seed
        )
        print_texts(model, prompt, options, stream=stream)
    else:
        write_images(model, output, count=count, seed=seed, label=label, guidance=guidance)


@app.command()
def publish(
    run: Run,
    to: Annotated[
        str, typer.Option(metavar="folder:DIR|hf:ORG/NAME", help="A new folder, or a repository of the hub.")
    ],
    license: Annotated[str | None, typer.Option(help="Of the model, as the hub writes it: apache-2.0.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    sample: Annotated[
        bool, typer.Option("--sample/--no-sample", help="Publish the sample, a few test examples, too.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Publish a run: card, weights, ONNX file and certificate, recipe, figures; others load and fine-tune it."""
    from zoo.commands import publish as publishing

    found = publishing.publish(run, to, license=license, private=private, sample=sample, console=ERR)
    print_result(found, [found.get("url") or found["to"]], as_json)
