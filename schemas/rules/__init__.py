"""The rules that the log's entries must follow, replayed from the entries alone.

`RULES` is the one table: for each kind, the steps that its entries go through. A step looks at the state of the
log and the entry, raises `BreachError` with the index and what contradicts it, or notes what later steps
need. Spec page: `schemas/spec/entry.md`, section "Rules".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.matchlog.entry import Entry
from schemas.rules import (
    agreements,
    approvals,
    claims,
    common,
    deliveries,
    destruction,
    keeping,
    nonces,
    persons,
    projects,
    releases,
    requests,
    reviews,
    rounds,
    runs,
    shares,
    uploads,
)
from schemas.rules.log_state import LogState
from schemas.rules.steps import Rule

COMMON: Final[tuple[Rule, ...]] = (
    common.log_starts_once,
    common.time_never_runs_back,
    common.chain_follows,
    common.project_is_known,
    common.purpose_is_agreed,
    common.actor_is_enrolled,
    common.broker_acts_itself,
    common.actor_has_role,
    agreements.begins_at_once,
)

RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "log-started": (),
    "configuration-changed": (),
    "party-enrolled": (projects.enrol_party,),
    "person-enrolled": (persons.enrol,),
    "sign-in-refused": (),
    "role-changed": (projects.party_is_enrolled, persons.revoke),
    "key-rotated": (projects.party_is_enrolled, persons.replace_key),
    "project-opened": (agreements.open_project,),
    "agreement-proposed": (agreements.propose,),
    "agreement-signed": (agreements.consent,),
    "agreement-in-force": (agreements.come_into_force,),
    "agreement-suspended": (agreements.suspend,),
    "agreement-resumed": (agreements.resume,),
    "agreement-withdrawn": (agreements.withdraw,),
    "share-relayed": (projects.in_force, shares.by_holder, shares.relay),
    "share-fetched": (projects.in_force, shares.by_holder, shares.fetch),
    "shares-withdrawn": (shares.by_holder,),
    "secret-confirmed": (projects.in_force, shares.by_holder),
    "nonces-offered": (projects.in_force, nonces.by_provider, nonces.offer),
    "round-opened": (
        projects.in_force,
        rounds.is_next,
        rounds.is_due,
        rounds.within_budget,
        rounds.what_was_asked_is_over,
        rounds.open_round,
    ),
    "round-superseded": (projects.in_force, rounds.supersede),
    "claims-received": (projects.in_force, claims.receive_claims),
    "statement-received": (projects.in_force, claims.receive_statement),
    "round-closed": (rounds.close,),
    "upload-received": (
        projects.in_force,
        uploads.fits_terms,
        uploads.of_one_secret,
        uploads.is_signed,
        uploads.belongs_to_round,
        uploads.is_audited,
        uploads.receive,
    ),
    "upload-rejected": (),
    "upload-destroyed": (destruction.nothing_holds, uploads.destroy),
    "run-asked": (
        projects.in_force,
        runs.fits_terms,
        runs.uses_uploads_as_received,
        runs.is_of_one_pair,
        runs.days_fit,
        runs.ask,
    ),
    "run-approved": (projects.in_force, runs.is_under_agreement, approvals.approve_run),
    "standing-approved": (projects.in_force, approvals.approve_standing),
    "standing-revoked": (approvals.revoke_standing,),
    "standing-used": (projects.in_force, runs.is_under_agreement, approvals.use_standing),
    "run-started": (
        projects.in_force,
        runs.is_under_agreement,
        runs.start,
        approvals.start_is_approved,
    ),
    "run-finished": (
        projects.in_force,
        runs.is_under_agreement,
        runs.finish,
        runs.counts_are_agreed,
    ),
    "match-record-destroyed": (destruction.nothing_holds, runs.destroy_match_record),
    "review-asked": (projects.in_force, runs.is_under_agreement, reviews.ask),
    "review-fetched": (projects.in_force, runs.is_under_agreement, reviews.fetch),
    "review-answered": (projects.in_force, runs.is_under_agreement, reviews.answer),
    "review-decided": (projects.in_force, runs.is_under_agreement, reviews.decide),
    "review-ended": (reviews.end,),
    "supplement-closed": (reviews.close_supplement,),
    "run-failed": (runs.end_without_result,),
    "run-cancelled": (runs.cancelled_by_its_own, runs.end_without_result),
    "release-prepared": (projects.in_force, releases.prepare),
    "blind-release-prepared": (projects.in_force, releases.prepare_blind),
    "release-fetched": (projects.in_force, releases.fetch),
    "release-verified": (releases.verify,),
    "release-destroyed": (destruction.nothing_holds, releases.destroy),
    "delivery-received": (projects.in_force, deliveries.receive),
    "delivery-fetched": (projects.in_force, deliveries.fetch),
    "delivery-opened": (deliveries.open_up,),
    "delivery-destroyed": (destruction.nothing_holds, deliveries.destroy),
    "request-refused": (),
    "destruction-begun": (destruction.nothing_holds, destruction.begin),
    "destruction-certified": (destruction.certify,),
    "destruction-countersigned": (destruction.is_certified, destruction.has_digest),
    "destruction-stated": (destruction.is_certified,),
    "record-withdrawn": (destruction.withdraw_record,),
    "legal-hold-set": (destruction.set_hold,),
    "legal-hold-lifted": (destruction.lift_hold,),
    "exported": (),
    # The hand-over of the log's key is checked with the checkpoints, by `keys.KeyChain`.
    "log-key-rotated": (),
}


def replay(log: LogState, entry: Entry, leaf: bytes) -> None:
    """Take the next entry that is shown, with the hash of its leaf; one that was refused changes nothing.

    Raises:
        BreachError: it breaks a rule.
    """
    for rule in COMMON:
        rule(log, entry)
    releases.all_made(log, entry.batch)
    log.leaves[entry.project].add(leaf)
    if entry.outcome != "refused":
        for rule in (*RULES[entry.kind], requests.is_persons):
            rule(log, entry)


def replay_end(log: LogState) -> None:
    """Check, after the last entry, what should have happened by its time.

    Raises:
        BreachError: something is kept longer than the terms allow, or was left undone.
    """
    releases.all_made(log, None)
    agreements.all_begun(log)
    reviews.all_ended(log)
    destruction.all_certified(log)
    keeping.all_destroyed_in_time(log)
