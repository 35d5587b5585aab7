"""What a round gives an agency for a blind recipient: sealed match IDs of its records, which it cannot open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from encoding.project.context import Context
from encoding.project.linking.blind_links import blind_path
from encoding.project.linking.own_links import withdrawn_among
from encoding.project.linking.shared_links import linked_among
from encoding.project.session import Session
from encoding.records.agency_file import AgencyFile
from encoding.sharing.blind_links import BlindLinks, extract_blind, is_blind_links, read_blind_links
from encoding.sharing.blind_pseudonyms import Pseudonyms
from encoding.sharing.deliveries import join_tables
from encoding.sharing.links_of_rounds import keys_of

if TYPE_CHECKING:
    from schemas.agreement.agreement import ProjectTerms
    from schemas.rounds.blind import BlindHeader
    from schemas.rounds.rounds import RoundView


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
        path = blind_path(session, context.view, recipient, partner)
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
