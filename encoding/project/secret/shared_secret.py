"""The secret with which a project's epoch is encoded now: the agreed one, else that of the settings' file.

And the one that a container was made with, which may be a former one.
"""

from __future__ import annotations

from pathlib import Path

from encoding.epoch.epoch_secret import epoch_secret
from encoding.errors import SecretMissingError
from encoding.project.session import Session
from encoding.secret.kept_secret import kept_of
from encoding.secret.secret import Secret, read_secret
from schemas.api.bodies import ProjectView
from schemas.rounds.upload import ContainerHeader


def shared_secret(session: Session, view: ProjectView) -> Secret:
    """Return the secret with which the project's epoch is encoded now: the agreed one, else the file's."""
    secret, warnings = _found(session, view)
    for warning in warnings:
        session.warn(warning)
    return secret


def require_secret(session: Session, view: ProjectView) -> None:
    """Make sure, before anything that takes long, that there is one; raises as `shared_secret` does."""
    _found(session, view)


def secret_of(session: Session, header: ContainerHeader) -> Secret | None:
    """Return the secret that a container of this workspace was made with; None: it is here no more.

    It is for proofs alone: it may be that of a former epoch, with which nothing is encoded any more.
    """
    kept = kept_of(session.workspace, header.project, header.epoch)
    agreed = None if kept is None else kept.agreed()
    if agreed is not None and agreed.key_id == header.key_id:
        return agreed
    path = _secret_file(session)
    by_hand = read_secret(path) if path.exists() else None
    return by_hand if by_hand is not None and by_hand.key_id == header.key_id else None


def _found(session: Session, view: ProjectView) -> tuple[Secret, tuple[str, ...]]:
    agreed = epoch_secret(session.workspace, view.project, view.terms.epoch, session.party)
    if agreed is not None:
        return agreed.secret, agreed.warnings
    path = _secret_file(session)
    if not path.exists():
        raise SecretMissingError(
            f"the agencies have not agreed on a secret yet, and there is no secret file {path}",
            hint="agree on one: blindlink secret share, then: blindlink secret accept",
        )
    return read_secret(path), ()


def _secret_file(session: Session) -> Path:
    return session.config.resolve(session.config.sections.project.secret_file)
