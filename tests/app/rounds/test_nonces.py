"""Nonces: numbered on, signed by the person who offers them, used once, or voided."""

from __future__ import annotations

from typing import Any

from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage

from app.rounds.nonces import MAX_OFFERED_A_DAY
from schemas.problem import MEDIA_TYPE
from schemas.rounds import NonceOffer, SignedNonceOffer

PATH = f"/v1/projects/{PROJECT}/nonces"


def code_of(answer: Any) -> str:
    assert answer.headers["content-type"] == MEDIA_TYPE
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def state(linkage: Linkage, party: str = CHILD_WELFARE) -> tuple[int, int]:
    found = linkage.get(PATH, party).json()
    return found["unspent"], found["next"]


def test_nonces_are_numbered_on_and_logged(linkage: Linkage) -> None:
    assert state(linkage) == (0, 1)
    assert linkage.offer(CHILD_WELFARE, 3).json() == {
        "party": CHILD_WELFARE, "unspent": 3, "next": 4
    }  # fmt: skip
    assert linkage.offer(CHILD_WELFARE, 1).status_code == 201
    entry = linkage.log_entries()[-1]
    assert (state(linkage), state(linkage, SCHOOL)) == ((4, 5), (0, 1))
    assert (entry["kind"], entry["actor"]["party"]) == ("nonces-offered", CHILD_WELFARE)
    assert entry["body"]["signed"]["offer"]["first"] == 4


def test_the_same_offer_again_changes_nothing(linkage: Linkage) -> None:
    nonces = tuple(f"{number:064x}" for number in range(2))
    for _ in range(2):
        assert linkage.offer(CHILD_WELFARE, first=1, nonces=nonces).status_code == 201
    assert state(linkage) == (2, 3)
    assert linkage.log_kinds().count("nonces-offered") == 1


def test_an_offer_that_does_not_number_on_is_refused(linkage: Linkage) -> None:
    linkage.offer(CHILD_WELFARE, 2)
    for first in (1, 2, 4):
        answer = linkage.offer(CHILD_WELFARE, 2, first=first)
        assert (answer.status_code, code_of(answer)) == (409, "nonces-refused")
    assert state(linkage) == (2, 3)


def test_a_nonce_is_offered_once_in_a_project_by_whomever(linkage: Linkage) -> None:
    used = ("ab" * 32,)
    assert linkage.offer(CHILD_WELFARE, nonces=used).status_code == 201
    for party in (CHILD_WELFARE, SCHOOL):
        answer = linkage.offer(party, nonces=used)
        assert (answer.status_code, code_of(answer)) == (409, "nonces-refused")
    # Not after it was used, nor after it was voided.
    linkage.offer(SCHOOL)
    assert linkage.ask_round().status_code == 201
    assert code_of(linkage.offer(CHILD_WELFARE, nonces=used)) == "nonces-refused"


def test_a_party_keeps_only_so_many(linkage: Linkage) -> None:
    assert linkage.offer(CHILD_WELFARE, 16).status_code == 201
    assert code_of(linkage.offer(CHILD_WELFARE, 1)) == "nonces-refused"


def test_voided_nonces_are_not_used(linkage: Linkage) -> None:
    linkage.offer(CHILD_WELFARE, 3)
    fresh = "cd" * 32
    assert linkage.offer(CHILD_WELFARE, nonces=(fresh,), void_below=4).status_code == 201
    assert state(linkage) == (1, 5)
    linkage.offer(SCHOOL)
    view = linkage.ask_round().json()
    assert view["pairs"][0]["nonce_smaller"] == {"number": 4, "nonce": fresh}
    answer = linkage.offer(CHILD_WELFARE, nonces=(), void_below=5)
    assert (answer.status_code, state(linkage)) == (201, (0, 5))


def test_voiding_what_is_void_is_not_logged_again(linkage: Linkage) -> None:
    linkage.offer(CHILD_WELFARE, 3)
    for _ in range(2):
        assert linkage.offer(CHILD_WELFARE, nonces=(), void_below=4).status_code == 201
    assert linkage.log_kinds().count("nonces-offered") == 2


def test_a_party_that_offers_often_voids_nothing_more_within_a_day(linkage: Linkage) -> None:
    for number in range(1, MAX_OFFERED_A_DAY + 1):
        answer = linkage.offer(CHILD_WELFARE, 1, first=number, void_below=number)
        assert answer.status_code == 201
    n_logged = linkage.log_kinds().count("nonces-offered")
    again = {"first": number + 1, "void_below": number + 1}
    linkage.founded.clock.move(hours=23, minutes=59)
    for _ in range(2):
        answer = linkage.offer(CHILD_WELFARE, 1, **again)
        assert (answer.status_code, code_of(answer)) == (409, "nonces-refused")
    assert (state(linkage), n_logged) == ((1, number + 1), MAX_OFFERED_A_DAY)
    assert linkage.log_kinds().count("nonces-offered") == n_logged
    # Others are held to what they did themselves, and what voids nothing is taken.
    linkage.offer(SCHOOL, 2)
    assert linkage.offer(SCHOOL, 1, void_below=3).status_code == 201
    assert linkage.ask_round().status_code == 201
    assert linkage.offer(CHILD_WELFARE, 1).status_code == 201
    linkage.founded.clock.move(minutes=2)
    assert linkage.offer(CHILD_WELFARE, 1, void_below=number + 2).status_code == 201


def test_an_offer_in_anothers_name_or_not_signed_by_its_person_is_refused(
    linkage: Linkage,
) -> None:
    for changes in (
        {"party": SCHOOL},
        {"person": "per-" + "0" * 32},
        {"project": "another"},
    ):
        answer = linkage.offer(CHILD_WELFARE, **changes)
        assert (answer.status_code, code_of(answer)) == (409, "nonces-refused")
    offer = NonceOffer(
        project=PROJECT,
        party=CHILD_WELFARE,
        person=linkage.person(CHILD_WELFARE).id,
        first=1,
        nonces=("ab" * 32,),
        void_below=1,
        at="2026-09-01T06:00:00Z",
    )
    own = linkage.signature("nonces", offer, CHILD_WELFARE)
    for signature in (
        linkage.signature("nonces", offer, SCHOOL),
        linkage.signature("manifest", offer, CHILD_WELFARE),
        own.model_copy(update={"key": "0" * 64}),
        own.model_copy(update={"signature": "A" * 86 + "=="}),
    ):
        signed = SignedNonceOffer(offer=offer, signature=signature)
        answer = linkage.post_as(PATH, CHILD_WELFARE, signed.to_json())
        assert (answer.status_code, code_of(answer)) == (422, "signature-refused")
    assert state(linkage) == (0, 1)


def test_an_offer_of_a_time_to_come_is_refused(linkage: Linkage) -> None:
    answer = linkage.offer(CHILD_WELFARE, at="2026-09-01T06:06:00Z")
    assert (answer.status_code, code_of(answer)) == (409, "nonces-refused")


def test_only_providers_have_nonces(linkage: Linkage) -> None:
    linkage.founded.enrol("stranger")
    assert linkage.get(PATH, "stranger").status_code == 404
    assert linkage.offer("stranger", first=1).status_code == 404
    assert linkage.get(PATH, AUDITOR, "auditor").status_code == 403
