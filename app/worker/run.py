"""A whole run: load, compare block by block, solve, draw link IDs, release. Killed anywhere, it resumes.

Nothing outlives a kill but what is in the database: blocks are stored as they are done, sealed under the
run's key, and everything that the run concludes becomes visible in one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from app.agreements.service import TermsInForce
from app.broker import Broker
from app.decisions.drawing import DrawnRecord, draw_record, keep_record
from app.engine import MatchedBlock, match_blocks
from app.links.drawing import LinkedRun
from app.links.preparing import Prepared, keep_releases, prepare_releases
from app.matching.exhaustive import (
    Block,
    Candidates,
    Dataset,
    MatchingPolicy,
    Resolution,
    candidates_from_bytes,
    candidates_to_bytes,
    contested_records,
    kernel_name,
    plan_blocks,
    resolve,
)
from app.runs import attempts
from app.runs.attempts import Attempt, FinishedBlocks
from app.runs.models import RunBlock
from app.security.at_rest import seal, unseal
from app.uploads.errors import LookalikeRecordsError
from app.uploads.loading import LoadedUpload, load_upload, locate_container
from app.uploads.lookalikes import LookalikeSearch, refuse_lookalikes
from schemas.run import encoded_thresholds

BLOCK_KIND = "run-block"

log = structlog.get_logger()


def do_run(broker: Broker, attempt: Attempt, stop: threading.Event) -> None:
    """Do one run from its last stored block to its end.

    Raises:
        LeaseLostError: it was cancelled, or another worker has it; nothing of this attempt shows.
        MatchingCancelledError: `stop` was set.
        FormatError, BrokerError: it cannot be done; the class says why.
    """
    with broker.database.read() as session:
        terms = attempts.agreed_terms(session, broker, attempt)
    policy = _policy_of(attempt, terms)
    with _loaded(broker, attempt) as uploads:
        datasets = [upload.dataset for upload in uploads]
        n_records = [dataset.n_records for dataset in datasets]
        _refuse_lookalikes(broker, attempt, datasets, policy, stop)
        across = plan_blocks(datasets, block_pairs=attempt.block_pairs, is_within=False)
        _compare(broker, attempt, datasets, across, policy, stop=stop)
        # Duplicates within a file matter only where records are rivals, and comparing a file with
        # itself costs the square of its size.
        contested = contested_records(n_records, _stored_pairs(broker, attempt, across))
        with _excerpts(datasets, contested) as rivals:
            within = plan_blocks(
                rivals,
                block_pairs=attempt.block_pairs,
                is_across=False,
                first_number=len(across),
            )
            _compare(broker, attempt, rivals, within, policy, before=across, stop=stop)
        _enter(broker, attempt, "solving")
        resolution = resolve(n_records, _stored_pairs(broker, attempt, across + within), policy)
        _enter(broker, attempt, "releasing")
        linked = LinkedRun(attempt.specification, terms, resolution.groups, uploads)
        record = draw_record(broker, attempt.specification, terms, resolution.decisions, uploads)
        prepared = prepare_releases(broker, linked)
        _conclude(broker, attempt, resolution, record, prepared)


def _compare(
    broker: Broker,
    attempt: Attempt,
    datasets: Sequence[Dataset],
    plan: Sequence[Block],
    policy: MatchingPolicy,
    *,
    before: Sequence[Block] = (),
    stop: threading.Event,
) -> None:
    """Compare and store the blocks that no earlier attempt has stored.

    `before` are the blocks of an earlier part of the run, which count as done.
    """
    n_before, n_here = _n_comparisons(before), _n_comparisons(plan)
    _enter(
        broker,
        attempt,
        "comparing",
        comparisons_total=n_before + n_here,
        kernel=kernel_name(),
    )
    done = _finished(broker, attempt)
    for matched in match_blocks(
        datasets,
        plan,
        policy,
        finished=done.blobs,
        n_pairs_before=done.n_pairs,
        n_threads=broker.settings.worker_threads,
        max_pairs=attempt.specification.policy.max_pairs,
        cancelled=stop,
    ):
        _keep(broker, attempt, matched, n_before)


def _refuse_lookalikes(
    broker: Broker,
    attempt: Attempt,
    datasets: Sequence[Dataset],
    policy: MatchingPolicy,
    stop: threading.Event,
) -> None:
    search = LookalikeSearch(
        threshold=policy.auto,
        secret=broker.keystore.open(attempt.run).secret,
        n_threads=broker.settings.worker_threads,
        cancelled=stop,
    )
    for upload, dataset in zip(attempt.specification.uploads, datasets, strict=True):
        found = search.count(dataset, upload.upload)
        try:
            refuse_lookalikes(found, upload.party, broker.settings.max_lookalike_percent)
        except LookalikeRecordsError:
            log.warning("lookalikes_found", run_id=attempt.run, party=upload.party)
            raise


def _n_comparisons(blocks: Sequence[Block]) -> int:
    return sum(block.n_comparisons for block in blocks)


def _keep(broker: Broker, attempt: Attempt, matched: MatchedBlock, n_before: int) -> None:
    key = broker.keystore.open(attempt.run)
    number = matched.block.number
    content = candidates_to_bytes(matched.pairs)
    # Durable before the row that names it.
    blob = broker.blobs.put(seal(key, BLOCK_KIND, attempt.run, number, content))
    row = RunBlock(
        run=attempt.run,
        number=number,
        comparisons=matched.block.n_comparisons,
        pairs=len(matched.pairs),
        blob=blob,
    )
    with broker.database.write() as session:
        attempts.keep_block(session, attempt, row, matched.progress, n_before=n_before)
    # How many pairs it holds may lie below the floor, so not even the operator's log says it.
    log.info("block_stored", run_id=attempt.run, block=number, n_comparisons=row.comparisons)


def _stored_pairs(
    broker: Broker, attempt: Attempt, plan: Sequence[Block]
) -> Iterator[tuple[Block, Candidates]]:
    key = broker.keystore.open(attempt.run)
    blobs = _finished(broker, attempt).blobs
    for block in plan:
        sealed = broker.blobs.get(blobs[block.number])
        content = unseal(key, BLOCK_KIND, attempt.run, block.number, sealed)
        yield block, candidates_from_bytes(content)


def _conclude(
    broker: Broker,
    attempt: Attempt,
    resolution: Resolution,
    record: DrawnRecord,
    prepared: Prepared,
) -> None:
    """Make the result, its match record, its releases and their log entries visible, all or none."""
    with broker.database.write() as session:
        attempts.agreed_terms(session, broker, attempt)
        finished = attempts.finish_attempt(
            session,
            broker,
            attempt,
            resolution,
            kernel_name(),
            match_record=record.root(),
            openings=record.digests(),
        )
        keep_record(session, record)
        appended = broker.log.append(session, [finished, *prepared.drafts()])
        attempts.note_log_size(session, attempt, appended[0].size)
        obsolete = keep_releases(session, prepared, appended[1:])
    log.info("run_completed", run_id=attempt.run, n_releases=len(prepared.releases))
    for gone in obsolete:
        broker.keystore.destroy(gone.object)
        broker.blobs.delete(gone.blob)


def _policy_of(attempt: Attempt, terms: TermsInForce) -> MatchingPolicy:
    policy = attempt.specification.policy
    thresholds = encoded_thresholds(policy, terms.profile)
    return MatchingPolicy(thresholds.auto, thresholds.review, thresholds.margin, policy.solver)


@contextmanager
def _excerpts(
    datasets: Sequence[Dataset], records: Sequence[NDArray[np.uint32]]
) -> Iterator[list[Dataset]]:
    """Yield copies of some records of each dataset, and wipe them afterwards."""
    excerpts = [dataset.only(chosen) for dataset, chosen in zip(datasets, records, strict=True)]
    try:
        yield excerpts
    finally:
        for excerpt in excerpts:
            excerpt.words.fill(0)


@contextmanager
def _loaded(broker: Broker, attempt: Attempt) -> Iterator[tuple[LoadedUpload, ...]]:
    """Yield the run's uploads in the clear, and wipe them afterwards."""
    with broker.database.read() as session:
        stored = [
            locate_container(session, upload.upload) for upload in attempt.specification.uploads
        ]
    uploads: list[LoadedUpload] = []
    try:
        for container in stored:
            uploads.append(load_upload(broker, container))
        yield tuple(uploads)
    finally:
        for upload in uploads:
            upload.wipe()


def _finished(broker: Broker, attempt: Attempt) -> FinishedBlocks:
    with broker.database.read() as session:
        return attempts.finished_blocks(session, attempt)


def _enter(broker: Broker, attempt: Attempt, stage: str, **values: Any) -> None:
    with broker.database.write() as session:
        attempts.enter_stage(session, attempt, stage, **values)
