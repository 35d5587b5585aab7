"""Releases over HTTP: list, look at, fetch the file, get the receipt."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from app.db import Window
from app.http.access import CurrentActor
from app.http.body import json_body
from app.http.paths import Before, ProjectPath, ReleasePath, RunPath
from app.links import service
from app.links.service import log_sealed_fetch, open_sealed_openings
from app.sealed.answer import FILE_ANSWER, handed_out, streamed
from app.wired import WiredBroker
from schemas.api.releases import ReleaseList, ReleaseVerification, ReleaseView
from schemas.rounds.receipt import Receipt

router = APIRouter()


@router.get("/v1/projects/{project}/releases")
def list_releases(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, before: Before = None
) -> ReleaseList:
    """List the project's releases, newest first; an agency sees those made for it."""
    with broker.database.read() as session:
        releases = service.releases_for(session, actor, project, Window(before))
        return ReleaseList(releases=tuple(service.view_of(found, actor) for found in releases))


@router.get("/v1/releases/{release}")
def show_release(broker: WiredBroker, actor: CurrentActor, release: ReleasePath) -> ReleaseView:
    """Show one release, without its links."""
    with broker.database.read() as session:
        return service.view_of(service.release_for(session, actor, release), actor)


@router.get("/v1/releases/{release}/file", response_class=Response, responses=FILE_ANSWER)
def fetch_file(broker: WiredBroker, actor: CurrentActor, release: ReleasePath) -> Response:
    """Give the release file to its recipient; that it was fetched is logged before the first byte leaves."""
    return handed_out(streamed, service.open_file, service.log_fetch, broker, actor, release)


@router.get(
    "/v1/releases/{release}/openings",
    response_class=Response,
    responses=FILE_ANSWER,
)
def fetch_openings(broker: WiredBroker, actor: CurrentActor, release: ReleasePath) -> Response:
    """Give the recipient what opens its own commitments in the run's match record.

    They tell which of its records are linked, as the release does; so this is logged as a fetch of it.
    """
    return handed_out(streamed, service.open_openings, service.log_fetch, broker, actor, release)


@router.post("/v1/releases/{release}/verification")
def verify_release(
    broker: WiredBroker,
    actor: CurrentActor,
    release: ReleasePath,
    verified: Annotated[ReleaseVerification, json_body(ReleaseVerification)],
) -> ReleaseView:
    """State that the file that was fetched is whole, by its digest; once more changes nothing."""
    with broker.database.write() as session:
        found = service.log_verified(session, broker, actor, release, verified.sha256)
        return service.view_of(found, actor)


@router.get(
    "/v1/runs/{run}/openings",
    response_class=Response,
    responses=FILE_ANSWER,
)
def fetch_sealed_openings(broker: WiredBroker, actor: CurrentActor, run: RunPath) -> Response:
    """Give a blind recipient what opens the run's match record, sealed to it; it is logged as an export."""
    return handed_out(streamed, open_sealed_openings, log_sealed_fetch, broker, actor, run)


@router.get("/v1/releases/{release}/receipt")
def show_receipt(broker: WiredBroker, actor: CurrentActor, release: ReleasePath) -> Receipt:
    """Give the proof that the release was logged when it was prepared."""
    with broker.database.read() as session:
        return service.receipt_for(session, actor, release)
