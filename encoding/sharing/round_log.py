"""What the match log says of one round, as far as the report of the round repeats it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from encoding.errors import LogError
from schemas.agreement.agreement import Agreement
from schemas.api.runs import RunCounts, RunView
from schemas.linkage.link_quality import missed_matches, wrong_links
from schemas.matchlog.agreement_kinds import AgreementProposed
from schemas.matchlog.disclosures import Disclosure, DisclosureBook
from schemas.matchlog.entry import Entry
from schemas.matchlog.review_kinds import ReviewAsked, ReviewEnded
from schemas.matchlog.round_kinds import RoundOpened
from schemas.matchlog.run_kinds import RunFinished
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.reports.round_report import MOST_WEEKS, DisclosedTo, PairQuality, Range, ReviewWeek


@dataclass(slots=True, repr=False)
class RoundLog:
    """The entries of a project, read for one round and party.

    `uploads` are those of the round by id, each with whose it is, `first` is the entry that opened it.
    """

    project: str
    party: str
    round: int
    uploads: dict[str, tuple[str, UploadReceived]] = field(default_factory=dict)
    first: int | None = None
    _last: int | None = None
    _book: DisclosureBook = field(default_factory=DisclosureBook)
    _finished: dict[str, RunFinished] = field(default_factory=dict)
    _agreements: dict[str, Agreement] = field(default_factory=dict)
    _asked: dict[str, tuple[date, ReviewAsked]] = field(default_factory=dict)
    _ended: dict[str, ReviewEnded] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Take the next entry of the log."""
        self._book.take(entry)
        if isinstance(entry.body, AgreementProposed):
            self._agreements[entry.body.agreement.digest()] = entry.body.agreement
        elif entry.project == self.project and entry.outcome == "done":
            self._take(entry, entry.body, entry.object or "")

    def agreement(self, digest: str) -> Agreement:
        """Return the agreement of this digest."""
        if digest not in self._agreements:
            raise LogError("the broker shows an agreement that its log does not have")
        return self._agreements[digest]

    def own_upload(self) -> UploadReceived | None:
        """Return what this agency uploaded for the round; None: nothing."""
        return next((one for by, one in self.uploads.values() if by == self.party), None)

    def pair(self, run: RunView, floor: int) -> PairQuality:
        """Return what a run says of itself, once the log says the same."""
        uploads = run.specification.uploads
        partner = next(one.party for one in uploads if one.party != self.party)
        counts = run.counts
        if counts is not None:
            self._refuse_another(run.run, counts)
        if counts is None or counts.auto_pairs is None or counts.expected_false is None:
            return PairQuality(
                partner=partner, run=run.run, linked=None, expected_false=None,
                wrong=None, missed=None, concordance=(),
            )  # fmt: skip
        agreeing, smaller = counts.concordance or (), self.uploads.get(uploads[1].upload)
        missed = None
        if smaller is not None:
            found = missed_matches(counts.auto_pairs, smaller[1].records, agreeing, floor)
            missed = Range.of(found)
        return PairQuality(
            partner=partner,
            run=run.run,
            linked=counts.auto_pairs,
            expected_false=counts.expected_false,
            wrong=Range.of(wrong_links(counts.expected_false)),
            missed=missed,
            concordance=agreeing,
        )

    def questions(self, reviewer: str, asked: str) -> tuple[ReviewWeek, ...]:
        """Return what came of an agency's questions about another one's records, of the newest weeks."""
        weeks: dict[date, list[tuple[ReviewAsked, ReviewEnded]]] = {}
        for run, (day, body) in self._asked.items():
            if (body.reviewer, body.asked) == (reviewer, asked) and run in self._ended:
                monday = day - timedelta(days=day.weekday())
                weeks.setdefault(monday, []).append((body, self._ended[run]))
        return tuple(
            ReviewWeek(
                week=monday.isoformat(),
                asked=sum(one.charged for one, _ in found),
                accepted=_sum(end.accepted for _, end in found),
                rejected=_sum(end.rejected for _, end in found),
            )
            for monday, found in sorted(weeks.items())[-MOST_WEEKS:]
        )

    def disclosures(self) -> tuple[DisclosedTo, ...]:
        """Return what this agency gave and received from the opening of the round to that of the next one."""
        lines = [one for one in self._book.lines if self._is_of_round(one)]
        lines.sort(key=_sort)
        return tuple(_together(list(same)) for _, same in groupby(lines, key=_sort))

    def _take(self, entry: Entry, body: Any, of: str) -> None:
        if isinstance(body, RoundOpened):
            if body.round == self.round:
                self.first = entry.seq
            elif self.first is not None and self._last is None:
                self._last = entry.seq
        elif isinstance(body, UploadReceived) and body.round == self.round:
            self.uploads[of] = (entry.actor.party, body)
        elif isinstance(body, RunFinished):
            self._finished[of] = body
        elif isinstance(body, ReviewAsked):
            self._asked[of] = (date.fromisoformat(entry.time[:10]), body)
        elif isinstance(body, ReviewEnded):
            self._ended[of] = body

    def _refuse_another(self, run: str, counts: RunCounts) -> None:
        logged = self._finished.get(run)
        if logged is None or logged.auto_pairs is None:
            return
        told = (counts.auto_pairs, counts.expected_false, counts.concordance)
        if told != (logged.auto_pairs, logged.expected_false, logged.concordance):
            raise LogError("the broker shows different numbers of a run from those in its log")

    def _is_of_round(self, line: Disclosure) -> bool:
        return (
            self.first is not None
            and line.entry >= self.first
            and (self._last is None or line.entry < self._last)
            and line.project == self.project
            and line.outcome == "done"
            and self.party in (line.giver, line.receiver)
        )


def _sort(line: Disclosure) -> tuple[str, str, str, str, str]:
    return line.giver, line.receiver, line.what, line.basis, line.citation


def _together(lines: list[Disclosure]) -> DisclosedTo:
    first, records = lines[0], [one.records for one in lines]
    known = [one for one in records if one is not None]
    return DisclosedTo.from_row(
        first,
        times=len(lines),
        records=max(known, default=0) if len(known) == len(records) else None,
        citation=first.citation or None,
        entry=min(one.entry for one in lines),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [*counts]
    return None if None in known else sum(filter(None, known))
