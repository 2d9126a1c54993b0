"""A chief and its workers over real gRPC on loopback; the trials are not trained."""

import socket
import sys
import threading

import grpc
import pytest
from searching import leave, recipe_file, run_to_the_end, search_state, trials

from zoo.commands.tune import tune, work
from zoo.errors import ZooError
from zoo.search import chief as chief_module
from zoo.search import rpc
from zoo.search.chief import Chief, start_server
from zoo.search.rpc import LEASE_SECONDS, is_loopback, parse_address
from zoo.search.worker import Client


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return recipe_file(tmp_path_factory.mktemp("remote"))


@pytest.fixture
def clock(monkeypatch):
    """Return the seconds that the chief's clock is ahead; a test moves it."""
    ahead, real = [0.0], chief_module.time.monotonic
    monkeypatch.setattr(chief_module.time, "monotonic", lambda: real() + ahead[0])
    return ahead


@pytest.fixture
def served(path, tmp_path):
    """Serve a search; return it, the chief, and what makes clients."""
    made, ended = search_state(path, tmp_path), []
    chief = Chief(made, ended.append)
    port = free_port()
    server, clients = start_server(chief, "127.0.0.1", port), []

    def client(name):
        clients.append(Client("127.0.0.1", port, name))
        return clients[-1]

    yield made, chief, client, ended
    for one in clients:
        one.close()
    server.stop(None).wait()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_two_workers_come_to_the_trials_of_one_process(served, path, tmp_path):
    made, _, client, ended = served

    def work(name):
        one = client(name)
        while True:
            status, number = one.take()
            if status == "STOPPED":
                return
            if number is not None:
                leave(made, made.store.records[number])
                one.put(number, failed=False)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = tmp_path / "alone"
    alone.mkdir()
    assert trials(made) == run_to_the_end(search_state(path, alone))
    assert len(ended) == 12
    assert made.over


def test_a_silent_worker_loses_its_trial_to_another(served, clock):
    made, chief, client, ended = served
    lost, other = client("lost"), client("other")
    _, number = lost.take()
    other.take()
    clock[0] += 0.9 * LEASE_SECONDS
    assert other.still_own(1)
    assert chief.give_back_silent() == []
    clock[0] += 0.2 * LEASE_SECONDS
    assert chief.give_back_silent() == [("lost", number)]
    assert chief.workers == ["other"]
    leave(made, made.store.records[1])
    other.put(1, failed=False)
    assert other.take() == ("RUNNING", number)
    assert not lost.still_own(number)  # it comes back, and hears of it
    leave(made, made.store.records[number])
    other.put(number, failed=False)
    lost.put(number, failed=False)  # too late
    assert [r.number for r in ended] == [1, number]


def test_signs_of_life_keep_a_trial(served, clock):
    _, chief, client, _ = served
    one = client("one")
    _, number = one.take()
    for _ in range(5):
        clock[0] += 0.8 * LEASE_SECONDS
        assert one.still_own(number)
        assert chief.give_back_silent() == []


def test_a_trial_that_the_chief_cannot_see_is_given_again(served):
    made, _, client, ended = served
    one = client("one")
    _, number = one.take()
    one.put(number, failed=False)  # whose files are elsewhere
    assert ended == []
    assert made.store.records[number].status == "running"
    assert one.take() == ("RUNNING", number)


def test_a_failed_trial(served):
    made, _, client, ended = served
    one = client("one")
    _, number = one.take()
    one.put(number, failed=True)
    assert made.store.records[number].status == "failed"
    assert ended[0].message
    assert one.take() == ("RUNNING", 1)


def test_a_chief_that_is_gone_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(rpc, "PATIENCE_SECONDS", 0.2)
    client = Client("127.0.0.1", free_port(), "one")
    with pytest.raises(ZooError, match=r"has not answered for 0 s; start it again"):
        client.take()
    client.close()


