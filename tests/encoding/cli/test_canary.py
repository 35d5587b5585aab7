"""Planted values turn up nowhere they do not belong: not at the broker, not in the workspace, not on screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker

from schemas.ids import HANDLE_BYTES
from schemas.profile import ROW_BYTES, TOKEN_BYTES
from schemas.rows import RECORD_NUMBER_BYTES
from schemas.upload import parse_header

STORED_ROW_BYTES = TOKEN_BYTES + RECORD_NUMBER_BYTES + ROW_BYTES

PLANTED = {
    "record ID": "CANARYRECORD",
    "first name": "CANARYFIRST",
    "last name": "CANARYLAST",
    "birth date": "2013-07-17",
}


class Wire:
    """Everything that was sent to the broker: path and body."""

    def __init__(self, broker: NearBroker) -> None:
        self.sent = b""
        broker.courier.before = self

    def __call__(self, request: httpx2.Request) -> None:
        self.sent += str(request.url).encode() + b"\n" + request.read() + b"\n"


@pytest.fixture
def wire(broker: NearBroker) -> Wire:
    return Wire(broker)


@pytest.fixture
def spoken(
    ready: NearBroker, welfare: Desk, schools: Desk, wire: Wire, people, write_people
) -> str:
    """What both desks print while they do everything, well and badly."""
    planted = tuple(PLANTED.values())
    write_people([*people, planted])
    write_people([*people, ("p9", *planted[1:])], "pupils.csv")
    said = []
    for words in (
        ["encode"],
        ["upload"],
        ["status"],
        ["run", "--wait"],
        ["links"],
        ["links"],
        ["receipt", "verify"],
    ):
        for desk in (welfare, schools):
            said.append(desk.type(*words).output)
    out = str(schools.folder / "out.csv")
    said.append(schools.type("extract", "--columns", "last", "-o", out).output)
    said.append(welfare.type("join", out, "--columns", "last", "-o", out + "2").output)
    write_people([*people, (*planted[:3], "CANARYBIRTH")])
    said += [
        welfare.type(*words).output for words in (["encode"], ["refresh"], ["join", out, "-o", out])
    ]
    return "\n".join(said)


def workspace_files(desk: Desk) -> Iterator[tuple[Path, bytes]]:
    for path in (desk.folder / "workspace").rglob("*"):
        if path.is_file():
            yield path, path.name.encode() + path.read_bytes()


def test_no_identifier_record_id_or_secret_reaches_the_broker(welfare, wire, spoken) -> None:
    secret = (welfare.folder / "secret.txt").read_text().splitlines()[1].encode()
    for name, value in PLANTED.items():
        assert value.encode() not in wire.sent, name
    assert secret not in wire.sent


def test_nothing_planted_is_printed(welfare: Desk, spoken: str) -> None:
    secret = (welfare.folder / "secret.txt").read_text().splitlines()[1]
    for value in (*PLANTED.values(), "CANARYBIRTH", secret):
        assert value not in spoken


def test_no_handle_row_or_link_id_is_printed(welfare: Desk, spoken: str) -> None:
    (path,) = (welfare.folder / "workspace/outbox").glob("*.enc")
    raw = path.read_bytes()
    header = parse_header(raw)
    body = raw[header.body_offset :]
    n_handles = header.header.records * HANDLE_BYTES
    pieces = [body[at : at + HANDLE_BYTES] for at in range(0, n_handles, HANDLE_BYTES)]
    pieces += [body[at : at + TOKEN_BYTES] for at in range(n_handles, len(body), STORED_ROW_BYTES)]
    assert len(pieces) > 30
    for piece in pieces:
        assert piece.hex() not in spoken
    for line in (welfare.folder / "links.csv").read_text().splitlines()[1:]:
        assert line.split(",")[1] not in spoken


def test_workspace_holds_no_identifier_and_no_record_id(welfare: Desk, spoken: str) -> None:
    for path, raw in workspace_files(welfare):
        for name, value in PLANTED.items():
            assert value.encode() not in raw, (path.name, name)


def test_record_ids_are_in_the_links_alone(welfare: Desk, spoken: str) -> None:
    assert PLANTED["record ID"] in (welfare.folder / "links.csv").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_whatever_was_written_is_the_owners_alone(welfare: Desk, spoken: str) -> None:
    written = [path for path, _ in workspace_files(welfare)]
    written += [welfare.folder / "links.csv", welfare.folder / "secret.txt"]
    assert {path.stat().st_mode & 0o077 for path in written} == {0}
