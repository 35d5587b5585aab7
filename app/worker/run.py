"""A whole run: compare two files task by task, decide, release. Killed anywhere, it resumes.

Everything that the run concludes becomes visible in one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import structlog
from numpy.typing import NDArray

from app.agreements.service import TermsInForce, lock_rounds
from app.broker import Broker
from app.decisions.preparation import DrawnRecord, draw_record, keep_record
from app.links.matches import LinkedRun, Matches, space_keys
from app.links.preparation import Prepared, keep_releases, prepare_releases
from app.matching.blocks.checks import require_link_rate
from app.matching.blocks.decisions import Band
from app.matching.blocks.pairs import Met
from app.matching.blocks.ranges import met_from_bytes
from app.matching.blocks.resolution import Resolution, link_policy, resolve_pair
from app.review.preparation import DrawnReview, draw_review, keep_review
from app.rounds.closure import note_success
from app.runs import attempts
from app.runs.attempts import Attempt
from app.sealed.objects import open_pieces
from app.security.at_rest import Scratch
from app.traces import step
from app.worker.comparison import BLOCK_KIND, Comparison, HoldersShare, locate_comparison
from schemas.linkage.counts import published_counts

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Results:
    """What a run makes, durable and not visible yet; `review` is None where nobody is asked."""

    record: DrawnRecord
    releases: Prepared
    review: DrawnReview | None


def do_run(broker: Broker, attempt: Attempt, stop: threading.Event) -> None:
    """Do one run from its last stored range to its end."""
    with broker.database.read() as session:
        terms = attempts.agreed_terms(session, broker, attempt.specification)
    comparison = locate_comparison(broker, attempt.specification, terms, attempt.range_rows)
    with step("comparing"):
        HoldersShare(broker, attempt, comparison, stop).compare()
    with Scratch(broker.settings.state_dir) as shelf, ExitStack() as stack:
        _decide(broker, attempt, comparison, terms, shelf=shelf, stack=stack)


def _decide(
    broker: Broker,
    attempt: Attempt,
    comparison: Comparison,
    terms: TermsInForce,
    *,
    shelf: Scratch,
    stack: ExitStack,
) -> None:
    """Decide what was compared, and release it; pairs wait on the shelf meanwhile."""
    _enter(broker, attempt, "deciding")
    with step("deciding"):
        resolution = _resolve(broker, attempt, comparison, terms, shelf)
        rate = attempt.specification.policy.link_rate
        n_linked, n_smaller = resolution.n_in_band(Band.AUTO), comparison.sizes.smaller
        require_link_rate(n_linked, n_smaller, Fraction(rate.least), Fraction(rate.most))
    _enter(broker, attempt, "releasing")
    with step("releasing"):
        handles = comparison.larger.handles(), comparison.smaller.handles()
        drawn_from = (broker, attempt.specification, terms, resolution)
        record = draw_record(*drawn_from, handles=handles, shelf=shelf, stack=stack)
        matches = Matches(resolution.decided.in_band(Band.AUTO), comparison.sizes, shelf)
        keys = space_keys(broker, attempt.specification)
        linked = LinkedRun(attempt.specification, terms, matches, handles, keys)
        review = draw_review(*drawn_from, matches=matches, handles=handles, stack=stack)
        results = Results(record, prepare_releases(broker, linked, stack), review)
        _conclude(broker, attempt, resolution, results)


def _resolve(
    broker: Broker, attempt: Attempt, comparison: Comparison, terms: TermsInForce, shelf: Scratch
) -> Resolution:
    sizes, manifest = comparison.sizes, comparison.larger.stored.manifest
    return resolve_pair(
        _stored_meetings(broker, attempt, comparison),
        profile=terms.profile,
        counts=manifest.counts or published_counts(terms.profile, sizes.larger),
        sizes=sizes,
        policy=link_policy(attempt.specification.policy),
        likely_alone=True,
        shelf=shelf,
    )


def _stored_meetings(broker: Broker, attempt: Attempt, comparison: Comparison) -> Iterator[Met]:
    """Yield the meetings of all ranges, but for those of records that their agency has withdrawn."""
    with broker.database.read() as session:
        stored = open_pieces(session, broker, attempt.run, BLOCK_KIND)
    out = (comparison.smaller.withdrawn(), comparison.larger.withdrawn())
    for task in comparison.plan:
        content = stored.piece(task.number)
        met = met_from_bytes(content, task.range, comparison.sizes, comparison.rules)
        yield _without(met, out)


def _without(met: Met, withdrawn: Sequence[NDArray[np.uint32]]) -> Met:
    smaller, larger = withdrawn
    if not len(smaller) and not len(larger):
        return met
    return met[~(np.isin(met["smaller"], smaller) | np.isin(met["larger"], larger))]


def _conclude(broker: Broker, attempt: Attempt, resolution: Resolution, results: Results) -> None:
    """Make the result, its match record, releases, questions and log entries visible, all or none."""
    record, prepared, review = results.record, results.releases, results.review
    with broker.database.write() as session:
        # First, since anyone who corrects the round locks it before its runs.
        lock_rounds(session, attempt.specification.project)
        attempts.require_going_on(session, broker, attempt.specification)
        finished = attempts.finish_attempt(
            session,
            broker,
            attempt,
            resolution,
            match_record=record.root(),
            openings=record.digests(),
        )
        keep_record(session, record)
        now = broker.log.now(session)
        asked = [] if review is None else [review.draft(now)]
        appended = broker.log.append(session, [finished, *prepared.drafts(), *asked])
        attempts.note_log_size(session, attempt, appended[0].size)
        keep_releases(session, prepared, appended[1 : len(appended) - len(asked)])
        if review is not None:
            keep_review(session, review, appended[-1], now)
        note_success(session, broker, attempt.run)
    log.info("run_completed", run_id=attempt.run, n_releases=len(prepared.releases))


def _enter(broker: Broker, attempt: Attempt, stage: str) -> None:
    with broker.database.write() as session:
        attempts.enter_stage(session, attempt, stage)
