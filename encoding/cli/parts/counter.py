"""The broker of one project, as the steps of a round ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoding.cli.parts.session import Session
from encoding.rounds.api import RoundsApi

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient
    from encoding.log.trust import Trust
    from schemas.api.bodies import ProjectView


@dataclass(frozen=True, slots=True)
class Counter:
    """The broker of one project, as the steps of a round ask it."""

    session: Session
    client: BrokerClient
    trust: Trust
    view: ProjectView

    @property
    def api(self) -> RoundsApi:
        """The API about rounds."""
        return RoundsApi(self.client, self.session.project)
