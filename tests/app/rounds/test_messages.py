"""Sealed claims and chain statements: kept, numbered, handed to whom they are for, and never opened."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage
from rigs.refused_calls import refused
from samples.round_files import random_people

from app.sealed.objects import PIECE_BYTES
from schemas.linkage.run import Recipient
from schemas.rounds.rounds import MAX_MESSAGE_BYTES

HEALTH = "health-department"
PARTIES = (CHILD_WELFARE, HEALTH, SCHOOL)


@pytest.fixture
def done(linkage: Linkage) -> Linkage:
    """A round whose run has succeeded."""
    linkage.upload_both()
    linkage.work()
    return linkage


def test_claims_of_a_run_that_succeeded_go_to_the_partner_alone_as_they_came(
    linkage: Linkage,
) -> None:
    linkage.upload_both()
    assert refused(linkage.put_claims(CHILD_WELFARE, SCHOOL)) == (409, "claims-not-due")
    linkage.work()
    # As long as those of a nation.
    content = random.Random(7).randbytes(2 * PIECE_BYTES + 5)
    for _ in range(2):
        receipt = linkage.put_claims(CHILD_WELFARE, SCHOOL, content)
        assert receipt.json() == {
            "round": 1, "release": 1, "party": CHILD_WELFARE, "partner": SCHOOL, "sequence": 1,
            "sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
    answer = linkage.get_claims(SCHOOL, CHILD_WELFARE)
    assert (answer.status_code, answer.content == content) == (200, True)
    assert answer.headers["etag"] == f'"{receipt.json()["sha256"]}"'
    # No agency reads what it sent itself, and nothing is there of the other side.
    assert linkage.get_claims(CHILD_WELFARE, SCHOOL).status_code == 404
    for partner in ("stranger", CHILD_WELFARE):
        answer = linkage.put_claims(CHILD_WELFARE, partner, number=1)
        assert refused(answer) == (409, "not-in-round"), partner
    # Between two recipients no statement is due.
    assert refused(linkage.put_statement(SCHOOL)) == (409, "claims-not-due")
    announced = {"content-length": str(MAX_MESSAGE_BYTES + 1)}
    kind = {"content-type": "application/octet-stream"}
    answer = linkage.client.put(
        f"/v1/projects/{PROJECT}/rounds/1/claims/{SCHOOL}",
        content=b"sealed",
        headers={**linkage.as_party(CHILD_WELFARE), **announced, **kind},
    )
    assert refused(answer) == (413, "body-too-large")
    received = [one for one in linkage.log_entries() if one["kind"] == "claims-received"]
    assert [one["body"]["sequence"] for one in received] == [1]
    for stored in linkage.broker.settings.state_dir.rglob("*"):
        if stored.is_file():
            assert content[:64] not in stored.read_bytes()


def test_later_claims_take_the_place_of_earlier_ones_until_the_round_is_closed(
    done: Linkage,
) -> None:
    for number, content in enumerate((b"one", b"two", b"two"), start=1):
        receipt = done.put_claims(CHILD_WELFARE, SCHOOL, content)
        assert receipt.json()["sequence"] == min(number, 2)
    assert done.get_claims(SCHOOL, CHILD_WELFARE).content == b"two"
    names = [name for name in done.broker.keystore.object_ids() if name.startswith("msg-")]
    assert len(names) == 1
    done.put_claims(SCHOOL, CHILD_WELFARE, b"theirs")
    closed = done.round()
    assert closed["state"] == "closed"
    listed = {one["party"]: one["sha256"] for one in closed["progress"][0]["claims"]}
    assert listed[CHILD_WELFARE] == hashlib.sha256(b"two").hexdigest()
    assert refused(done.put_claims(CHILD_WELFARE, SCHOOL, b"three")) == (409, "round-closed")
    assert done.get_claims(SCHOOL, CHILD_WELFARE).content == b"two"
    # They are numbered on from round to round.
    done.upload_both()
    done.work()
    assert done.put_claims(CHILD_WELFARE, SCHOOL).json()["sequence"] == 3


def test_claims_that_are_replaced_while_they_are_opened_are_fetched_anew(
    done: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    done.put_claims(CHILD_WELFARE, SCHOOL, b"one")
    open_key, late = done.broker.keystore.open, [b"two"]

    def opened(object_id: str) -> Any:
        if late and object_id.startswith("msg-"):
            done.put_claims(CHILD_WELFARE, SCHOOL, late.pop())
        return open_key(object_id)

    monkeypatch.setattr(done.broker.keystore, "open", opened)
    answer = done.get_claims(SCHOOL, CHILD_WELFARE)
    assert (answer.status_code, answer.content) == (200, b"two")


def test_where_spaces_are_apart_no_claims_are_due_and_the_round_closes_with_the_run(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(
        recipients=(Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),)
    )
    linkage.upload_both()
    linkage.work()
    assert linkage.round()["state"] == "closed"
    assert linkage.log_kinds()[-3:] == ["run-finished", "release-prepared", "round-closed"]


def test_of_three_recipients_each_states_its_chains_to_all_before_the_round_closes(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(
        providers=PARTIES,
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in PARTIES),
    )
    linkage.is_log_spoilt = False
    people = random_people(linkage.rng, 6)
    linkage.upload_of_all_pairs(people)
    linkage.work()
    linkage.exchange_claims()
    assert linkage.round()["state"] == "open"
    for number, party in enumerate(PARTIES, start=1):
        receipt = linkage.put_statement(party, party.encode())
        assert (receipt.status_code, receipt.json()["sequence"]) == (200, 1)
        assert linkage.round()["state"] == ("closed" if number == 3 else "open")
    for reader in PARTIES:
        for sender in PARTIES:
            answer = linkage.get_statement(reader, sender)
            assert (answer.status_code, answer.content) == (200, sender.encode())
    assert [one["party"] for one in linkage.round()["statements"]] == list(PARTIES)
    (closed,) = (one["body"] for one in linkage.log_entries() if one["kind"] == "round-closed")
    assert closed["statements"] == linkage.round()["statements"]
