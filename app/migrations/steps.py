"""Bringing a database to the schema that this software needs, and refusing to serve on another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from app.db import REVISION_TABLE
from app.errors import ConfigurationError
from app.migrations.formats import refuse_other_formats

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from app.db import Database

FOLDER: Final = Path(__file__).parent
REVISION_DIGITS: Final = 4


class SchemaNotCurrentError(ConfigurationError):
    """The database has another schema than this software needs."""

    code = "schema-not-current"


def migrate(database: Database) -> None:
    """Bring the database to the newest schema, all steps in one transaction; nothing if it is there.

    An empty one gets the tables of the models. Waits for units of work that are under way. Processes of the
    version before notice, and change nothing more.

    Raises:
        UnavailableError: others did not end theirs in time; nothing was changed.
    """
    stored = stored_revision(database)
    _refuse_strange(stored)
    if stored is not None:
        refuse_other_formats(database)
    if stored == newest_revision():
        return
    from alembic import command  # noqa: PLC0415 - most commands migrate nothing

    from app.migrations.tables import ALL_TABLES  # noqa: PLC0415 - as above

    with database.alone() as connection:
        if stored is None:
            ALL_TABLES.create_all(connection)
            command.stamp(config_for(connection), "head")
        else:
            command.upgrade(config_for(connection), "head")


def require_current(database: Database) -> None:
    """Assert that the database has the newest schema, now and at the begin of each unit of work."""
    stored = require_known(database)
    if stored != newest_revision():
        raise SchemaNotCurrentError(
            "the database has another schema than this version of the broker needs",
            hint="make a backup, then run `blindlink-broker migrate`",
        )
    refuse_other_formats(database)
    database.hold_to(stored)


def require_known(database: Database) -> str:
    """Return the database's revision, which is this version's or an earlier one's."""
    stored = stored_revision(database)
    if stored is None:
        raise SchemaNotCurrentError(
            "the database is empty",
            hint="check database_url; if the database is lost, restore a backup",
        )
    _refuse_strange(stored)
    return stored


def _refuse_strange(stored: str | None) -> None:
    if stored is not None and stored < _revisions()[0]:
        raise SchemaNotCurrentError(
            "the database was made by an earlier trial version of the broker",
            hint="destroy what it holds with that version, and begin anew: blindlink-broker init",
        )
    if stored is not None and stored > newest_revision():
        raise SchemaNotCurrentError(
            "the database has the schema of a newer version of the broker",
            hint="install that version here; to go back, restore the backup from before the upgrade",
        )


def stored_revision(database: Database) -> str | None:
    """Return the database's revision; None where it is empty."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table(REVISION_TABLE):
            return None
        found: str | None = connection.execute(
            text(f"SELECT version_num FROM {REVISION_TABLE}")  # noqa: S608
        ).scalar()
        return found


def newest_revision() -> str:
    """Return the revision that this software needs: files are named by theirs, `0007_...`, in order.

    Read from the names, since every command asks and alembic takes a second to import.
    """
    return _revisions()[-1]


def _revisions() -> list[str]:
    names = sorted(path.name for path in (FOLDER / "versions").glob("[0-9]*.py"))
    return [name[:REVISION_DIGITS] for name in names]


def config_for(connection: Connection) -> Config:
    """Return alembic's settings for work on this connection."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config
