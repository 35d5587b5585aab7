"""Rounds as the match log shows them, against one that a broker would like an agency to take part in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from samples.agreement import AGREEMENT, amended
from samples.documents import MANIFEST
from samples.refusals import raises

from encoding.errors import RoundUnprovenError, UnseenAgreementError
from encoding.people.identity import new_identity, replace_keys
from encoding.rounds.history import RoundHistory, round_history
from schemas.agreement.agreement import Agreement
from schemas.documents.document import Model
from schemas.matchlog.entry import Actor, Entry
from schemas.matchlog.kinds import KIND_OF_BODY, KeyRotated, RoleChanged, UploadReceived
from schemas.matchlog.review_kinds import ReviewEnded, SupplementClosed
from schemas.matchlog.round_kinds import NoncesOffered, RoundClosed, RoundOpened, RoundSuperseded
from schemas.rounds.rounds import NonceOffer, RoundPair, SignedNonceOffer, SupplementView, UsedNonce
from schemas.rounds.upload import Manifest, Signature, SignedManifest
from schemas.signing.identity import SignedKeyChange

PARTY = "welfare"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
RUN = "run-" + "7" * 32
WEEKLY: dict[str, Any] = AGREEMENT | {
    "schedule": AGREEMENT["schedule"] | {"frequency": "weekly", "due": None},
    "limits": AGREEMENT["limits"] | {"budget": {"rounds": 3, "days": 10}},
}
FIRST = Agreement.from_json(WEEKLY)
# Under which a round may be made every day.
SECOND = Agreement.from_json(amended(WEEKLY, schedule=WEEKLY["schedule"] | {"frequency": "daily"}))
AGREEMENTS = {one.digest(): one for one in (FIRST, SECOND)}


def opened(number: int, *, corrects: int | None = None, nonce: int | None = None) -> RoundOpened:
    def used(side: int) -> UsedNonce:
        drawn = (nonce or number) if side else number
        return UsedNonce(number=number, nonce=f"{side}{drawn:063}")

    pair = RoundPair(larger="schools", smaller=PARTY, nonce_larger=used(0), nonce_smaller=used(1))
    deadline = "2026-12-01T00:00:00Z"
    return RoundOpened(round=number, deadline=deadline, corrects=corrects, pairs=(pair,))


def closed(number: int) -> RoundClosed:
    return RoundClosed(round=number, claims=(), statements=())


def superseded(number: int) -> RoundSuperseded:
    return RoundSuperseded(round=number, by=number + 1, reason="wrong-file")


def received(container: str) -> UploadReceived:
    said = MANIFEST | {"round": 1, "container_sha256": container * 64}
    signature = Signature(
        party="k12", person="per-" + "1" * 32, key="0" * 64, signature="A" * 86 + "=="
    )
    manifest = Manifest.from_json(said)
    return UploadReceived.of(SignedManifest(manifest=manifest, signatures=(signature,)))


def changed(signed: SignedKeyChange) -> KeyRotated:
    person = signed.change.person
    return KeyRotated(
        party="schools", person=person, use="signing", old=None, new=None, signed=signed
    )


def ended() -> ReviewEnded:
    return ReviewEnded(
        round=1, reason="decided", accepted=None, rejected=None, open=None, release=2,
        match_record_root=None, openings=(),
    )  # fmt: skip


def log_of(*bodies: tuple[int, Model], of: Agreement = FIRST) -> list[Entry]:
    """Return entries of bodies, each with the day of November on which it was made."""
    objects = {UploadReceived: "upl-" + "1" * 32, ReviewEnded: RUN, SupplementClosed: RUN}
    is_ours = [not isinstance(body, (KeyRotated, RoleChanged)) for _, body in bodies]
    return [
        Entry(
            kind=KIND_OF_BODY[type(body)], seq=7 * n, batch=n, place=1, previous="0" * 64,
            broker_wide="0" * 64 if is_ours[n] else None,
            time=f"2026-11-{day:02}T10:00:00Z", request="req-" + "1" * 32,
            actor=Actor(party="schools", person=None, role="agency", signed=None),
            project=of.project if is_ours[n] else None, agreement=of.digest() if is_ours[n] else None,
            purpose=None, object=objects.get(type(body)), outcome="done", body=body,
        )
        for n, (day, body) in enumerate(bodies)
    ]  # fmt: skip


def history_of(entries: list[Entry]) -> RoundHistory:
    return round_history(entries, FIRST.project)


def fit(number: int, *bodies: tuple[int, Model]) -> None:
    history_of(log_of(*bodies)).refuse_unfit(number, AGREEMENTS, PARTY)


def test_rounds_in_their_order_are_fit() -> None:
    fit(1, (1, opened(1)))
    fit(2, (1, opened(1)), (2, closed(1)), (8, opened(2)))
    fit(2, (1, opened(1)), (2, superseded(1)), (2, opened(2, corrects=1)))
    # A correction does not put off the next round.
    three = (1, opened(1)), (2, superseded(1)), (2, opened(2, corrects=1)), (4, closed(2))
    fit(3, *three, (8, opened(3)))


@pytest.mark.parametrize(
    ("number", "bodies", "reason"),
    [
        (1, [(1, opened(1)), (2, superseded(1))], "was corrected: round 2"),
        (1, [(1, opened(1)), (2, closed(1))], "is over"),
        (1, [(1, opened(1)), (8, opened(2))], "is over"),
        (1, [], "exactly one opening"),
        (1, [(1, opened(1)), (8, opened(1, nonce=5))], "exactly one opening"),
        (2, [(1, opened(1)), (2, closed(1)), (8, opened(2, nonce=1))], "an earlier round has used"),
        (2, [(1, opened(1)), (2, closed(1)), (7, opened(2))], "before it was due"),
        (2, [(1, opened(1)), (2, opened(2, corrects=1))], "does not show as corrected"),
    ],
)  # fmt: skip
def test_a_round_that_breaks_the_order_is_refused(
    number: int, bodies: list[Any], reason: str
) -> None:
    with raises(RoundUnprovenError, match=reason):
        fit(number, *bodies)


def corrected(*days: int) -> list[tuple[int, Model]]:
    """Return rounds each of which corrects the one before, opened on these days."""
    first, *others = days
    bodies: list[tuple[int, Model]] = [(first, opened(1))]
    for number, day in enumerate(others, 1):
        bodies += [(day, superseded(number)), (day, opened(number + 1, corrects=number))]
    return bodies


def test_corrections_count_in_the_budget_of_rounds() -> None:
    fit(3, *corrected(1, 2, 3))
    # Ten days are those from the first to the tenth.
    fit(4, *corrected(1, 2, 3, 11))
    with raises(RoundUnprovenError, match="beyond the number of rounds .* 3 within 10 days"):
        fit(4, *corrected(1, 2, 3, 10))


def test_a_round_is_held_to_the_agreement_under_which_it_was_opened() -> None:
    entries = log_of((1, opened(1)), (2, closed(1)), (3, opened(2)))
    entries[2] = entries[2].model_copy(update={"agreement": SECOND.digest()})
    history_of(entries).refuse_unfit(2, AGREEMENTS, PARTY)
    with raises(UnseenAgreementError, match="an agreement that this agency does not have"):
        history_of(entries).refuse_unfit(2, {FIRST.digest(): FIRST}, PARTY)
    mixed = log_of((1, opened(1)), (2, superseded(1)), (2, opened(2, corrects=1)))
    mixed[2] = mixed[2].model_copy(update={"agreement": SECOND.digest()})
    with raises(RoundUnprovenError, match="does not show as corrected"):
        history_of(mixed).refuse_unfit(2, AGREEMENTS, PARTY)
    back = log_of((1, opened(1)), (2, closed(1)), (9, opened(2)))
    back[0] = back[0].model_copy(update={"agreement": SECOND.digest()})
    with raises(RoundUnprovenError, match="that had been replaced"):
        history_of(back).refuse_unfit(2, AGREEMENTS, PARTY)


def test_a_person_has_the_keys_that_the_log_had_by_then() -> None:
    """Keys of before a change sign no more, and nobody changes somebody else's."""
    first = new_identity("schools", ("analyst",), NOW)
    second, signed = replace_keys(first, NOW)
    _, later = replace_keys(second, NOW)
    forged = signed.model_copy(update={"new_signature": later.new_signature})
    bodies = (opened(1), changed(forged), changed(signed), superseded(1), changed(later))
    entries = log_of(*((1, body) for body in bodies))
    history = history_of(entries)
    for at, key in ((1, first), (2, first), (3, second)):
        assert history.keys_at(entries[at], first.public) == key.public


