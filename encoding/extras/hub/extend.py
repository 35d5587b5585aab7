"""`blindlink hub extend`: the next version of every spoke's agreement, without counsel's ink."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from encoding.agreement.coverage import require_force
from encoding.agreement.files import write_proposal
from encoding.agreement.verification import verified
from encoding.cli.commands.agreement_signatures import refuse_other
from encoding.cli.terminal.standing_approvals import read_day
from encoding.errors import AgencyError, BrokerUnreachableError, NotReadyError
from encoding.extras.hub.extension import changes_of, extended
from encoding.extras.hub.sessions import HubDesk
from encoding.extras.hub.sheet import extension_page
from encoding.extras.hub.spokes import Spoke, answers_for, read_spokes, sheet_digest, write_spokes
from encoding.project.noted_files import write_page
from encoding.project.session import Session
from schemas.agreement.chapter_limits import listed
from schemas.agreement.chapters import grouped
from schemas.shared.command_line import FILE

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreement

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class _Sent:
    """A spoke with its next version, as the broker shows it, and what that changes."""

    spoke: Spoke
    kept: KeptAgreement
    changes: Mapping[str, str]


@click.command(
    "extend",
    short_help="Extend the agreements of all spokes, without counsel.",
    epilog="Example: blindlink hub extend --until 2028-08-31",
)
@click.argument("spokes_list", metavar="[LIST]", required=False, type=FILE)
@click.option(
    "--until", help="The new last day, such as 2028-08-31; an agreement is never shortened."
)
@click.option(
    "--template",
    type=FILE,
    help="TOML file of the answers that change, such as sizes; {COLUMN} stands for what LIST says.",
)
@click.pass_obj
def extend(
    session: Session, *, spokes_list: Path | None, until: str | None, template: Path | None
) -> None:
    """Draft the next version of every agreement that is in force, send it, and write a sheet of them.

    For the hub's steward. Only dates, the schedule, sizes of files and, within the agreed range, probabilities
    may change, so that no counsel has to sign. All data is destroyed as many days after the last day as before.
    Spokes that have it already, and those whose agreement is not in force, are left alone. With a LIST, only
    its spokes are extended, and its columns count. You can repeat the command at any time: it does what is
    missing, and says who has yet to sign.
    """
    last_day = None if until is None else read_day(until)
    if last_day is None and template is None:
        raise click.UsageError("say what changes: --until DAY, or --template FILE")
    if last_day is not None and last_day < session.now().date().isoformat():
        raise click.BadParameter("this day is over", param_hint="--until")
    desk = HubDesk(session)
    with desk.locked():
        wanted = _wanted(desk, spokes_list)
        _refuse_others(desk)
        answers = _answers(wanted, last_day, template)
        folder = Path() if template is None else template.parent
        _extend_all(desk, wanted, answers, folder)


def _wanted(desk: HubDesk, spokes_list: Path | None) -> list[Spoke]:
    known = {spoke.project: spoke for spoke in desk.some_spokes() if spoke.agreement}
    if spokes_list is None:
        return list(known.values())
    found = []
    for one in read_spokes(spokes_list, desk.hub.sections.hub.party):
        spoke = known.get(one.project)
        if spoke is None:
            desk.session.warn(f"{one.project} is left out: the hub has no agreement with it yet")
        else:
            found.append(replace(spoke, cells={**spoke.cells, **one.cells}))
    return found


def _refuse_others(desk: HubDesk) -> None:
    """Refuse the person who is no steward of the hub, before anything is asked of the broker."""
    desk.at(desk.some_spokes()[0])
    duties = () if desk.session.own is None else desk.session.own.public.duties
    if "steward" not in duties or "operator" in duties:
        raise click.UsageError("this is for a steward of the hub")


def _answers(
    wanted: Sequence[Spoke], last_day: str | None, template: Path | None
) -> dict[str, dict[str, Any]]:
    """Return what changes by project, for all of them before anything is sent."""

    from encoding.agreement.draft import read_answers

    pattern = {} if template is None else read_answers(template)
    if last_day is not None:
        pattern["end"] = last_day
    return {spoke.project: answers_for(pattern, spoke.answers()) for spoke in wanted}


def _extend_all(
    desk: HubDesk, wanted: Sequence[Spoke], answers: Mapping[str, dict[str, Any]], folder: Path
) -> None:
    session, known = desk.session, desk.spokes()
    number = max(spoke.sheet for spoke in known) + 1
    sent: list[_Sent] = []
    waiting: list[_Sent] = []
    n_unchanged = 0
    with session.progress() as progress:
        for n_done, spoke in enumerate(wanted, start=1):
            try:
                found = _extended(desk, spoke, answers[spoke.project], folder)
                if found is None:
                    n_unchanged += 1
                elif found.spoke.agreement == spoke.agreement:
                    waiting.append(found)
                else:
                    sent.append(replace(found, spoke=replace(found.spoke, sheet=number)))
            except BrokerUnreachableError:
                raise
            except AgencyError as exc:
                session.warn(f"{spoke.project} is left alone: {exc}")
            progress("extending", n_done / len(wanted), n_done, "agreements")
    _say_waiting(session, waiting)
    if n_unchanged:
        session.say(f"nothing to change at {n_unchanged:,} of {len(wanted):,} spokes")
    if sent:
        _write_sheet(desk, number, sent, known)
    elif not waiting and not n_unchanged:
        raise NotReadyError("no agreement could be extended", hint="correct what is listed above")


def _extended(desk: HubDesk, spoke: Spoke, answers: dict[str, Any], folder: Path) -> _Sent | None:
    """Draft the version that extends a spoke's agreement, and send it; None: there is nothing to extend."""
    with desk.seat(spoke) as at:
        before = at.refresh().last_complete() or at.in_force()
        require_force(at.known().with_words(before), desk.session.now().date())
        made = extended(before.proposal(), answers, folder)
        if made is None:
            return None
        shown = verified(at.client.propose_agreement(spoke.project, made))
        refuse_other(shown, made.agreement.digest())
    file = desk.hub.folder_of(spoke) / f"agreement-{made.agreement.number}.json"
    write_proposal(file, made, force=True)
    changes = changes_of(before.agreement, made.agreement, spoke.name)
    return _Sent(replace(spoke, agreement=shown.digest), shown, changes)


