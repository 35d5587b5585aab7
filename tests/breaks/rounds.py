"""Every way to break a rule about rounds, done by a broker that signs what it did.

Each function takes a log in which a project `foster` has an open round, and returns the entry that breaks
its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from breaks.destruction import note
from samples.log import SampleLog, create_trio, link_pair
from samples.parties import ANN, BROKER, CW, HEALTH, K12, OPERATOR, STRANGER
from samples.reviewed_log import SIGHT, ReviewedProject
from samples.signed_log import ACCORD, SignedProject, accord_of

from schemas.matchlog import kinds
from schemas.matchlog import round_kinds as round_bodies
from schemas.matchlog.entry import Entry
from schemas.rounds import RoundPair, UsedNonce
from schemas.run import IdSpace, Recipient

Break = Callable[[SampleLog], Entry]
FOSTER = "foster"


def _agreed(log: SampleLog, **changes: Any) -> SignedProject:
    return SignedProject(log).agree(accord_of(**changes))


def _linked(log: SampleLog, project: str = FOSTER) -> tuple[Entry, list[Entry]]:
    uploads = [log.upload(project, CW), log.upload(project, K12)]
    asked = log.ask(log.specification(project, uploads))
    log.start(asked)
    return asked, log.finish_run(asked)


def _closed(log: SampleLog, project: str = FOSTER) -> None:
    """Let the open round run out."""
    log.moment += timedelta(days=log.terms[project].round_days)
    log.rounds(project).close()


# Nonces.


def offered_with_a_gap(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    return rounds.offer(CW, first=rounds.next[CW.party] + 2)


def offered_from_the_beginning_again(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).offer(CW, first=1)


def offered_none_with_a_gap(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).offer(CW, 0, first=99)


def offered_one_again(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    return rounds.offer(CW, nonces=(rounds.unspent[CW.party][-1].nonce,))


def offered_one_that_was_used(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    assert rounds.opened is not None
    return rounds.offer(CW, nonces=(rounds.opened.pairs[0].nonce_smaller.nonce,))


def offered_one_of_the_other_party(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    return rounds.offer(CW, nonces=(rounds.unspent[K12.party][0].nonce,))


def offered_by_a_stranger(log: SampleLog) -> Entry:
    log.enrol(STRANGER)
    return log.rounds(FOSTER).offer(STRANGER)


def offered_for_another_party(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    body = rounds.offered(CW, first=rounds.next[K12.party] + 1)
    return log.append(body, project=FOSTER, actor=K12)


def offered_by_another_person(log: SampleLog) -> Entry:
    other = CW.model_copy(update={"person": "per-" + "9" * 32})
    return log.append(log.rounds(FOSTER).offered(CW), project=FOSTER, actor=other)


def offered_for_another_project(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).offer(CW, project="other")


def offered_by_somebody_never_enrolled(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).offer(CW.model_copy(update={"person": "per-" + "9" * 32}))


def offered_by_a_person_of_the_other_party(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).offer(CW.model_copy(update={"person": K12.person}))


def offered_with_another_key(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    body = rounds.offered(CW)
    other = rounds.signature(K12, "nonces", body.signed.offer.to_json())
    signature = body.signed.signature.model_copy(update={"key": other.key})
    signed = body.signed.model_copy(update={"signature": signature})
    return log.append(round_bodies.NoncesOffered(signed=signed), project=FOSTER, actor=CW)


def offered_after_access_ended(log: SampleLog) -> Entry:
    _revoke(log)
    return log.rounds(FOSTER).offer(CW)


def offered_without_the_duty(log: SampleLog) -> Entry:
    _agreed(log)
    return log.rounds(ACCORD).offer(ANN)


def offered_with_a_forged_signature(log: SampleLog) -> Entry:
    _agreed(log)
    body = log.rounds(ACCORD).offered(CW)
    offer = body.signed.offer.model_copy(update={"at": "2026-09-01T00:00:00Z"})
    signed = body.signed.model_copy(update={"offer": offer})
    return log.append(round_bodies.NoncesOffered(signed=signed), project=ACCORD, actor=CW)


def offered_long_after_it_was_signed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    at = log.now(timedelta(days=-2, seconds=-1) + early)
    return log.rounds(FOSTER).offer(CW, at=at)


def _revoke(log: SampleLog) -> None:
    body = kinds.RoleChanged(party=CW.party, person=CW.person, role="analyst", change="revoked")
    log.append(body, actor=OPERATOR)


# Opening.


def opened_while_another_is_open(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).open()


def opened_with_a_gap(log: SampleLog) -> Entry:
    _closed(log)
    rounds = log.rounds(FOSTER)
    return rounds.open(round=rounds.last + 2)


def opened_once_more(log: SampleLog) -> Entry:
    _closed(log)
    rounds = log.rounds(FOSTER)
    return rounds.open(round=rounds.last)


def closed_that_is_not_open(log: SampleLog) -> Entry:
    _closed(log)
    rounds = log.rounds(FOSTER)
    return rounds.close(round=rounds.last, claims=())


def closed_another_one(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    log.moment += timedelta(days=7)
    return rounds.close(round=rounds.last + 1)


def _opened_with(log: SampleLog, larger: UsedNonce | None, smaller: UsedNonce | None) -> Entry:
    """Open the next round of the pair with these nonces, or what a good broker takes where there is null."""
    _closed(log)
    rounds = log.rounds(FOSTER)
    rounds.top_up()
    (pair,) = rounds.pairs()
    changes = {"nonce_larger": larger, "nonce_smaller": smaller}
    bent = pair.model_copy(update={name: one for name, one in changes.items() if one})
    return rounds.open(pairs=(bent,))


def nonce_never_offered(log: SampleLog) -> Entry:
    first = log.rounds(FOSTER).unspent[CW.party][0]
    return _opened_with(log, None, UsedNonce(number=first.number, nonce="12" * 32))


def nonce_of_another_number(log: SampleLog) -> Entry:
    first, second, *_ = log.rounds(FOSTER).unspent[CW.party]
    return _opened_with(log, None, UsedNonce(number=second.number, nonce=first.nonce))


def nonce_out_of_turn(log: SampleLog) -> Entry:
    return _opened_with(log, log.rounds(FOSTER).unspent[K12.party][1], None)


def nonce_used_again(log: SampleLog) -> Entry:
    opened = log.rounds(FOSTER).opened
    assert opened is not None
    return _opened_with(log, opened.pairs[0].nonce_larger, None)


def nonces_exchanged(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    return _opened_with(log, rounds.unspent[CW.party][0], rounds.unspent[K12.party][0])


def nonce_that_is_void(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    void = rounds.unspent[CW.party][0]
    rounds.offer(CW, 0, void_below=rounds.next[CW.party] + 1)
    return _opened_with(log, None, void)


def one_nonce_for_two_pairs(log: SampleLog) -> Entry:
    create_trio(log)
    rounds = log.rounds("trio")
    _closed(log, "trio")
    rounds.top_up()
    first, *rest = rounds.pairs()
    party = first.larger
    bent = [_with_nonce(pair, party, first.nonce_larger) for pair in rest]
    return rounds.open(pairs=(first, *bent))


def _with_nonce(pair: RoundPair, party: str, nonce: UsedNonce) -> RoundPair:
    if party not in pair.parties:
        return pair
    return pair.model_copy(
        update={"nonce_larger" if party == pair.larger else "nonce_smaller": nonce}
    )


def sides_exchanged(log: SampleLog) -> Entry:
    _closed(log)
    rounds = log.rounds(FOSTER)
    rounds.top_up()
    (pair,) = rounds.pairs()
    turned = RoundPair(
        larger=pair.smaller,
        smaller=pair.larger,
        nonce_larger=pair.nonce_smaller,
        nonce_smaller=pair.nonce_larger,
    )
    return rounds.open(pairs=(turned,))


def pair_with_a_stranger(log: SampleLog) -> Entry:
    _closed(log)
    rounds = log.rounds(FOSTER)
    rounds.top_up()
    (pair,) = rounds.pairs()
    rounds.unspent["stranger"] = []
    return rounds.open(pairs=(pair.model_copy(update={"smaller": "stranger"}),))


def _opened_again(log: SampleLog, frequency: str, days: int) -> Entry:
    log.create_project("often", frequency=frequency)
    log.moment += timedelta(days=7)
    log.rounds("often").close()
    log.moment += timedelta(days=days - 7)
    return log.rounds("often").open()


def opened_a_day_before_the_week(log: SampleLog) -> Entry:
    log.create_project("often", frequency="weekly", round_days=6)
    log.moment += timedelta(days=6)
    log.rounds("often").close()
    return log.rounds("often").open()


def opened_a_day_before_the_weekday(log: SampleLog) -> Entry:
    # On a Saturday, after one of the Tuesday before.
    log.create_project("often", frequency="weekly", due="sunday 22:00", round_days=4)
    log.moment += timedelta(days=4)
    log.rounds("often").close()
    return log.rounds("often").open()


def opened_a_day_before_the_month(log: SampleLog) -> Entry:
    return _opened_again(log, "monthly", 27)


def opened_a_day_before_the_quarter(log: SampleLog) -> Entry:
    return _opened_again(log, "quarterly", 89)


def opened_a_day_before_the_year(log: SampleLog) -> Entry:
    return _opened_again(log, "yearly", 364)


def opened_twice_a_day(log: SampleLog) -> Entry:
    log.create_project("often", frequency="daily")
    _linked(log, "often")
    log.rounds("often").claim_all()
    log.rounds("often").close()
    return log.rounds("often").open()


def opened_after_the_only_one(log: SampleLog) -> Entry:
    log.create_project("often", frequency="once")
    _linked(log, "often")
    log.rounds("often").claim_all()
    log.rounds("often").close()
    log.moment += timedelta(days=400)
    return log.rounds("often").open()


def opened_early_after_a_correction(log: SampleLog) -> Entry:
    """A correction does not count as the last round, so the one before it does."""
    log.create_project("often", frequency="weekly", round_days=3)
    log.moment += timedelta(days=1)
    log.rounds("often").correct()
    log.moment += timedelta(days=3)
    log.rounds("often").close()
    return log.rounds("often").open()


def opened_beyond_the_budget(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    log.create_project("few", round_budget={"rounds": 2, "days": 30})
    first = log.moment
    _closed(log, "few")
    log.rounds("few").open()
    _closed(log, "few")
    log.moment = first + timedelta(days=29) + early
    return log.rounds("few").open()


def corrected_beyond_the_budget(log: SampleLog) -> Entry:
    log.create_project("few", round_budget={"rounds": 2, "days": 30})
    log.rounds("few").correct()
    log.rounds("few").correct()
    return log.entries[-1]


def deadline_too_early(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    _closed(log)
    return log.rounds(FOSTER).open(deadline=log.now(timedelta(days=7, seconds=-61) + early))


def deadline_too_late(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    _closed(log)
    return log.rounds(FOSTER).open(deadline=log.now(timedelta(days=7, seconds=1) - early))


def closed_without_a_run(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    log.moment += timedelta(days=7, seconds=-1) + early
    return log.rounds(FOSTER).close()


def closed_while_a_run_waits(log: SampleLog) -> Entry:
    _asked(log)
    log.moment += timedelta(days=7)
    return log.rounds(FOSTER).close()


def closed_while_a_run_is_under_way(log: SampleLog) -> Entry:
    log.start(_asked(log))
    log.moment += timedelta(days=7)
    return log.rounds(FOSTER).close()


def closed_before_a_run_ended(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    log.start(log.ask(log.specification(FOSTER, uploads)))
    return log.rounds(FOSTER).close()


def closed_before_a_claim_came(log: SampleLog) -> Entry:
    _linked(log)
    log.rounds(FOSTER).claim(K12, CW.party)
    return log.rounds(FOSTER).close()


def closed_while_a_pair_waits(log: SampleLog) -> Entry:
    create_trio(log)
    link_pair(log, "trio", CW, HEALTH)
    rounds = log.rounds("trio")
    rounds.claim(CW, HEALTH.party)
    rounds.claim(HEALTH, CW.party)
    return rounds.close()


def _all_linked(log: SampleLog) -> None:
    create_trio(log)
    for one, other in ((CW, HEALTH), (CW, K12), (HEALTH, K12)):
        link_pair(log, "trio", one, other)
    log.rounds("trio").claim_all()


def closed_before_a_statement_came(log: SampleLog) -> Entry:
    _all_linked(log)
    for actor in (CW, HEALTH):
        log.rounds("trio").state(actor)
    return log.rounds("trio").close()


def stated_of_a_single_pair(log: SampleLog) -> Entry:
    create_trio(log)
    link_pair(log, "trio", CW, HEALTH)
    return log.rounds("trio").state(CW)


def stated_by_a_party_that_was_not_linked(log: SampleLog) -> Entry:
    _linked(log)
    return log.rounds(FOSTER).state(CW)


def stated_for_another_space(log: SampleLog) -> Entry:
    _all_linked(log)
    return log.rounds("trio").state(CW, "elsewhere")


def stated_after_the_close(log: SampleLog) -> Entry:
    _all_linked(log)
    _closed(log, "trio")
    return log.rounds("trio").state(CW, round=log.rounds("trio").last)


def stated_under_the_same_number(log: SampleLog) -> Entry:
    _all_linked(log)
    log.rounds("trio").state(CW)
    return log.rounds("trio").state(CW, sequence=1)


def closed_with_an_earlier_statement(log: SampleLog) -> Entry:
    _all_linked(log)
    rounds = log.rounds("trio")
    for actor in (CW, HEALTH, K12):
        rounds.state(actor)
    earlier = dict(rounds.statements)
    rounds.state(CW)
    rounds.statements = earlier
    return rounds.close()


def closed_with_a_statement_left_out(log: SampleLog) -> Entry:
    _all_linked(log)
    log.rounds("trio").state(CW)
    log.rounds("trio").statements = {}
    log.moment += timedelta(days=7)
    return log.rounds("trio").close()


# Uploads.


def _received(log: SampleLog, actor: Any = CW, project: str = FOSTER, **changes: Any) -> Entry:
    body = log.received(project, actor).model_copy(update=changes)
    return log.append(body, project=project, actor=actor, object=log.id("upl"))


def uploaded_for_the_round_before(log: SampleLog) -> Entry:
    _closed(log)
    log.rounds(FOSTER).open()
    return _received(log, round=log.rounds(FOSTER).last - 1)


def uploaded_for_the_next_round(log: SampleLog) -> Entry:
    return _received(log, round=log.rounds(FOSTER).last + 1)


def uploaded_after_the_close(log: SampleLog) -> Entry:
    _closed(log)
    return _received(log, round=log.rounds(FOSTER).last)


def uploaded_for_a_superseded_round(log: SampleLog) -> Entry:
    log.rounds(FOSTER).correct()
    return _received(log, round=log.rounds(FOSTER).last - 1)


def uploaded_for_oneself(log: SampleLog) -> Entry:
    return _received(log, partner=CW.party)


def uploaded_for_a_stranger(log: SampleLog) -> Entry:
    return _received(log, partner="stranger")


def uploaded_for_a_pair_that_is_not_ready(log: SampleLog) -> Entry:
    create_trio(log)
    rounds = log.rounds("trio")
    _closed(log, "trio")
    rounds.top_up()
    rounds.open(pairs=rounds.pairs()[:1])
    return log.upload("trio", K12, partner=HEALTH.party)


def uploaded_twice_for_one_partner(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    return log.upload(FOSTER, CW)


def uploaded_in_the_place_of_a_destroyed_one(log: SampleLog) -> Entry:
    log.destroy(log.upload(FOSTER, CW))
    return log.upload(FOSTER, CW)


def second_without_the_root_of_the_first(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    return _received(log, K12, partner_root=None)


def second_with_another_root(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    return _received(log, K12, partner_root="0" * 64)


def first_with_a_root(log: SampleLog) -> Entry:
    return _received(log, partner_root="0" * 64)


def uploaded_with_anothers_signature(log: SampleLog) -> Entry:
    signature = log.rounds(FOSTER).signature(K12, "manifest", {})
    return _received(log, signature=signature)


def uploaded_with_a_key_not_enrolled(log: SampleLog) -> Entry:
    signature = log.rounds(FOSTER).signature(CW, "manifest", {})
    return _received(log, signature=signature.model_copy(update={"key": "0" * 64}))


def uploaded_by_nobody(log: SampleLog) -> Entry:
    return _received(log, CW.model_copy(update={"person": None}))


def uploaded_after_access_ended(log: SampleLog) -> Entry:
    _revoke(log)
    return _received(log)


def uploaded_without_the_duty(log: SampleLog) -> Entry:
    _agreed(log)
    return log.upload(ACCORD, ANN)


# Runs.


def ran_on_the_round_before(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    _closed(log)
    log.rounds(FOSTER).open()
    return log.ask(log.specification(FOSTER, uploads))


def ran_on_uploads_of_two_rounds(log: SampleLog) -> Entry:
    old = log.upload(FOSTER, K12)
    _closed(log)
    log.rounds(FOSTER).open()
    specification = log.specification(FOSTER, [old, log.upload(FOSTER, CW)])
    return log.ask(specification.model_copy(update={"round": log.rounds(FOSTER).last}))


def ran_after_the_close(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    _closed(log)
    return log.ask(log.specification(FOSTER, uploads))


def ran_with_sides_exchanged(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    specification = log.specification(FOSTER, uploads)
    turned = specification.model_copy(update={"uploads": specification.uploads[::-1]})
    return log.ask(turned)


def ran_on_uploads_for_others(log: SampleLog) -> Entry:
    create_trio(log)
    uploads = [
        log.upload("trio", CW, partner=HEALTH.party),
        log.upload("trio", K12, partner=HEALTH.party),
    ]
    return log.ask(log.specification("trio", uploads))


def ran_once_more_after_success(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    asked = log.ask(log.specification(FOSTER, uploads))
    log.start(asked)
    log.finish_run(asked)
    return log.ask(log.specification(FOSTER, uploads))


def ran_while_another_run_waits(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    log.ask(log.specification(FOSTER, uploads))
    return log.ask(log.specification(FOSTER, uploads))


def ran_while_another_run_is_under_way(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    log.start(log.ask(log.specification(FOSTER, uploads)))
    return log.ask(log.specification(FOSTER, uploads))


def _asked(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    return log.ask(log.specification(FOSTER, uploads))


def _corrected(log: SampleLog) -> None:
    """Correct the open round, and destroy nothing."""
    log.rounds(FOSTER).received = []
    log.rounds(FOSTER).correct()


def started_after_a_correction(log: SampleLog) -> Entry:
    asked = _asked(log)
    _corrected(log)
    return log.start(asked)


def finished_after_a_correction(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    _corrected(log)
    return log.append(log.finished(asked), project=FOSTER, object=asked.object)


def uploaded_long_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    log.moment += timedelta(days=9) - early
    return log.upload(FOSTER, CW)


def ran_long_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    log.moment += timedelta(days=9) - early
    return log.ask(log.specification(FOSTER, uploads))


def started_long_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    asked = _asked(log)
    log.moment += timedelta(days=9) - early
    return log.start(asked)


def finished_long_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    asked = _asked(log)
    log.start(asked)
    log.moment += timedelta(days=9) - early
    return log.append(log.finished(asked), project=FOSTER, object=asked.object)


# Claims, closing and corrections.


def claimed_before_the_run(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).claim(CW, K12.party)


def claimed_from_oneself(log: SampleLog) -> Entry:
    _linked(log)
    return log.rounds(FOSTER).claim(CW, CW.party)


def claimed_by_the_broker(log: SampleLog) -> Entry:
    _linked(log)
    return log.rounds(FOSTER).claim(BROKER, CW.party)


def claimed_for_the_round_before(log: SampleLog) -> Entry:
    _linked(log)
    return log.rounds(FOSTER).claim(CW, K12.party, round=log.rounds(FOSTER).last + 1)


def claimed_after_the_close(log: SampleLog) -> Entry:
    _linked(log)
    _closed(log)
    return log.rounds(FOSTER).claim(CW, K12.party, round=log.rounds(FOSTER).last)


def claimed_in_separate_spaces(log: SampleLog) -> Entry:
    log.create_project(
        "apart",
        recipients=tuple(
            Recipient(party=party, mode="linked", space=party)
            for party in ("county-cw", "school-district")
        ),
        spaces=tuple(
            IdSpace(name=name, lifetime="round") for name in ("county-cw", "school-district")
        ),
    )
    uploads = [log.upload("apart", CW), log.upload("apart", K12)]
    asked = log.ask(log.specification("apart", uploads))
    log.start(asked)
    log.append(log.finished(asked), project="apart", object=asked.object)
    return log.rounds("apart").claim(CW, K12.party)


def claimed_of_a_single_recipient(log: SampleLog) -> Entry:
    log.create_project(
        "single", recipients=(Recipient(party="county-cw", mode="linked", space="shared"),)
    )
    uploads = [log.upload("single", CW), log.upload("single", K12)]
    asked = log.ask(log.specification("single", uploads))
    log.start(asked)
    log.append(log.finished(asked, openings=()), project="single", object=asked.object)
    return log.rounds("single").claim(CW, K12.party)


def claimed_of_a_blind_run(log: SampleLog) -> Entry:
    log.create_blind_project("study")
    log.finish_blind("study")
    return log.rounds("study").claim(CW, K12.party)


def claimed_with_a_gap(log: SampleLog) -> Entry:
    _linked(log)
    rounds = log.rounds(FOSTER)
    return rounds.claim(CW, K12.party, sequence=rounds.sequences[CW.party, K12.party] + 2)


def claimed_under_the_same_number(log: SampleLog) -> Entry:
    _linked(log)
    rounds = log.rounds(FOSTER)
    rounds.claim(CW, K12.party)
    return rounds.claim(CW, K12.party, sequence=rounds.sequences[CW.party, K12.party])


def claimed_from_one_in_a_new_round(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    for _ in range(2):
        _linked(log)
        rounds.claim_all()
        rounds.close()
        rounds.open()
    _linked(log)
    return rounds.claim(CW, K12.party, sequence=1)


def _claimed(log: SampleLog) -> None:
    _linked(log)
    log.rounds(FOSTER).claim_all()


def closed_with_earlier_claims(log: SampleLog) -> Entry:
    _claimed(log)
    rounds = log.rounds(FOSTER)
    earlier = dict(rounds.claims)
    rounds.claim(CW, K12.party)
    rounds.claims = earlier
    return rounds.close()


def closed_with_claims_left_out(log: SampleLog) -> Entry:
    _claimed(log)
    del log.rounds(FOSTER).claims[CW.party, K12.party]
    log.moment += timedelta(days=7)
    return log.rounds(FOSTER).close()


def closed_with_claims_that_never_came(log: SampleLog) -> Entry:
    _linked(log)
    log.rounds(FOSTER).claims[CW.party, K12.party] = "0" * 64
    log.moment += timedelta(days=7)
    return log.rounds(FOSTER).close()


def superseded_twice(log: SampleLog) -> Entry:
    log.rounds(FOSTER).supersede()
    return log.rounds(FOSTER).supersede(
        round=log.rounds(FOSTER).last, by=log.rounds(FOSTER).last + 1
    )


def superseded_after_the_close(log: SampleLog) -> Entry:
    _closed(log)
    last = log.rounds(FOSTER).last
    return log.rounds(FOSTER).supersede(round=last, by=last + 1)


def superseded_by_a_later_one(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).supersede(by=log.rounds(FOSTER).last + 2)


def superseded_by_itself(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).supersede(by=log.rounds(FOSTER).last)


def superseded_after_a_fetch(log: SampleLog) -> Entry:
    _, prepared = _linked(log)
    log.fetch(prepared[0], CW)
    return log.rounds(FOSTER).supersede()


def superseded_after_a_look(log: SampleLog) -> Entry:
    """The asked agency has had the file of what it is asked about."""
    project = ReviewedProject(log)
    project.linked()
    project.fetch("buckets", K12)
    project.end(reason="round-over", release=None)
    return log.rounds(SIGHT).supersede()


def next_one_corrects_nothing(log: SampleLog) -> Entry:
    log.rounds(FOSTER).supersede()
    return log.rounds(FOSTER).open()


def next_one_corrects_another(log: SampleLog) -> Entry:
    log.rounds(FOSTER).correct()
    last = log.rounds(FOSTER).last
    log.rounds(FOSTER).supersede()
    return log.rounds(FOSTER).open(corrects=last - 1)


def corrects_what_was_not_superseded(log: SampleLog) -> Entry:
    _closed(log)
    return log.rounds(FOSTER).open(corrects=log.rounds(FOSTER).last)


def upload_left_after_a_correction(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    received = log.upload(FOSTER, CW)
    _corrected(log)
    log.moment += timedelta(days=2) - early
    note(log)
    return received


def _left_after_a_correction(log: SampleLog) -> list[Entry]:
    """Return the releases of a run whose round was corrected; the uploads are destroyed."""
    _, prepared = _linked(log)
    log.rounds(FOSTER).correct()
    log.moment += timedelta(days=2)
    return prepared


def release_left_after_a_correction(log: SampleLog) -> Entry:
    first, second = _left_after_a_correction(log)
    log.destroy_release(first)
    log.destroy_match_record(log.entries[first.seq - 1])
    note(log)
    return second


def match_record_left_after_a_correction(log: SampleLog) -> Entry:
    prepared = _left_after_a_correction(log)
    for one in prepared:
        log.destroy_release(one)
    return log.entries[prepared[0].seq - 1]


def fetched_of_a_superseded_round(log: SampleLog) -> Entry:
    _, prepared = _linked(log)
    log.rounds(FOSTER).correct()
    return log.fetch(prepared[0], CW)


ROUND_BREAKS: dict[str, list[Break]] = {
    "statement-late": [offered_long_after_it_was_signed],
    "nonce-order": [
        offered_with_a_gap,
        offered_from_the_beginning_again,
        offered_none_with_a_gap,
        offered_one_again,
        offered_one_that_was_used,
        offered_one_of_the_other_party,
    ],
    "nonce-stranger": [
        offered_by_a_stranger,
        offered_for_another_party,
        offered_by_another_person,
        offered_for_another_project,
        offered_by_somebody_never_enrolled,
        offered_by_a_person_of_the_other_party,
        offered_with_another_key,
        offered_after_access_ended,
        offered_with_a_forged_signature,
    ],
    "round-order": [
        opened_while_another_is_open,
        opened_with_a_gap,
        opened_once_more,
        closed_that_is_not_open,
        closed_another_one,
        closed_while_a_run_waits,
        closed_while_a_run_is_under_way,
    ],
    "round-nonce": [
        nonce_never_offered,
        nonce_of_another_number,
        nonce_out_of_turn,
        nonce_used_again,
        nonces_exchanged,
        nonce_that_is_void,
        one_nonce_for_two_pairs,
    ],
    "round-pair": [sides_exchanged, pair_with_a_stranger],
    "round-due": [
        opened_twice_a_day,
        opened_a_day_before_the_week,
        opened_a_day_before_the_weekday,
        opened_a_day_before_the_month,
        opened_a_day_before_the_quarter,
        opened_a_day_before_the_year,
        opened_after_the_only_one,
        opened_early_after_a_correction,
    ],
    "round-budget": [opened_beyond_the_budget, corrected_beyond_the_budget],
    "round-deadline": [
        deadline_too_early,
        deadline_too_late,
        closed_without_a_run,
        closed_before_a_run_ended,
        closed_before_a_claim_came,
        closed_while_a_pair_waits,
        closed_before_a_statement_came,
        uploaded_long_after_the_deadline,
        ran_long_after_the_deadline,
        started_long_after_the_deadline,
        finished_long_after_the_deadline,
    ],
    "upload-round": [
        uploaded_for_the_round_before,
        uploaded_for_the_next_round,
        uploaded_after_the_close,
        uploaded_for_a_superseded_round,
        uploaded_for_oneself,
        uploaded_for_a_stranger,
        uploaded_for_a_pair_that_is_not_ready,
    ],
    "upload-twice": [uploaded_twice_for_one_partner, uploaded_in_the_place_of_a_destroyed_one],
    "upload-side": [
        second_without_the_root_of_the_first,
        second_with_another_root,
        first_with_a_root,
    ],
    "upload-signer": [
        uploaded_with_anothers_signature,
        uploaded_with_a_key_not_enrolled,
        uploaded_by_nobody,
        uploaded_after_access_ended,
    ],
    "person-duty": [offered_without_the_duty, uploaded_without_the_duty],
    "run-pair": [
        ran_on_the_round_before,
        ran_on_uploads_of_two_rounds,
        ran_after_the_close,
        ran_with_sides_exchanged,
        ran_on_uploads_for_others,
        ran_once_more_after_success,
        ran_while_another_run_waits,
        ran_while_another_run_is_under_way,
        started_after_a_correction,
        finished_after_a_correction,
    ],
    "claims-round": [
        claimed_before_the_run,
        claimed_from_oneself,
        claimed_by_the_broker,
        claimed_for_the_round_before,
        claimed_after_the_close,
        claimed_in_separate_spaces,
        claimed_of_a_single_recipient,
        claimed_of_a_blind_run,
        stated_of_a_single_pair,
        stated_by_a_party_that_was_not_linked,
        stated_for_another_space,
        stated_after_the_close,
    ],
    "claims-order": [
        claimed_with_a_gap,
        claimed_under_the_same_number,
        claimed_from_one_in_a_new_round,
        stated_under_the_same_number,
    ],
    "round-claims": [
        closed_with_earlier_claims,
        closed_with_claims_left_out,
        closed_with_claims_that_never_came,
        closed_with_an_earlier_statement,
        closed_with_a_statement_left_out,
    ],
    "destruction-overdue": [
        upload_left_after_a_correction,
        release_left_after_a_correction,
        match_record_left_after_a_correction,
    ],
    "round-superseded": [
        superseded_twice,
        superseded_after_the_close,
        superseded_by_a_later_one,
        superseded_by_itself,
        superseded_after_a_fetch,
        superseded_after_a_look,
        next_one_corrects_nothing,
        next_one_corrects_another,
        corrects_what_was_not_superseded,
        fetched_of_a_superseded_round,
    ],
}
