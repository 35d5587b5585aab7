"""What must be fit before the broker is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from app.errors import UnavailableError

if TYPE_CHECKING:
    from app.broker import Broker


def require_ready(broker: Broker) -> None:
    """Assert that the broker can take uploads and give releases.

    Raises:
        UnavailableError: the disk is nearly full, the database does not answer, or it is older than the
            last checkpoint that this broker signed.
    """
    broker.blobs.refuse_when_full()
    try:
        with broker.database.read() as session:
            broker.log.check(session)
    except SQLAlchemyError as exc:
        raise UnavailableError("The database does not answer.") from exc
