"""One consistent copy of a database in one file, and back: SQLite's backup call, PostgreSQL's own tools."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL, inspect

from app.db import Database
from app.durable import PRIVATE_FILE, write_new
from app.errors import (
    BACKUP_REFUSED,
    BackupDamagedError,
    ConfigurationError,
    DumpFailedError,
    RefusedError,
)
from schemas.shared.durable import sync_folder

FILE_NAMES: Final = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}


def kind_of(database: Database) -> str:
    """Return `sqlite` or `postgresql`."""
    return database.url.get_backend_name()


def copy_database(database: Database, file: Path, private: Path) -> None:
    """Write a consistent copy, while the broker goes on working."""
    if database.is_sqlite:
        _copy_sqlite(database, file)
    else:
        arguments = ["--format=custom", "--no-owner", f"--file={file}"]
        _run_tool("pg_dump", arguments, database.url, private)


def load_database(database: Database, file: Path, private: Path, *, replace: bool) -> None:
    """Put a copy in the place of the database; nobody may be using it. `private` is as in `copy_database`."""
    if not replace and holds_tables(database):
        raise RefusedError(
            BACKUP_REFUSED,
            "there is a database already",
            hint="to put the backup in its place, add --replace",
        )
    database.close()
    if database.is_sqlite:
        _load_sqlite(Path(database.url.database or ""), file)
    else:
        clean = ["--clean", "--if-exists"] if replace else []
        arguments = ["--exit-on-error", "--single-transaction", "--no-owner", *clean, str(file)]
        _run_tool("pg_restore", arguments, database.url, private)


def holds_tables(database: Database) -> bool:
    """Tell whether there is a database already."""
    if database.is_sqlite and not Path(database.url.database or "").exists():
        return False
    with database.engine.connect() as connection:
        return bool(inspect(connection).get_table_names())


def _copy_sqlite(database: Database, file: Path) -> None:
    # Made first, for its owner only; SQLite would make it for everyone.
    write_new(file, b"")
    with (
        closing(sqlite3.connect(database.url.database or "")) as source,
        closing(sqlite3.connect(file)) as target,
    ):
        # All pages in one step: a copy in several would begin anew with every write in between.
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode=DELETE")
    _sync(file)


def _load_sqlite(place: Path, file: Path) -> None:
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as copy:
        try:
            (verdict,) = copy.execute("PRAGMA quick_check").fetchone()
        except sqlite3.DatabaseError as exc:
            raise BackupDamagedError("the copy of the database is not whole") from exc
    if verdict != "ok":
        raise BackupDamagedError("the copy of the database is not whole")
    beside = place.with_name(f".{place.name}.restoring")
    shutil.copyfile(file, beside)
    beside.chmod(PRIVATE_FILE)
    _sync(beside)
    # First the old write-ahead log: SQLite would play it into the new database.
    for suffix in ("-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    sync_folder(place.parent)
    beside.replace(place)
    sync_folder(place.parent)


def _sync(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


def _run_tool(name: str, arguments: Sequence[str], url: URL, private: Path) -> None:
    program = shutil.which(name)
    if program is None:
        raise ConfigurationError(
            f"PostgreSQL's {name} is not installed on this machine",
            hint="install PostgreSQL's client, no older than the server (Debian: postgresql-client)",
        )
    with tempfile.TemporaryDirectory(dir=private, prefix=".pgpass-") as secret_folder:
        # The password goes by a file: an environment and a command line can be listed by others. Anyone who is
        # killed here leaves it behind, so not among what is carried away.
        passfile = Path(secret_folder) / "pgpass"
        write_new(passfile, _pgpass_line(url))
        done = subprocess.run(
            [program, *arguments, "--no-password", f"--dbname={_address(url)}"],
            env={**os.environ, "PGPASSFILE": str(passfile)},
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode != 0:
        raise DumpFailedError(f"{name} failed; what it says stands above")


def _address(url: URL) -> str:
    # Built anew: `url.set(password=None)` means that the password stays.
    plain = URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    )
    return plain.render_as_string(hide_password=False)


def _pgpass_line(url: URL) -> bytes:
    fields = (url.host or "*", str(url.port or "*"), url.database or "*", url.username or "*")
    secret = str(url.password or "")
    escaped = (field.replace("\\", "\\\\").replace(":", "\\:") for field in (*fields, secret))
    return (":".join(escaped) + "\n").encode("utf-8")
