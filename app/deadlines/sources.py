"""What can be overdue in a project: one function a source. Another source is one more function, and its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final, TypeAlias

from app.agreements.holds import holds_of, is_held
from app.clock import parse_utc
from app.deadlines.ground import (
    APPROVAL,
    CERTIFICATE,
    COSIGNATURE,
    DESTRUCTION,
    KEY,
    STATEMENT,
    WITNESS,
    Ground,
    midnight,
)
from app.destruction.participation import awaited_certificates, awaited_statements
from app.links.service import released_runs
from app.review.service import open_reviews_of
from app.rounds.opening import late_opening, late_uploads, waiting_for
from app.runs.approvals import awaited_approvals
from app.runs.finality import awaited_cosignatures
from schemas.reports.overdue import CARDS, Overdue, since_end, since_undecided

Source: TypeAlias = Callable[[Ground], "Iterator[Overdue]"]


def late_rounds(ground: Ground) -> Iterator[Overdue]:
    """Yield a round that is not opened: for all agencies or, where nobody can, for those without nonces."""
    session, terms = ground.session, ground.terms
    found = late_opening(session, terms, date.fromisoformat(ground.binding.since), ground.now)
    if found is None:
        return
    number, due = found
    lacking = set(waiting_for(session, terms))
    can_open = any(not lacking & set(pair) for pair in terms.pairs)
    owners = [party for party in terms.providers if can_open or party in lacking]
    yield from ground.overdue("round", f"round-{number}", due, owners)


def missing_uploads(ground: Ground) -> Iterator[Overdue]:
    """Yield the uploads that the open round waits for."""
    found = late_uploads(ground.session, ground.terms, ground.now)
    if found is not None:
        number, due, parties = found
        yield from ground.overdue("upload", f"round-{number}", due, parties)


def missing_approvals(ground: Ground) -> Iterator[Overdue]:
    """Yield the runs and releases that wait for a party's approval."""
    waiting = awaited_approvals(ground.session, ground.binding, released_runs(), ground.now)
    for run, asked, party in waiting:
        due = parse_utc(asked) + APPROVAL
        yield from ground.overdue("approval", run, due, [party], "approver")


def missing_cosignatures(ground: Ground) -> Iterator[Overdue]:
    """Yield the oldest run that is not final, for each party that has not cosigned it."""
    found = awaited_cosignatures(ground.session, ground.terms, ground.cosigned)
    if found is not None:
        run, finished, parties = found
        yield from ground.overdue("cosignature", run, parse_utc(finished) + COSIGNATURE, parties)


def open_reviews(ground: Ground) -> Iterator[Overdue]:
    """Yield reviews that wait for cards, and those with pairs that nobody has decided yet."""
    for review in open_reviews_of(ground.session, ground.terms.project):
        if review.answered is None:
            due = parse_utc(review.created) + CARDS
            yield from ground.overdue("review", review.run, due, [review.asked])
        else:
            due = parse_utc(since_undecided(review.answered, review.deadline))
            yield from ground.overdue("review", review.run, due, [review.reviewer], "reviewer")


def ending_agreement(ground: Ground) -> Iterator[Overdue]:
    """Yield an agreement that ends soon, and that none follows; not one that was made for as short a time."""
    newest = ground.versions[0]
    since = since_end(newest.terms.end)
    if since[:10] > newest.since:
        agencies = ground.terms.providers
        yield from ground.overdue("agreement", "agreement", parse_utc(since), agencies, "steward")


def old_secret(ground: Ground) -> Iterator[Overdue]:
    """Yield a secret that has not been replaced for long."""
    epoch = ground.terms.epoch
    first = [one.since for one in ground.versions if one.terms.epoch == epoch][-1]
    since = midnight(first) + KEY
    yield from ground.overdue("key", f"secret-{epoch}", since, ground.terms.providers)


def unwitnessed_log(ground: Ground) -> Iterator[Overdue]:
    """Yield entries of the project that no party but the operator has cosigned for long."""
    time = ground.unwitnessed.get(ground.terms.project)
    if time is not None:
        since = max(parse_utc(time), ground.bound) + WITNESS
        yield from ground.overdue("witness", "log", since, ground.terms.providers)


def kept_too_long(ground: Ground) -> Iterator[Overdue]:
    """Yield that something is held whose time is over, and that no legal hold keeps."""
    project = ground.terms.project
    if not ground.dues or is_held(ground.session, project, ground.now):
        return
    last = midnight(ground.terms.destroy_by) + timedelta(days=1)
    holds = holds_of(ground.session, ground.operator, project)
    lifted = [parse_utc(hold.lifted) for hold in holds if hold.lifted is not None]
    since = max(min(parse_utc(ground.dues[0].due), last), ground.bound, *lifted) + DESTRUCTION
    yield from ground.overdue("destruction", "kept", since, [ground.operator.party], "operator")


def missing_certificates(ground: Ground) -> Iterator[Overdue]:
    """Yield destructions that have no certificate yet."""
    for certificate, asked in awaited_certificates(ground.session, ground.terms.project):
        due = parse_utc(asked) + CERTIFICATE
        owners = [ground.operator.party]
        yield from ground.overdue("certificate", certificate, due, owners, "operator")


def missing_statements(ground: Ground) -> Iterator[Overdue]:
    """Yield what parties have not stated yet to be deleted in their own hands."""
    for certificate, made, party in awaited_statements(ground.session, ground.terms.project):
        yield from ground.overdue("destruction", certificate, parse_utc(made) + STATEMENT, [party])


# While terms are in force: a halted linkage owes nothing of these.
IN_FORCE: Final[tuple[Source, ...]] = (
    late_rounds,
    missing_uploads,
    missing_approvals,
    missing_cosignatures,
    open_reviews,
    ending_agreement,
    old_secret,
    unwitnessed_log,
)
# From the first signed agreement to the end.
ALWAYS: Final[tuple[Source, ...]] = (kept_too_long, missing_certificates, missing_statements)
