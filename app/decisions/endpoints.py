"""Match records over HTTP, page by page, for auditors alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.decisions import service
from app.http.access import CurrentActor
from app.http.paths import RunPath
from app.wired import WiredBroker
from schemas.api.bodies import MAX_RECORD_ROWS, MatchRecordPage
from schemas.documents.canonical import MAX_INTEGER

router = APIRouter()

FirstRow = Annotated[int, Query(ge=1, le=MAX_INTEGER)]
RecordRelease = Annotated[int, Query(ge=1, le=10**6)]
RowLimit = Annotated[int, Query(ge=1, le=MAX_RECORD_ROWS)]


@router.get("/v1/runs/{run}/match-record")
def show_match_record(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    run: RunPath,
    first: FirstRow = 1,
    limit: RowLimit = 1_000,
    release: RecordRelease = 1,
) -> MatchRecordPage:
    """Give rows of a run's match record from number `first` on; that they were handed out is logged first.

    With `release` from 2 on, of the record of what reviewers accepted.
    """
    with broker.database.read() as session:
        record = service.open_record(session, broker, actor, run, release)
    page = service.page_of(record, first, limit)
    with broker.database.write() as session:
        service.log_export(session, broker, actor, run, release)
    return page
