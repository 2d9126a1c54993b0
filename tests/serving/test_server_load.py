"""The server under load: limits, batches, many clients at once, and a stop that loses no request."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import onnxruntime
import pytest
from starlette.testclient import TestClient

from zoo.errors import ZooError
from zoo.serving.server.app import create_app
from zoo.serving.server.batching import Batcher
from zoo.serving.server.connection import Connection
from zoo.serving.server.limits import Limits
from zoo.serving.server.repository import Repository
from zoo.serving.server.run import running
from zoo.serving.server.served_model import ServedModel

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
DIGITS = str(EXPORTED / "cnn" / "digits" / "model.onnx")
INFER = "/v2/models/cnn-digits/infer"


def body_of(images):
    tensor = {"name": "image", "shape": list(images.shape), "datatype": "UINT8", "data": images.ravel().tolist()}
    return json.dumps({"inputs": [tensor], "outputs": [{"name": "probabilities"}]}).encode()


ONE = body_of(np.zeros((1, 8, 8, 1), np.uint8))


def client_of(**limits):
    return TestClient(create_app(Repository([DIGITS]), limits=Limits(**limits)), raise_server_exceptions=False)


def samples(text, name):
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)
    }


# --- limits -------------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused():
    client = client_of(body_bytes=1000)
    answer = client.post(INFER, content=b" " * 1001)
    assert (answer.status_code, answer.json()) == (
        413,
        {"error": "the body is larger than 1,000 bytes; send fewer examples at a time"},
    )
    in_parts = client.post(INFER, content=(b" " * 400 for _ in range(3)))  # its length is not declared
    assert in_parts.status_code == 413
    assert client.post(INFER, content=ONE).status_code == 200


def test_too_many_examples_are_refused():
    client = client_of(examples=3)
    assert client.post(INFER, content=body_of(np.zeros((3, 8, 8, 1), np.uint8))).status_code == 200
    answer = client.post(INFER, content=body_of(np.zeros((4, 8, 8, 1), np.uint8)))
    assert (answer.status_code, "4 examples, and a request may have 3" in answer.json()["error"]) == (413, True)


def test_a_compressed_body_is_refused():
    answer = client_of().post(INFER, content=ONE, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_full_queue_says_when_to_try_again():
    answer = client_of(requests=0).post(INFER, content=ONE)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert "try again" in answer.json()["error"]


def test_a_body_that_does_not_arrive_is_given_up():
    with running(create_app(Repository([DIGITS]), limits=Limits(seconds=0.2)), host="127.0.0.1", port=0) as server:
        place = urlsplit(server.url)
        with socket.create_connection((place.hostname, place.port), timeout=60) as client:
            client.sendall(f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{".encode())
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert (answer.status, "did not arrive within 0.2 s" in answer.read().decode()) == (408, True)
        assert post(server.url, ONE)[0] == 200  # its place is free again


def test_a_head_that_does_not_arrive_is_given_up():
    with running(create_app(Repository([DIGITS]), limits=Limits(seconds=0.2)), host="127.0.0.1", port=0) as server:
        place = urlsplit(server.url)
        with socket.create_connection((place.hostname, place.port), timeout=60) as client:
            client.sendall(b"GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert (answer.status, len(answer.read()) > 0) == (200, True)
            client.sendall(b"GET /v2 HTTP/1.1\r\nHost: ")
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert (answer.status, answer.read(), client.recv(1)) == (408, b"", b"")
        with socket.create_connection((place.hostname, place.port), timeout=60) as client:
            assert client.recv(1) == b""  # nothing is sent


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch):
    release = threading.Event()
    run = ServedModel.run

    def slow(self, feeds, outputs):
        release.wait()
        return run(self, feeds, outputs)

    client = client_of(seconds=0.2)
    monkeypatch.setattr(ServedModel, "run", slow)
    answer = client.post(INFER, content=ONE)
    release.set()
    assert (answer.status_code, "no answer within 0.2 s" in answer.json()["error"]) == (504, True)
    metrics = client.get("/metrics").text
    assert samples(metrics, "zoo_queue_requests")["zoo_queue_requests"] == 0


def test_an_internal_error_is_logged_and_its_cause_not_told(monkeypatch):
    lines = []
    client = TestClient(create_app(Repository([DIGITS]), log=lines.append), raise_server_exceptions=False)
    monkeypatch.setattr(ServedModel, "run", lambda *arguments: {}["secret"])
    answer = client.post(INFER, content=ONE, headers={"X-Request-ID": "r-2"})
    assert (answer.status_code, answer.json()) == (500, {"error": "internal error; the log has it under r-2"})
    assert "secret" in json.loads(lines[0])["error"]


# --- batches ------------------------------------------------------------------------------------------------------


def test_requests_that_come_together_are_run_together():
    sizes = []
    first = asyncio.Event()

    async def run(feeds, outputs):
        sizes.append(len(feeds["x"]))
        if len(sizes) == 1:
            await first.wait()
        if (feeds["x"] < 0).any():
            raise ZooError("negative")
        return {"y": 2 * feeds["x"]}

    async def requests():
        model = SimpleNamespace(is_batched=True)
        batcher = Batcher(model, run, most=4, wait=0.001, observe=lambda *batch: None)

        def ask(*values):
            return asyncio.create_task(batcher.run({"x": np.array(values)}, ("y",), len(values)))

        tasks = [ask(1)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        tasks += [ask(2, 3), ask(4), ask(5, 6), ask(-1), ask(7), ask(8)]
        await asyncio.sleep(0)
        first.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(requests())
    # alone; 3 that fit into 4 (2 + 1 examples, -1); what is left; the batch with -1 again, each request alone
    assert sizes == [1, 4, 2, 1, 1, 4]
    assert [each["y"].tolist() for each in found if isinstance(each, dict)] == [[2], [4, 6], [8], [10, 12], [14], [16]]
    assert [str(each) for each in found if isinstance(each, Exception)] == ["negative"]


def test_requests_of_other_shapes_or_outputs_are_not_run_together():
    calls = []
    first = asyncio.Event()

    async def run(feeds, outputs):
        calls.append((feeds["x"].shape, outputs))
        if len(calls) == 1:
            await first.wait()
        return dict.fromkeys(outputs, feeds["x"])

    async def requests():
        batcher = Batcher(SimpleNamespace(is_batched=True), run, most=8, wait=0.0, observe=lambda *batch: None)
        tasks = []
        for shape, outputs in [((1, 2), "a"), ((1, 2), "a"), ((1, 3), "a"), ((1, 2), "b"), ((1, 2), "a")]:
            tasks.append(asyncio.create_task(batcher.run({"x": np.zeros(shape)}, (outputs,), 1)))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.set()
        await asyncio.gather(*tasks)

    asyncio.run(requests())
    assert calls == [((1, 2), ("a",)), ((2, 2), ("a",)), ((1, 3), ("a",)), ((1, 2), ("b",))]


# --- a live server ------------------------------------------------------------------------------------------------


def post(url, content):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST", INFER, content)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_200_clients_at_once_each_get_their_own_answer():
    images = np.random.default_rng(0).integers(0, 256, (200, 1, 8, 8, 1), np.uint8)
    (wanted,) = onnxruntime.InferenceSession(DIGITS).run(["probabilities"], {"image": images[:, 0]})
    app = create_app(Repository([DIGITS]))
    start = threading.Barrier(200)

    def ask(image):
        start.wait()
        return post(server.url, body_of(image))

    with running(app, host="127.0.0.1", port=0) as server, ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(ask, images))
    assert [status for status, _ in answers] == [200] * 200
    found = np.array([answer["outputs"][0]["data"] for _, answer in answers])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    metrics = app.state.service.metrics.text().decode()
    runs = samples(metrics, "zoo_batch_examples_")
    assert runs['zoo_batch_examples_sum{model="cnn-digits"}'] == 200
    assert runs['zoo_batch_examples_count{model="cnn-digits"}'] < 200  # some ran together
    answered = 'zoo_requests_total{endpoint="/v2/models/{name}/infer",model="cnn-digits",status="200"}'
    assert samples(metrics, "zoo_requests_total")[answered] == 200


def test_a_stop_waits_for_the_requests_that_are_being_answered(monkeypatch):
    begun, release = threading.Event(), threading.Event()
    run = ServedModel.run

    def slow(self, feeds, outputs):
        begun.set()
        release.wait()
        return run(self, feeds, outputs)

    def release_once_closed(url):
        try:
            while True:
                socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=60).close()
        except OSError:
            threading.Timer(0.5, release.set).start()  # a server that does not wait gives requests 0.1 s

    monkeypatch.setattr(ServedModel, "run", slow)
    with ThreadPoolExecutor(1) as pool:
        with running(create_app(Repository([DIGITS])), host="127.0.0.1", port=0) as server:
            answer = pool.submit(post, server.url, ONE)
            begun.wait()
            threading.Thread(target=release_once_closed, args=(server.url,)).start()
        assert answer.result()[0] == 200
    with pytest.raises(OSError):
        post(server.url, ONE)


def test_a_stop_answers_the_request_that_is_on_its_way(monkeypatch):
    shutdown = Connection.shutdown
    with running(create_app(Repository([DIGITS])), host="127.0.0.1", port=0) as server:
        client = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        client.request("POST", INFER, ONE)
        assert client.getresponse().read()

        def shutdown_and_ask(connection):
            shutdown(connection)
            client.request("POST", INFER, ONE)

        monkeypatch.setattr(Connection, "shutdown", shutdown_and_ask)
    answer = client.getresponse()
    assert (answer.status, answer.headers["connection"], len(answer.read()) > 0) == (200, "close", True)
    client.close()


def test_a_stop_under_load_loses_no_request():
    answered, lost = [], []
    under_load = threading.Semaphore(0)

    def ask(server):
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        while True:
            try:
                connection.request("POST", INFER, ONE)
                answered.append(connection.getresponse().read())
                under_load.release()
            except ConnectionRefusedError:  # nothing was sent
                return
            except (OSError, http.client.HTTPException) as error:
                lost.append(error)
                return

    app = create_app(Repository([DIGITS]))
    with ThreadPoolExecutor(8) as pool, running(app, host="127.0.0.1", port=0) as server:
        for _ in range(8):
            pool.submit(ask, server)
        for _ in range(100):
            under_load.acquire()
    assert (lost, len(answered) >= 100) == ([], True)


def test_a_port_that_is_taken_is_said():
    app = create_app(Repository([DIGITS]))
    with running(app, host="127.0.0.1", port=0) as server:
        port = urlsplit(server.url).port
        with (
            pytest.raises(ZooError, match=f"--port {port}: cannot be listened on"),
            running(app, host="127.0.0.1", port=port),
        ):
            pass


def test_the_command_serves_without_keras_until_a_signal():
    code = (
        "import sys; from zoo import cli;"
        "sys.modules.update(dict.fromkeys(['keras', 'tensorflow', 'sklearn', 'jax']));"
        f"sys.argv = ['zoo', 'serve', 'digits={DIGITS}', '--port', '0']; cli.main()"
    )
    environment = {**os.environ, "ZOO_TOKEN": "secret"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=environment) as process:
        lines = iter(process.stderr.readline, "")
        said = []
        for line in lines:
            said.append(line)
            if line.startswith("ready"):
                break
        assert said[-1:] and said[-1].startswith("ready: "), said
        url = said[-1].split()[1]
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.request("GET", "/v2/models/digits", headers={"Authorization": "Bearer secret"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["name"]) == (200, "digits")
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait() == 0, rest
    assert rest.endswith("stopped\n")


def test_a_signal_as_it_says_that_it_is_ready_stops_it_as_any_other():
    code = (
        "import os, signal, sys; from zoo import cli; from zoo.commands.serve import ERR;"
        "write = ERR.print;"
        "ERR.print = lambda text: (write(text), text.startswith('ready') and os.kill(os.getpid(), signal.SIGTERM));"
        f"sys.argv = ['zoo', 'serve', {DIGITS!r}, '--port', '0']; cli.main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr.endswith("stopped\n")) == (0, True), result.stderr


def test_a_signal_waits_for_the_request_that_is_being_answered():
    code = (
        "import sys; from zoo import cli; from zoo.serving.server.served_model import ServedModel;"
        "run = ServedModel.run;"
        "ServedModel.run = lambda *given: (print('begun', file=sys.stderr), sys.stdin.readline(), run(*given))[-1];"
        f"sys.argv = ['zoo', 'serve', {DIGITS!r}, '--port', '0', '--no-log']; cli.main()"
    )
    streams = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **streams) as process, ThreadPoolExecutor(1) as pool:
        lines = iter(process.stderr.readline, "")
        url = next(line for line in lines if line.startswith("ready: ")).split()[1]
        answer = pool.submit(post, url, ONE)
        assert next(lines) == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert next(lines).startswith("stopping")
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert answer.result()[0] == 200
        assert (process.wait(), next(lines)) == (0, "stopped\n")


def test_what_the_extra_brings_is_named(zoo, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, err = zoo("serve", DIGITS)
    assert (code, "zoo serve needs uvicorn, which is not installed" in err, ".[serve]" in err) == (2, True, True)
