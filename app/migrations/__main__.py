"""For developers: `python -m app.migrations "what changes"` writes the next revision from the models.

Read what it wrote before committing it: renames look like a loss and a gain, and triggers are not seen.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from app.db import Database
from app.migrations.steps import REVISION_DIGITS, config_for, migrate, newest_revision


def main() -> None:
    """Bring an empty database to the newest revision and write what the models have beyond it."""
    message = " ".join(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder).as_posix()}/empty.db")
        migrate(database)
        number = f"{int(newest_revision()) + 1:0{REVISION_DIGITS}}"
        with database.engine.begin() as connection:
            command.revision(
                config_for(connection), message=message, rev_id=number, autogenerate=True
            )
        database.close()


if __name__ == "__main__":
    main()
