"""The uploads of a project, and one upload."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.http.paths import ProjectPath, UploadPath
from app.uploads.models import Upload
from app.uploads.service import manifest_of, parts_of, upload_for, upload_list, view_of
from app.web.answer import WiredPage, page_route
from app.web.paging import WiredPaging
from app.web.rendering import show_digest, show_time
from app.web.table import Table
from app.wired import WiredBroker
from schemas.linkage.privacy_audit import audit_words

router = APIRouter()

COLUMNS = (
    "upload", "round", "party", "partner", "state", "records", "container_bytes", "created", "committed",
    "container_sha256",
)  # fmt: skip


@page_route(router, "/projects/{project}/uploads")
def list_uploads(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, paging: WiredPaging
) -> Response:
    """Show what the agencies have sent."""
    with broker.database.read() as session:
        document = upload_list(session, page.actor, project, paging.window)
    turned = paging.turn(document.uploads, [view.upload for view in document.uploads])
    return page.answer(
        "uploads.html",
        title="Uploads",
        document=document,
        table=Table.of(COLUMNS, document.uploads),
        project=project,
        query=paging.query,
        turned=turned,
    )


@page_route(router, "/uploads/{upload}")
def show_upload(broker: WiredBroker, page: WiredPage, upload: UploadPath) -> Response:
    """Show one upload and what its manifest says."""
    with broker.database.read() as session:
        found = upload_for(session, page.actor, upload)
        view = view_of(found)
        return page.answer(
            "upload.html",
            title=f"Upload of {view.party}",
            document=view,
            table=Table.of(COLUMNS, [view]),
            project=view.project,
            view=view,
            facts=_facts(found),
            entry=found.entry,
        )


def _facts(upload: Upload) -> list[tuple[str, str]]:
    """Return what an upload's manifest says, and how long the encodings are kept."""
    facts = []
    if upload.checked is not None:
        facts.append(("Parts checked", f"{upload.checked:,} of {parts_of(upload).n_parts:,}"))
    manifest = manifest_of(upload)
    if manifest is not None:
        facts += [
            ("Which file of the pair", f"the {manifest.side} one"),
            ("Rows", f"{manifest.rows:,}"),
            ("Root of the container (SHA-256)", show_digest(manifest.root)),
            (
                "Root of the partner's container",
                show_digest(manifest.partner_root)
                if manifest.partner_root
                else "none: this one was committed first",
            ),
            (
                "Counts from which weights of strangers and twins follow",
                "stated" if manifest.counts else "none: those of the profile are used",
            ),
            ("Privacy audit", audit_words(manifest.privacy_audit)),
            ("As of", show_time(manifest.as_of)),
            ("Population", manifest.population),
            ("Key id", manifest.key_id),
            ("Made with", manifest.software),
        ]
    if upload.state == "committed":
        facts.append(("Kept until", show_time(upload.keep_until)))
    return facts
