"""Link IDs: only those that the log vouches for, beside the record IDs to the letter."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from oracles.agency import Agency
from oracles.near_broker import NearBroker, document

from encoding.agency_file import AgencyFile
from encoding.client import BrokerClient
from encoding.errors import (
    AgencyError,
    BrokerAnswerError,
    HandleMapError,
    LinksFileError,
    MissingColumnError,
    NotReadyError,
    ReceiptError,
    ReleaseError,
    RunFailedError,
)
from encoding.links import fetch_release, join_links, newest_release
from encoding.links_file import Link, read_links, write_links
from encoding.progress import silent
from encoding.receipts import ReceiptFolder
from encoding.runs import ask_run, wait_for_run
from schemas.api import RunView
from schemas.ids import LinkId

SCHOOL_ROWS = [
    ("p1", "Ana", "Ortiz", "2011-04-09"),
    ("p2", "Chloé", "O'Neal", "2010-12-31"),
    ("p3", "Zoe", "Zinn", "2010-10-10"),
    ("p4", "Dee", "Lee", "2015-01-15"),
]


class Pair(NamedTuple):
    welfare: Agency
    schools: Agency
    welfare_file: Path
    schools_file: Path


@pytest.fixture
def pair(tmp_path: Path, view, secret, people, write_people, client_of) -> Pair:
    """Two agencies that have uploaded; three of their people are the same."""
    files = write_people(people), write_people(SCHOOL_ROWS, "pupils.csv")
    agencies = []
    for party, path in zip(("welfare", "schools"), files, strict=True):
        agency = Agency(tmp_path / party, view, secret, party)
        agency.encode(path)
        agency.upload(client_of(party))
        agencies.append(agency)
    return Pair(*agencies, *files)


def ask(client: BrokerClient) -> RunView:
    return ask_run(client, "foster-pupils")


@pytest.fixture
def linked(pair: Pair, client_of) -> Pair:
    client = client_of("welfare")
    wait_for_run(client, ask(client).run, silent, lambda _: None)
    return pair


def test_both_agencies_get_the_same_link_id_for_one_person(linked: Pair, client_of) -> None:
    mine = dict(linked.welfare.fetch(client_of("welfare"), linked.welfare_file).links)
    theirs = dict(linked.schools.fetch(client_of("schools"), linked.schools_file).links)
    same = {"7": "p1", "x-3": "p2", "4": "p4"}
    assert {record: theirs[other] for record, other in same.items()} == mine
    assert len(set(mine.values())) == 3


def test_links_stand_in_the_order_of_record_ids(linked: Pair, client_of) -> None:
    links = linked.welfare.fetch(client_of("welfare"), linked.welfare_file).links
    assert [link.record_id for link in links] == ["4", "7", "x-3"]


def test_links_of_records_that_left_the_file_are_counted(linked, client_of, people, write_people):
    joined = linked.welfare.fetch(client_of("welfare"), write_people(people[1:], "later.csv"))
    assert [link.record_id for link in joined.links] == ["4", "x-3"]
    assert joined.n_missing == 1


def test_record_without_a_handle_has_no_link(linked: Pair, client_of, people, write_people, broker):
    run = next(iter(broker.runs.values()))
    known = linked.welfare.handle_of(people[0][0])
    broker.release(run, "welfare", {bytes(16): LinkId(bytes(16)), known: LinkId(b"k" * 16)})
    path = write_people([people[0], ("new", "Ana", "Ortiz", "2011-04-09")], "new.csv")
    (link,) = linked.welfare.fetch(client_of("welfare"), path).links
    assert link.record_id == people[0][0]


def test_receipt_of_the_release_is_kept(linked: Pair, client_of) -> None:
    linked.welfare.fetch(client_of("welfare"), linked.welfare_file)
    folder = ReceiptFolder(linked.welfare.workspace.receipts)
    assert [kept.manifest is None for kept in folder.all()] == [True, False]


def test_newest_release_wins(linked: Pair, client_of, broker: NearBroker) -> None:
    run = next(iter(broker.runs.values()))
    handle = linked.welfare.handle_of("07")
    broker.release(run, "welfare", {handle: LinkId(b"\1" * 16)})
    links = linked.welfare.fetch(client_of("welfare"), linked.welfare_file).links
    assert links == (Link("07", "01" * 16),)


def test_release_of_another_run_is_not_taken_for_this_one(linked: Pair, client_of) -> None:
    with pytest.raises(NotReadyError, match=r"no link IDs of the run run-0{32} have been released"):
        newest_release(client_of("welfare"), "foster-pupils", "welfare", run="run-" + "0" * 32)


def test_before_any_release_there_is_nothing_to_fetch(pair: Pair, client_of) -> None:
    with pytest.raises(NotReadyError, match="no link IDs have been released"):
        pair.welfare.fetch(client_of("welfare"), pair.welfare_file)


class Tampered:
    """Changes what a path is answered with."""

    def __init__(self, end: str, change: Any) -> None:
        self.end, self.change = end, change

    def __call__(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        return self.change(response) if request.url.path.endswith(self.end) else response


def changed_file(change: Any) -> Tampered:
    def answer(response: httpx2.Response) -> httpx2.Response:
        return httpx2.Response(200, content=iter([change(b"".join(response.stream))]))

    return Tampered("/file", answer)


@pytest.mark.parametrize(
    "change",
    [lambda raw: raw[:-1], lambda raw: raw + b"\n", lambda raw: raw[:0], lambda raw: raw * 2],
)
def test_release_of_another_length_is_refused(linked: Pair, client_of, broker, change) -> None:
    broker.courier.after = changed_file(change)
    with pytest.raises(BrokerAnswerError):
        linked.welfare.fetch(client_of("welfare"), linked.welfare_file)


def test_every_changed_byte_of_a_release_is_noticed(linked: Pair, client_of, broker) -> None:
    (size,) = {
        view.size_bytes for view, _, _ in broker.releases.values() if view.recipient == "welfare"
    }
    for place in range(0, size, 7):
        broker.courier.after = changed_file(
            lambda raw, at=place: raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        )
        with pytest.raises(ReleaseError):
            linked.welfare.fetch(client_of("welfare"), linked.welfare_file)


def test_release_that_the_log_does_not_hold_is_refused(linked, client_of, broker) -> None:
    release, (view, raw, index) = next(
        item for item in broker.releases.items() if item[1][0].recipient == "welfare"
    )
    last = raw[-2:-1]
    forged = raw[:-2] + (b"0" if last != b"0" else b"1") + b"\n"
    sha256 = hashlib.sha256(forged).hexdigest()
    broker.releases[release] = (view.model_copy(update={"sha256": sha256}), forged, index)
    with pytest.raises(ReceiptError, match="not those in the match log"):
        linked.welfare.fetch(client_of("welfare"), linked.welfare_file)


def test_release_to_another_agency_is_refused(linked: Pair, client_of, broker) -> None:
    release, (view, raw, index) = next(
        item for item in broker.releases.items() if item[1][0].recipient == "schools"
    )
    broker.releases = {release: (view.model_copy(update={"recipient": "welfare"}), raw, index)}
    with pytest.raises(AgencyError, match="not about a release to this agency"):
        linked.welfare.fetch(client_of("welfare"), linked.welfare_file)


def test_receipt_for_another_release_is_refused(linked: Pair, client_of, broker) -> None:
    (_, first), (_, second) = broker.releases.items()
    broker.courier.after = Tampered(
        "/receipt", lambda _: document(broker.log.receipt(first[2], first[0].release))
    )
    other = "welfare" if second[0].recipient == "welfare" else "schools"
    agency = getattr(linked, other)
    with pytest.raises(ReceiptError):
        agency.fetch(client_of(other), linked.welfare_file)


def test_workspace_without_the_handle_map_is_refused(
    linked, client_of, tmp_path, view, secret
) -> None:
    stranger = Agency(tmp_path / "stranger", view, secret, "welfare")
    with pytest.raises(HandleMapError, match="no handle map of epoch 1") as caught:
        stranger.fetch(client_of("welfare"), linked.welfare_file)
    assert "restore it from its backup" in (caught.value.hint or "")


def test_link_ids_of_nobody_in_the_file_are_refused(linked, client_of, write_people) -> None:
    others = write_people([("x1", "Ana", "Ortiz", "2011-04-09")], "others.csv")
    with pytest.raises(HandleMapError, match=r"none of the 3 handles .* others\.csv"):
        linked.welfare.fetch(client_of("welfare"), others)


@pytest.mark.parametrize(
    ("ends", "sentence"), [("failed", "too-many-pairs"), ("cancelled", "cancelled")]
)
def test_run_that_does_not_succeed_is_an_error(
    pair: Pair, client_of, broker, ends, sentence
) -> None:
    broker.run_ends = ends
    client = client_of("welfare")
    run = ask(client).run
    with pytest.raises(RunFailedError, match=sentence) as caught:
        wait_for_run(client, run, silent, lambda _: None)
    assert caught.value.exit_code == 6


def test_waiting_for_a_run_looks_ever_more_rarely(pair: Pair, client_of, broker) -> None:
    broker.looks_until_done = 12
    client, pauses, stages = client_of("welfare"), [], []
    run = ask(client).run
    wait_for_run(client, run, lambda step, *_: stages.append(step), pauses.append)
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.5, 10.0)
    assert stages[0] == "linking: comparing"
    assert stages[-1] == "linking: done"


def test_asking_twice_gives_the_same_run(pair: Pair, client_of) -> None:
    assert ask(client_of("welfare")) == ask(client_of("schools"))


def test_agencies_that_ask_one_after_the_other_get_the_same_run(
    linked: Pair, client_of, broker
) -> None:
    (done,) = broker.runs
    linked.welfare.fetch(client_of("welfare"), linked.welfare_file)
    assert ask(client_of("schools")).run == ask(client_of("welfare")).run == done


def test_new_upload_gets_a_new_run(linked: Pair, client_of, broker, people, write_people) -> None:
    (done,) = broker.runs
    linked.welfare.encode(write_people(people[:3]))
    linked.welfare.upload(client_of("welfare"))
    assert ask(client_of("welfare")).run != done


def test_run_can_be_asked_for_again(linked: Pair, client_of, broker) -> None:
    (done,) = broker.runs
    again = ask_run(client_of("welfare"), "foster-pupils", again=True)
    assert again.run != done


def test_failed_run_is_asked_for_again(pair: Pair, client_of, broker) -> None:
    broker.run_ends = "failed"
    client = client_of("welfare")
    first = ask(client).run
    with pytest.raises(RunFailedError):
        wait_for_run(client, first, silent, lambda _: None)
    assert ask(client).run != first


def test_written_links_read_back(tmp_path: Path) -> None:
    links = [Link('a,"b"', "0" * 32), Link("é\n7", "f" * 32), Link("", "1" * 32)]
    write_links(tmp_path / "links.csv", links)
    assert read_links(tmp_path / "links.csv") == dict(links)


def test_file_without_links_reads_back_as_none(tmp_path: Path) -> None:
    write_links(tmp_path / "links.csv", [])
    assert (tmp_path / "links.csv").read_bytes() == b"record_id,link_id\n"
    assert read_links(tmp_path / "links.csv") == {}


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n", b"record_id,link_id\n7\n", b"record_id,link_id\n7,xyz\n", b"\xff"]
)
def test_file_that_holds_no_links_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "links.csv").write_bytes(content)
    with pytest.raises(LinksFileError) as caught:
        read_links(tmp_path / "links.csv")
    assert caught.value.exit_code == 3


def test_join_needs_the_column_of_record_ids(linked: Pair, client_of) -> None:
    agency, client = linked.welfare, client_of("welfare")
    release = newest_release(client, "foster-pupils", "welfare")
    fetched = fetch_release(client, release, agency.trust(client))
    with pytest.raises(MissingColumnError, match="no column NUMBER"):
        join_links(agency.workspace, fetched, AgencyFile(linked.welfare_file, "NUMBER"))
