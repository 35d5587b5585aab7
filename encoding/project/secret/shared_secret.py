"""The secret with which a project's epoch is encoded now: the agreed one, else that of the settings' file.

And the one that a container was made with, which may be of a former epoch.
"""

from __future__ import annotations

from pathlib import Path

from encoding.epoch.epoch_secret import epoch_secret
from encoding.errors import SecretMissingError
from encoding.project.session import Session
from encoding.secret.kept_secret import KeptSecret, kept_of, secret_for_round
from encoding.secret.secret import RoundSecret, Secret, read_secret
from schemas.api.projects import ProjectView
from schemas.rounds.upload import ContainerHeader


def secret_for(session: Session, view: ProjectView, number: int) -> RoundSecret:
    """Return the secret of a round that is encoded now; call it under the workspace's lock.

    The agreed secret moves on beyond that round, durably, before anything is made of it.
    """
    found, _ = _found(session, view)
    if isinstance(found, KeptSecret):
        return secret_for_round(session.workspace, found, number)
    return _by_hand_of(found, view.project, number)


def require_secret(session: Session, view: ProjectView, *, warns: bool = False) -> None:
    """Make sure, before anything that takes long, that there is one; raises as `secret_for` does."""
    _, warnings = _found(session, view)
    for warning in warnings if warns else ():
        session.warn(warning)


def secret_of(session: Session, header: ContainerHeader) -> Secret | None:
    """Return the secret of the round of a container of this workspace; None: it is here no more.

    It is for proofs alone: it may be that of a former epoch, with which nothing is encoded any more.
    """
    kept = kept_of(session.workspace, header.project, header.epoch)
    found = None if kept is None else kept.of_round(header.round)
    if found is None and (path := _secret_file(session)).exists():
        found = _by_hand_of(read_secret(path), header.project, header.round)
    return found.secret if found is not None and found.key_id == header.key_id else None


def _found(session: Session, view: ProjectView) -> tuple[KeptSecret | Secret, tuple[str, ...]]:
    agreed = epoch_secret(session.workspace, view.project, view.terms.epoch, session.party)
    if agreed is not None:
        return agreed.kept, agreed.warnings
    path = _secret_file(session)
    if not path.exists():
        raise SecretMissingError(
            f"the agencies have not agreed on a secret yet, and there is no secret file {path}",
            hint="agree on one: blindlink secret share, then: blindlink secret accept",
        )
    return read_secret(path), ()


def _by_hand_of(secret: Secret, project: str, number: int) -> RoundSecret:
    """Return a round's secret, made from a file of the agency's own, which stays as it is."""
    return RoundSecret(secret.key_id, secret.after(project, 1, number).of_round(project, number))


def _secret_file(session: Session) -> Path:
    return session.config.resolve(session.config.sections.project.secret_file)
