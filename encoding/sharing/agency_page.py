"""An agency's own page: what needs attention now, where the linkage stands, and what it has led to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from encoding.sharing.agency_state import AgencyState, attention
from encoding.sharing.round_page import disclosures_told, links_changed, round_history
from schemas.reports.overdue import plain_moment
from schemas.shared.amounts import shown
from schemas.shared.page import (
    Markup,
    Section,
    Standing,
    facts,
    findings,
    paragraph,
    render_page,
    table,
)

_FAULTS: Final = ("missing", "placeholder", "invalid", "garbled")


def agency_page(state: AgencyState) -> str:
    """Return the page as one self-contained HTML file."""
    sections = [
        Section("What needs attention now", [findings(_needs(state))]),
        Section("Where the linkage stands", list(_stands(state))),
        Section("Rounds and links", list(_rounds(state))),
        Section("Your file", list(_file(state))),
        Section("Who received what, and on which legal basis", list(_disclosed(state))),
        Section("The match log", list(_log(state))),
        Section("Keys and backups", list(_keys(state))),
    ]
    floor = (
        ""
        if state.report is None
        else f" Numbers of groups under {state.report.floor} are not shown."
    )
    return render_page(
        f"{state.party} in the project {state.project}",
        _lead(state),
        sections,
        f"Made {plain_moment(state.made)} from this workspace and {_source(state)}. It names nobody.{floor}",
        is_brief=True,
    )


def summary(state: AgencyState) -> str:
    """Return in one sentence how much needs attention."""
    found = [one for one in attention(state) if one.standing != "note"]
    if not found:
        return "nothing needs anybody now"
    return (
        f"{len(found)} things need attention now"
        if len(found) > 1
        else "1 thing needs attention now"
    )


def _lead(state: AgencyState) -> str:
    said = summary(state)
    return f"{said[:1].upper()}{said[1:]}, as of {_as_of(state)}."


def _as_of(state: AgencyState) -> str:
    return plain_moment(state.as_of or state.made)


def _source(state: AgencyState) -> str:
    if state.as_of is None:
        return "nothing else: the broker was never asked"
    return f"the broker's word of {plain_moment(state.as_of)}"


def _needs(state: AgencyState) -> Iterator[tuple[Standing, str]]:
    if state.status is not None and not state.is_current:
        yield (
            "warn",
            f"The broker does not answer. What it is asked for is as of {_as_of(state)}, and may have changed.",
        )
    found = attention(state)
    for one in found:
        yield one.standing, one.words()
    if not found:
        yield "good", "Nothing needs anybody now."


def _stands(state: AgencyState) -> Iterator[Markup]:
    status, agreement = state.status, state.agreement
    for sentence in () if status is None else status.sentences:
        yield paragraph(sentence)
    pairs = [("as of", _as_of(state))]
    if status is not None and status.round is not None:
        pairs.append(("newest round", str(status.round)))
    if status is not None and status.final:
        pairs.append(("runs that are final", f"{sum(status.final)} of {len(status.final)}"))
    if agreement is not None:
        pairs.append(
            ("agreement", f"number {agreement.number}, {agreement.start} to {agreement.end}")
        )
        pairs.append(("all is destroyed by", agreement.retention.destroy_by))
    yield facts(pairs)


def _rounds(state: AgencyState) -> Iterator[Markup]:
    report = state.report
    if report is None:
        yield paragraph("No report of a round is kept here yet: it is made once links are written.")
        return
    now = report.now
    yield paragraph(
        f"Round {now.round}, as of {now.day}: {now.linked:,} of {now.records:,} records are linked."
    )
    changed = links_changed(report)
    if changed is not None:
        yield paragraph(changed)
    yield from round_history(report)


def _file(state: AgencyState) -> Iterator[Markup]:
    check = state.check
    if not check:
        yield paragraph("The file has not been checked here yet: blindlink check")
        return
    same = "It is still that file." if state.is_same_file else "The file has changed since."
    yield paragraph(
        f"At the last check it had {check['rows']:,} rows about {check['records']:,} records. {same}"
    )
    if check["columns"]:
        yield table(
            "Rows with a fault, by column",
            ("column", *_FAULTS),
            [(one["name"], *(shown(one[fault]) for fault in _FAULTS)) for one in check["columns"]],
        )
    yield paragraph(f"Records that stand there twice or more: {shown(check['duplicates'])}.")


def _disclosed(state: AgencyState) -> Iterator[Markup]:
    if state.report is None:
        yield paragraph("No report of a round is kept here yet.")
        return
    yield paragraph(f"In round {state.report.now.round}:")
    yield from disclosures_told(state.report)


def _log(state: AgencyState) -> Iterator[Markup]:
    log = state.log
    if log is None:
        yield paragraph("No match log is pinned here yet: blindlink pin")
        return
    grown = (
        "It was shown to have only grown since this agency first saw it."
        if log.is_settled
        else "It is still to be shown that it has only grown: blindlink pin"
    )
    if log.was_rewritten:
        grown = "It was once shown rewritten or cut off. The evidence is in the workspace."
    yield facts(
        [
            ("match log", log.origin),
            ("pinned", f"{log.entries:,} entries"),
            ("cosigned by you", _cosigned(log.cosigned, log.cosigned_at)),
        ]
    )
    yield paragraph(
        f"{grown} Whether all of it is right, an auditor decides: blindlink-audit verify."
    )


def _cosigned(entries: int, at: str | None) -> str:
    when = "" if at is None else f", {plain_moment(at)}"
    return f"{entries:,} entries{when}" if entries else "nothing yet"


def _keys(state: AgencyState) -> Iterator[Markup]:
    for sentence in state.secret or ("No secret is being agreed on through this workspace.",):
        yield paragraph(sentence)
    backup = state.backup
    if backup is None:
        said = "none is known"
    elif backup.round:
        said = f"{plain_moment(backup.at)}, with round {backup.round}"
    else:
        said = f"{plain_moment(backup.at)}, before the first round"
    others = "more than you can open it" if state.custody is None else "see above"
    yield facts([("last backup", said), ("workspace", others)])
