"""`blindlink hub sign`: one person's signature under the agreements of all spokes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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
from encoding.cli.terminal.standing_approvals import confirm, last_day, send_approval
from encoding.errors import AgencyError, NotReadyError, SpokesError
from encoding.extras.hub.extension import changes_of
from encoding.extras.hub.sessions import HubDesk
from encoding.extras.hub.spokes import Spoke, read_spokes, sheet_digest
from encoding.people.peers import read_peers
from encoding.project.agreement.seats import trust_persons
from schemas.agreement.amendment import of_same_clauses
from schemas.shared.amounts import counted

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreement
    from encoding.project.agreement.seats import Seat
    from encoding.project.session import Session
    from schemas.signing.identity import PublicIdentity


@dataclass(slots=True)
class _Offered:
    """What is offered to sign with one spoke; `unknown` are keys that nobody at the hub has compared.

    `changes` is what an extension changes, by what it is called; empty where counsel signs.
    """

    spoke: Spoke
    kept: KeptAgreement
    is_signed: bool
    unknown: list[PublicIdentity]
    changes: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes_ink(self) -> bool:
        """Tell whether counsel has to sign, too."""
        return self.kept.agreement.amends is None


@click.command(
    "sign",
    short_help="Sign the agreements of all spokes at once.",
    epilog="Example: blindlink hub sign --standing",
)
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    help="The fingerprint on the sheet, all 64 characters; nothing is asked about it then.",
)
@click.option(
    "--standing",
    is_flag=True,
    help="Also approve runs in advance wherever all have signed; you need the duty approver.",
)
@signing_options
@click.pass_obj
def sign(
    session: Session, /, *, fingerprints: tuple[str, ...], standing: bool, **given: Any
) -> None:
    """Sign the agreements of all spokes for your party, with one passphrase and one sheet of counsel.

    Each is fetched, verified, and compared with the fingerprint in your list of spokes. Keys that nobody here
    has compared are listed once for each person, whatever the number of projects. An extension shows what it
    changes, and takes no counsel. You need the duty steward. It may be started again at any time: what is
    signed stays signed.
    """
    entry = Entry.of(given, None)
    desk = HubDesk(session)
    with desk.locked():
        spokes = [spoke for spoke in desk.some_spokes() if spoke.agreement]
        offered, failed = _all_offered(desk, spokes)
        waiting = [one for one in offered if not one.is_signed]
        if waiting:
            failed |= _sign_all(desk, spokes, waiting, entry, fingerprints)
        n_signed = sum(one.spoke.project not in failed for one in waiting)
        if standing:
            failed |= _approve_all(
                desk, [one for one in offered if one.spoke.project not in failed], entry
            )
    missing = sum(bool(one.kept.missing()) for one in offered)
    session.say(
        f"{n_signed:,} agreements are signed now;"
        f" {len(offered) - missing:,} of {len(spokes):,} have every party's signature"
    )
    if failed:
        raise NotReadyError(
            f"{len(failed):,} spokes are left out, such as {min(failed)}",
            hint="correct what is listed above, then give the same command again",
        )


def _all_offered(desk: HubDesk, spokes: list[Spoke]) -> tuple[list[_Offered], set[str]]:
    offered: list[_Offered] = []

    def offer(spoke: Spoke) -> None:
        with desk.seat(spoke) as at:
            offered.append(_offered(at, spoke))

    failed = desk.each(spokes, offer, "reading")
    return offered, failed


def _offered(at: Seat, spoke: Spoke) -> _Offered:
    kept = at.follow(at.fetch(spoke.agreement))
    if own_consent(at, kept) is not None:
        return _Offered(spoke, kept, is_signed=True, unknown=[])
    known = at.refresh()
    require_next(known, kept.agreement)
    require_keys(kept.agreement, at.vouched_peers())
    unknown = list(untrusted_keys(kept.agreement, at.peers(), at.party))
    changes: Mapping[str, str] = {}
    if kept.agreement.amends is not None:
        before = known.find(kept.agreement.previous or "")
        if before is None:
            raise NotReadyError("the agreement that this one amends is not kept here")
        changes = changes_of(before.agreement, kept.agreement, spoke.name)
    return _Offered(spoke, kept, is_signed=False, unknown=unknown, changes=changes)


def _sign_all(
    desk: HubDesk,
    spokes: list[Spoke],
    waiting: list[_Offered],
    entry: Entry,
    fingerprints: tuple[str, ...],
) -> set[str]:
    session = desk.session
    for number in sorted({one.spoke.sheet for one in waiting}):
        offered = [one for one in waiting if one.spoke.sheet == number]
        _show_changes(number, offered)
        digest = sheet_digest(_sheet(desk, spokes, number))
        given = [one for one in fingerprints if "".join(one.split()).lower() == digest]
        whose = "counsel's " if any(one.takes_ink for one in offered) else ""
        compare_fingerprint(
            digest, next(iter([*given, *fingerprints]), None), f"{whose}sheet {number}"
        )
    persons = {one.fingerprint(): one for offer in waiting for one in offer.unknown}
    compared = _compared_elsewhere(desk, spokes)
    new = [one for fingerprint, one in persons.items() if fingerprint not in compared]
    ask_whether_compared(new, keys_compared=entry.keys_compared)
    counsel = None
    if entry.counsel_name is not None or any(one.takes_ink for one in waiting):
        counsel = ask_counsel(session, entry.counsel_name, entry.counsel_title, entry.counsel_date)
    by_project = {one.spoke.project: one for one in waiting}

    def put_name(spoke: Spoke) -> None:
        one = by_project[spoke.project]
        with desk.seat(spoke) as at:
            trust_persons(at, one.unknown)
            named = counsel if one.takes_ink or entry.counsel_name is not None else None
            consent = at.signer(one.kept.agreement).consent(named, session.now())
            one.kept = hand_in(at, one.kept, consent, is_new=False)

    return desk.each([one.spoke for one in waiting], put_name, "signing")


def _sheet(desk: HubDesk, spokes: Iterable[Spoke], number: int) -> Sequence[Spoke]:
    """Return who is on a sheet, as it was written; spokes that are on a newer one by now, too."""
    mine = [spoke for spoke in spokes if spoke.sheet == number]
    path = desk.hub.sheet(number, "csv")
    if not path.exists():
        return mine
    on_sheet = read_spokes(path, desk.hub.sections.hub.party)
    written = {(one.project, one.name, one.agreement) for one in on_sheet}
    for spoke in mine:
        if (spoke.project, spoke.name, spoke.agreement) not in written:
            raise SpokesError(f"{path.name} does not have the agreement of {spoke.project}")
    return on_sheet


def _show_changes(number: int, offered: Iterable[_Offered]) -> None:
    """Show what the extensions of a sheet change, alike ones once."""
    changes = Counter(change for one in offered for change in one.changes.items())
    if changes:
        click.echo(f"\nWHAT SHEET {number} CHANGES", err=True)
    for (what, how), n_spokes in changes.items():
        click.echo(f"  {what}: {how}, {n_spokes:,} agreements", err=True)


def _compared_elsewhere(desk: HubDesk, spokes: list[Spoke]) -> set[str]:
    """Return the fingerprints that someone here has compared for another spoke: one comparison a person."""
    found: set[str] = set()
    for spoke in spokes:
        # What is wrong at a spoke was told when its agreement was read.
        with suppress(AgencyError):
            peers = read_peers(desk.at(spoke).workspace.peers)
            found |= {peer.fingerprint for peer in peers.peers}
    return found


def _approve_all(desk: HubDesk, offered: list[_Offered], entry: Entry) -> set[str]:
    party = desk.hub.sections.hub.party
    today = desk.session.now().date()
    asked = [
        one
        for one in offered
        if not one.kept.missing() and party in one.kept.agreement.approvals.parties
    ]
    begun = [one for one in asked if one.kept.has_begun(today)]
    alike: dict[tuple[str, str], list[_Offered]] = {}
    by_project = {one.spoke.project: one for one in begun}

    def ask(spoke: Spoke) -> None:
        one = by_project[spoke.project]
        with desk.seat(spoke) as at:
            if not _is_approved(at, one.kept):
                last = last_day(one.kept.agreement, entry.until)
                alike.setdefault((one.kept.agreement.policy.digest(), last), []).append(one)

    failed = desk.each([one.spoke for one in begun], ask, "reading")
    if len(begun) < len(asked):
        first = min(one.kept.agreement.start for one in asked if one not in begun)
        n_later = counted(len(asked) - len(begun), "agreement")
        desk.session.say(
            f"runs under {n_later} are not approved yet: the first begins on {first};"
            " give the same command again then"
        )
    elif not alike:
        desk.session.say("no runs wait for your party's approval")
    for (_, last), same in alike.items():
        sentences = standing_sentences(same[0].kept.agreement, last, entry.runs)
        confirm([f"The same for {len(same):,} agreements:", *sentences], yes=entry.yes)

        def approve(spoke: Spoke, last: str = last) -> None:
            with desk.seat(spoke) as at:
                send_approval(at, by_project[spoke.project].kept.agreement, last, entry.runs)

        failed |= desk.each([one.spoke for one in same], approve, "approving")
    return failed


def _is_approved(at: Seat, kept: KeptAgreement) -> bool:
    """Tell whether the party has approved runs in advance, under clauses that count still."""
    versions = (one.agreement for one in at.known().complete_until(kept))
    counting = {version.digest() for version in of_same_clauses(versions)}
    given = at.client.standing_approvals(at.project).approvals
    stated = (state.signed.statement for state in given if state.revoked is None)
    return any(one.party == at.party and one.agreement in counting for one in stated)
