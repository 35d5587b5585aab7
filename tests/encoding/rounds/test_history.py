"""Rounds as the match log shows them, against one that a broker would like an agency to take part in."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from samples.agreement import AGREEMENT
from samples.documents import MANIFEST
from samples.refusals import raises

from encoding.errors import RoundUnprovenError, UnseenAgreementError
from encoding.people.identity import new_identity, replace_keys
from encoding.rounds.history import RoundHistory, round_history
from schemas.agreement.agreement import Agreement
from schemas.documents.document import Model
from schemas.matchlog.entry import Actor, Entry
from schemas.matchlog.person_kinds import KeyRotated, RoleChanged
from schemas.matchlog.registry import KIND_OF_BODY
from schemas.matchlog.review_kinds import SupplementClosed
from schemas.matchlog.round_kinds import NoncesOffered, RoundClosed, RoundOpened, RoundSuperseded
from schemas.matchlog.run_kinds import RunFinished
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.rounds.rounds import NonceOffer, RoundPair, SignedNonceOffer, SupplementView, UsedNonce
from schemas.rounds.upload import Manifest, Signature, SignedManifest
from schemas.signing.identity import SignedKeyChange

PARTY = "welfare"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
RUN = "run-" + "7" * 32
FIRST = Agreement.from_json(AGREEMENT)
AGREEMENTS = {FIRST.digest()}


def opened(number: int, *, corrects: int | None = None) -> RoundOpened:
    def used(side: int) -> UsedNonce:
        return UsedNonce(number=number, nonce=f"{side}{number:063}")

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


def log_of(*bodies: tuple[int, Model]) -> list[Entry]:
    """Return entries of bodies, each with the day of November on which it was made."""
    objects = {UploadReceived: "upl-" + "1" * 32, SupplementClosed: RUN, RunFinished: RUN}
    is_ours = [not isinstance(body, (KeyRotated, RoleChanged)) for _, body in bodies]
    return [
        Entry(
            kind=KIND_OF_BODY[type(body)], seq=7 * n, batch=n, place=1, previous="0" * 64,
            broker_wide="0" * 64 if is_ours[n] else None,
            time=f"2026-11-{day:02}T10:00:00Z", request="req-" + "1" * 32,
            actor=Actor(party="schools", person=None, role="agency", signed=None),
            project=FIRST.project if is_ours[n] else None, agreement=FIRST.digest() if is_ours[n] else None,
            purpose=None, object=objects.get(type(body)), outcome="done", body=body,
        )
        for n, (day, body) in enumerate(bodies)
    ]  # fmt: skip


def history_of(entries: list[Entry]) -> RoundHistory:
    return round_history(entries, FIRST.project)


@pytest.mark.parametrize(
    ("number", "bodies", "reason"),
    [
        (1, [opened(1)], None),
        (2, [opened(1), closed(1), opened(2)], None),
        (2, [opened(1), superseded(1), opened(2, corrects=1)], None),
        (1, [opened(1), superseded(1)], "was corrected: round 2"),
        (1, [opened(1), closed(1)], "is over"),
        (1, [opened(1), opened(2)], "is over"),
        (1, [], "does not show that round 1 was opened"),
    ],
)  # fmt: skip
def test_a_round_is_encoded_for_while_it_is_the_newest_and_open(
    number: int, bodies: list[Model], reason: str | None
) -> None:
    history = history_of(log_of(*((1, body) for body in bodies)))
    with nullcontext() if reason is None else raises(RoundUnprovenError, match=reason):
        history.refuse_unfit(number, AGREEMENTS)


def test_a_round_is_of_an_agreement_that_this_agency_has() -> None:
    """The request for a correction was made under one, too: it lists whose request counts."""
    entries = log_of((1, opened(1)), (2, superseded(1)), (2, opened(2, corrects=1)))
    history_of(entries).refuse_unfit(2, AGREEMENTS)
    for n in (1, 2):
        other = [*entries]
        other[n] = other[n].model_copy(update={"agreement": "0" * 64})
        with raises(UnseenAgreementError, match="an agreement that this agency does not have"):
            history_of(other).refuse_unfit(2, AGREEMENTS)


def test_a_person_has_the_keys_that_the_log_had_by_then() -> None:
    """Keys of before a change sign no more, and nobody changes someone else's."""
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


def test_link_ids_need_a_round_that_was_closed() -> None:
    entries = log_of((1, opened(1)), (2, closed(1)))
    assert history_of(entries).closing_of(1) == closed(1)
    with raises(RoundUnprovenError, match="does not show that round 1 was closed"):
        history_of(entries[:1]).closing_of(1)


def test_a_supplement_counts_as_the_log_has_closed_it() -> None:
    listed = SupplementClosed(round=1, release=2, claims=())
    entries = log_of((1, opened(1)), (2, closed(1)), (3, listed))
    shown = SupplementView(
        release=2, larger="schools", smaller=PARTY, run=RUN, state="closed", claims=(), closing=None
    )
    assert history_of(entries).supplement_closing_of(1, shown) == listed
    for other in ({"release": 3}, {"run": "run-" + "8" * 32}):
        with raises(RoundUnprovenError, match="release was closed"):
            history_of(entries).supplement_closing_of(1, shown.model_copy(update=other))


def test_what_a_run_found_counts_once_the_log_shows_it_as_finished() -> None:
    finished = RunFinished(
        specification_sha256="5" * 64, match_record_root="6" * 64, auto_pairs=None,
        expected_false=None, concordance=None, openings=(), software="blindlink-0.1.0",
    )  # fmt: skip
    history = history_of(log_of((1, opened(1)), (2, finished)))
    history.refuse_unfinished(RUN, "5" * 64)
    for run, digest in ((RUN, "4" * 64), ("run-" + "8" * 32, "5" * 64)):
        with raises(RoundUnprovenError, match="does not show that the run has finished"):
            history.refuse_unfinished(run, digest)


def test_what_a_party_has_sent_a_partner_is_found_by_round() -> None:
    found = history_of(log_of((1, opened(1)), (2, received("c"))))
    assert found.upload_of(1, "schools", "child-welfare") == received("c")
    assert found.upload_of(2, "schools", "child-welfare") is None