def test_an_address_in_use(served):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ZooError, match="cannot listen on 127"):
            start_server(served[1], "127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("text", ["localhost", "localhost:", ":80", "a:b", "a:70000", "a:0"])
def test_what_is_no_parse_address(text):
    with pytest.raises(ZooError, match=f"expected HOST:PORT, for example 127.0.0.1:9000, received {text}"):
        parse_address(text)


def test_loopback():
    assert parse_address("10.0.0.1:9000") == ("10.0.0.1", 9000)
    assert all(is_loopback(host) for host in ("127.0.0.1", "localhost", "127.3.2.1", "[::1]"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "10.0.0.1", "chief.example.org"))


def test_what_is_no_chief_says_so(served):
    _, _, client, _ = served
    one = client("one")
    with pytest.raises(ZooError, match="is no chief of this version of zoo"):
        one._call("unheard_of")


@pytest.mark.parametrize("command", [tune, lambda *a, **k: work(*a, worker="a", **k)], ids=["chief", "worker"])
def test_without_grpc_the_extra_is_named_before_anything_is_written(command, path, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(ZooError, match=r'needs grpcio, which is not installed: pip install ".\[distributed\]"'):
        command(path, chief="127.0.0.1:9", folder=tmp_path / "search")
    assert not (tmp_path / "search").exists()


# --- strangers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "request_", "words"),
    [
        ("take", {}, "worker: expected a name"),
        ("take", {"worker": ""}, "worker: expected a name"),
        ("take", {"worker": "w" * 201}, "of 1 to 200 characters"),
        ("take", {"worker": ["a"]}, "worker: expected a name"),
        ("take", ["a"], "worker: expected a name"),
        ("put", {"worker": "a", "number": 99, "failed": True}, "number: expected that of a trial that has begun"),
        ("put", {"worker": "a"}, "received None"),
        ("still_own", {"worker": "a", "number": True}, "received True"),
        ("still_own", {"worker": "a", "number": "0"}, "received '0'"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_words(served, name, request_, words):
    _, _, client, _ = served
    one = client("one")
    with pytest.raises(grpc.RpcError) as caught:
        rpc.remote_call(one._channel, name)(request_, timeout=10)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT and words in caught.value.details()
    assert one.take() == ("RUNNING", 0)


def test_a_message_that_is_too_large_or_no_json_is_refused(served):
    _, _, client, _ = served
    one = client("one")
    for content in (b'{"worker": "' + b"w" * rpc.MAX_MESSAGE_BYTES + b'"}', b"\xff", b"[" * 5000):
        call = one._channel.unary_unary("/zoo.search.Chief/take", request_serializer=bytes)
        with pytest.raises(grpc.RpcError):
            call(content, timeout=10)
    assert one.take() == ("RUNNING", 0)


def test_a_stranger_cannot_end_the_trial_of_another(served):
    made, _, client, ended = served
    one, stranger = client("one"), client("stranger")
    _, number = one.take()
    stranger.put(number, failed=True)
    assert ended == [] and made.store.records[number].status == "running"
    assert one.still_own(number)
    assert stranger.take() == ("RUNNING", 1)  # not the one that it put


def test_workers_are_counted(served, monkeypatch):
    monkeypatch.setattr(chief_module, "MAX_WORKERS", 2)
    _, _, client, _ = served
    client("a").take()
    client("b").take()
    with pytest.raises(ZooError, match="refuses: there are 2 workers already"):
        client("c").take()
    assert client("a").still_own(0)


def test_keras_tuners_protocol_takes_and_ends_trials_and_nothing_else(served):
    from keras_tuner.src import protos

    made, _, client, ended = served
    one, service = client("one"), protos.get_service()
    stub = protos.get_service_grpc().OracleStub(one._channel)
    for call, message in (
        (stub.UpdateTrial, service.UpdateTrialRequest(trial_id="0")),
        (stub.GetSpace, service.GetSpaceRequest()),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call(message, timeout=10)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    trials_ = [stub.CreateTrial(service.CreateTrialRequest(tuner_id=name), timeout=10).trial for name in "ab"]
    assert [trial.trial_id for trial in trials_] == ["0", "1"]
    values = trials_[0].hyperparameters.values.values
    assert set(values) == set(made.store.records[0].values)
    leave(made, made.store.records[1])
    from keras_tuner.engine.trial import Trial, TrialStatus

    done = Trial.from_proto(trials_[1])
    done.status = TrialStatus.COMPLETED
    stub.EndTrial(service.EndTrialRequest(trial=done.to_proto()), timeout=10)
    assert [record.number for record in ended] == [1]
    with pytest.raises(grpc.RpcError) as caught:
        stub.EndTrial(service.EndTrialRequest(trial=done.to_proto()), timeout=10)
    assert "no worker has trial 1" in caught.value.details()


def test_an_oracle_that_refuses_holds_no_lock(path, tmp_path):
    oracle = search_state(path, tmp_path).trials.oracle
    with pytest.raises(NotImplementedError, match="trials report through their files"):
        oracle.update_trial("0", {})
    taken = threading.Thread(target=oracle.create_trial, args=("a",))
    taken.start()
    taken.join(10)
    assert not taken.is_alive()
