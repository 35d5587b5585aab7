"""Planted values turn up nowhere they do not belong: not at the broker, not in the workspace, not on screen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from rigs.desk import Desk
from rigs.near_broker import PARTIES, NearBroker, near_broker

from encoding.secret.secret import Secret
from schemas.documents.ids import HANDLE_BYTES
from schemas.linkage.profile import ROW_BYTES, TOKEN_BYTES
from schemas.linkage.row_layout import RECORD_NUMBER_BYTES
from schemas.rounds.upload import parse_header

pytestmark = pytest.mark.campaign("canaries", database="sqlite")

STORED_ROW_BYTES = TOKEN_BYTES + RECORD_NUMBER_BYTES + ROW_BYTES

PLANTED = {
    "record ID": "CANARYRECORD",
    "first name": "CANARYFIRST",
    "last name": "CANARYLAST",
    "birth date": "2013-07-17",
}


PEOPLE = [
    ("7", "Ana", "Ortiz", "2011-04-09"),
    ("07", "Bo", "Nguyen", "2012-05-01"),
    ("x-3", "Chloé", "O'Neal", "2010-12-31"),
    ("4", "Dee", "Lee", "2015-01-15"),
]
SECRET = Secret(bytes(range(32)))


class Wire:
    """Everything that was sent to the broker: path and body."""

    def __init__(self, broker: NearBroker) -> None:
        self.sent = b""
        broker.courier.before = self

    def __call__(self, request: httpx2.Request) -> None:
        self.sent += str(request.url).encode() + b"\n" + request.read() + b"\n"


@dataclass(frozen=True)
class Everything:
    """What an analyst did, well and badly: the desk afterwards, all that was sent, and all that was printed."""

    welfare: Desk
    sent: bytes
    spoken: str


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    with near_broker(tmp_path_factory.mktemp("canary") / "broker") as near:
        return everything(near)


def everything(near: NearBroker) -> Everything:
    planted = tuple(PLANTED.values())
    folder = near.folder.parent
    files = {"welfare": folder / "people.csv", "schools": folder / "pupils.csv"}
    write_rows(files["welfare"], [*PEOPLE, planted])
    write_rows(files["schools"], [*PEOPLE, ("p9", *planted[1:])])
    shared = {"welfare": ["born"], "schools": ["last", "first"]}
    for party in PARTIES:
        near.enrol(party)
    near.add_project()
    wire = Wire(near)
    for party, file in files.items():
        near.desk(party, folder / party, file, SECRET, share={"columns": shared[party]})
    near.compare()
    welfare, schools = near.desks["welfare"], near.desks["schools"]
    said = []
    for words in (
        ["round", "--ready"],
        ["encode"],
        ["upload"],
        ["status"],
        ["round", "--wait"],
        ["links"],
        ["links"],
        ["receipts"],
    ):
        for desk in (welfare, schools):
            said.append(desk.type(*words).output)
    said.append(schools.type("deliver", "welfare").output)
    said.append(welfare.type("attach", "schools").output)
    write_rows(files["welfare"], [*PEOPLE, (*planted[:3], "CANARYBIRTH")])
    said += [welfare.type(*words).output for words in (["encode"], ["refresh"], ["attach"])]
    return Everything(welfare, wire.sent, "\n".join(said))


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    lines = [",".join(row) for row in (("ID", "first", "last", "born"), *rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def workspace_files(desk: Desk) -> Iterator[tuple[Path, bytes]]:
    for path in (desk.folder / "workspace").rglob("*"):
        if path.is_file():
            yield path, path.name.encode() + path.read_bytes()


def test_nothing_planted_reaches_the_broker_or_the_screen(done: Everything) -> None:
    secret = (done.welfare.folder / "secret.txt").read_text().splitlines()[1].encode()
    for name, value in PLANTED.items():
        assert value.encode() not in done.sent, name
    assert secret not in done.sent
    for value in (*PLANTED.values(), "CANARYBIRTH", secret.decode()):
        assert value not in done.spoken
    (path,) = (done.welfare.folder / "workspace/outbox").glob("*.enc")
    raw = path.read_bytes()
    header = parse_header(raw)
    body = raw[header.body_offset :]
    n_handles = header.header.records * HANDLE_BYTES
    pieces = [body[at : at + HANDLE_BYTES] for at in range(0, n_handles, HANDLE_BYTES)]
    pieces += [body[at : at + TOKEN_BYTES] for at in range(n_handles, len(body), STORED_ROW_BYTES)]
    assert len(pieces) > 30
    for piece in pieces:
        assert piece.hex() not in done.spoken
    for line in (done.welfare.folder / "links.csv").read_text().splitlines()[1:]:
        assert line.split(",")[1] not in done.spoken


def test_workspace_holds_no_identifier_and_no_record_id(done: Everything) -> None:
    for path, raw in workspace_files(done.welfare):
        for name, value in PLANTED.items():
            assert value.encode() not in raw, (path.name, name)
    assert PLANTED["record ID"] in (done.welfare.folder / "links.csv").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_whatever_was_written_is_the_owners_alone(done: Everything) -> None:
    written = [path for path, _ in workspace_files(done.welfare)]
    written += [done.welfare.folder / "links.csv", done.welfare.folder / "secret.txt"]
    assert {path.stat().st_mode & 0o077 for path in written} == {0}
