"""A cluster is closed: TLS 1.3 with certificates of its own CA on every port, and no HTTP anywhere."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rigs.broker_processes import command_path, environment
from rigs.cluster import Cluster, new_cluster

from app.db import SchemaChangedError
from app.errors import ConfigurationError
from app.extras.cluster.certificates import certify, make_ca
from app.extras.cluster.client import ask_for_help, connected, strength_of
from app.extras.cluster.exchange import Exchange
from app.extras.cluster.fetching import BlockTask, Fetched
from app.extras.cluster.nodes import run_cluster_worker, run_scheduler
from app.extras.cluster.place import ClusterUnavailableError, Place
from app.extras.cluster.tasks import Helps
from app.extras.exhaustive import Block, dice_candidates
from app.settings import Settings

BLOCK = Block(7, 0, 1, 0, 3, 0, 3)
WORDS = np.arange(12, dtype=np.uint64).reshape(3, 4)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with new_cluster(tmp_path_factory.mktemp("cluster")) as running:
        running.start(1)
        yield running


@pytest.fixture(scope="module")
def ports(cluster: Cluster) -> list[tuple[str, int]]:
    """Where scheduler and worker listen, as they say themselves."""

    def listening() -> list[tuple[str, int]]:
        import psutil

        found = psutil.Process().net_connections("tcp")
        return [tuple(one.laddr) for one in found if one.status == psutil.CONN_LISTEN]

    with connected(cluster.place) as client:
        worker = [one for found in client.run(listening).values() for one in found]
        return [*client.run_on_scheduler(listening), *worker]


@pytest.fixture
def exchange(cluster: Cluster) -> Iterator[Exchange]:
    with Exchange(cluster.place, [WORDS, WORDS]) as opened:
        yield opened


def task_of(exchange: Exchange) -> BlockTask:
    return BlockTask(
        host=exchange.host,
        port=exchange.port,
        reference=exchange.reference,
        shapes=((3, 4), (3, 4)),
        block=BLOCK,
        threshold=Fraction(4, 5),
        kernel="auto",
        max_pairs=None,
    )


def stranger(folder: Path, cluster: Cluster) -> Place:
    """This cluster by a certificate of another CA, which the other side has to refuse."""
    make_ca(folder)
    certify(folder, "here")
    return replace(cluster.place, cert_file=folder / "here.crt", key_file=folder / "here.key")


def anonymous(cluster: Cluster) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cluster.place.ca_file)
    return context


def old(cluster: Cluster) -> ssl.SSLContext:
    context = anonymous(cluster)
    context.load_cert_chain(cluster.place.cert_file, cluster.place.key_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def says(context: ssl.SSLContext, address: tuple[str, int]) -> bytes:
    """Return what is said over TLS by whoever listens there; raises where it refuses."""
    with (
        socket.create_connection(address, timeout=5) as raw,
        context.wrap_socket(raw) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return tls.recv(100)


def test_scheduler_and_worker_listen_once_each_and_not_on_every_address(
    cluster: Cluster, ports: list[tuple[str, int]]
) -> None:
    assert len(ports) == 2
    assert {host for host, _ in ports} == {"127.0.0.1"}
    assert ports[0][1] == cluster.place.port


def test_no_port_speaks_plainly(ports: list[tuple[str, int]], exchange: Exchange) -> None:
    for address in (*ports, (exchange.host, exchange.port)):
        with socket.create_connection(address, timeout=5) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            try:
                answer = plain.recv(100)
            except ConnectionResetError:
                answer = b""
        assert b"HTTP" not in answer


def test_every_port_refuses_who_has_no_certificate_or_an_old_tls(
    cluster: Cluster, ports: list[tuple[str, int]], exchange: Exchange, tmp_path: Path
) -> None:
    contexts = (
        anonymous(cluster),
        stranger(tmp_path / "other", cluster).tls(is_server=False),
        old(cluster),
    )
    for context in contexts:
        for address in (*ports, (exchange.host, exchange.port)):
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                says(context, address)


def test_a_client_of_another_ca_does_not_get_in(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extras.cluster.client.CONNECT_TIMEOUT_S", 0.5)
    before = {thread.name for thread in threading.enumerate()}
    with (
        pytest.raises(ClusterUnavailableError),
        connected(stranger(tmp_path / "other", cluster)),
    ):
        pass
    assert {thread.name for thread in threading.enumerate()} <= before


def test_a_second_scheduler_says_that_it_cannot_listen(cluster: Cluster, tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, **cluster.settings)
    refused = subprocess.run(
        [command_path("blindlink-broker"), "--state", str(tmp_path), "cluster", "scheduler"],
        env={**os.environ, **environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "the scheduler cannot listen at cluster_address" in refused.stderr


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")
def test_a_scheduler_listens_on_an_address_of_ipv6_too(cluster: Cluster) -> None:
    with contextlib.closing(socket.create_server(("::1", 0), family=socket.AF_INET6)) as listener:
        address = f"tls://[::1]:{listener.getsockname()[1]}"
    told: list[str] = []

    def end(listening: str) -> None:
        told.append(listening)
        os.kill(os.getpid(), signal.SIGTERM)

    run_scheduler(replace(cluster.place, address=address), end)
    assert told == [address]


def test_its_parts_count_themselves(cluster: Cluster) -> None:
    with connected(cluster.place) as client:
        assert strength_of(client) == (1, 0, 1)


def test_a_scheduler_that_freezes_holds_nobody_up(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler, _ = cluster.processes
    try:
        with connected(cluster.place) as client:
            monkeypatch.setattr("app.extras.cluster.client.ANSWER_TIMEOUT_S", 0.2)
            scheduler.signal(signal.SIGSTOP)
            with pytest.raises(ClusterUnavailableError):
                strength_of(client)
    finally:
        scheduler.signal(signal.SIGCONT)


def test_a_worker_whose_port_is_taken_says_so(cluster: Cluster) -> None:
    with (
        contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken,
        pytest.raises(ConfigurationError, match="--port"),
    ):
        be_worker(cluster.place, port=taken.getsockname()[1])


def test_a_worker_of_an_older_version_ends_when_it_is_called(cluster: Cluster) -> None:
    class Outlived:
        """As the helper where another version has migrated the database."""

        final = (SchemaChangedError,)

        def __call__(self, run: str) -> None:
            raise SchemaChangedError(f"migrated before {run}")

    ended = threading.Event()
    caller = threading.Thread(target=ask_for_help, args=(cluster.place, "run-1", ended))
    caller.start()
    try:
        with pytest.raises(SchemaChangedError):
            be_worker(cluster.place, helps=Outlived())
    finally:
        ended.set()
        caller.join()


def be_worker(place: Place, port: int = 0, helps: Helps | None = None) -> None:
    """Be a worker of the cluster in this process until it ends by itself."""
    run_cluster_worker(place, 1, port, helps, on_stop=lambda: None, on_joined=lambda: None)


def is_hung_up(silent: socket.socket) -> bool:
    """Tell whether the other side ends a connection on which nothing was said."""
    silent.settimeout(10)
    try:
        return silent.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_strangers_who_say_nothing_hold_only_so_many_places(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extras.cluster.exchange.MAX_HANDSHAKES", 4)
    monkeypatch.setattr("app.extras.cluster.exchange.HANDSHAKE_S", 60.0)
    with Exchange(cluster.place, [WORDS, WORDS]) as opened, contextlib.ExitStack() as stack:
        first, last = (
            [
                stack.enter_context(socket.create_connection((opened.host, opened.port)))
                for _ in range(n)
            ]
            for n in (4, 3)
        )
        assert all(map(is_hung_up, last))
        for one in first:
            one.setblocking(False)
            with pytest.raises(BlockingIOError):
                one.recv(1)


def test_strangers_who_say_nothing_lose_their_places_to_a_worker(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extras.cluster.exchange.MAX_HANDSHAKES", 4)
    monkeypatch.setattr("app.extras.cluster.exchange.HANDSHAKE_S", 0.2)
    with Exchange(cluster.place, [WORDS, WORDS]) as opened, contextlib.ExitStack() as stack:
        for _ in range(4):
            silent = socket.create_connection((opened.host, opened.port))
            assert is_hung_up(stack.enter_context(silent))
        left, _ = Fetched(cluster.place).datasets(task_of(opened))
    assert left.tobytes() == WORDS.tobytes()


def test_a_worker_holds_a_place_no_longer_than_its_handshake(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extras.cluster.exchange.MAX_HANDSHAKES", 1)
    caller = cluster.place.tls(is_server=False)
    words = np.zeros((8 << 20, 1), dtype="<u8")
    with Exchange(cluster.place, [words, WORDS]) as opened:
        address = opened.host, opened.port
        with caller.wrap_socket(socket.create_connection(address, timeout=5)) as under_way:
            under_way.sendall(f"GET /{opened.reference}/0 HTTP/1.0\r\n\r\n".encode())
            assert under_way.recv(1 << 14)
            with caller.wrap_socket(socket.create_connection(address, timeout=5)) as other:
                other.sendall(f"GET /{opened.reference}/1 HTTP/1.0\r\n\r\n".encode())
                assert b" 200 " in other.recv(1 << 14)


def test_an_attempt_gives_its_files_and_takes_pairs_of_its_blocks(
    cluster: Cluster, exchange: Exchange
) -> None:
    fetched = Fetched(cluster.place)
    future = exchange.expect(BLOCK)
    left, right = fetched.datasets(task_of(exchange))
    assert left.tobytes() == right.tobytes() == WORDS.tobytes()
    pairs = dice_candidates(left, right, Fraction(4, 5))
    fetched.bring(task_of(exchange), pairs)
    assert len(pairs) >= 3
    assert future.result(0).left.tobytes() == pairs.left.tobytes()
    # Whoever comes second, and late, brought the same, of which nothing is kept.
    is_kept = weakref.ref(future)
    del future
    assert is_kept() is None
    fetched.bring(task_of(exchange), pairs)
    fetched.forget()


def test_who_knows_no_reference_gets_and_brings_nothing(
    cluster: Cluster, exchange: Exchange
) -> None:
    future = exchange.expect(BLOCK)
    pairs = dice_candidates(WORDS, WORDS, Fraction(4, 5))
    guessed = replace(task_of(exchange), reference="A" * 43)
    with pytest.raises(ClusterUnavailableError):
        Fetched(cluster.place).datasets(guessed)
    # The answer may be lost with a body that nobody reads.
    with pytest.raises((ClusterUnavailableError, ConnectionResetError)):
        Fetched(cluster.place).bring(guessed, pairs)
    assert not future.done()
    assert guessed.reference not in repr(guessed)


def test_a_transfer_under_way_ends_with_its_attempt(cluster: Cluster) -> None:
    n_bytes = 64 << 20
    caller = cluster.place.tls(is_server=False)
    with contextlib.ExitStack() as stack:
        with Exchange(cluster.place, [np.zeros((n_bytes // 8, 1), dtype="<u8")]) as opened:
            raw = socket.create_connection((opened.host, opened.port), timeout=5)
            tls = stack.enter_context(caller.wrap_socket(raw))
            tls.sendall(f"GET /{opened.reference}/0 HTTP/1.0\r\n\r\n".encode())
            assert tls.recv(1 << 14)
        got = 0
        with contextlib.suppress(OSError):
            while some := tls.recv(1 << 20):
                got += len(some)
        with pytest.raises(OSError, match="refused"):
            Fetched(cluster.place).datasets(task_of(opened))
    assert got < n_bytes // 2


def test_what_are_no_pairs_of_a_block_is_refused(cluster: Cluster, exchange: Exchange) -> None:
    future = exchange.expect(BLOCK)
    for path, body in (
        ("/{reference}/8", b""),
        ("/{reference}/7", b"\0" * 13),
        ("/{reference}/7", b"\0" * 12 * 10),
        ("/{reference}/7", b"\3\0\0\0" + b"\0" * 8),
        ("/{reference}/x", b""),
        ("/{reference}", b""),
        ("/", b""),
    ):
        caller = http.client.HTTPSConnection(
            exchange.host, exchange.port, context=cluster.place.tls(is_server=False), timeout=5
        )
        caller.request("PUT", path.format(reference=exchange.reference), body)
        with contextlib.suppress(ConnectionResetError):
            assert caller.getresponse().status in {400, 404}, (path, body)
        caller.close()
        assert not future.done(), (path, body)