def test_whom_the_log_shows_as_revoked_signs_nothing_from_then_on() -> None:
    leaving, staying = "per-" + "1" * 32, "per-" + "2" * 32
    changes = [
        RoleChanged(party="schools", person=person, role="analyst", change=change)
        for person, change in ((staying, "granted"), (leaving, "revoked"), (leaving, "revoked"))
    ]
    entries = log_of((1, opened(1)), *((1, one) for one in changes), (2, closed(1)))
    history = history_of(entries)
    assert [history.was_revoked(one, leaving) for one in entries] == [False] * 3 + [True] * 2
    assert not any(history.was_revoked(one, staying) for one in entries)


def voided(below: int, party: str = PARTY) -> NoncesOffered:
    offer = NonceOffer(
        project=FIRST.project, party=party, person="per-" + "1" * 32, first=below, nonces=("1" * 64,),
        void_below=below, at="2026-11-01T00:00:00Z",
    )  # fmt: skip
    signature = Signature(party=party, person=offer.person, key="0" * 64, signature="A" * 86 + "==")
    return NoncesOffered(signed=SignedNonceOffer(offer=offer, signature=signature))


def test_who_was_restored_has_voided_nonces_since_a_round_was_opened() -> None:
    bodies = (
        voided(1),
        opened(1),
        voided(2, "schools"),
        voided(2),
        closed(1),
        opened(2),
        closed(2),
    )
    history = history_of(log_of(*((1, body) for body in bodies)))
    assert [history.voided_since(PARTY, number) for number in (None, 1, 2)] == [True, True, False]
    assert not history_of(log_of((1, voided(1)), (1, opened(1)))).voided_since(PARTY, None)


