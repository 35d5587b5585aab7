"""The files of links that this agency has kept, round by round. They load what computes: ask when called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from encoding.errors import NotReadyError
from encoding.ledger.book import retired_of
from encoding.packing.withdrawals import Withdrawn
from encoding.project.agreement.project_view import last_seen
from encoding.project.context import Known
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.sharing.links_file import Link
from encoding.sharing.links_of_rounds import Acceptance, LinksOfRounds, keys_of, links_as_of
from schemas.documents.ids import utc_text


def own_links(known: Known) -> LinksOfRounds:
    """Return what is kept of this agency's files of links; use it under the workspace's lock."""
    session = known.session
    return LinksOfRounds(session.workspace, session.project, known.required_space)


def former_links(session: Session, number: int) -> list[Link]:
    """Return the links of a round, as its file of links had them."""
    desk = last_seen(session)
    with session.workspace.lock():
        rounds, ledger = own_links(desk), desk.ledger_file.read()
        kept = rounds.read(number)
        if kept is None:
            written = session.workspace.rounds_with_links(session.project, rounds.space)
            known = f"it has those of the rounds {written[0]} to {written[-1]}" if written else None
            raise NotReadyError(f"no links of round {number} were written here", hint=known)
        names = keys_of(session.workspace, session.project, kept.records)
    return [Link(names[key], link.hex()) for key, link in links_as_of(ledger, kept, names).items()]


def still_in_force(session: Session, links: Mapping[str, str]) -> dict[str, str]:
    """Return the link IDs by record ID without those of records withdrawn or unlinked since."""
    desk = last_seen(session)
    with session.workspace.lock():
        retired = {link.hex() for link in retired_of(desk.ledger_file.read().vetoes())}
        gone = withdrawn_among(session, [*links])
    return {
        record: link for record, link in links.items() if record not in gone and link not in retired
    }


def withdrawn_among(session: Session, records: Sequence[str]) -> set[str]:
    """Return which of these records this agency has withdrawn; call it under the workspace's lock."""
    workspace, project = session.workspace, session.project
    withdrawn = Withdrawn(workspace.withdrawn(project), project, workspace.key())
    are_gone = withdrawn.among(records).tolist()
    return {record for record, is_gone in zip(records, are_gone, strict=True) if is_gone}


def accept_change(session: Session, reason: str, *, ended: int, in_force: int) -> Acceptance:
    """Return that this person accepts now that so many of those in force end, and why."""
    return Acceptance(
        person=unlock_own(session).public.person,
        at=utc_text(session.now()),
        reason=reason,
        ended=ended,
        in_force=in_force,
    )
