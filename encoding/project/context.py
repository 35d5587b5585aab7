"""What the steps work with: an agency in a project as it was last seen, and the same at its broker."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.broker.client import BrokerClient
from encoding.errors import NotReadyError
from encoding.ledger.grants import SpaceName
from encoding.ledger.ledger_file import LedgerFile
from encoding.log.heads import hold_to_head
from encoding.log.log_copy import LogCopy, read_log_copy
from encoding.log.trust import Trust
from encoding.project.session import Session
from encoding.rounds.api import RoundsApi
from schemas.api.projects import ProjectView


@dataclass(frozen=True, slots=True)
class Known:
    """An agency in a project as it was last seen: what needs no broker."""

    session: Session
    view: ProjectView

    @property
    def party(self) -> str:
        """The agency's name in the project."""
        return self.session.party

    @property
    def space(self) -> str | None:
        """The link-ID set in which this agency receives matches of its own records; None: it receives none."""
        for recipient in self.view.terms.recipients:
            if (recipient.party, recipient.mode) == (self.party, "linked"):
                return recipient.space
        return None

    @property
    def required_space(self) -> str:
        """The same, of an agency that receives some."""
        if self.space is None:
            raise NotReadyError("the agreement gives this agency no matches of its own records")
        return self.space

    @property
    def is_lasting(self) -> bool:
        """Whether link IDs of this agency's link-ID set last from round to round."""
        wanted = (self.required_space, "lasting")
        return any((one.name, one.lifetime) == wanted for one in self.view.terms.spaces)

    @property
    def ledger_file(self) -> LedgerFile:
        """Where the ledger of this agency's link-ID set is kept."""
        workspace, name = (
            self.session.workspace,
            SpaceName(self.session.project, self.required_space),
        )
        path = workspace.ledger(name.project, name.space)
        return LedgerFile(path, name, self.party, workspace.key())


@dataclass(frozen=True, slots=True)
class Context(Known):
    """The same at its broker: over which connection, and by which log."""

    client: BrokerClient
    trust: Trust

    @property
    def api(self) -> RoundsApi:
        """The API about rounds."""
        return RoundsApi(self.client, self.session.project)


def fetched_log(session: Session, client: BrokerClient, trust: Trust) -> LogCopy:
    """Return the project's whole log, held to the pins; nothing of it is left on the disk."""
    with session.workspace.lock():
        return log_under_lock(session, client, trust)


def log_under_lock(session: Session, client: BrokerClient, trust: Trust) -> LogCopy:
    """As `fetched_log`; call it under the workspace's lock."""
    with session.workspace.scratch() as scratch:
        path = scratch / "log.bundle"
        with path.open("w+b") as file:
            client.save_bundle(session.project, file)
        with path.open("rb") as file:
            before, session.read = session.read, None
            copy = read_log_copy(file, trust.keys, trust.log.pins(), before)
    hold_to_head(copy, session.project, trust.log.folder)
    session.read = copy
    return copy
