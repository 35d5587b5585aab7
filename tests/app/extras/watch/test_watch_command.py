"""`blindlink-audit watch` against a broker on loopback that may go back, fork, or hand its log over."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from samples.log import SampleLog, signer, story
from samples.parties import CW

from app.auditor.cli import main
from schemas.api.bodies import LogCheckpoint
from schemas.documents.merkle import consistency_proof, hash_node, inclusion_proof
from schemas.matchlog.checkpoint import serialise_checkpoints
from schemas.matchlog.hand_over import HandOver
from schemas.matchlog.proof import LogProof


class Shown:
    """A sample log as a broker shows it."""

    def __init__(self, log: SampleLog) -> None:
        self.log = log
        self.url = ""
        self.asked: list[str] = []

    def answer(self, path: str) -> bytes | None:
        self.asked.append(path)
        parts = urlsplit(path)
        if parts.path == "/v1/log/bundle":
            return self.log.bundle()
        old, size = int(parse_qs(parts.query)["old"][0]), self.log.size
        if old > size:
            return None
        proof = consistency_proof(self._read, old, size) if old else []
        return LogCheckpoint(
            checkpoint=self.log.notes[-1][1].decode(),
            old_size=old,
            proof=tuple(base64.b64encode(node).decode() for node in proof),
            log_key=self.log.used_keys[-1],
            hand_overs=tuple(self._hand_overs(old)),
        ).to_canonical()

    def _hand_overs(self, old: int) -> Iterator[HandOver]:
        for entry in self.log.entries:
            size, note = next((size, raw) for size, raw in self.log.notes if size > entry.seq)
            if entry.kind == "log-key-rotated" and old <= size < self.log.size:
                hashes = tuple(inclusion_proof(self._read, entry.seq, size))
                raw = self.log.raw[entry.seq]
                yield HandOver.of(LogProof(raw, entry.seq, hashes, note))

    def _read(self, nodes: object) -> dict[tuple[int, int], bytes]:
        return {node: self._node(*node) for node in nodes}  # type: ignore[attr-defined]

    def _node(self, level: int, index: int) -> bytes:
        if level == 0:
            return self.log.leaf_hashes[index]
        return hash_node(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))


@pytest.fixture
def broker() -> Iterator[Shown]:
    shown = Shown(story(77, n_weeks=2))
    # So that the newest checkpoint is signed by the newest key.
    shown.log.export(actor=CW)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = shown.answer(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        shown.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield shown
        server.shutdown()
        thread.join()


def run(broker: Shown, state: Path, *more: str | Path) -> Result:
    arguments = ["watch", broker.url, "--state", str(state), *map(str, more)]
    return CliRunner().invoke(main, arguments)


def test_it_says_how_the_log_grew(broker: Shown, tmp_path: Path) -> None:
    first = run(broker, tmp_path / "state")
    assert first.exit_code == 0, first.stderr
    assert "seen first now" in first.stdout
    assert "pinned now: compare it with the operator" in first.stdout
    before = broker.log.size
    broker.log.export(actor=CW)
    again = run(broker, tmp_path / "state")
    assert f"entries      {before} to {before + 1}\n" in again.stdout
    assert run(broker, tmp_path / "state", "--quiet").output == ""
    assert json.loads(run(broker, tmp_path / "state", "--json").stdout)["before"] == before + 1


def test_a_rollback_is_status_1_for_cron_even_when_quiet(broker: Shown, tmp_path: Path) -> None:
    run(broker, tmp_path / "state")
    broker.log = story(77, n_weeks=1)
    broker.log.rotate_key()
    result = run(broker, tmp_path / "state", "--quiet")
    assert result.exit_code == 1
    assert "code: " in result.stderr


def test_the_pin_of_an_agency_that_was_shown_another_log_is_status_1(
    broker: Shown, tmp_path: Path
) -> None:
    other = story(78, n_weeks=2)
    other.export(actor=CW)
    (tmp_path / "county.pin").write_bytes(serialise_checkpoints([other.notes[-1][1]]))
    result = run(broker, tmp_path / "state", "--pin", tmp_path / "county.pin", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] in {"pin-contradicted", "rolled-back"}
    assert list((tmp_path / "state").glob("evidence-*"))


def test_full_verifies_everything_and_keeps_the_bundle(broker: Shown, tmp_path: Path) -> None:
    state = tmp_path / "state"
    result = run(broker, state, "--full")
    assert result.exit_code == 0, result.stderr
    assert (state / "log.bundle").read_bytes() == broker.log.bundle()
    at = next(e.seq for e in broker.log.entries if e.kind == "upload-received")
    broker.log.raw[at] = broker.log.raw[at].replace(b"2000", b"2001")
    bad = run(broker, state, "--full")
    assert bad.exit_code == 1
    assert "code: leaf-changed" in bad.stderr
    assert (state / "evidence.bundle").read_bytes() == broker.log.bundle()
    assert not (state / "log.bundle.new").exists()


@pytest.mark.parametrize("how", [(), ("--full",)], ids=["short", "full"])
def test_a_hand_over_of_the_logs_key_is_followed_and_said(
    broker: Shown, tmp_path: Path, how: tuple[str, ...]
) -> None:
    state, first = tmp_path / "state", broker.log.signers[0].verifier_key.text
    assert run(broker, state, *how, "--log-key", first).exit_code == 0
    broker.log.rotate_key()
    broker.log.export(actor=CW)
    result = run(broker, state, *how, "--log-key", first)
    assert result.exit_code == 0, result.stderr
    assert (
        f"log key      {broker.log.signers[-1].verifier_key.text}, handed over to" in result.stdout
    )
    for again in ((), ("--full",)):
        later = run(broker, state, *again, "--log-key", first, "--json")
        assert json.loads(later.stdout)["new_log_keys"] == 0


def test_a_project_without_full_is_wrong_usage(broker: Shown, tmp_path: Path) -> None:
    assert run(broker, tmp_path / "state", "--project", "foster").exit_code == 2
    assert broker.asked == []


def test_a_broker_that_is_not_there_is_status_5(broker: Shown, tmp_path: Path) -> None:
    broker.url = "http://127.0.0.1:9"
    assert run(broker, tmp_path / "state").exit_code == 5


def test_full_takes_a_log_under_a_key_that_nothing_hands_over_to_for_an_alert(
    broker: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    assert run(broker, state, "--full").exit_code == 0
    with monkeypatch.context() as others:
        others.setattr("samples.log.signer", lambda number: signer(number + 40))
        broker.log = story(78, n_weeks=2)
    result = run(broker, state, "--full", "--quiet")
    assert result.exit_code == 1
    assert "code: log-key" in result.stderr
    assert (state / "evidence.bundle").read_bytes() == broker.log.bundle()


def test_full_takes_a_log_from_before_its_key_was_replaced_for_an_alert(
    broker: Shown, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    broker.log.rotate_key()
    broker.log.export(actor=CW)
    assert run(broker, state, "--full").exit_code == 0
    broker.log = story(77, n_weeks=1)
    result = run(broker, state, "--full")
    assert result.exit_code == 1
    assert "code: log-key" in result.stderr


def test_full_says_a_damaged_pin_of_an_agency_is_bad_input_still(
    broker: Shown, tmp_path: Path
) -> None:
    state, pin = tmp_path / "state", tmp_path / "county.pin"
    assert run(broker, state, "--full").exit_code == 0
    pin.write_bytes(broker.log.notes[3][1].replace(b"\n", b"\n1", 1))
    assert run(broker, state, "--full", "--pin", pin).exit_code == 3


def test_the_first_bundle_that_did_not_verify_is_never_replaced(
    broker: Shown, tmp_path: Path
) -> None:
    state, good = tmp_path / "state", broker.log.raw[5]
    bad = []
    for place in (5, 6, 7):
        broker.log.raw[place] = broker.log.raw[place].replace(b"2026", b"2027")
        assert run(broker, state, "--full").exit_code == 1
        bad.append(broker.log.bundle())
    assert good != broker.log.raw[5]
    assert (state / "evidence.bundle").read_bytes() == bad[0]
    assert (state / "evidence-newest.bundle").read_bytes() == bad[2]
