"""One destruction: its certificate, who has joined in, and what is still outstanding."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.destruction.participation import destruction_for, file_of, view_of
from app.http.paths import CertificatePath
from app.web.answer import WiredPage, page_route
from app.web.project_words import extent_words, outstanding_words, reason_words, statements_of
from app.web.table import Table
from app.wired import WiredBroker
from schemas.reports.certificate_page import KIND_WORDS, REMAINS_WORDS, method_of

router = APIRouter()

COLUMNS = (
    "object", "kind", "party", "count", "pieces", "created", "destroyed", "entry", "method", "sha256",
)  # fmt: skip


@page_route(router, "/destructions/{certificate}")
def show_destruction(
    broker: WiredBroker, page: WiredPage, certificate: CertificatePath
) -> Response:
    """Show a destruction; before it is certified, only that it is under way."""
    with broker.database.read() as session:
        found = destruction_for(session, page.actor, certificate)
        view = view_of(session, found)
        file = None if found.certificate is None else file_of(session, found)
    objects = () if file is None else file.certificate.objects
    return page.answer(
        "destruction.html",
        title="Destruction",
        document=view if file is None else file,
        table=Table.of(COLUMNS, objects),
        project=view.project,
        view=view,
        file=file,
        extent=extent_words(view),
        reason=reason_words(view.reason),
        outstanding=outstanding_words(view.outstanding),
        statements=() if file is None else statements_of(file.statements),
        method="" if file is None else method_of(file.certificate),
        kinds=KIND_WORDS,
        remains=REMAINS_WORDS,
    )
