"""What both sides of a clerical review need: what the log and the agreement say of it, and the own file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from encoding.packing.handles import HandleMap, MapName, derive_map_keys, read_handle_map
from encoding.packing.memory import memory_key
from encoding.packing.withdrawals import Withdrawn
from encoding.project.agreement.agreements import require_agreed_run, trusted_peers
from encoding.project.context import Context, fetched_log
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.records.agency_file import agency_file
from encoding.review.api import ReviewsApi
from encoding.review.cards import ReviewOf
from encoding.review.errors import QuestionsUntrustedError
from encoding.review.records import Reading
from encoding.rounds.history import RoundHistory, round_history
from schemas.agreement.clauses import Review
from schemas.api.runs import RunView
from schemas.linkage.profile import EncodingProfile
from schemas.matchlog.entry import Entry
from schemas.matchlog.review_kinds import ReviewAsked, ReviewDecided
from schemas.matchlog.run_kinds import RunFinished
from schemas.rounds.review import ReviewView, SignedReviewStatement
from schemas.signing.identity import PublicIdentity


@dataclass(frozen=True, slots=True)
class ProvenReview:
    """A review as the match log and the signed agreement have it.

    `asked` is the log entry that asks, `history` is that of all entries of the project.
    """

    of: ReviewOf
    clause: Review
    asked: ReviewAsked
    history: RoundHistory = field(repr=False)


def reviews_of(context: Context) -> tuple[ReviewView, ...]:
    """Return the reviews in which this agency has a part, newest first; none where nobody reviews."""
    review, party = context.view.terms.review, context.session.party
    if review is None or party not in context.view.terms.providers:
        return ()
    return ReviewsApi(context.client, context.session.project).reviews()


def prove_review(context: Context, view: ReviewView) -> ProvenReview:
    """Return a review once the match log and the agreement of its run vouch for it."""
    session = context.session
    run = context.client.run(view.run)
    agreement = require_agreed_run(session, context.client, run)
    entries = fetched_log(session, context.client, context.trust).entries
    history = round_history(entries, session.project)
    history.refuse_superseded(view.round)
    asked = _asked(entries, view, run)
    clause = agreement.review
    if clause is None:
        raise QuestionsUntrustedError("the agreement of the run has no such review")
    of = ReviewOf(
        project=session.project,
        agreement=agreement.digest(),
        round=view.round,
        run=view.run,
        reviewer=view.reviewer,
        asked=view.asked,
        elements=agreement.columns(view.asked, "shown"),
    )
    return ProvenReview(of, clause, asked, history)


def decisions_logged(
    entries: Sequence[Entry], run: str, person: str
) -> list[SignedReviewStatement]:
    """Return the statements about decisions of a person in the review of a run that the match log has."""
    bodies = (one.body for one in entries if one.object == run)
    signed = (body.signed for body in bodies if isinstance(body, ReviewDecided))
    return [one for one in signed if one.statement.person == person]


def own_handles(session: Session, view: ReviewView) -> HandleMap:
    """Return the handles of this agency's container of a review; use it under the workspace's lock."""
    partner = view.asked if view.reviewer == session.party else view.reviewer
    name = MapName(session.project, view.round, partner)
    keys = derive_map_keys(session.workspace.key(), session.project)
    return read_handle_map(session.workspace.handle_map(*name), name, keys)


def own_reading(session: Session, profile: EncodingProfile, source: Source) -> Reading:
    """Return how the own file is read; use it under the workspace's lock."""
    workspace, project, key = session.workspace, session.project, session.workspace.key()
    return Reading(
        file=agency_file(session.config, source.file, source.id_column),
        profile=profile,
        columns=session.config.sections.columns | source.columns,
        date_format=source.date_format or session.config.source.date_format,
        keys=derive_map_keys(key, project),
        memory_key=memory_key(key, project),
        withdrawn=Withdrawn(workspace.withdrawn(project), project, key),
    )


def trusted_persons(context: Context, party: str) -> Sequence[PublicIdentity]:
    """Return the persons of a party whose keys this agency trusts; use it under the workspace's lock."""
    shown = context.client.identities(context.session.project).identities
    return trusted_peers(context.session, shown).trusted_of(party, shown)


def _asked(entries: Sequence[Entry], view: ReviewView, run: RunView) -> ReviewAsked:
    """Return what the log asks the review by: by its rules, within the allowance, of a finished run."""
    of_run = [one.body for one in entries if one.object == view.run]
    digests = [one.specification_sha256 for one in of_run if isinstance(one, RunFinished)]
    for body in of_run:
        if isinstance(body, ReviewAsked) and digests == [run.specification.digest()]:
            stated = body.reviewer, body.asked, body.round, body.deadline
            if stated == (view.reviewer, view.asked, view.round, view.deadline):
                return body
    raise QuestionsUntrustedError(
        "the match log and the broker show different reviews, or the log none"
    )
