"""Link IDs: only from matches that the log vouches for, beside the record IDs to the letter."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.desk import Desk
from rigs.near_broker import PARTIES, NearBroker, answer_with, near_broker
from samples.refusals import raises

from encoding.errors import LinksFileError, MissingColumnError, ReleaseError
from encoding.log.pins import PinnedLog
from encoding.log.receipts import ReceiptFolder, verify_kept
from encoding.packing.handles import (
    MapName,
    derive_map_keys,
    draw_handles,
    key_text,
    read_handle_map,
    record_keys,
    write_handle_map,
)
from encoding.records.agency_file import AgencyFile
from encoding.secret.secret import Secret
from encoding.sharing.links_file import Link, read_links, write_links
from encoding.transfers.matches import record_ids_by_key
from encoding.transfers.release_check import read_release
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.api.releases import ReleaseView
from schemas.rounds.release import ReleaseHeader

PROJECT = "foster-pupils"
HEAD = "ID,first,last,born\n"
BOTH = ("Ana,Ortiz,2011-04-09", "Chloé,O'Neal,2010-12-31", "Dee,Lee,2015-01-15")
ROWS = {
    "welfare": f"7,{BOTH[0]}\n07,Bo,Nguyen,2012-05-01\nx-3,{BOTH[1]}\n4,{BOTH[2]}\n",
    "schools": f"p1,{BOTH[0]}\np2,{BOTH[1]}\np3,Zoe,Zinn,2010-10-10\np4,{BOTH[2]}\n",
}
SAME = {"7": "p1", "x-3": "p2", "4": "p4"}
EXIT_REFUSED, EXIT_WAITING = 1, 7
Answer = httpx2.Response


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NearBroker]:
    """A broker whose first round has its run; three people are in both files. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("links")
    with near_broker(folder) as near:
        for party in PARTIES:
            near.enrol(party)
            file = folder / f"{party}.csv"
            file.write_text(HEAD + ROWS[party], "utf-8")
            near.desk(party, folder / party, file, Secret(bytes(range(32))))
        near.add_project()
        near.compare()
        for words in (("round", "--ready"), ("encode",), ("upload",)):
            for desk in near.desks.values():
                desk.ok(*words)
        assert near.desks["schools"].type("links").exit_code == EXIT_REFUSED
        near.desks["schools"].ok("round", "--wait")
        near.desks["schools"].type("links")
        near.desks["welfare"].ok("links")
        near.desks["schools"].ok("links")
        yield near


@pytest.fixture
def broker(matched: NearBroker) -> Iterator[NearBroker]:
    """The same with an honest courier, before and after."""
    yield matched
    matched.courier.before = lambda _: None
    matched.courier.after = lambda _, response: response


@pytest.fixture
def welfare(broker: NearBroker) -> Desk:
    return broker.desks["welfare"]


def workspace(desk: Desk) -> Workspace:
    return open_workspace(desk.folder / "workspace")


def links_of(desk: Desk, *words: str) -> dict[str, str]:
    desk.ok("links", *words)
    return read_links(desk.folder / "links.csv")


def test_both_agencies_have_the_same_link_id_for_one_person(broker: NearBroker) -> None:
    mine, theirs = (links_of(broker.desks[party]) for party in ("welfare", "schools"))
    assert {record: theirs[other] for record, other in SAME.items()} == mine
    assert len({*mine.values()}) == len(theirs) == 3
    # In the order of record IDs.
    assert list(mine) == ["4", "7", "x-3"]


def test_links_of_records_that_left_the_file_are_counted(welfare: Desk, tmp_path: Path) -> None:
    """And a record that came since has none."""
    later = tmp_path / "later.csv"
    rows = ROWS["welfare"].splitlines()[2:]
    later.write_text(HEAD + "\n".join([*rows, "new,Ana,Ortiz,2011-04-09"]) + "\n", "utf-8")
    said = welfare.json("links", "--file", str(later), "-o", str(tmp_path / "links.csv"))
    assert (said["links"], said["missing"], said["pending"]) == (2, 1, 0)
    assert list(read_links(tmp_path / "links.csv")) == ["4", "x-3"]


def test_receipt_of_the_release_is_kept_and_proves_it(welfare: Desk) -> None:
    found = workspace(welfare)
    keys = PinnedLog(found.pins, found.log_key).keys()
    kept = [one for one in ReceiptFolder(found.receipts).all() if one.manifest is None]
    (entry,) = (verify_kept(one, "welfare", keys).entry for one in kept)
    assert entry.kind == "release-prepared"