def _write_sheet(desk: HubDesk, number: int, sent: Sequence[_Sent], known: Iterable[Spoke]) -> None:
    spokes = [one.spoke for one in sent]
    places = dict.fromkeys(place for one in sent for place in one.changes)
    changes = {
        place: {one.spoke.project: one.changes.get(place, "") for one in sent} for place in places
    }
    page = extension_page(number, desk.hub.sections.hub.party, spokes, changes)
    write_page(desk.hub.sheet(number, "html"), page)
    write_spokes(desk.hub.sheet(number, "csv"), spokes)
    # Last, so that anyone who is interrupted before finds all of them missing yet.
    merged = {spoke.project: spoke for spoke in (*known, *spokes)}
    write_spokes(desk.hub.list_file, list(merged.values()))
    desk.session.say(
        f"agreements that are new at the broker: {len(sent):,}; no counsel has to sign. Print"
        f" sheet-{number}.html, hand it to the operator with the .csv beside it, then: blindlink hub sign"
    )
    click.echo(grouped(sheet_digest(spokes)))


def _say_waiting(session: Session, waiting: Iterable[_Sent]) -> None:
    """Say of those that were sent before whose signature is missing."""
    groups: dict[tuple[int, str], list[str]] = {}
    for one in waiting:
        names = ("the spoke" if name == one.spoke.name else name for name in one.kept.missing())
        groups.setdefault((one.spoke.sheet, listed(tuple(names))), []).append(one.spoke.name)
    for (sheet, missing), spokes in groups.items():
        more = f" and {len(spokes) - _NAMED:,} more" if len(spokes) > _NAMED else ""
        named = ", ".join(spokes[:_NAMED])
        session.say(f"sheet {sheet}: the signature of {missing} is missing at {named}{more}")
