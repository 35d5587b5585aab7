"""A project at its broker: what every step that asks the broker works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoding.project.session import Session
from encoding.rounds.api import RoundsApi

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient
    from encoding.log.trust import Trust
    from schemas.api.bodies import ProjectView


@dataclass(frozen=True, slots=True)
class Context:
    """A project at its broker: whose session, over which connection, by which log, under which agreement."""

    session: Session
    client: BrokerClient
    trust: Trust
    view: ProjectView

    @property
    def api(self) -> RoundsApi:
        """The API about rounds."""
        return RoundsApi(self.client, self.session.project)
