"""Nonces: numbered on, signed by the person who offers them, used once, or voided."""

from __future__ import annotations

from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from rigs.refused_calls import code_of, refused

from app.rounds.nonces import MAX_OFFERED_A_DAY
from schemas.rounds.rounds import NonceOffer, SignedNonceOffer

PATH = f"/v1/projects/{PROJECT}/nonces"


def state(linkage: Linkage, party: str = CHILD_WELFARE) -> tuple[int, int]:
    found = linkage.get(PATH, party).json()
    return found["unspent"], found["next"]


def test_nonces_are_numbered_on_and_logged_once(linkage: Linkage) -> None:
    assert state(linkage) == (0, 1)
    assert linkage.offer(CHILD_WELFARE, 2).json() == {
        "party": CHILD_WELFARE, "unspent": 2, "next": 3
    }  # fmt: skip
    for _ in range(2):
        again = linkage.offer(CHILD_WELFARE, first=3, nonces=("ab" * 32,))
        assert again.status_code == 201
    entry = linkage.log_entries()[-1]
    assert linkage.log_kinds().count("nonces-offered") == 2
    assert (state(linkage), state(linkage, SCHOOL)) == ((3, 4), (0, 1))
    assert (entry["kind"], entry["actor"]["party"]) == ("nonces-offered", CHILD_WELFARE)
    assert entry["body"]["signed"]["offer"]["first"] == 3
    for first in (2, 3, 5):
        refused_offer = linkage.offer(CHILD_WELFARE, 2, first=first)
        assert refused(refused_offer) == (409, "nonces-refused"), first
    # A party keeps sixteen.
    assert linkage.offer(CHILD_WELFARE, 13).status_code == 201
    assert code_of(linkage.offer(CHILD_WELFARE, 1)) == "nonces-refused"
    assert state(linkage) == (16, 17)


def test_a_nonce_is_offered_once_in_a_project_by_any_party(linkage: Linkage) -> None:
    used = ("ab" * 32,)
    assert linkage.offer(CHILD_WELFARE, nonces=used).status_code == 201
    for party in (CHILD_WELFARE, SCHOOL):
        assert refused(linkage.offer(party, nonces=used)) == (409, "nonces-refused")
    # Not after it was used, nor after it was voided.
    linkage.offer(SCHOOL)
    assert linkage.ask_round().status_code == 201
    assert code_of(linkage.offer(CHILD_WELFARE, nonces=used)) == "nonces-refused"


def test_voided_nonces_are_not_used_and_voiding_them_again_is_not_logged(linkage: Linkage) -> None:
    linkage.offer(CHILD_WELFARE, 3)
    for _ in range(2):
        assert linkage.offer(CHILD_WELFARE, nonces=(), void_below=4).status_code == 201
    assert linkage.log_kinds().count("nonces-offered") == 2
    fresh = "cd" * 32
    assert linkage.offer(CHILD_WELFARE, nonces=(fresh,), void_below=4).status_code == 201
    assert state(linkage) == (1, 5)
    linkage.offer(SCHOOL)
    view = linkage.ask_round().json()
    assert view["pairs"][0]["nonce_smaller"] == {"number": 4, "nonce": fresh}
    answer = linkage.offer(CHILD_WELFARE, nonces=(), void_below=5)
    assert (answer.status_code, state(linkage)) == (201, (0, 5))


def test_a_party_that_offers_often_voids_nothing_more_within_a_day(linkage: Linkage) -> None:
    for number in range(1, MAX_OFFERED_A_DAY + 1):
        answer = linkage.offer(CHILD_WELFARE, 1, first=number, void_below=number)
        assert answer.status_code == 201
    n_logged = linkage.log_kinds().count("nonces-offered")
    again = {"first": number + 1, "void_below": number + 1}
    linkage.founded.clock.move(hours=23, minutes=59)
    for _ in range(2):
        assert refused(linkage.offer(CHILD_WELFARE, 1, **again)) == (409, "nonces-refused")
    assert (state(linkage), n_logged) == ((1, number + 1), MAX_OFFERED_A_DAY)
    assert linkage.log_kinds().count("nonces-offered") == n_logged
    # Others are held to what they did themselves, and what voids nothing is taken.
    linkage.offer(SCHOOL, 2)
    assert linkage.offer(SCHOOL, 1, void_below=3).status_code == 201
    assert linkage.ask_round().status_code == 201
    assert linkage.offer(CHILD_WELFARE, 1).status_code == 201
    linkage.founded.clock.move(minutes=2)
    assert linkage.offer(CHILD_WELFARE, 1, void_below=number + 2).status_code == 201


def test_an_offer_in_anothers_name_or_not_signed_by_its_person_is_refused(linkage: Linkage) -> None:
    for changes in (
        {"party": SCHOOL},
        {"person": "per-" + "0" * 32},
        {"project": "another"},
        # A time to come.
        {"at": "2026-09-01T06:06:00Z"},
    ):
        assert refused(linkage.offer(CHILD_WELFARE, **changes)) == (409, "nonces-refused"), changes
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
        assert refused(answer) == (422, "signature-refused")
    assert state(linkage) == (0, 1)
