"""`blindlink hub add`: spokes from a list, each with an agreement from one template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from encoding.agreement.files import write_proposal
from encoding.agreement.page import agreement_page
from encoding.agreement.persons import newest_identities
from encoding.agreement.verification import verified
from encoding.cli.commands.agreement_signatures import compare_fingerprint, refuse_other
from encoding.cli.terminal.prompts import require_yes
from encoding.errors import NotReadyError, SpokesError
from encoding.extras.hub.sessions import HubDesk
from encoding.extras.hub.sheet import sheet_page
from encoding.extras.hub.spokes import (
    Spoke,
    answers_for,
    changed_words,
    named_columns,
    read_spokes,
    sheet_digest,
    write_spokes,
)
from encoding.project.noted_files import write_page
from encoding.project.session import Session
from schemas.agreement.chapters import grouped
from schemas.shared.command_line import FILE

if TYPE_CHECKING:
    from schemas.agreement.negotiation import AgreementProposal
    from schemas.signing.identity import PublicIdentity

_DRAFT: Final = "agreement-1.json"
_PAGE: Final = "agreement.html"


@click.command(
    "add",
    short_help="Add spokes from a list, and draft their agreements.",
    epilog="Example: blindlink hub add districts.csv --template answers.toml",
)
@click.argument("spokes_list", metavar="LIST", type=FILE)
@click.option(
    "--template",
    type=FILE,
    help="TOML file of answers, in which {COLUMN} stands for what LIST says; agreements are drafted and sent.",
)
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    help="Without --template: the fingerprint on counsel's sheet, all 64 characters.",
)
@click.option(
    "--yes",
    is_flag=True,
    help="Without --template: don't ask whether to take what changes of spokes that the hub has.",
)
@click.pass_obj
def add(
    session: Session,
    *,
    spokes_list: Path,
    template: Path | None,
    fingerprints: tuple[str, ...],
    yes: bool,
) -> None:
    """Add the spokes of a LIST: a CSV file with the columns name, title and what else the template names.

    For the hub's steward, with --template: drafts an agreement with each new spoke, sends it, and writes a
    sheet for counsel, who signs once for all of them. A spoke whose people the operator has not confirmed yet
    is left out; add the same list again. Everyone else leaves out --template: LIST is the steward's sheet,
    such as sheet-1.csv, and you compare its fingerprint with counsel's paper. What it says otherwise of a
    spoke that the hub has is shown, and asked about.
    """
    desk = HubDesk(session)
    with desk.locked():
        listed = read_spokes(spokes_list, desk.hub.sections.hub.party)
        if template is None:
            _take_over(desk, listed, fingerprints, yes=yes)
        else:
            _draft_all(desk, listed, template)


def _draft_all(desk: HubDesk, listed: Sequence[Spoke], template: Path) -> None:

    from encoding.agreement.draft import read_answers

    known = desk.spokes()
    there = {spoke.project for spoke in known}
    new = [spoke for spoke in listed if spoke.project not in there]
    if not new:
        raise NotReadyError(
            "the hub has all spokes of the list already", hint="next: blindlink hub sign"
        )
    pattern = read_answers(template)
    # Before anything is sent, for all of them.
    answers = {spoke.project: answers_for(pattern, spoke.answers()) for spoke in new}
    number = max((spoke.sheet for spoke in known), default=0) + 1
    drafted: list[Spoke] = []

    def draft(spoke: Spoke) -> None:
        digest = _drafted(desk, spoke, answers[spoke.project], template.parent)
        drafted.append(replace(spoke, sheet=number, agreement=digest))

    left_out = desk.each(new, draft, "drafting")
    if not drafted:
        raise NotReadyError("no agreement could be drafted", hint="add the same list again later")
    columns = sorted(named_columns(pattern) - {"name", "title", "project"})
    page = sheet_page(number, desk.hub.sections.hub.party, drafted, columns)
    write_page(desk.hub.sheet(number, "html"), page)
    write_spokes(desk.hub.sheet(number, "csv"), drafted)
    write_spokes(desk.hub.list_file, [*known, *drafted])
    desk.session.say(
        f"{len(drafted):,} agreements are at the broker; print sheet-{number}.html for counsel,"
        " hand the .csv beside it to everybody at the hub, then: blindlink hub sign"
    )
    if left_out:
        desk.session.warn(f"{len(left_out):,} spokes are left out; add the same list again later")
    click.echo(grouped(sheet_digest(drafted)))


def _drafted(desk: HubDesk, spoke: Spoke, answers: dict[str, Any], folder: Path) -> str:
    """Draft a spoke's agreement, send it, and return its fingerprint."""

    from encoding.agreement.draft import draft_agreement

    with desk.seat(spoke) as at:
        people = newest_identities(at.client.identities(spoke.project).identities)
        _refuse_unconfirmed(spoke, people)
        made: AgreementProposal = draft_agreement({"log": at.log, **answers}, folder, None, people)
        digest = made.agreement.digest()
        shown = verified(at.client.propose_agreement(spoke.project, made))
        refuse_other(shown, digest)
    place = desk.hub.folder_of(spoke)
    write_proposal(place / _DRAFT, made, force=True)
    write_page(place / _PAGE, agreement_page(made.agreement, made.profile), force=True)
    return digest


def _refuse_unconfirmed(spoke: Spoke, people: Iterable[PublicIdentity]) -> None:
    has = {duty for one in people if one.party == spoke.name for duty in one.duties}
    if not {"steward", "analyst"} <= has:
        raise NotReadyError(f"the operator has not confirmed the people of {spoke.name} yet")


def _take_over(desk: HubDesk, listed: Sequence[Spoke], given: Sequence[str], *, yes: bool) -> None:
    """Take spokes from a steward's sheet, once someone has compared its fingerprint."""
    known = {spoke.project: spoke for spoke in desk.spokes()}
    for spoke in listed:
        if not spoke.agreement:
            raise SpokesError(
                f"the list has no agreement for {spoke.project}",
                hint="take the steward's sheet, or draft agreements with --template",
            )
        before = known.get(spoke.project)
        if before is None or before.sheet != spoke.sheet:
            continue
        if before.agreement != spoke.agreement:
            raise SpokesError(f"{spoke.project} was added before, with a different agreement")
    fingerprints = list(given)
    in_order = sorted(listed, key=lambda one: one.sheet)
    sheets = {number: list(on) for number, on in groupby(in_order, key=lambda one: one.sheet)}
    for number, of_sheet in sheets.items():
        digest = sheet_digest(of_sheet)
        one = next((one for one in fingerprints if "".join(one.split()).lower() == digest), None)
        is_given = one is not None or not fingerprints
        compare_fingerprint(digest, one if is_given else fingerprints[0], f"sheet {number}")
    # An older sheet than that of an extension brings nothing new of a spoke.
    newer = {
        spoke.project: spoke
        for spoke in listed
        if spoke.project not in known or spoke.sheet >= known[spoke.project].sheet
    }
    both = sorted(known.keys() & newer.keys())
    changes = [words for one in both for words in changed_words(known[one], newer[one])]
    if changes:
        require_yes(changes, "Take this over?", yes=yes)
    for number, of_sheet in sheets.items():
        write_spokes(desk.hub.sheet(number, "csv"), of_sheet)
    merged = known | newer
    for spoke in merged.values():
        desk.hub.lay_out(spoke)
    write_spokes(desk.hub.list_file, list(merged.values()))
    desk.session.say(f"the hub has {len(merged):,} spokes now")
