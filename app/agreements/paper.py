"""The paper that a signed agreement carries out."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.agreements import repository
from schemas.agreement.agreement import Agreement


def paper_of(session: Session, project: str, agreement: str) -> str | None:
    """Return the number of an agreement's paper; None where it names none."""
    found = repository.find_agreement(session, project, agreement)
    if found is None:
        return None
    paper = Agreement.from_canonical(found.document.encode("utf-8")).paper
    return None if paper is None else paper.number
