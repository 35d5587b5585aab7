"""A PostgreSQL server of the tests' own: made in a temporary folder, on loopback, ended afterwards."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

START_TIMEOUT_S = 240

# What is at stake is the cluster of one test session, so a crash of the machine may cost it.
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")

# Debian keeps the server programs here, off the path, one folder a version.
DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")


class MissingServerError(Exception):
    """PostgreSQL's server programs are not installed, or may not be run here; the message says which."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server with one role, `postgres`, that needs no password."""

    port: int
    socket_folder: Path

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database, over loopback, with psycopg 3 as its driver."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: sql.Composable) -> None:
        """Run one statement in the database `postgres`, outside a transaction."""
        address = {"host": "127.0.0.1", "port": self.port, "user": "postgres", "dbname": "postgres"}
        with psycopg.connect(autocommit=True, **address) as connection:
            connection.execute(statement)

    def copy_database(self, source: str, url: str) -> None:
        """Put a copy of a database that nobody is connected to in the place of the empty one at the URL."""
        name = _name_in(url)
        self.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
        self._create(name, _name_in(source))

    @contextlib.contextmanager
    def fresh_database(self, source: str | None = None) -> Iterator[str]:
        """Yield the URL of a new database, and drop it afterwards, anyone who is still connected.

        It is empty, or a copy of the one at the source's URL, which nobody may be connected to.
        """
        name = f"test_{secrets.token_hex(6)}"
        self._create(name, "template1" if source is None else _name_in(source))
        try:
            yield self.url(name)
        finally:
            self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def keep_database(self, url: str) -> str:
        """Copy a database that nobody may use meanwhile, for as long as the server runs; return its URL."""
        self.disconnect_all(url)
        name = f"kept_{secrets.token_hex(6)}"
        self._create(name, _name_in(url))
        return self.url(name)

    def disconnect_all(self, url: str) -> None:
        """End what is connected to a database: a killed client's session may outlive it by a moment."""
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
        self.execute(sql.SQL(statement).format(sql.Literal(_name_in(url))))

    def lose(self) -> None:
        """End the server at once and start it again: it recovers from its own log."""
        pg_ctl = [find_programs() / "pg_ctl", "--pgdata", self.socket_folder / "cluster", "--wait"]
        again = [f"--timeout={START_TIMEOUT_S}", "--mode=immediate", "restart"]
        _run(
            [*pg_ctl, "--log", self.socket_folder / "log", *again], self.socket_folder, find_owner()
        )

    def _create(self, name: str, template: str) -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _name_in(url: str) -> str:
    return url.rpartition("/")[2]


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Make a cluster, start its server, yield it, and end it.

    Args:
        durable: leave fsync on, for tests that lose the server itself; several times slower.
    Raises:
        MissingServerError: the server programs are not there, or no user who may run them.
    """
    programs, owner = find_programs(), find_owner()
    # Not pytest's temporary folder: its parents are closed to all but the user who runs the tests.
    root = Path(tempfile.mkdtemp(prefix="blindlink-postgres-"))
    if owner is not None:
        shutil.chown(root, user=owner)
    cluster = root / "cluster"
    pg_ctl = [programs / "pg_ctl", "--pgdata", cluster, "--wait", f"--timeout={START_TIMEOUT_S}"]
    with _removed_at_the_end(root, [*pg_ctl, "--mode=immediate", "stop"], owner):
        initdb = [programs / "initdb", "--pgdata", cluster, "--username=postgres", "--auth=trust"]
        _run([*initdb, "--encoding=UTF8", "--locale=C", "--no-sync"], root, owner)
        server = PostgresServer(port=_free_port(), socket_folder=root)
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={server.port}",
            f"unix_socket_directories={root}",
            *(() if durable else NOT_DURABLE),
        ]
        options = " ".join(f"-c {setting}" for setting in settings)
        _run([*pg_ctl, "--log", root / "log", "--options", options, "start"], root, owner)
        yield server


def find_programs() -> Path:
    """Return the folder of the newest initdb and pg_ctl, Debian's or the one on the path."""
    found = sorted(DEBIAN_PROGRAMS.glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path is None:
        raise MissingServerError("PostgreSQL's server is not installed (no initdb)")
    return Path(on_path).resolve().parent


def find_owner() -> str | None:
    """Return the user who owns and runs the server; None for the user of the tests. Root may not."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise MissingServerError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody"
    )


def _version(initdb: Path) -> int:
    """Return the number in /usr/lib/postgresql/17/bin/initdb."""
    match = re.search(r"/(\d+)/bin/initdb$", initdb.as_posix())
    return int(match[1]) if match else 0


@contextlib.contextmanager
def _removed_at_the_end(
    folder: Path, stop: Sequence[str | Path], owner: str | None
) -> Iterator[None]:
    """Stop the server and remove its folder when the block ends, or this process, however it ends.

    A shell does it as soon as nobody holds the other end of its standard input, so that a killed test
    session leaves no server behind; its own session keeps it from signals to the tests' group.
    """
    script = 'cat >/dev/null; cd /; "$@"; rm -rf "$0"'
    with subprocess.Popen(
        ["/bin/sh", "-c", script, *map(str, (folder, *stop))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=owner,
        start_new_session=True,
    ):
        yield


def _run(command: Sequence[str | Path], folder: Path, owner: str | None) -> None:
    """Run a server program as the owner; its output is shown only if it fails."""
    # pg_ctl's server inherits standard output: with a pipe, this would wait for the server's end.
    with (folder / "output").open("w+") as output:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            user=owner,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output.seek(0)
        if done.returncode != 0:
            log = folder / "log"
            server_log = log.read_text() if log.exists() else ""
            raise RuntimeError(f"{Path(command[0]).name} failed: {output.read()}{server_log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
