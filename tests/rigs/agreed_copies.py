"""Brokers as they stood once their project was agreed on, or later: made once in a session, and copied then."""

from __future__ import annotations

import copy
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rigs.enrolled import EnrolledPerson

from app.security.actor import Actor
from app.settings import Settings

if TYPE_CHECKING:
    from services.postgres import PostgresServer

# What a rig of a project has of its own in each test.
OWN = frozenset({"founded", "client", "tokens", "_tokens"})
Reached = TypeVar("Reached")


@dataclass
class AgreedCopy:
    """A broker's files, its operator, and what the rig of its project knew; nothing of it until it is kept.

    `server` has its database, unless that is SQLite's; `result` is what the steps returned that led there.
    """

    server: PostgresServer | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    database_url: str = ""
    operator: Actor | None = None
    known: dict[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    result: Any = None

    def keep(self, rig: Any, result: Any = None) -> None:
        """Keep all that a broker and a rig are now."""
        settings = rig.broker.settings
        root = settings.state_dir.parent
        if self.server is not None:
            rig.broker.database.close()
            self.database_url = self.server.keep_database(settings.database_url)
        else:
            database = _file_of(settings)
            with closing(sqlite3.connect(database)) as connection:
                self.files[database.name] = connection.serialize()
        for path in settings.state_dir.rglob("*"):
            if path.is_file():
                self.files[path.relative_to(root).as_posix()] = path.read_bytes()
        self.operator, self.now, self.result = rig.founded.operator, rig.founded.clock(), result
        # Bound anew, so that whom this test goes on to meet is known to no other.
        self.known = {n: _bound(value, rig) for n, value in vars(rig).items() if n not in OWN}

    def lay_down(self, settings: Settings) -> None:
        """Write the broker's files where another broker of these settings is going to open."""
        root = settings.state_dir.parent
        if self.server is not None:
            self.server.copy_database(self.database_url, settings.database_url)
        for name, content in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_bytes(content)

    def tell(self, rig: Any) -> None:
        """Let the rig of another broker know what the one that was kept knew."""
        for name, value in self.known.items():
            setattr(rig, name, _bound(value, rig))
        rig.founded.clock.now = self.now


COPIES: dict[tuple[str, str, datetime], AgreedCopy] = {}


def agreed_copy(
    name: str, settings: Settings, now: datetime, server: PostgresServer | None
) -> AgreedCopy:
    """Return the copy that tests with such a project, settings and time share, which is empty at first."""
    kind = "sqlite" if server is None else "postgres"
    key = f"{name} {kind}", settings.model_dump_json(exclude={"state_dir", "database_url"}), now
    return COPIES.setdefault(key, AgreedCopy(server))


def _file_of(settings: Settings) -> Path:
    """Return a broker's SQLite database, beside its state folder."""
    database = Path(str(settings.engine_url().database))
    assert database.parent == settings.state_dir.parent
    return database


def _bound(value: Any, rig: Any) -> Any:
    """Return a person, or persons by name, as acting at the rig's broker; anything else as it is."""
    if isinstance(value, dict):
        return {name: _bound(one, rig) for name, one in value.items()}
    if isinstance(value, EnrolledPerson):
        return replace(value, founded=rig.founded, client=rig.client)
    if isinstance(value, list | random.Random):
        return copy.copy(value)
    return value


def agree(rig: Any) -> None:
    """Let the parties of a rig sign its agreement, or let it take over a broker where they have done so."""
    begun: AgreedCopy | None = rig.founded.copy
    if begun and begun.known:
        begun.tell(rig)
        return
    rig.create()
    if begun:
        begun.keep(rig)


def reach(rig: Any, steps: Callable[[], Reached]) -> Reached:
    """Do the steps from the agreement to where the test begins, or return what they returned when first done.

    A fixture does so that asks for a marker `later_...`, by which the moment is known. What the steps return
    is plain data.
    """
    later: AgreedCopy | None = rig.founded.later
    if later and later.known:
        kept: Reached = later.result
        return kept
    result = steps()
    if later:
        later.keep(rig, result)
    return result
