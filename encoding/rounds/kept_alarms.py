"""Alarms about rounds that are closed, and which of these rounds are not applied here any more.

File: sealed as `encoding.workspace.sealed_record` says, canonical JSON within. It holds no value of a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from encoding.ledger.values import Turn
from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document, Model
from schemas.documents.ids import Code, UtcTime
from schemas.documents.texts import Text
from schemas.linkage.run import ReleaseNumber, RoundNumber
from schemas.signing.identity import PersonIdText

MAX_ALARMS: Final = 256
MAX_SENTENCE: Final = 1000


class GivenUp(Model):
    """Who gave a round up, and why."""

    person: PersonIdText
    at: UtcTime
    reason: Annotated[Text, Field(repr=False)]


class KeptAlarm(Model):
    """Why a release was not applied here, and when that was met first.

    `is_over`: it is not applied any more, whatever comes, and the next round catches up. `given_up` is null
    where nobody had to say so. `is_told`: a command has ended with the alarm.
    """

    round: RoundNumber
    release: ReleaseNumber
    code: Code
    sentence: Annotated[str, Field(min_length=1, max_length=MAX_SENTENCE)]
    at: UtcTime
    is_over: bool
    given_up: GivenUp | None
    is_told: bool

    @property
    def turn(self) -> Turn:
        """The release that it is about."""
        return Turn(self.round, self.release)


class KeptAlarms(Document):
    """All of them, in the order of their releases, those of the newest rounds."""

    KIND: ClassVar[str] = "list of alarms"

    version: Literal["blindlink/alarms/1"] = "blindlink/alarms/1"
    alarms: Annotated[tuple[KeptAlarm, ...], Field(max_length=MAX_ALARMS)] = ()


@dataclass(frozen=True, slots=True)
class Alarms:
    """The alarms of one project; use it under the workspace's lock."""

    workspace: Workspace
    project: str

    def all(self) -> tuple[KeptAlarm, ...]:
        """Return what is kept."""
        found = self._record().read_as(KeptAlarms)
        return () if found is None else found.alarms

    def keep(self, *changed: KeptAlarm) -> None:
        """Keep alarms, each in place of the one about its release."""
        by_turn = {one.turn: one for one in (*self.all(), *changed)}
        newest = tuple(by_turn[turn] for turn in sorted(by_turn))[-MAX_ALARMS:]
        self._record().write(KeptAlarms(alarms=newest).to_canonical())

    def of(self, turn: Turn) -> KeptAlarm | None:
        """Return the alarm about a release; None: there is none."""
        return next((one for one in self.all() if one.turn == turn), None)

    def _record(self) -> SealedRecord:
        path = self.workspace.alarms(self.project)
        return SealedRecord(path, f"alarms/{self.project}", self.workspace.key())
