"""`blindlink.Project`: what the nightly job does, for a scheduler: events, no prints, errors with codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import click

from encoding.errors import AgencyError
from encoding.people.identity import Identity
from encoding.project.delivering.exchange import ColumnsOrder
from encoding.project.linking.links_files import LinksOrder
from encoding.project.refresh import do_what_is_due
from encoding.project.session import UNATTENDED_S, Session
from encoding.project.source import Source
from encoding.project.status import linkage_status
from encoding.rounds.known_status import KnownStatus
from schemas.documents.printable import printable

SETTINGS: Final = "blindlink.toml"


@dataclass(frozen=True, slots=True)
class Event:
    """What a job tells while it works: a sentence without a value of any record, and how it stands."""

    kind: Literal["note", "warning"]
    sentence: str


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a job did.

    Attributes:
        round: the round whose links are in force now; None: nothing was due.
        sentence: the same in words.
        document: all of it, as `blindlink refresh --json` gives it.
    """

    round: int | None
    sentence: str
    document: dict[str, Any]


class ProjectError(AgencyError):
    """A job needs a person at a terminal, such as for a passphrase that no file gives."""

    code = "needs-a-person"


class Project:
    """An agency's folder of a project, with its settings `blindlink.toml`.

    Args:
        folder: the folder, or the settings file itself.
        tell: called with each event; None: nobody is told.
    Example:
        `blindlink.Project("linkage").refresh(wait_hours=8)`
    """

    def __init__(self, folder: str | Path, tell: Callable[[Event], object] | None = None) -> None:
        place = Path(folder)
        self._settings = place / SETTINGS if place.is_dir() else place
        self._tell = tell or (lambda _: None)
        # What tests put in the place of network and clock.
        self._own: Identity | None = None
        self._options: dict[str, Any] = {}

    def status(self) -> KnownStatus:
        """Ask the broker where the linkage stands: stage, sentences, what is overdue, what is next.

        Raises:
            Error: the settings or the broker cannot be used; `code` says which.
        """
        with self._session() as session:
            session.patience_s = 0
            return linkage_status(session)

    def refresh(
        self,
        *,
        file: str | Path | None = None,
        wait_hours: float = 0.0,
        begin: bool = False,
        deliver: bool = False,
        attach: bool = False,
    ) -> Refreshed:
        """Do what is due, as `blindlink refresh` does: check, encode, upload, wait, fetch, agree on link IDs.

        It can be called again at any time, and goes on where it stopped.

        Args:
            file: in place of the file that the settings name.
            wait_hours: how long to wait for other agencies, in hours.
            begin: begin a round where the agreement has rounds on request.
            deliver: deliver the columns that the agreement lets others have.
            attach: write partners' columns beside the agency's own rows.
        Raises:
            Error: `exit_code` is that of `blindlink refresh`: 7 where others are waited for, 8 where more links
                would end than is agreed, 9 where what came cannot be honest.
        """
        order = LinksOrder(Source(file=None if file is None else Path(file)))
        with self._session() as session:
            document, sentence = do_what_is_due(
                session,
                order,
                wait_s=wait_hours * 3600,
                begin=begin,
                columns=ColumnsOrder(deliver=deliver, attach=attach),
            )
        number = document.get("round")
        return Refreshed(number if isinstance(number, int) else None, sentence, dict(document))

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = _Told(self._settings, is_quiet=True, patience_s=UNATTENDED_S, **self._options)
        session.own = self._own
        session.tell = self._tell
        try:
            yield session
        except click.ClickException as exc:
            raise ProjectError(exc.format_message()) from None
        except click.Abort:
            raise ProjectError("a person at a terminal is needed") from None


class _Told(Session):
    """A session that tells events in place of printing."""

    tell: Callable[[Event], object]

    def say(self, sentence: str) -> None:
        self.tell(Event("note", printable(sentence)))

    def warn(self, sentence: str) -> None:
        self.tell(Event("warning", printable(sentence)))
