"""`zoo serve`: exported files, served over HTTP until a signal comes."""

from __future__ import annotations

import gc
import ipaddress
import sys
from collections.abc import Sequence

from zoo.errors import import_extra
from zoo.utils.console import ERR, print_notes
from zoo.utils.execution import execution
from zoo.utils.stopping import Stopped

_NEEDED = ("fastapi", "uvicorn", "prometheus_client")
SWITCH_SECONDS = 0.0005  # that a thread which has run a file waits for the interpreter; Python's own are 0.005


def serve(
    files: Sequence[str],
    *,
    host: str,
    port: int,
    grpc_port: int | None,
    token: str,
    body_mebibytes: int,
    examples: int,
    requests: int,
    seconds: float,
    batch_examples: int,
    batch_ms: float,
    verify: bool,
    provider: str,
    threads: int | None,
    log: bool,
) -> None:
    """Serve exported files until SIGTERM or Ctrl-C; then the requests that are being answered are, and it ends.

    Args:
        files: `FILE`, or `NAME=FILE`.
        host: address to listen on.
        port: to listen on; 0 for any that is free.
        grpc_port: to answer gRPC on; 0 for any that is free, None for HTTP alone.
        token: that requests must have; empty for none.
        body_mebibytes: this and the next five are those of `zoo.serving.server.limits.Limits`.
        examples: of a request.
        requests: that are answered or wait at a time.
        seconds: that a request may take.
        batch_examples: that are run together.
        batch_ms: milliseconds that a request waits for others.
        verify: compare each file with the certificate beside it and with the checksum in its metadata.
        provider: that runs them: "cpu", "cuda", "openvino" or "coreml".
        threads: that one operation uses on the CPU.
        log: write a line of JSON for each request to standard error.

    Raises:
        ZooError: a file is missing or damaged, the address cannot be listened on, or a package is not installed.
    """
    for module in _NEEDED:
        import_extra(module, "zoo serve")
    if grpc_port is not None:
        for module in ("grpc", "google.protobuf"):
            import_extra(module, "zoo serve --grpc-port", "serve-grpc")
    from zoo.serving.server.app import create_app
    from zoo.serving.server.limits import MEBIBYTE, Limits
    from zoo.serving.server.repository import Repository
    from zoo.serving.server.run import running

    limits = Limits(
        body_bytes=body_mebibytes * MEBIBYTE,
        examples=examples,
        seconds=seconds,
        requests=requests,
        batch_examples=batch_examples,
        batch_ms=batch_ms,
    )
    where_they_run = execution(provider, threads, spinning=False)
    repository = Repository(files, verify=verify, execution=where_they_run)
    grpc = None if grpc_port is None else (host, grpc_port)
    app = create_app(repository, limits=limits, token=token, log=_write_line if log else None, grpc=grpc)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # models and modules stay until the end: collections need not look at them
    with running(app, host=host, port=port) as server:
        try:  # a signal may come as soon as it is said to be ready
            for model in repository:
                ERR.print(f"{model.name} (version {model.version}): {model.exported.path}")
            if not token and not _is_loopback(host):
                print_notes([f"{host} is reached from other machines, and no token is asked for: --token"])
            if app.state.grpc is not None:
                ERR.print(f"gRPC: {app.state.grpc.address}")
            ERR.print(f"ready: {server.url}")
            server.ended.wait()
        except (Stopped, KeyboardInterrupt):
            ERR.print("stopping: requests that are being answered are finished first")
    ERR.print("stopped")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _write_line(line: str) -> None:
    sys.stderr.write(line + "\n")
