"""What of the links of a round goes with a delivery: link IDs shared with a partner, or sealed match IDs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from encoding.errors import NotReadyError
from encoding.ledger.book import Ledger, retired_of
from encoding.project.context import Context, Known
from encoding.project.linking.blind_links import blind_path
from encoding.project.linking.own_links import own_links, withdrawn_among
from encoding.project.session import Session
from encoding.records.agency_file import AgencyFile
from encoding.sharing.blind_links import BlindLinks, extract_blind, is_blind_links, read_blind_links
from encoding.sharing.blind_rows import Pseudonyms
from encoding.sharing.columns import extract
from encoding.sharing.deliveries import join_tables
from encoding.sharing.links_of_rounds import LinksOfRound, keys_of, links_as_of
from schemas.agreement.agreement import ProjectTerms
from schemas.documents.ids import LinkId
from schemas.rounds.blind import BlindHeader
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


def shared_links(known: Known, partner: str | None) -> SharedLinks | None:
    """Return the links in force of records that a partner has a record of, too; None: none were written yet.

    What this agency has unlinked or withdrawn since is left out.
    """
    session = known.session
    with session.workspace.lock():
        newest = own_links(known).newest()
        if newest is None:
            return None
        ledger = known.ledger_file.read()
        names = keys_of(session.workspace, session.project, newest.records)
        gone = withdrawn_among(session, [*names.values()])
    held = links_as_of(ledger, newest, names)
    left_out = retired_of(ledger.vetoes())
    shared = _known_to_share(known, ledger, newest, partner)
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
    known: Known, ledger: Ledger, links: LinksOfRound, partner: str | None
) -> frozenset[LinkId] | None:
    """Return the link IDs that the newest round gave to records of a partner; None: all are shared with it.

    Who is linked with a third agency is no business of this one. A party that is no agency has no records.
    """
    providers = known.view.terms.providers
    if len(providers) <= 2 or partner not in providers:
        return None
    if ledger.last is None or ledger.last.round != links.round:
        raise NotReadyError(
            f"it is no longer known here which link IDs of round {links.round} {partner} has, too",
            hint="those of the next round will be known",
        )
    return frozenset(link for link, parties in ledger.granted_to(()).items() if partner in parties)


@dataclass(frozen=True, slots=True)
class SealedLinks:
    """Sealed match IDs of a round, a file for each partner, without withdrawn records.

    `left_out` are the keys of these, `record_keys` those of the others.
    """

    round: int
    files: tuple[BlindLinks, ...] = field(repr=False)
    pseudonyms: Pseudonyms
    record_keys: tuple[str, ...] = field(repr=False)
    left_out: tuple[str, ...] = field(repr=False)

    def identify(self) -> Iterable[str]:
        """Return what is another one exactly where others may be delivered."""
        return (*(one.header.release for one in self.files), *self.left_out)

    def write(self, file: AgencyFile, columns: tuple[str, ...], path: Path) -> int:
        """Write the rows to deliver, and return how many."""
        tables = [path.with_name(f"{path.name}.{number}") for number in range(len(self.files))]
        n_rows = sum(
            extract_blind(file, links, self.pseudonyms, columns, table)
            for links, table in zip(self.files, tables, strict=True)
        )
        join_tables(tables, path)
        return n_rows


def sealed_links(
    context: Context, found: RoundView, recipient: str, pairs: Collection[frozenset[str]]
) -> SealedLinks | None:
    """Return what a round gave for a blind recipient of these pairs, as `blindlink links` has written it.

    None: it has not been written yet, or not all of it.
    """
    session, terms = context.session, context.view.terms
    runs = {
        one.smaller if one.larger == session.party else one.larger: one.run
        for one in linked_among(found, pairs)
    }
    files = []
    for partner, run in sorted(runs.items()):
        path = blind_path(context, recipient, partner)
        if not is_blind_links(path):
            return None
        links = read_blind_links(path)
        if (links.header.run, links.header.recipient) != (run, recipient):
            return None
        files.append(links)
    with session.workspace.lock():
        return without_withdrawn(session, found.round, files, terms)


def pseudonyms_for(session: Session, header: BlindHeader, terms: ProjectTerms) -> Pseudonyms:
    """Return the pseudonyms of this agency's records for a recipient, as long-lived as its link IDs.

    Use it under the workspace's lock.
    """
    lasting = {space.name for space in terms.spaces if space.lifetime == "lasting"}
    key = session.workspace.key()
    return Pseudonyms.of(key, header, are_lasting=header.space in lasting)


def without_withdrawn(
    session: Session, number: int, files: Sequence[BlindLinks], terms: ProjectTerms
) -> SealedLinks:
    """Return what these files of a round have of records that are not withdrawn.

    Use it under the workspace's lock.
    """
    workspace, project = session.workspace, session.project
    key_of = {
        record: key
        for key, record in keys_of(
            workspace, project, sorted({record for one in files for record in one.sealed})
        ).items()
    }
    gone = withdrawn_among(session, [*key_of])
    kept = (
        BlindLinks(
            one.header, {record: at for record, at in one.sealed.items() if record not in gone}
        )
        for one in files
    )
    return SealedLinks(
        number,
        tuple(kept),
        pseudonyms_for(session, files[0].header, terms),
        tuple(key for record, key in key_of.items() if record not in gone),
        tuple(sorted(key_of[record] for record in gone)),
    )
