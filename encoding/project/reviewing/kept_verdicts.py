"""What reviewers of this agency decided of pairs with a partner, with what their journals have since."""

from __future__ import annotations

from encoding.project.session import Session
from encoding.review.journal import Journal, JournalFile
from encoding.review.verdicts import Verdicts, VerdictsFile


def kept_verdicts(session: Session, partner: str) -> Verdicts:
    """Return what is remembered, and keep it so; use it under the workspace's lock."""
    workspace, project = session.workspace, session.project
    path = workspace.verdicts(project, partner)
    file = VerdictsFile(path, project, partner, workspace.key())
    known = file.read()
    journals = (
        journal_file(session, run, person).read() for run, person in workspace.journals(project)
    )
    found = known.with_journals(
        one for one in journals if isinstance(one, Journal) and one.partner == partner
    )
    if found != known:
        file.write(found)
    return found


def journal_file(session: Session, run: str, person: str) -> JournalFile:
    """Return where the journal of a person in a review is kept; only that person's commands write it."""
    workspace, project = session.workspace, session.project
    path = workspace.journal(project, run, person)
    return JournalFile(path, project, run, person, workspace.key())
