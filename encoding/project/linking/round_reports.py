"""The report of a round: put together from the workspace, the file, the log and the runs; kept, and written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from encoding.errors import NotReadyError
from encoding.files import refuse_to_overwrite, write_durably
from encoding.packing.handles import derive_map_keys
from encoding.packing.snapshot import Snapshot, Snapshots
from encoding.project.context import Context, fetched_log
from encoding.project.linking.alarms import lost_between
from encoding.project.linking.links_files import LinkFiles, LinksOrder, LinksWritten
from encoding.project.linking.own_links import own_links
from encoding.project.noted_files import note_file, refuse_another_page, write_page
from encoding.project.problem_words import message_of
from encoding.project.reviewing.reviews import reviews_of
from encoding.project.rounds import proven, runs_of
from encoding.project.session import Session
from encoding.records.agency_file import agency_file
from encoding.sharing.kept_reports import KeptReports
from encoding.sharing.links_of_rounds import LinksOfRound, keys_of
from encoding.sharing.round_counts import Compared, GroupCounts, Wanted, count_groups
from encoding.sharing.round_log import RoundLog
from encoding.sharing.round_page import round_page
from schemas.documents.ids import utc_text
from schemas.reports.round_report import (
    MOST_LOST,
    LinkTotals,
    LostRelease,
    Range,
    ReviewLoad,
    RoundNumbers,
    RoundReport,
    few_accepted,
)

# How a report in JSON begins, by which an earlier one is known that may be overwritten.
REPORT_START = b'{"agreement":"'


@dataclass(frozen=True, slots=True)
class ReportWritten:
    """The report of a round, and where its page and its JSON stand."""

    report: RoundReport
    page: Path
    document: Path


def report_of_round(
    context: Context, number: int, order: LinksOrder, written: LinksWritten | None = None
) -> ReportWritten:
    """Make the report of a round whose links were written here, keep it, and write it beside them."""
    session = context.session
    links = order.output or session.links_path
    beside = LinkFiles.beside(links)
    report = _Maker(context, number, order, written).report()
    files = ReportWritten(report, beside.report("html"), beside.report("json"))
    # Before they are noted: what is noted is destroyed with the rest.
    refuse_another_page(files.page, force=order.force)
    refuse_to_overwrite(files.document, own_start=REPORT_START, force=order.force)
    note_file(session, "link-table", files.page, files.document)
    with session.workspace.lock():
        _kept(context).keep(files.report)
    write_page(files.page, round_page(files.report), force=order.force)
    write_durably(files.document, files.report.to_canonical() + b"\n")
    return files


@contextmanager
def warned_of(session: Session) -> Iterator[None]:
    """Tell a fault of the report as a warning: links that were written stand, whatever is said of them."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - a fault of the report is none of the round
        session.warn(
            f"the report of the round could not be made: {message_of(exc)}; later: blindlink report --round"
        )


def newest_reported(context: Context) -> int:
    """Return the newest round whose links were written here."""
    with context.session.workspace.lock():
        newest = own_links(context).newest()
    if newest is None:
        raise NotReadyError("no links were written here yet", hint="next: blindlink refresh")
    return newest.round


def _kept(context: Context) -> KeptReports:
    session = context.session
    return KeptReports(session.workspace, session.project, own_links(context).space)


