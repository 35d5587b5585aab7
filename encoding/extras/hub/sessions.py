"""The desk of a hub's person: a session at each spoke, with the keys of one person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path

from encoding.broker.credential import SignIn
from encoding.errors import AgencyError, ConfigError
from encoding.extras.hub.report import SpokeSeen, in_order, seen
from encoding.extras.hub.settings import Hub, read_hub
from encoding.extras.hub.spokes import Spoke, read_spokes
from encoding.project.agreement.seats import Seat
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.workspace.config import HUB_NAME
from encoding.workspace.lock import locked


class SpokeSession(Session):
    """A session at one spoke, which says nothing on its own and keeps its warnings."""

    def __init__(self, settings: Path, like: Session) -> None:
        super().__init__(
            config_path=settings,
            is_quiet=True,
            patience_s=like.patience_s,
            waits_for_runs=False,
            transport=like.transport,
            now=like.now,
            sleep=like.sleep,
        )
        self.identity, self.passphrase_file = like.identity, like.passphrase_file
        self.key_file = like.key_file
        self.own, self.own_file, self.unlocking = like.own, like.own_file, like.unlocking
        self.warnings: list[str] = []
        self._like = like

    def _credential(self) -> SignIn:
        # One sign-in for all spokes: the broker lets nobody sign in hundreds of times a minute.
        if self._like.credential is None:
            self._like.credential = super()._credential()
        return self._like.credential

    def warn(self, sentence: str) -> None:
        """Keep a warning."""
        self.warnings.append(sentence)


class HubDesk:
    """A hub's folder and the person who works there."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @cached_property
    def hub(self) -> Hub:
        """The folder with its settings."""
        return read_hub(hub_settings(self.session))

    def spokes(self) -> tuple[Spoke, ...]:
        """Return the spokes; none where none was added."""
        path = self.hub.list_file
        return read_spokes(path, self.hub.sections.hub.party) if path.exists() else ()

    def some_spokes(self) -> tuple[Spoke, ...]:
        """Return the spokes, of which there must be one."""
        found = self.spokes()
        if not found:
            raise ConfigError(
                "this hub has no spokes yet", hint="add them with: blindlink hub add LIST"
            )
        return found

    def seen(self) -> list[SpokeSeen]:
        """Return what the spokes' folders say, those first that need attention."""
        return in_order(seen(one, self.hub.folder_of(one)) for one in self.some_spokes())

    def at(self, spoke: Spoke) -> SpokeSession:
        """Return a session at a spoke, whose folder is made if missing; keys are unlocked once for all."""
        found = SpokeSession(self.hub.lay_out(spoke), self.session)
        if self.session.own is None:
            self.session.own = unlock_own(found)
            self.session.own_file, self.session.unlocking = found.own_file, found.unlocking
        return found

    @contextmanager
    def seat(self, spoke: Spoke) -> Iterator[Seat]:
        """Give a seat at the negotiating table of a spoke."""
        session = self.at(spoke)
        own = unlock_own(session)
        with session.connect() as client:
            session.trust(client)
            yield Seat(session, client, spoke.project, session.workspace, own)

    def each(self, spokes: Sequence[Spoke], do: Callable[[Spoke], object], step: str) -> set[str]:
        """Do something at each spoke; return the projects that were left out, each with a warning."""
        failed: set[str] = set()
        with self.session.progress() as progress:
            for n_done, spoke in enumerate(spokes, start=1):
                try:
                    do(spoke)
                except AgencyError as exc:
                    failed.add(spoke.project)
                    self.session.warn(f"{spoke.project} is left out: {exc}")
                progress(step, n_done / len(spokes), n_done, "agreements")
        return failed

    def locked(self) -> AbstractContextManager[None]:
        """Return the lock that one `hub` command at a time holds."""
        return locked(self.hub.lock_file)


def hub_settings(session: Session) -> Path:
    """Return where the hub's settings are: in the folder of --config, or here."""
    return session.config_path.parent / HUB_NAME