def test_release_that_says_other_than_its_entry_is_refused(
    broker: NearBroker, welfare: Desk
) -> None:
    """Also where the broker announces the same: the run, the agreement, and the mode are the log's."""
    found = workspace(welfare)
    keys = PinnedLog(found.pins, found.log_key).keys()
    (kept,) = (one for one in ReceiptFolder(found.receipts).all() if one.manifest is None)
    entry = verify_kept(kept, "welfare", keys).entry
    head, _, lines = broker_file(broker, entry.of_object).partition(b"\n")
    stated = json.loads(head)
    other = f"{entry.of_object[:-4]}0000"
    agreement = hashlib.sha256(b"").hexdigest()
    changes: dict[str, Any] = {
        "run": f"run{other[3:]}",
        "agreement": agreement,
        "number": 2,
        "space": "other",
        "recipient": "schools",
        "release": other,
        "project": "another",
    }
    for change in ({}, *({name: value} for name, value in changes.items())):
        header = ReleaseHeader.from_json(stated | change)
        raw = header.to_canonical() + b"\n" + lines
        shown = {
            name: stated.get(name) for name in ("round", "partner", "mode", "created", "number")
        }
        shown |= {"release": header.release, "run": header.run, "project": header.project}
        shown |= {"recipient": header.recipient, "space": header.space, "number": header.number}
        shown |= {"sha256": agreement, "size_bytes": 1, "matches": None, "fetched": None}
        view = ReleaseView.from_json(shown)
        if not change:
            assert len(read_release(raw, view, entry).match_ids()) == len(SAME)
            continue
        with raises(ReleaseError, "another run or agreement than the match log"):
            read_release(raw, view, entry)


class Tampered:
    """Changes what a path is answered with."""

    def __init__(self, end: str, change: Callable[[Answer], Answer]) -> None:
        self.end, self.change = end, change

    def __call__(self, request: httpx2.Request, response: Answer) -> Answer:
        return self.change(response) if request.url.path.endswith(self.end) else response


def changed_file(change: Callable[[bytes], bytes]) -> Tampered:
    return Tampered(
        "/file", lambda response: httpx2.Response(200, content=change(response.content))
    )


def refused(desk: Desk, code: int = EXIT_REFUSED) -> str:
    """Return why no link IDs were written; the former file is as it was."""
    before = (desk.folder / "links.csv").read_bytes()
    said = desk.type("links")
    assert said.exit_code == code, said.stderr
    assert "internal error" not in said.stderr
    assert (desk.folder / "links.csv").read_bytes() == before
    assert not re.search("[0-9a-f]{32}", said.stderr)
    return said.stderr


def flipped(raw: bytes, place: int) -> bytes:
    changed = bytearray(raw)
    changed[place] ^= 1
    return bytes(changed)


def test_release_of_another_length_or_with_a_changed_byte_or_head_is_refused(
    broker: NearBroker, welfare: Desk
) -> None:
    for bend in (lambda raw: raw[:-1], lambda raw: raw + b"\n", lambda _: b"", lambda raw: raw * 2):
        broker.courier.after = changed_file(bend)
        assert refused(welfare)
    for place in (0, 40, -1, -20, -50, -80):
        broker.courier.after = changed_file(partial(flipped, place=place))
        assert "something different from what it announced" in refused(welfare), place
    for changes in ({"space": "another"}, {"matches": 3, "space": "elsewhere"}):

        def announce(response: Answer, changes: dict[str, Any] = changes) -> Answer:
            releases = [one | changes for one in response.json()["releases"]]
            return answer_with(response, {"releases": releases})

        broker.courier.after = Tampered("/releases", announce)
        assert "that was announced" in refused(welfare), changes


def test_release_that_the_log_does_not_hold_is_refused(broker: NearBroker, welfare: Desk) -> None:
    """A broker that forges a match announces the digest of the forgery, and has no entry for it."""
    forged: list[bytes] = []

    def forge(request: httpx2.Request, response: Answer) -> Answer:
        if request.url.path.endswith("/releases"):
            releases = response.json()["releases"]
            (own,) = (one for one in releases if one["recipient"] == "welfare")
            raw = broker_file(broker, own["release"])
            forged.append(raw[:-2] + (b"1" if raw[-2:-1] == b"0" else b"0") + b"\n")
            own["sha256"] = hashlib.sha256(forged[0]).hexdigest()
            return answer_with(response, {"releases": releases})
        if request.url.path.endswith("/file"):
            return httpx2.Response(200, content=forged[0])
        return response

    broker.courier.after = forge
    assert "not what the match log records" in refused(welfare)


def broker_file(broker: NearBroker, release: str) -> bytes:
    """Return the bytes of a release, as the courier last carried them."""
    start = b'{"agreement":'
    return next(
        raw
        for raw in reversed(broker.courier.seen)
        if raw.startswith(start) and release.encode() in raw.partition(b"\n")[0]
    )


