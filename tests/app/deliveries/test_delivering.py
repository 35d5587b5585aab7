"""Deliveries over HTTP: taken where columns may go, handed to their recipient alone, logged, and replaced."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from rigs.answers import code_of
from rigs.blind import RESEARCH
from rigs.delivering import ELEMENTS, Delivering, MakeDelivering
from rigs.enrolled import EnrolledPerson
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, either_database

from app.blobs import FileBlobs
from app.deliveries import arrivals
from app.sealed import arrival
from schemas.linkage.run import IdSpace, Recipient
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import verify_receipt
from schemas.rounds.delivery import MAX_DELIVERIES
from schemas.rounds.receipt import Receipt

__all__ = ["either_database"]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def keys_of(delivering: Delivering) -> list[str]:
    return [one for one in delivering.broker.keystore.object_ids() if one.startswith("dlv-")]


def test_a_delivery_goes_to_its_recipient_as_it_came_and_is_logged_before(
    delivering: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "PIECE_BYTES", 100_000)
    content = bytes(range(256)) * 4000
    delivery = delivering.deliver(content)
    (received,) = delivering.said("received")
    assert received["body"] == {
        "round": 1, "recipient": CHILD_WELFARE, "number": 1, "sha256": digest(content),
        "size_bytes": len(content),
    }  # fmt: skip
    assert received["actor"]["party"] == SCHOOL
    answer = delivering.fetch(delivery)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["etag"] == f'"{digest(content)}"'
    (fetched,) = delivering.said("fetched")
    assert (fetched["actor"]["party"], fetched["object"]) == (CHILD_WELFARE, delivery)
    for _ in range(2):
        assert delivering.say(delivery, digest(content)).json()["opened"]
    (opened,) = delivering.said("opened")
    assert (opened["outcome"], opened["body"]["fault"]) == ("done", None)
    for path in delivering.broker.settings.state_dir.rglob("*"):
        assert not (path.is_file() and content[:1000] in path.read_bytes())


def test_a_delivery_that_cannot_be_read_is_not_said_to_have_been_fetched(
    delivering: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = delivering.deliver(b"abc")
    with monkeypatch.context() as patched:
        patched.setattr(FileBlobs, "_read", Mock(side_effect=FileNotFoundError))
        assert code_of(delivering.fetch(delivery)) == "blob-missing"
    assert not delivering.said("fetched")
    assert delivering.fetch(delivery).content == b"abc"


def test_what_could_not_be_used_is_told_to_the_sender_and_may_be_opened_later(
    delivering: Delivering,
) -> None:
    delivery = delivering.deliver(b"abc")
    assert code_of(delivering.say(delivery, digest(b"abc"), "unreadable")) == "delivery-not-fetched"
    delivering.fetch(delivery)
    assert code_of(delivering.say(delivery, digest(b"abd"))) == "other-delivery"
    for _ in range(2):
        assert delivering.say(delivery, digest(b"abc"), "unreadable").status_code == 200
    (seen,) = delivering.deliveries(SCHOOL)
    assert (seen["fault"], seen["opened"]) == ("unreadable", None)
    delivering.say(delivery, digest(b"abc"))
    # What was once opened stays so.
    delivering.say(delivery, digest(b"abc"), "not-agreed")
    (seen,) = delivering.deliveries(SCHOOL)
    assert seen["fault"] is None
    assert seen["opened"]
    outcomes = [one["outcome"] for one in delivering.said("opened")]
    assert outcomes == ["failed", "done"]


def test_nobody_but_the_recipient_fetches_and_strangers_see_nothing(
    make_delivering: MakeDelivering,
) -> None:
    health = "health-department"
    parties = (CHILD_WELFARE, health, SCHOOL)
    three = make_delivering(
        providers=parties,
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in parties),
    )
    three.upload_both()
    three.work()
    # The school's pairs have no run, and the round ends at its deadline.
    for ends in ((CHILD_WELFARE, health), (health, CHILD_WELFARE)):
        assert three.put_claims(*ends).status_code == 200
    three.founded.clock.move(days=8)
    three.sweep()
    delivery = three.deliver(sender=CHILD_WELFARE, recipient=health)
    assert code_of(three.put(sender=CHILD_WELFARE, recipient=SCHOOL)) == "delivery-not-due"
    assert three.deliveries(SCHOOL) == []
    for path in ("file", "receipt"):
        assert three.get(f"/v1/deliveries/{delivery}/{path}", SCHOOL).status_code == 404
    sha256 = digest(b"sealed columns")
    assert three.say(delivery, sha256, party=SCHOOL).status_code == 404
    assert code_of(three.fetch(delivery, CHILD_WELFARE)) == "delivery-not-yours"
    assert code_of(three.say(delivery, sha256)) == "delivery-not-yours"
    assert three.get(f"/v1/deliveries/{delivery}/file", AUDITOR, "auditor").status_code == 403
    assert [one["delivery"] for one in three.deliveries(AUDITOR, "auditor")] == [delivery]
    assert not three.said("fetched")
    assert three.fetch(delivery, health).content == b"sealed columns"


def test_under_blind_both_agencies_deliver_to_the_recipient_and_see_nothing_of_each_other(
    make_delivering: MakeDelivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_delivering(
        recipients=(Recipient(party=RESEARCH, mode="blind", space="research"),),
        spaces=(IdSpace(name="research", lifetime="lasting"),),
    )
    study.upload_both()
    assert code_of(study.put(recipient=RESEARCH)) == "delivery-not-due"
    study.work()
    sent = {one: study.deliver(sender=one, recipient=RESEARCH) for one in (SCHOOL, CHILD_WELFARE)}
    for sender, recipient in ((SCHOOL, CHILD_WELFARE), (RESEARCH, SCHOOL), (RESEARCH, RESEARCH)):
        answer = study.put(sender=sender, recipient=recipient)
        assert code_of(answer) == "delivery-not-agreed", (sender, recipient)
    for sender, delivery in sent.items():
        assert [one["delivery"] for one in study.deliveries(sender)] == [delivery]
        assert study.fetch(delivery, RESEARCH).content == b"sealed columns"
        assert study.say(delivery, digest(b"sealed columns"), party=RESEARCH).status_code == 200
    assert len(study.deliveries(RESEARCH)) == 2
    assert study.fetch(sent[SCHOOL], CHILD_WELFARE).status_code == 404
    # As large as for each pair of the sender.
    monkeypatch.setattr(arrivals, "most_bytes", lambda _, pairs: pairs)
    assert code_of(study.put(b"ab", 2, recipient=RESEARCH)) == "delivery-too-large"
    study.deliver(b"a", 2, recipient=RESEARCH)
    study.sweep()
    (gone,) = study.said("destroyed")
    assert (gone["object"], gone["body"]["reason"]) == (sent[SCHOOL], "replaced")


def test_under_blind_the_matches_count_of_agencies_that_hand_over_columns_and_of_no_other(
    make_delivering: MakeDelivering,
) -> None:
    health = "health-department"
    study = make_delivering(
        providers=(CHILD_WELFARE, health, SCHOOL),
        recipients=(Recipient(party=RESEARCH, mode="blind", space="research"),),
        spaces=(IdSpace(name="research", lifetime="lasting"),),
        elements=[*ELEMENTS, {"party": health, "name": "Clinic", "use": "counted"}],
    )
    # Of this round's one pair, the health department hands over nothing.
    study.upload_both()
    study.work()
    study.founded.clock.move(days=8)
    study.sweep()
    sent = {"sender": CHILD_WELFARE, "recipient": RESEARCH}
    assert code_of(study.put(**sent)) == "delivery-not-due"
    assert code_of(study.put(sender=health, recipient=RESEARCH)) == "delivery-not-agreed"
    # With all three it is the round for both; which file is the larger one has changed meanwhile.
    elements = [*ELEMENTS, {"party": health, "name": "Clinic", "use": "shared"}]
    limits = study.agreement.to_json()["limits"]
    sizes = [one["most"] for one in limits["files"]]
    assert len({*sizes}) > 1
    for one, most in zip(limits["files"], reversed(sizes), strict=True):
        one["most"] = most
    study.amend(elements=elements, limits=limits)
    for sender in (CHILD_WELFARE, health):
        study.deliver(sender=sender, recipient=RESEARCH)
    assert code_of(study.put(recipient=RESEARCH)) == "delivery-not-due"


def test_the_same_bytes_again_change_nothing_and_other_ones_need_the_next_number(
    delivering: Delivering,
) -> None:
    delivery = delivering.deliver(b"one")
    assert delivering.put(b"one").json()["delivery"] == delivery
    assert keys_of(delivering) == [delivery]
    assert code_of(delivering.put(b"two")) == "delivery-number"
    assert code_of(delivering.put(b"two", 3)) == "delivery-number"
    second = delivering.deliver(b"two", 2)
    assert code_of(delivering.put(b"one")) == "delivery-number"
    assert code_of(delivering.fetch(delivery)) == "delivery-gone"
    assert delivering.fetch(second).content == b"two"
    assert len(delivering.said("received")) == 2
    delivering.sweep()
    assert keys_of(delivering) == [second]
    (destroyed,) = delivering.said("destroyed")
    assert (destroyed["object"], destroyed["body"]["reason"]) == (delivery, "replaced")


def test_it_is_of_the_newest_round_with_link_ids_and_not_before_these_are_there(
    make_delivering: MakeDelivering,
) -> None:
    delivering = make_delivering()
    delivering.upload_both()
    assert code_of(delivering.put()) == "delivery-not-due"
    delivering.work()
    assert code_of(delivering.put()) == "delivery-not-due"
    delivering.exchange_claims()
    first = delivering.deliver(b"first")
    # The next round is open: link IDs are still those of the first one.
    delivering.founded.clock.move(days=7)
    delivering.upload_both()
    delivering.deliver(b"late", 2)
    delivering.work()
    delivering.exchange_claims()
    assert code_of(delivering.put(b"later", 3)) == "delivery-not-due"
    assert code_of(delivering.put(round=9)) == "not-found"
    delivering.deliver(b"second", 1, round=2)
    delivering.sweep()
    assert [one["round"] for one in delivering.deliveries() if not one["ended"]] == [2]
    assert {one["body"]["reason"] for one in delivering.said("destroyed")} == {"replaced"}
    assert delivering.said("destroyed")[0]["object"] in (
        first,
        delivering.deliveries()[-2]["delivery"],
    )


@pytest.mark.parametrize("why", ["no-element", "other-party", "other-space"])
def test_it_goes_only_where_the_agreement_lets_columns_go(
    make_delivering: MakeDelivering, why: str
) -> None:
    changes: dict[str, Any] = {}
    if why == "no-element":
        changes["elements"] = [ELEMENTS[0]]
    if why == "other-space":
        changes |= {
            "spaces": (
                IdSpace(name="one", lifetime="lasting"),
                IdSpace(name="two", lifetime="lasting"),
            ),
            "recipients": (
                Recipient(party=CHILD_WELFARE, mode="linked", space="one"),
                Recipient(party=SCHOOL, mode="linked", space="two"),
            ),
        }
    delivering = make_delivering(**changes)
    delivering.upload_both()
    delivering.work()
    if why != "other-space":
        delivering.exchange_claims()
    recipient = "state-auditor" if why == "other-party" else CHILD_WELFARE
    assert code_of(delivering.put(recipient=recipient)) == "delivery-not-agreed"
    assert not keys_of(delivering)
    assert not delivering.said("received")


def test_an_amendment_that_drops_the_columns_ends_deliveries_and_one_that_keeps_them_does_not(
    delivering: Delivering,
) -> None:
    delivery = delivering.deliver()
    delivering.amend(elements=ELEMENTS[:2])
    assert delivering.fetch(delivery).status_code == 200
    # An amendment that drops the columns ends deliveries.
    delivering.amend(elements=[ELEMENTS[0]])
    assert code_of(delivering.put(b"two", 2)) == "delivery-not-agreed"
    # Nor does what had come leave again.
    assert code_of(delivering.fetch(delivery)) == "delivery-not-agreed"
    assert len(delivering.said("fetched")) == 1
    # What was found of it may be said: it has been handed out.
    digest = delivering.deliveries()[0]["sha256"]
    assert delivering.say(delivery, digest).status_code == 200


def test_who_has_not_the_duty_neither_sends_nor_fetches(delivering: Delivering) -> None:
    stewards = {
        party: EnrolledPerson.confirmed(delivering.founded, delivering.client, party, "steward")
        for party in (SCHOOL, CHILD_WELFARE)
    }
    delivering.list_also(*(one.identity for one in stewards.values()))
    delivery = delivering.deliver()
    for party, method, path in (
        (SCHOOL, "PUT", delivering.path_of(2, CHILD_WELFARE, 1)),
        (CHILD_WELFARE, "GET", f"/v1/deliveries/{delivery}/file"),
    ):
        steward = stewards[party]
        headers = {
            "authorization": f"Bearer {steward.token(is_bound=False)}",
            "content-type": "application/octet-stream",
        }
        body = b"x" if method == "PUT" else None
        answer = delivering.client.request(method, path, content=body, headers=headers)
        assert code_of(answer) == "wrong-duty"


def test_its_receipt_proves_that_it_was_logged_and_no_empty_or_too_large_one_is_taken(
    delivering: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "most_bytes", lambda records, _: records // 100)
    assert code_of(delivering.put(bytes(21))) == "delivery-too-large"
    assert code_of(delivering.put(b"")) == "delivery-empty"
    assert not keys_of(delivering)
    delivery = delivering.deliver(bytes(20))
    # Its receipt proves that it was logged.
    for party in (SCHOOL, CHILD_WELFARE):
        answer = delivering.get(f"/v1/deliveries/{delivery}/receipt", party)
        receipt = Receipt.from_json(answer.json())
        entry = verify_receipt(receipt, [delivering.broker.log.key], KINDS)
        assert (entry[0].kind, entry[0].object) == ("delivery-received", delivery)


def test_while_the_linkage_is_halted_nothing_is_sent_or_fetched(delivering: Delivering) -> None:
    delivery = delivering.deliver()
    delivering.founded.clock.move(days=600)
    assert code_of(delivering.put(b"two", 2)) == "not-in-force"
    assert code_of(delivering.fetch(delivery)) in ("not-in-force", "delivery-gone")


def test_the_list_is_of_the_project_and_goes_on_where_it_ended_up_to_so_many(
    delivering: Delivering,
) -> None:
    first, second = delivering.deliver(b"1"), delivering.deliver(b"2", 2)
    assert [one["delivery"] for one in delivering.deliveries()] == [second, first]
    path = f"/v1/projects/{PROJECT}/deliveries?before={second}"
    (older,) = delivering.get(path).json()["deliveries"]
    assert older["delivery"] == first
    assert older["replaced"]
    # There are only so many in a round.
    for number in range(3, MAX_DELIVERIES + 1):
        delivering.deliver(b"%d" % number, number)
    assert delivering.put(b"more", MAX_DELIVERIES + 1).status_code == 404
    assert code_of(delivering.put(b"more", MAX_DELIVERIES)) == "delivery-number"


def test_what_is_sent_twice_at_once_is_there_once_and_ends_once(delivering: Delivering) -> None:
    delivering.as_party(CHILD_WELFARE)
    calls = [partial(delivering.put, b"one", 1)] * 3
    answers = at_once(*calls)
    assert [answer.status_code for answer in answers] == [200] * 3
    (delivery,) = {answer.json()["delivery"] for answer in answers}
    assert len(delivering.said("received")) == 1
    answers = at_once(
        *[partial(delivering.put, b"%d" % number, 2) for number in range(3)],
        partial(delivering.fetch, delivery),
    )
    assert sorted(answer.status_code for answer in answers[:3]) == [200, 409, 409]
    assert answers[3].status_code in (200, 410)
    delivering.sweep()
    assert len([one for one in delivering.broker.keystore.object_ids() if one[:3] == "dlv"]) == 1
    assert len(delivering.said("destroyed")) == 1
    (newest, _) = delivering.deliveries(SCHOOL)
    assert newest["number"] == 2


def at_once(*calls):
    """Make calls at the same time, and return what each returned."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [made.result() for made in [pool.submit(call) for call in calls]]
