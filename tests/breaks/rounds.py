"""Every way to break a rule about rounds, done by a broker that signs what it did.

Each function takes a log in which a project `foster` has an open round, and returns the entry that breaks
its rule.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from breaks.destruction import note
from breaks.rules import Break, ways
from samples.log import SampleLog, create_trio, link_pair
from samples.parties import ANN, CW, HEALTH, K12
from samples.signed_log import ACCORD, SignedProject, accord_of

from schemas.matchlog.entry import Entry
from schemas.rounds.rounds import RoundPair, UsedNonce

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


def offered_without_the_duty(log: SampleLog) -> Entry:
    _agreed(log)
    return log.rounds(ACCORD).offer(ANN)


def offered_long_after_it_was_signed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    at = log.now(timedelta(days=-2, seconds=-1) + early)
    return log.rounds(FOSTER).offer(CW, at=at)


# Opening.


def opened_with_a_gap(log: SampleLog) -> Entry:
    _closed(log)
    rounds = log.rounds(FOSTER)
    return rounds.open(round=rounds.last + 2)


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


def _all_linked(log: SampleLog) -> None:
    create_trio(log)
    for one, other in ((CW, HEALTH), (CW, K12), (HEALTH, K12)):
        link_pair(log, "trio", one, other)
    log.rounds("trio").claim_all()


def stated_under_the_same_number(log: SampleLog) -> Entry:
    _all_linked(log)
    log.rounds("trio").state(CW)
    return log.rounds("trio").state(CW, sequence=1)


# Uploads.


def _received(log: SampleLog, actor: Any = CW, project: str = FOSTER, **changes: Any) -> Entry:
    body = log.received(project, actor).model_copy(update=changes)
    return log.append(body, project=project, actor=actor, object=log.id("upl"))


def uploaded_twice_for_one_partner(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    return log.upload(FOSTER, CW)


def second_without_the_root_of_the_first(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    return _received(log, K12, partner_root=None)


def uploaded_with_anothers_signature(log: SampleLog) -> Entry:
    signature = log.rounds(FOSTER).signature(K12, "manifest", {})
    return _received(log, signature=signature)


# Runs.


def ran_after_the_close(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    _closed(log)
    return log.ask(log.specification(FOSTER, uploads))


def ran_while_another_run_waits(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    log.ask(log.specification(FOSTER, uploads))
    return log.ask(log.specification(FOSTER, uploads))


def _asked(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    return log.ask(log.specification(FOSTER, uploads))


def _corrected(log: SampleLog) -> None:
    """Correct the open round, and destroy nothing."""
    log.rounds(FOSTER).received = []
    log.rounds(FOSTER).correct()


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
    return log.entries[log.finish_run(asked)[0].seq - 1]


# Claims, closing and corrections.


def _claimed(log: SampleLog) -> None:
    _linked(log)
    log.rounds(FOSTER).claim_all()


def closed_with_claims_left_out(log: SampleLog) -> Entry:
    _claimed(log)
    del log.rounds(FOSTER).claims[CW.party, K12.party]
    log.moment += timedelta(days=7)
    return log.rounds(FOSTER).close()


def next_one_corrects_nothing(log: SampleLog) -> Entry:
    log.rounds(FOSTER).supersede()
    return log.rounds(FOSTER).open()


def upload_left_after_a_correction(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    received = log.upload(FOSTER, CW)
    _corrected(log)
    log.moment += timedelta(days=2) - early
    note(log)
    return received


ROUND_BREAKS: dict[str, dict[str, Break]] = {
    "statement-late": ways(offered_long_after_it_was_signed),
    "nonce-order": ways(
        offered_from_the_beginning_again=lambda log: log.rounds(FOSTER).offer(CW, first=1),
        offered_none_with_a_gap=lambda log: log.rounds(FOSTER).offer(CW, 0, first=99),
    ),
    "nonce-stranger": ways(
        offered_for_another_project=lambda log: log.rounds(FOSTER).offer(CW, project="other"),
        offered_by_somebody_never_enrolled=lambda log: log.rounds(FOSTER).offer(
            CW.model_copy(update={"person": "per-" + "9" * 32})
        ),
    ),
    "round-order": ways(
        opened_with_a_gap, opened_while_another_is_open=lambda log: log.rounds(FOSTER).open()
    ),
    "round-nonce": ways(
        nonce_never_offered,
        nonce_out_of_turn=lambda log: _opened_with(
            log, log.rounds(FOSTER).unspent[K12.party][1], None
        ),
    ),
    "round-pair": ways(sides_exchanged, pair_with_a_stranger),
    "round-due": ways(
        opened_a_day_before_the_month=lambda log: _opened_again(log, "monthly", 27),
        opened_a_day_before_the_quarter=lambda log: _opened_again(log, "quarterly", 89),
    ),
    "round-budget": ways(opened_beyond_the_budget, corrected_beyond_the_budget),
    "round-deadline": ways(
        deadline_too_early,
        deadline_too_late,
        closed_without_a_run,
        uploaded_long_after_the_deadline,
        ran_long_after_the_deadline,
        started_long_after_the_deadline,
        finished_long_after_the_deadline,
    ),
    "upload-round": ways(
        uploaded_for_the_next_round=lambda log: _received(log, round=log.rounds(FOSTER).last + 1),
        uploaded_for_oneself=lambda log: _received(log, partner=CW.party),
    ),
    "upload-twice": ways(uploaded_twice_for_one_partner),
    "upload-side": ways(
        second_without_the_root_of_the_first,
        first_with_a_root=lambda log: _received(log, partner_root="0" * 64),
    ),
    "upload-signer": ways(
        uploaded_with_anothers_signature,
        uploaded_by_nobody=lambda log: _received(log, CW.model_copy(update={"person": None})),
    ),
    "person-duty": ways(offered_without_the_duty),
    "run-pair": ways(ran_after_the_close, ran_while_another_run_waits),
    "claims-round": ways(
        claimed_before_the_run=lambda log: log.rounds(FOSTER).claim(CW, K12.party)
    ),
    "claims-order": ways(stated_under_the_same_number),
    "round-claims": ways(closed_with_claims_left_out),
    "destruction-overdue": ways(upload_left_after_a_correction),
    "round-superseded": ways(
        next_one_corrects_nothing,
        superseded_by_a_later_one=lambda log: log.rounds(FOSTER).supersede(
            by=log.rounds(FOSTER).last + 2
        ),
    ),
}