def test_release_of_the_partner_and_receipt_of_something_else_are_not_taken_for_ones_own(
    broker: NearBroker, welfare: Desk
) -> None:
    """The broker hands out the schools' file and receipt under the welfare agency's name."""
    schools = broker.desks["schools"]
    schools.ok("links")
    seen: dict[str, bytes] = {}

    def keep(request: httpx2.Request, response: Answer) -> Answer:
        seen[request.url.path.split("/")[-1]] = response.content
        return response

    broker.courier.after = keep
    schools.ok("links")
    listed = json.loads(seen["releases"])["releases"]
    (theirs,) = (one for one in listed if one["recipient"] == "schools")

    def swap(request: httpx2.Request, response: Answer) -> Answer:
        if request.url.path.endswith("/releases"):
            own = theirs | {"recipient": "welfare", "partner": "schools"}
            return answer_with(response, {"releases": [own]})
        if "/releases/" in request.url.path:
            return httpx2.Response(200, content=seen[request.url.path.split("/")[-1]])
        return response

    broker.courier.after = swap
    assert "not about a release to this agency" in refused(welfare)
    kept = ReceiptFolder(workspace(welfare).receipts).all()
    (upload,) = (one.receipt for one in kept if one.manifest is not None)
    broker.courier.after = Tampered(
        "/receipt", lambda response: answer_with(response, upload.to_json())
    )
    assert "the receipt is about something you did not ask for" in refused(welfare)


def test_log_that_forgets_is_refused(broker: NearBroker, welfare: Desk) -> None:
    pins = workspace(welfare).pins / "checkpoints"
    before = pins.read_bytes()
    broker.rewrite_log()
    said = welfare.type("links")
    assert said.exit_code not in (0, EXIT_WAITING)
    assert pins.read_bytes() == before


def test_without_the_handles_that_were_sent_nothing_is_linked_and_it_says_where_they_may_be(
    welfare: Desk,
) -> None:
    name = MapName(PROJECT, 1, "schools")
    path = workspace(welfare).handle_map(*name)
    kept, keys = path.read_bytes(), derive_map_keys(workspace(welfare).key(), PROJECT)
    own = read_handle_map(path, name, keys)
    path.unlink()
    gone = refused(welfare)
    write_handle_map(path, draw_handles(name, own.keys), keys)
    other = refused(welfare)
    path.write_bytes(kept)
    assert "the workspace has no handles of round 1 for schools" in gone
    assert "restore it from its backup" in gone
    assert "the release names 3 handles that this agency has not sent" in other


def test_a_run_that_was_not_agreed_on_is_not_fetched(broker: NearBroker, welfare: Desk) -> None:
    def other_terms(response: Answer) -> Answer:
        run = response.json()
        specification = run["specification"] | {"agreement": "0" * 64}
        return answer_with(response, run | {"specification": specification})

    (run,) = {path for _, path in broker.courier.requests if re.fullmatch("/v1/runs/[^/]+", path)}
    broker.courier.after = Tampered(run.split("/")[-1], other_terms)
    assert refused(welfare)


def test_link_ids_need_the_column_of_record_ids(welfare: Desk) -> None:
    said = welfare.type("links", "--id-column", "NUMBER")
    assert said.exit_code != 0
    assert "no column NUMBER" in said.stderr


def test_record_keys_are_found_in_a_file_by_letter(tmp_path: Path) -> None:
    found = open_workspace(tmp_path / "w")
    path = tmp_path / "people.csv"
    path.write_text("ID,x\n7,a\n07,b\nx-7,c\n7,d\n", "utf-8")
    keys = derive_map_keys(found.key(), PROJECT)
    of = {text: key_text(record_keys(keys, [text]), 0) for text in ("7", "07", "x-7", "8")}
    wanted = {of["7"], of["x-7"], of["8"]}
    file = AgencyFile(path, "ID")
    assert record_ids_by_key(found, PROJECT, file, wanted) == {of["7"]: "7", of["x-7"]: "x-7"}
    assert record_ids_by_key(found, "others", file, wanted) == {}
    with raises(MissingColumnError):
        record_ids_by_key(found, PROJECT, AgencyFile(path, "NUMBER"), wanted)


def test_written_links_read_back_and_a_file_that_holds_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    links = [Link('a,"b"', "0" * 32), Link("é\n7", "f" * 32), Link("", "1" * 32)]
    links += [Link("8\r9", "2" * 32), Link("8\r\n9", "3" * 32)]
    write_links(path, links)
    assert read_links(path) == dict(links)
    write_links(path, [])
    assert path.read_bytes() == b"record_id,link_id\n"
    assert read_links(path) == {}
    for content in (
        *(b"", b"a,b\n", b"record_id,link_id\n7\n", b"record_id,link_id\n7,xyz\n", b"\xff"),
        b'record_id,link_id\n"7,' + b"0" * 2**17,
    ):
        path.write_bytes(content)
        with raises(LinksFileError) as caught:
            read_links(path)
        assert caught.value.exit_code == 3, content[:30]
