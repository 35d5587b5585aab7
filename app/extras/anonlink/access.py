"""Tokens: 192 random bits as 48 hex digits, kept as digests, each good for one project and one thing.

A token that is wrong, or another project's, or of one that is gone is answered like a project that never was.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from app.errors import RefusedError
from app.extras.anonlink import repository
from app.extras.anonlink.errors import INVALID_ACCESS
from app.security.tokens import digest_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.extras.anonlink.models import Party, Project, Run

TOKEN_BYTES: Final = 24


def new_code() -> str:
    """Return a new token or id, in the form that clients of the old service know."""
    return secrets.token_hex(TOKEN_BYTES)


def project_by_result_token(session: Session, project: str, token: str) -> Project:
    """Return the project that this result token is of."""
    found = repository.find_project(session, project)
    if found is None or not hmac.compare_digest(digest_of(token), found.result_digest):
        raise denied()
    return found


def party_by_upload_token(session: Session, project: str, token: str) -> tuple[Project, Party]:
    """Return the project and the party that may upload with this token, or has done so."""
    found = repository.find_project(session, project)
    parties = repository.parties_of(session, project)
    party = _holder(token, ((party.upload_digest, party) for party in parties))
    if found is None or party is None:
        raise denied()
    return found, party


def reader_by_token(session: Session, project: str, token: str) -> tuple[Project, Party | None]:
    """Return the project, and whose receipt this token is; None: it is the result token.

    Receipts count where there is something for each party to read: in projects of permutations.
    """
    found = repository.find_project(session, project)
    if found is None:
        raise denied()
    parties = repository.parties_of(session, project) if found.result_type == "permutations" else ()
    party = _holder(token, ((party.receipt_digest or "", party) for party in parties))
    if not hmac.compare_digest(digest_of(token), found.result_digest) and party is None:
        raise denied()
    return found, party


def run_of(session: Session, project: Project, run: str) -> Run:
    """Return a run of a project."""
    found = repository.find_run(session, project.id, run)
    if found is None:
        raise denied()
    return found


def denied() -> RefusedError:
    """Return the one refusal of all that a token does not open."""
    return RefusedError(INVALID_ACCESS, "The token is not valid, or there is no such project.")


def _holder(token: str, candidates: Iterable[tuple[str, Party]]) -> Party | None:
    digest = digest_of(token)
    found = [party for stored, party in candidates if hmac.compare_digest(digest, stored)]
    return found[0] if found else None
