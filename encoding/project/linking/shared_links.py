"""The link IDs in force that this agency shares with a partner: as its ledger has them, not as a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from encoding.errors import NotReadyError
from encoding.ledger.book import Ledger, retired_of
from encoding.project.context import Context
from encoding.project.linking.own_ledger import Seat, ledger_file
from encoding.project.linking.own_links import own_links, withdrawn_among
from encoding.records.agency_file import AgencyFile
from encoding.sharing.columns import extract
from encoding.sharing.links_of_rounds import LinksOfRound, keys_of, links_as_of
from schemas.documents.ids import LinkId

if TYPE_CHECKING:
    from schemas.rounds.rounds import PairProgress, RoundView


@dataclass(frozen=True, slots=True)
class SharedLinks:
    """Link IDs of a round: of each record ID its link ID as text, and the keys of the records."""

    round: int
    link_of: Mapping[str, str] = field(repr=False)
    record_keys: tuple[str, ...] = field(repr=False)

    def identify(self) -> Iterable[str]:
        """Return what is another one exactly where others may be delivered."""
        return sorted(self.link_of.values())

    def write(self, file: AgencyFile, columns: tuple[str, ...], path: Path) -> int:
        """Write the rows to deliver, and return how many."""
        return extract(file, self.link_of, columns, path)


def shared_links(seat: Seat, partner: str | None) -> SharedLinks | None:
    """Return the links in force of records that a partner has a record of, too; None: none were written yet.

    What this agency has unlinked or withdrawn since is left out.
    """
    session = seat.session
    with session.workspace.lock():
        newest = own_links(seat).newest()
        if newest is None:
            return None
        ledger = ledger_file(seat).read()
        names = keys_of(session.workspace, session.project, newest.records)
        gone = withdrawn_among(session, [*names.values()])
    held = links_as_of(ledger, newest, names)
    left_out = retired_of(ledger.vetoes())
    shared = _known_to_share(seat, ledger, newest, partner)
    kept = [
        key
        for key, link in held.items()
        if names[key] not in gone and link not in left_out and (shared is None or link in shared)
    ]
    return SharedLinks(newest.round, {names[key]: held[key].hex() for key in kept}, tuple(kept))


def newest_linked(context: Context, pairs: Collection[frozenset[str]]) -> RoundView | None:
    """Return the newest round that was closed with matches of one of these pairs; None: there is none."""
    for found in context.api.rounds().rounds:
        if found.state == "closed" and linked_among(found, pairs):
            return found
    return None


def linked_among(found: RoundView, pairs: Collection[frozenset[str]]) -> Sequence[PairProgress]:
    """Return those of these pairs that a round has matches of."""
    return [
        one
        for one in found.progress
        if one.has_result and frozenset([one.larger, one.smaller]) in pairs
    ]


def _known_to_share(
    seat: Seat, ledger: Ledger, links: LinksOfRound, partner: str | None
) -> frozenset[LinkId] | None:
    """Return the link IDs that the newest round gave to records of a partner; None: all are shared with it.

    Who is linked with a third agency is no business of this one. A party that is no agency has no records.
    """
    providers = seat.view.terms.providers
    if len(providers) <= 2 or partner not in providers:
        return None
    if ledger.last is None or ledger.last.round != links.round:
        raise NotReadyError(
            f"it is no longer known here which link IDs of round {links.round} {partner} has, too",
            hint="those of the next round will be known",
        )
    return frozenset(link for link, parties in ledger.granted_to(()).items() if partner in parties)
