"""`blindlink links`: link IDs beside record IDs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.cli.terminal.options import ACCEPT_CHANGE, as_reason, file_options
from encoding.errors import NotReadyError
from encoding.files import refuse_to_overwrite
from encoding.project.agreement.project_view import at_broker
from encoding.project.context import Context
from encoding.project.linking.alarms import alarms_told, give_up_round
from encoding.project.noted_files import note_file
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.sharing.links_file import LINKS_START, links_bytes, write_links
from schemas.shared.command_line import FILE, emit, json_option, wants_json

if TYPE_CHECKING:
    from encoding.project.linking.links_files import LinksOrder
    from schemas.agreement.agreement import ProjectTerms
    from schemas.linkage.run import ReleaseMode
    from schemas.rounds.rounds import RoundView


def _as_round_and_reason(
    context: click.Context, parameter: click.Parameter, given: tuple[int, str] | None
) -> tuple[int, str | None] | None:
    return None if given is None else (given[0], as_reason(context, parameter, given[1]))


@click.command("links", epilog="Example: blindlink links -o links.csv")
@file_options
@click.option(
    "--output", "-o", type=FILE, help="Where to write record_id,link_id; the settings name it."
)
@click.option(
    "--run", "run_id", help="The sealed match IDs of this run; the newest ones unless you say so."
)
@click.option(
    "--for",
    "recipient",
    help="Fetch the sealed link IDs that only this party can open, and hand over beside your columns.",
)
@click.option(
    "--as-of",
    "as_of",
    metavar="ROUND",
    type=click.IntRange(1),
    help="Print what the file of links of an earlier round said; -o writes it to a file.",
)
@ACCEPT_CHANGE
@click.option(
    "--give-up-round",
    "give_up",
    type=(click.IntRange(1), str),
    metavar="ROUND REASON",
    callback=_as_round_and_reason,
    help="Do not apply a closed round here because of which a command has ended with exit code 9; say why.",
)
@click.option("--force", is_flag=True, help="Overwrite a file that is not a file of links.")
@json_option
@click.pass_obj
def links(
    session: Session,
    *,
    file: Path | None,
    id_column: str | None,
    output: Path | None,
    run_id: str | None,
    recipient: str | None,
    as_of: int | None,
    accept_change: str | None,
    give_up: tuple[int, str] | None,
    force: bool,
) -> None:
    """Fetch the matches released to this agency, agree with the others on link IDs, and write them down.

    They are checked against the broker's match log first. The former file of links stays until the new one is
    complete. Beside it are written changes.csv, what changed and why, and unmatched.csv, your records without
    a link. Exit code 8: more links would end than is agreed, and the former file stays until you give
    --accept-change. Where the agreement gives matches to another party without showing you who was linked, you
    get sealed ones for all of your records; where it gives you a total and no match, the total is printed.

    Exit code 9: what came can't be genuine. Where such a round is closed and stops all later ones, someone who
    has spoken with the other agency gives it up with --give-up-round: the former file of links stays, nothing
    of that round is applied here, and the next round goes on.
    """
    from encoding.project.linking.blind_links import blind_links
    from encoding.project.linking.links_files import LinksOrder
    from encoding.project.linking.past_rounds import drain_links, own_supplements
    from encoding.project.linking.round_links import RoundLinks
    from encoding.transfers.blind_fetch import newest_blind
    from encoding.transfers.matches import fetch_total

    if give_up is not None:
        if run_id or recipient or accept_change or as_of or output:
            raise click.UsageError("--give-up-round stands alone, because it fetches nothing")
        _give_up(session, *give_up)
        return
    if as_of is not None:
        if run_id or recipient or accept_change:
            raise click.UsageError(
                "--as-of can only be combined with -o, because it shows what was written before"
            )
        _tell_former(session, as_of, output, force=force)
        return
    document: dict[str, object]
    source = Source(file=file, id_column=id_column)
    with at_broker(session) as context, alarms_told(session):
        terms = context.view.terms
        mode, sealed_for = _what_to_fetch(session, terms, recipient)
        if sealed_for is not None:
            releases = newest_blind(context.client, terms, sealed_for, run_id)
            if output is not None and len(releases) > 1:
                raise click.UsageError(
                    f"choose a run: --run {' or --run '.join(r.run for r in releases)}"
                )
            write = partial(blind_links, context, source=source, force=force)
            found = [write(release=release, output=output) for release in releases]
            document = {"files": [one.to_document() for one in found]}
            sentence = "; ".join(one.sentence() for one in found)
        elif mode == "count":
            total = fetch_total(
                context.client, session.project, session.party, context.trust, run_id
            )
            document = {"release": total.release, "run": total.run, "total": total.total}
            below = f"fewer than {terms.floor:,}, which is the smallest number that is shown"
            number = below if total.total is None else f"{total.total:,}"
            sentence = f"people found in more than one file: {number}"
            # Nothing else is to be had, so it goes where data goes.
            emit(document, [sentence])
            return
        else:
            order = LinksOrder(source, output, force=force, accepted=accept_change)
            wanted = _round_to_write(context, order)
            # What another agency says of this round comes after what it said of those before.
            drain_links(context, LinksOrder(source), below=wanted.round)
            for supplement in (None, *own_supplements(context, wanted)):
                links = RoundLinks(context, wanted, supplement)
                with session.working("agreeing on link IDs"):
                    links.agree()
                with session.working("writing links"):
                    written = links.write(order)
                # What was accepted is kept with the round.
                order = replace(order, accepted=None)
            document, sentence = written.to_document(), written.sentence()
    emit(document, remarks=[sentence])


def _round_to_write(context: Context, order: LinksOrder) -> RoundView:
    """Return the newest round, or the one whose links wait where someone accepts how many end."""
    from encoding.project.linking.own_links import own_links
    from encoding.project.rounds import newest_round, proven

    if order.accepted is not None:
        with context.session.workspace.lock():
            held, last = own_links(context).held(), context.ledger_file.read().last
        if held is not None and (last is None or last.round <= held.round):
            return proven(context, context.api.round(held.round))
    return newest_round(context)


def _give_up(session: Session, number: int, reason: str) -> None:
    """Give a round up because of which commands have ended with an alarm."""
    give_up_round(session, number, reason)
    emit({"given_up": number}, remarks=[f"round {number} is given up; the next one goes on"])


def _tell_former(session: Session, number: int, output: Path | None, *, force: bool) -> None:
    """Print, or write, what the file of links of a round said, by what is kept here alone."""
    from encoding.project.linking.own_links import former_links

    if output is not None:
        refuse_to_overwrite(output, own_start=LINKS_START, force=force)
        note_file(session, "link-table", output)
    found = former_links(session, number)
    if output is not None:
        write_links(output, found)
        said = f"round {number}: {len(found):,} records had a link ID, in {output}"
        emit({"round": number, "links": len(found), "file": str(output)}, remarks=[said])
        return
    if not wants_json():
        # Bytes, so that no system changes the line ends.
        click.echo(links_bytes(found), nl=False)
    emit({"round": number, "links": [link._asdict() for link in found]})


def _what_to_fetch(
    session: Session, terms: ProjectTerms, asked: str | None
) -> tuple[ReleaseMode | None, str | None]:
    """Return the mode in which this party receives, and for whom it fetches sealed link IDs instead."""
    from encoding.transfers.blind_fetch import blind_recipients

    modes = {found.party: found.mode for found in terms.recipients}
    own = modes.get(session.party)
    sealed_for = blind_recipients(terms) if session.party in terms.providers else ()
    if asked is not None:
        if asked not in sealed_for:
            raise NotReadyError(f"the agreement gives {asked} no sealed link IDs of your records")
        return own, asked
    if own in {"linked", "count"} or not sealed_for:
        return own, None
    if len(sealed_for) > 1:
        raise click.UsageError(f"choose a recipient: --for {' or --for '.join(sealed_for)}")
    return own, sealed_for[0]
