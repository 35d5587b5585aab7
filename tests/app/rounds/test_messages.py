"""Sealed claims and chain statements: kept, numbered, handed to whom they are for, and never opened."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage
from samples.round_files import random_people

from app.sealed.objects import PIECE_BYTES
from schemas.problem import MEDIA_TYPE
from schemas.rounds import MAX_MESSAGE_BYTES
from schemas.run import Recipient

HEALTH = "health-department"
PARTIES = (CHILD_WELFARE, HEALTH, SCHOOL)


def code_of(answer: Any) -> str:
    assert answer.headers["content-type"] == MEDIA_TYPE
    return str(answer.json()["type"]).rsplit(":", 1)[1]


@pytest.fixture
def done(linkage: Linkage) -> Linkage:
    """A round whose run has succeeded."""
    linkage.upload_both()
    linkage.work()
    return linkage


def test_claims_go_to_the_partner_alone_as_they_came(done: Linkage) -> None:
    content = bytes(range(256)) * 10
    receipt = done.put_claims(CHILD_WELFARE, SCHOOL, content)
    assert receipt.json() == {
        "round": 1, "release": 1, "party": CHILD_WELFARE, "partner": SCHOOL, "sequence": 1,
        "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    answer = done.get_claims(SCHOOL, CHILD_WELFARE)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["etag"] == f'"{receipt.json()["sha256"]}"'
    # Nobody reads what they sent themselves, and nothing is there of the other side.
    assert done.get_claims(CHILD_WELFARE, SCHOOL).status_code == 404
    done.founded.enrol("stranger")
    assert done.get_claims("stranger", CHILD_WELFARE).status_code == 404
    path = f"/v1/projects/{PROJECT}/rounds/1/claims/{CHILD_WELFARE}"
    assert done.get(path, AUDITOR, "auditor").status_code == 403
    received = [one for one in done.log_entries() if one["kind"] == "claims-received"]
    assert [one["body"]["sequence"] for one in received] == [1]


def test_claims_of_a_nation_come_as_they_were_sent(done: Linkage) -> None:
    content = random.Random(7).randbytes(2 * PIECE_BYTES + 5)
    for _ in range(2):
        assert done.put_claims(CHILD_WELFARE, SCHOOL, content).json()["sequence"] == 1
    assert done.get_claims(SCHOOL, CHILD_WELFARE).content == content


def test_nothing_of_a_message_lies_in_the_clear(done: Linkage) -> None:
    content = b"sealed to the partner" * 50
    done.put_claims(CHILD_WELFARE, SCHOOL, content)
    for path in done.broker.settings.state_dir.rglob("*"):
        if path.is_file():
            assert content[:64] not in path.read_bytes()


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
    answer = done.put_claims(CHILD_WELFARE, SCHOOL, b"three")
    assert (answer.status_code, code_of(answer)) == (409, "round-closed")
    assert done.get_claims(SCHOOL, CHILD_WELFARE).content == b"two"


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


def test_messages_are_numbered_on_from_round_to_round(done: Linkage) -> None:
    done.exchange_claims()
    done.upload_both()
    done.work()
    assert done.put_claims(CHILD_WELFARE, SCHOOL).json()["sequence"] == 2


def test_claims_are_due_only_after_a_run_that_succeeded(linkage: Linkage) -> None:
    linkage.upload_both()
    answer = linkage.put_claims(CHILD_WELFARE, SCHOOL)
    assert (answer.status_code, code_of(answer)) == (409, "claims-not-due")


@pytest.mark.parametrize(
    ("party", "partner", "status", "code"),
    [
        ("stranger", CHILD_WELFARE, 404, "not-found"),
        (CHILD_WELFARE, "stranger", 409, "not-in-round"),
        (CHILD_WELFARE, CHILD_WELFARE, 409, "not-in-round"),
    ],
)
def test_claims_of_or_for_a_stranger_are_refused(
    done: Linkage, party: str, partner: str, status: int, code: str
) -> None:
    done.founded.enrol("stranger")
    answer = done.put_claims(party, partner, number=1)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert "claims-received" not in done.log_kinds()


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


def test_a_message_that_is_too_long_is_cut_off(done: Linkage) -> None:
    announced = {"content-length": str(MAX_MESSAGE_BYTES + 1)}
    answer = done.client.put(
        f"/v1/projects/{PROJECT}/rounds/1/claims/{SCHOOL}",
        content=b"sealed",
        headers={
            **done.as_party(CHILD_WELFARE),
            **announced,
            "content-type": "application/octet-stream",
        },
    )
    assert (answer.status_code, code_of(answer)) == (413, "body-too-large")


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
    linkage.founded.enrol("stranger")
    assert linkage.get_statement("stranger", SCHOOL).status_code == 404
    assert [one["party"] for one in linkage.round()["statements"]] == list(PARTIES)
    (closed,) = (one["body"] for one in linkage.log_entries() if one["kind"] == "round-closed")
    assert closed["statements"] == linkage.round()["statements"]


def test_between_two_recipients_no_statement_is_due(done: Linkage) -> None:
    answer = done.put_statement(SCHOOL)
    assert (answer.status_code, code_of(answer)) == (409, "claims-not-due")