def test_link_ids_need_a_round_that_was_closed_once() -> None:
    entries = log_of((1, opened(1)), (2, closed(1)), (2, closed(1)))
    assert history_of(entries[:2]).closing_of(1) == closed(1)
    for shown, how in ((entries[:1], "does not show"), (entries, "more than once")):
        with raises(RoundUnprovenError, match=f"{how} that round 1 was closed"):
            history_of(shown).closing_of(1)


def test_a_supplement_counts_as_the_log_has_closed_it_once_after_its_review() -> None:
    listed = SupplementClosed(round=1, release=2, claims=())
    entries = log_of((1, opened(1)), (2, closed(1)), (3, ended()), (3, listed), (3, listed))
    shown = SupplementView(
        release=2, larger="schools", smaller=PARTY, run=RUN, state="closed", claims=(), closing=None
    )
    assert history_of(entries[:4]).supplement_closing_of(1, shown) == listed
    for n, reason in ((2, "review ended"), (3, "was closed once"), (5, "was closed once")):
        with raises(RoundUnprovenError, match=reason):
            history_of(entries[:n]).supplement_closing_of(1, shown)


def test_a_party_has_sent_a_partner_one_container_in_a_round() -> None:
    entries = log_of((1, opened(1)), (2, received("c")), (2, received("d")))
    found = history_of(entries[:2])
    assert found.upload_of(1, "schools", "child-welfare") == received("c")
    assert found.upload_of(2, "schools", "child-welfare") is None
    with raises(RoundUnprovenError, match="more than once in round 1"):
        history_of(entries).upload_of(1, "schools", "child-welfare")