class _Maker:
    """One report as it is made."""

    def __init__(
        self, context: Context, number: int, order: LinksOrder, written: LinksWritten | None
    ) -> None:
        self._context, self._session, self._number = context, context.session, number
        self._order, self._written = order, written
        self._terms = context.view.terms
        with self._session.workspace.lock():
            links = own_links(context).read(number)
            kept = _kept(context)
            self._own, self._former = kept.of_round(number), tuple(kept.before(number))
            if links is None:
                raise NotReadyError(f"no links of round {number} were written here")
            self._links = links
            self._compared = self._read_compared(links)
            self._keys = derive_map_keys(self._session.workspace.key(), self._session.project)
        copy = fetched_log(self._session, context.client, context.trust)
        self._log = RoundLog(self._session.project, self._session.party, number)
        for entry in copy.entries:
            self._log.take(entry)

    def report(self) -> RoundReport:
        own, terms, compared = self._log.own_upload(), self._terms, self._compared
        if own is None:
            raise NotReadyError(f"the match log has no upload of round {self._number} of yours")
        agreement = self._log.agreement(self._context.view.agreement)
        groups = self._groups(date.fromisoformat(own.as_of))
        rates = compared.rates(groups.eligible_groups())
        found = proven(self._context, self._context.api.round(self._number))
        pairs = tuple(self._log.pair(run, terms.floor) for run in runs_of(self._context, found))
        totals = self._totals()
        return RoundReport(
            project=self._session.project,
            party=self._session.party,
            made=utc_text(self._session.now()),
            agreement=self._context.view.agreement,
            purpose=terms.purpose,
            population=terms.population,
            definition=agreement.population.definition,
            floor=terms.floor,
            now=RoundNumbers(
                round=self._number,
                day=own.as_of,
                records=len(compared.snapshot),
                linked=totals.linked,
                ended=totals.ended,
                wrong=_together([one.wrong for one in pairs]),
                missed=_together([one.missed for one in pairs]),
            ),
            former=tuple(one.now for one in self._former),
            links=totals,
            rates=rates,
            pairs=pairs,
            faults=compared.faults(self._faults_before()),
            subgroups=groups.subgroups(terms.floor, self._session.config.sections.report.age_bands),
            reviews=tuple(self._reviews()),
            disclosures=self._log.disclosures(),
            lost=tuple(self._lost()),
            privacy_audit=own.privacy_audit,
            privacy_limits=terms.privacy,
        )

    def _read_compared(self, links: LinksOfRound) -> Compared:
        workspace, project = self._session.workspace, self._session.project
        snapshots = Snapshots(workspace, project).of_round(self._number)
        if not snapshots:
            raise NotReadyError(
                f"what was encoded in round {self._number} is not known here",
                hint="the workspace keeps it only for rounds whose links are in force or come next",
            )
        largest: Snapshot = max(snapshots.values(), key=len)
        linked = keys_of(workspace, project, links.records)
        return Compared(largest, largest.marked(linked), self._terms.floor)

    def _groups(self, as_of: date) -> GroupCounts:
        session, source = self._session, self._order.source
        sections = session.config.sections
        columns = sections.columns | source.columns
        wanted = Wanted(
            columns=sections.report.subgroups,
            age_bands=sections.report.age_bands,
            eligible=sections.report.eligible,
            birth_header=columns.get("birth_date", "birth_date"),
            date_format=source.date_format or session.config.source.date_format,
        )
        if not wanted.reads_the_file():
            return GroupCounts()
        file = agency_file(session.config, source.file, source.id_column)
        return count_groups(file, self._keys, self._compared, wanted, as_of)

    def _totals(self) -> LinkTotals:
        linked, pending = len(self._links.records), len(self._links.waiting)
        if self._written is None:
            known = None if self._own is None else self._own.links
            return LinkTotals(
                linked=linked,
                pending=pending,
                new=None if known is None else known.new,
                ended=None if known is None else known.ended,
                changed=None if known is None else known.changed,
            )
        changes = self._written.changes
        new, ended = changes["new"], changes["ended"]
        rest = sum(changes.values()) - new - ended
        return LinkTotals(linked=linked, pending=pending, new=new, ended=ended, changed=rest)

    def _faults_before(self) -> dict[str, int | None]:
        last = self._former[-1].faults if self._former else ()
        return {one.what: one.records for one in last}

    def _reviews(self) -> Iterator[ReviewLoad]:
        for view in reviews_of(self._context):
            if view.round == self._number:
                is_reviewer = view.reviewer == self._session.party
                weeks = self._log.questions(view.reviewer, view.asked)
                told = {one.party for one in self._terms.recipients if one.mode == "linked"}
                # The log says how many were accepted where both receive the matches.
                is_told = {view.reviewer, view.asked} <= told
                yield ReviewLoad(
                    partner=view.asked if is_reviewer else view.reviewer,
                    role="reviewer" if is_reviewer else "asked",
                    state=view.state,
                    asked=view.questions,
                    decided=view.decided,
                    has_release=view.release is not None,
                    weeks=weeks,
                    is_doubtful=is_told and few_accepted(weeks, self._terms.floor),
                )

    def _lost(self) -> Iterator[LostRelease]:
        since = self._former[-1].now.round if self._former else 0
        for one in lost_between(self._session, since, self._number)[-MOST_LOST:]:
            yield LostRelease(
                round=one.round,
                release=one.release,
                code=one.code,
                given_up=one.given_up is not None,
            )


def _together(ranges: list[Range | None]) -> Range | None:
    """Return the range of the sum; None where one is not known, or there is none."""
    known = [one for one in ranges if one is not None]
    if not known or len(known) < len(ranges):
        return None
    return Range(low=sum(one.low for one in known), high=sum(one.high for one in known))
