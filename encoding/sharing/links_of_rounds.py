"""Which records the file of links of each round had: kept here so that it can be told again, byte for byte.

The link IDs themselves are the ledger's: a file of links is what it says of these records at the end of the
turn by which they were written. The newest one is in force. Files: sealed as `encoding.workspace.sealed_record`
says, canonical JSON within.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from encoding.errors import WorkspaceError
from encoding.ledger.book import Ledger
from encoding.ledger.ledger_file import held_as_of
from encoding.ledger.values import Turn
from encoding.packing.handles import derive_map_keys, key_text, record_keys
from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document, Model
from schemas.documents.ids import LinkId, Name, UtcTime
from schemas.documents.texts import Text
from schemas.linkage.run import ReleaseNumber, RoundNumber
from schemas.shared.durable import sync_folder
from schemas.signing.identity import PersonIdText

MAX_RECORDS: Final = 2**32

Count = Annotated[int, Field(ge=0, le=MAX_RECORDS)]


class Acceptance(Model):
    """Who accepted, and why, that so many of the links that were in force ended."""

    person: PersonIdText
    at: UtcTime
    reason: Annotated[Text, Field(repr=False)]
    ended: Count
    in_force: Count


class AppliedRelease(Model):
    """The release by which a ledger was carried on last."""

    round: RoundNumber
    release: ReleaseNumber


class LinksOfRound(Document):
    """The records of one file of links, in its order.

    `release` is the newest one of the round that it has, `ledger` the newest one that the ledger had applied
    (null: none), `partners` are those with whom the round had a result. `accepted` is null where no more links
    ended than is agreed. `waiting` are the record keys of matches that had no link ID yet.
    """

    KIND: ClassVar[str] = "links of a round"

    version: Literal["blindlink/links-of-round/1"] = "blindlink/links-of-round/1"
    round: RoundNumber
    release: ReleaseNumber
    ledger: AppliedRelease | None
    partners: tuple[Name, ...]
    accepted: Acceptance | None
    records: Annotated[tuple[str, ...], Field(repr=False)]
    waiting: Annotated[tuple[str, ...], Field(repr=False)]

    @property
    def turn(self) -> Turn:
        """Return the newest release that it has."""
        return Turn(self.round, self.release)

    def turn_of_ledger(self) -> Turn | None:
        """Return `ledger` as a turn."""
        return None if self.ledger is None else Turn(self.ledger.round, self.ledger.release)


class HeldChange(Document):
    """A round whose links wait until someone accepts how many of those in force end."""

    KIND: ClassVar[str] = "change that is held"

    version: Literal["blindlink/held-change/1"] = "blindlink/held-change/1"
    round: RoundNumber
    in_force_round: RoundNumber
    ended: Count
    in_force: Count


@dataclass(frozen=True, slots=True)
class LinksOfRounds:
    """What is kept of one link-ID set; use it under the workspace's lock."""

    workspace: Workspace
    project: str
    space: str

    def newest(self, before: int | None = None) -> LinksOfRound | None:
        """Return the links in force, or those that were before a round; None if none were written."""
        rounds = self.workspace.rounds_with_links(self.project, self.space)
        wanted = [one for one in rounds if before is None or one < before]
        return self.read(wanted[-1]) if wanted else None

    def read(self, number: int) -> LinksOfRound | None:
        """Return what the file of links of a round had; None if none was written here."""
        return self._of_round(number).read_as(LinksOfRound)

    def keep(self, links: LinksOfRound) -> None:
        """Keep what a file of links has, once it is in its place; nothing is held any more."""
        self._of_round(links.round).write(links.to_canonical())
        path = self.workspace.held_change(self.project, self.space)
        if path.exists():
            path.unlink()
            sync_folder(path.parent)

    def held(self) -> HeldChange | None:
        """Return the change that is held; None if none is."""
        return self._held().read_as(HeldChange)

    def hold(self, change: HeldChange) -> None:
        """Keep that the links of a round wait."""
        self._held().write(change.to_canonical())

    def _of_round(self, number: int) -> SealedRecord:
        path = self.workspace.links_of_round(self.project, self.space, number)
        name = f"links/{self.project}.{number}.{self.space}"
        return SealedRecord(path, name, self.workspace.key())

    def _held(self) -> SealedRecord:
        path = self.workspace.held_change(self.project, self.space)
        return SealedRecord(path, f"held/{self.project}.{self.space}", self.workspace.key())


def keys_of(workspace: Workspace, project: str, records: Sequence[str]) -> dict[str, str]:
    """Return the record ID of each record key, in the order of the records."""
    keys = record_keys(derive_map_keys(workspace.key(), project), records)
    return {key_text(keys, at): record for at, record in enumerate(records)}


def links_as_of(ledger: Ledger, links: LinksOfRound, keys: Iterable[str]) -> dict[str, LinkId]:
    """Return what the file of links of a round said, by record key, in its order.

    Args:
        keys: the record keys of its records.
    """
    turn = links.turn_of_ledger()
    held = {} if turn is None else held_as_of(ledger, turn)
    try:
        return {key: held[key].link for key in keys}
    except KeyError:
        raise WorkspaceError(
            f"the ledger does not know all link IDs of round {links.round}",
            hint="it was restored from a different backup from the rest of the workspace",
        ) from None
