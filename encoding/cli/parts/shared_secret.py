"""The secret with which a project's epoch is encoded now: the agreed one, else that of the settings' file."""

from __future__ import annotations

from encoding.cli.parts.session import Session
from encoding.epoch.epoch_secret import epoch_secret
from encoding.errors import SecretMissingError
from encoding.secret.secret import Secret, read_secret
from schemas.api import ProjectView


def shared_secret(session: Session, view: ProjectView) -> Secret:
    """Return the secret with which the project's epoch is encoded now: the agreed one, else the file's.

    Raises:
        SecretError: it is missing, exposed or malformed, or another holder has or does something else.
        NotReadyError: the epoch's secret has not been agreed on yet.
    """
    secret, warnings = _found(session, view)
    for warning in warnings:
        session.warn(warning)
    return secret


def require_secret(session: Session, view: ProjectView) -> None:
    """Make sure, before anything that takes long, that there is one; raises as `shared_secret` does."""
    _found(session, view)


def _found(session: Session, view: ProjectView) -> tuple[Secret, tuple[str, ...]]:
    agreed = epoch_secret(session.workspace, view.project, view.terms.epoch, session.party)
    if agreed is not None:
        return agreed.secret, agreed.warnings
    path = session.config.resolve(session.config.sections.project.secret_file)
    if not path.exists():
        raise SecretMissingError(
            f"the agencies have not agreed on a secret yet, and there is no secret file {path}",
            hint="agree on one: blindlink secret share, then: blindlink secret accept",
        )
    return read_secret(path), ()
