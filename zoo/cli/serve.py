"""The command that serves exported files."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo.cli.app import app
from zoo.commands.options import Provider, Threads, Verify


@app.command()
def serve(
    files: Annotated[
        list[str], typer.Argument(metavar="[NAME=]FILE…", help="ONNX files that `zoo export` wrote, or runs.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on; the default is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")] = 8000,
    grpc_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to answer gRPC on, too; needs the extra serve-grpc."),
    ] = None,
    token: Annotated[
        str, typer.Option(envvar="ZOO_TOKEN", show_default=False, help="Token that each request must have.")
    ] = "",
    batch_ms: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds that requests wait to be run together.")
    ] = 2.0,
    max_batch: Annotated[int, typer.Option(min=1, help="Examples that are run together; 1 for none.")] = 32,
    max_body: Annotated[int, typer.Option(min=1, help="MiB of a request's body.")] = 16,
    max_examples: Annotated[int, typer.Option(min=1, help="Examples of a request.")] = 4096,
    max_requests: Annotated[int, typer.Option(min=1, help="Requests that are answered or wait at a time.")] = 256,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds until a request is given up.")] = 60.0,
    log: Annotated[bool, typer.Option(help="Write a line of JSON for each request to standard error.")] = True,
    provider: Provider = "cpu",
    threads: Threads = None,
    verify: Verify = True,
) -> None:
    """Serve exported files over HTTP: the Open Inference Protocol, and answers in words."""
    from zoo.commands import serve as serving

    serving.serve(
        files,
        host=host,
        port=port,
        grpc_port=grpc_port,
        token=token,
        body_mebibytes=max_body,
        examples=max_examples,
        requests=max_requests,
        seconds=timeout,
        batch_examples=max_batch,
        batch_ms=batch_ms,
        verify=verify,
        provider=provider,
        threads=threads,
        log=log,
    )
