"""What is counted or frozen: the agreement's words on columns, own links, and files of partners."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from encoding.agreement.coverage import require_force
from encoding.agreement.kept_agreements import KeptAgreement
from encoding.errors import ColumnNotListedError, NotReadyError, TableError
from encoding.extras.linked_people.people import Source, Use, own_source, received_source
from encoding.files import is_same_file
from encoding.project.agreement.agreements import agreements_kept
from encoding.project.agreement.project_view import last_seen
from encoding.project.linking.own_links import former_links, own_links, still_in_force
from encoding.project.sealed_files import unsealed
from encoding.project.session import Session
from encoding.records.agency_file import agency_file
from encoding.sharing.columns import agreed_among
from encoding.sharing.kept_deliveries import KeptDeliveries
from encoding.sharing.links_file import read_links
from schemas.shared.amounts import counted


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose files are counted: the own one, with its links, and one of each party.

    `other_round`: what a party has delivered may be of another round than the links.
    """

    file: Path | None
    id_column: str | None
    links: Path | None
    as_of: int | None
    received: Mapping[str, Path | None]
    other_round: bool


def binding_agreement(session: Session) -> KeptAgreement:
    """Return the agreement that binds today, as it is kept here, with all its signatures."""
    known, today = agreements_kept(session), session.now().date()
    binding = known.binding_about(today)
    if not binding:
        raise NotReadyError(
            "no signed agreement that binds today is kept here, and without one nothing may be counted",
            hint="see where it stands: blindlink agreement status",
        )
    require_force(known.with_words(binding[-1]), today)
    return binding[-1]


@contextlib.contextmanager
def sources_of(
    session: Session, kept: KeptAgreement, wanted: Wanted, use: Use
) -> Iterator[tuple[Sequence[Source], int | None]]:
    """Give the files, each with the columns that are listed for the use, and the round of the links."""
    own, round_number = _own(session, kept, wanted, use)
    sources = [] if own is None else [own]
    allowed = {party: _allowed(session, kept, party, use) for party in wanted.received}
    files = {party: path or _attached(session, party) for party, path in wanted.received.items()}
    _require_one_round(session, wanted, files, round_number, has_own=own is not None)
    with unsealed(session, list(files.values())) as places:
        for (party, columns), place in zip(allowed.items(), places, strict=True):
            sources.append(received_source(party, place, own, use, columns))
        if own is None and len(sources) < 2:
            raise TableError(
                "it takes two files to see who is linked: name one of each party",
                hint="such as --from schools=schools.csv --from welfare=welfare.csv",
            )
        yield sources, round_number


def _allowed(session: Session, kept: KeptAgreement, party: str, use: Use) -> tuple[str, ...]:
    """Return the columns of a party that may be used here."""
    received = kept.agreement.handed_over(party, session.party)
    if not received:
        raise ColumnNotListedError(
            f"the agreement lets {session.party} have no column of {party} beside link IDs",
            hint='its clauses directions and elements would have to list it, with use = "shared"',
        )
    return agreed_among(received, kept.agreement.columns(party, use))


def _own(
    session: Session, kept: KeptAgreement, wanted: Wanted, use: Use
) -> tuple[Source | None, int | None]:
    """Return the own file with its links; None for a party that has no file of people."""
    if wanted.file is None and session.config.sections.input is None:
        return None, None
    links, round_number = _links(session, wanted)
    if use == "shared":
        n_before, links = len(links), still_in_force(session, links)
        if len(links) < n_before:
            told = counted(n_before - len(links), "record")
            session.say(f"{told} left out: withdrawn or unlinked")
    agreement, party = kept.agreement, session.party
    goes = any(agreement.handed_over(party, other) for other in agreement.names())
    allowed = agreement.columns(party, use) if goes or use == "counted" else ()
    file = agency_file(session.config, wanted.file, wanted.id_column)
    return own_source(party, file, links, use, allowed), round_number


def _links(session: Session, wanted: Wanted) -> tuple[Mapping[str, str], int | None]:
    if wanted.as_of is not None:
        return dict(former_links(session, wanted.as_of)), wanted.as_of
    links = read_links(wanted.links or session.links_path)
    return links, _round_of(session, links)


def _round_of(session: Session, links: Mapping[str, str]) -> int | None:
    """Return the newest round here, if these are its links; None: they are not, or no round is known."""
    try:
        desk = last_seen(session)
        with session.workspace.lock():
            newest = own_links(desk).newest()
        if newest is not None and dict(former_links(session, newest.round)) == links:
            return newest.round
    except NotReadyError:
        pass
    return None


def _require_one_round(
    session: Session,
    wanted: Wanted,
    files: Mapping[str, Path],
    number: int | None,
    *,
    has_own: bool,
) -> None:
    """Refuse columns of another round than the links: a record may be linked with someone else since.

    Without own links those of the newest round count. What came by hand is of no known round.
    """
    found = {party: _round_written(session, party, path) for party, path in files.items()}
    rounds = {party: one for party, one in found.items() if one is not None}
    newest = number if has_own else max(rounds.values(), default=None)
    for party, one in rounds.items():
        if newest is None or one == newest:
            continue
        told = (
            f"what {party} has delivered here is of round {one}, and the link IDs to join it with are of"
            f" round {newest}"
        )
        if not wanted.other_round:
            wait = f"once {party} has delivered for round {newest}: blindlink attach; "
            raise NotReadyError(
                told,
                hint=f"{wait if one < newest else ''}freeze and tabulate can take the links of round {one}:"
                f" --as-of {one}; --other-round takes both as they are",
            )
        session.warn(told)


def _round_written(session: Session, party: str, path: Path) -> int | None:
    """Return of which round the columns of a file are, if they came by the broker; None: they did not."""
    with session.workspace.lock():
        kept = KeptDeliveries(session.workspace, session.project, party).received()
    if kept is None or not any(is_same_file(path, Path(one)) for one in kept.outputs):
        return None
    return kept.written


def _attached(session: Session, party: str) -> Path:
    """Return the file that `blindlink attach` writes, beside the links."""
    links = session.links_path
    return links.with_name(f"with-{party}.csv")


def parties_of(received: Sequence[str]) -> Mapping[str, Path | None]:
    """Return the file of each party that --from names; None for one that it names alone."""
    alone = [one for one in received if "=" not in one]
    named = pairs_of([one for one in received if "=" in one], "--from")
    if len(set(alone)) != len(alone) or named.keys() & set(alone):
        raise click.BadParameter("name each party once", param_hint="--from")
    return dict.fromkeys(alone) | {party: Path(path) for party, path in named.items()}


def pairs_of(given: Sequence[str], option: str) -> Mapping[str, str]:
    """Return what options such as NAME=OTHER say."""
    found: dict[str, str] = {}
    for one in given:
        name, _, other = one.partition("=")
        if not name or not other or name in found:
            raise click.BadParameter(f"give it once each, as in {option} A=B", param_hint=option)
        found[name] = other
    return found
