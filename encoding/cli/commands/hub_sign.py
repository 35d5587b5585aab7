"""`blindlink hub sign`: one person's signature under the agreements of all spokes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from encoding.agreement.verification import require_keys, require_next, untrusted_keys
from encoding.agreement.words import standing_sentences
from encoding.cli.commands.agreement_signatures import (
    Entry,
    ask_counsel,
    ask_whether_compared,
    compare_fingerprint,
    hand_in,
    own_consent,
    signing_options,
)
from encoding.cli.parts.accepted_agreement import trust_persons
from encoding.cli.parts.hub_desk import HubDesk
from encoding.cli.parts.options import agency_options
from encoding.cli.parts.standing_approvals import approve_in_advance, confirm
from encoding.errors import AgencyError, NotReadyError
from encoding.hub.spokes import Spoke, sheet_digest
from encoding.people.peers import read_peers

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreement
    from encoding.cli.parts.agreements import Seat
    from encoding.cli.parts.session import Session
    from schemas.identity import PublicIdentity


@dataclass(slots=True)
class _Offered:
    """What is offered to sign with one spoke; `unknown` are keys that nobody at the hub has compared."""

    spoke: Spoke
    kept: KeptAgreement
    is_signed: bool
    unknown: list[PublicIdentity]


@click.command(
    "sign",
    short_help="Sign the agreements of all spokes at once.",
    epilog="Example: blindlink hub sign --standing",
)
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    help="The fingerprint on counsel's sheet, all 64 characters; nothing is asked about it then.",
)
@click.option(
    "--standing",
    is_flag=True,
    help="Also approve runs in advance wherever all have signed; you need the duty approver.",
)
@signing_options
@agency_options
@click.pass_obj
def sign(
    session: Session, /, *, fingerprints: tuple[str, ...], standing: bool, **given: Any
) -> None:
    """Sign the agreements of all spokes for your party, with one passphrase and one sheet of counsel.

    Each is fetched, verified, and compared with the fingerprint in your list of spokes. Keys that nobody here
    has compared are listed once for each person, whatever the number of projects. You need the duty steward.
    It may be started again at any time: what is signed stays signed.
    """
    entry = Entry.of(given, None)
    desk = HubDesk(session)
    with desk.locked():
        spokes = [spoke for spoke in desk.some_spokes() if spoke.agreement]
        offered, failed = _all_offered(desk, spokes)
        waiting = [one for one in offered if not one.is_signed]
        if waiting:
            failed |= _sign_all(desk, spokes, waiting, entry, fingerprints)
        if standing:
            failed |= _approve_all(
                desk, [one for one in offered if one.spoke.project not in failed], entry
            )
    missing = sum(bool(one.kept.missing()) for one in offered)
    session.say(
        f"{len(waiting) - len(failed):,} agreements are signed now;"
        f" {len(offered) - missing:,} of {len(spokes):,} bind, since all have signed"
    )
    if failed:
        raise NotReadyError(
            f"{len(failed):,} spokes are left out, such as {min(failed)}",
            hint="correct what is listed above, then give the same command again",
        )


def _all_offered(desk: HubDesk, spokes: list[Spoke]) -> tuple[list[_Offered], set[str]]:
    offered: list[_Offered] = []
    failed: set[str] = set()
    with desk.session.progress() as progress:
        for n_done, spoke in enumerate(spokes, start=1):
            try:
                with desk.seat(spoke) as at:
                    offered.append(_offered(at, spoke))
            except AgencyError as exc:
                _leave_out(desk, spoke, exc, failed)
            progress("reading", n_done / len(spokes), n_done, "agreements")
    return offered, failed


def _offered(at: Seat, spoke: Spoke) -> _Offered:
    kept = at.follow(at.fetch(spoke.agreement))
    is_signed = own_consent(at, kept) is not None
    if not is_signed:
        require_next(at.refresh(), kept.agreement)
        require_keys(kept.agreement, at.peers())
    unknown = [] if is_signed else list(untrusted_keys(kept.agreement, at.peers(), at.party))
    return _Offered(spoke, kept, is_signed, unknown)


def _sign_all(
    desk: HubDesk,
    spokes: list[Spoke],
    waiting: list[_Offered],
    entry: Entry,
    fingerprints: tuple[str, ...],
) -> set[str]:
    session = desk.session
    sheets = {one.spoke.sheet for one in waiting}
    in_order = sorted(spokes, key=lambda one: one.sheet)
    for number, found in groupby(in_order, key=lambda one: one.sheet):
        if number in sheets:
            digest = sheet_digest(found)
            given = [one for one in fingerprints if "".join(one.split()).lower() == digest]
            compare_fingerprint(
                digest, next(iter([*given, *fingerprints]), None), f"counsel's sheet {number}"
            )
    persons = {one.fingerprint(): one for offer in waiting for one in offer.unknown}
    compared = _compared_elsewhere(desk, spokes)
    new = [one for fingerprint, one in persons.items() if fingerprint not in compared]
    ask_whether_compared(new, keys_compared=entry.keys_compared)
    counsel = ask_counsel(session, entry.counsel_name, entry.counsel_title, entry.counsel_date)
    failed: set[str] = set()
    with session.progress() as progress:
        for n_done, one in enumerate(waiting, start=1):
            try:
                with desk.seat(one.spoke) as at:
                    trust_persons(at, one.unknown)
                    consent = at.signer(one.kept.agreement).consent(counsel, session.now())
                    one.kept = hand_in(at, one.kept, consent, is_new=False)
            except AgencyError as exc:
                _leave_out(desk, one.spoke, exc, failed)
            progress("signing", n_done / len(waiting), n_done, "agreements")
    return failed


def _compared_elsewhere(desk: HubDesk, spokes: list[Spoke]) -> set[str]:
    """Return the fingerprints that somebody here has compared for another spoke: one comparison a person."""
    return {
        peer.fingerprint
        for spoke in spokes
        for peer in read_peers(desk.at(spoke).workspace.peers).peers
    }


def _approve_all(desk: HubDesk, offered: list[_Offered], entry: Entry) -> set[str]:
    party, failed = desk.hub.sections.hub.party, set[str]()
    binding = [
        one
        for one in offered
        if not one.kept.missing() and party in one.kept.agreement.approvals.parties
    ]
    if not binding:
        desk.session.say("no runs wait for your party's approval")
        return failed
    agreement = binding[0].kept.agreement
    sentences = standing_sentences(agreement, entry.until or agreement.end, entry.runs)
    confirm([f"The same for {len(binding):,} agreements:", *sentences], yes=entry.yes)
    for one in binding:
        try:
            with desk.seat(one.spoke) as at:
                shown = at.client.standing_approvals(one.spoke.project)
                if not any(state.signed.statement.party == party for state in shown.approvals):
                    approve_in_advance(at, one.kept, entry.until, entry.runs, yes=True)
        except AgencyError as exc:
            _leave_out(desk, one.spoke, exc, failed)
    return failed


def _leave_out(desk: HubDesk, spoke: Spoke, exc: AgencyError, failed: set[str]) -> None:
    failed.add(spoke.project)
    desk.session.warn(f"{spoke.project} is left out: {exc}")
