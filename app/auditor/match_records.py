"""Match records as an auditor reads them: fetched page by page, counted, and held to the match log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import IO, Any, Protocol

from app.auditor.errors import MalformedError, NotAuthorisedError, RecordContradictedError
from schemas.api.bodies import MatchRecordPage
from schemas.documents.errors import DocumentError
from schemas.matchlog.entry import Entry
from schemas.matchlog.review_kinds import ReviewEnded
from schemas.matchlog.run_kinds import RunAsked, RunFinished
from schemas.rounds.match_record import (
    Decision,
    LineSource,
    MatchRecordHeader,
    MatchRecordReader,
    Row,
)


class RecordSource(Protocol):
    """Anyone who can be asked for match records: a broker."""

    def match_record(self, run: str, first: int, release: int = 1) -> MatchRecordPage | None:
        """Return rows from number `first` on; None where the caller may not see them."""


@dataclass(slots=True)
class MatchRecordBook:
    """Takes the entries of a verified log; says of each run what the log knows of its match records.

    `roots` are by run and number of the release: 1, or that of what reviewers accepted.
    """

    specifications: dict[str, str] = field(default_factory=dict)
    roots: dict[tuple[str, int], str | None] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        body, run = entry.body, entry.object
        if run is None or entry.outcome != "done":
            return
        if isinstance(body, RunAsked):
            self.specifications[run] = body.specification_sha256
        elif isinstance(body, RunFinished):
            self.roots[run, 1] = body.match_record_root
        elif isinstance(body, ReviewEnded) and body.release is not None:
            self.roots[run, body.release] = body.match_record_root

    def compare(self, record: RecordRead) -> None:
        """Hold a record that was read to the log.

        Raises:
            RecordContradictedError: the log knows no such run, or another record of it.
        """
        header = record.header
        place = (header.run, header.release)
        logged = (self.specifications.get(header.run), self.roots.get(place))
        if logged != (header.specification, record.root):
            raise RecordContradictedError(
                "the match record is not the one whose root is in the log",
                evidence={"run": header.run, "root": record.root, "logged_root": logged[1]},
            )


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which decisions are listed; None is any. Probabilities are the starts of steps, both included."""

    band: str | None = None
    rule: str | None = None
    least: str | None = None
    most: str | None = None

    def holds(self, decision: Decision) -> bool:
        """Tell whether a decision is asked for."""
        return (
            self.band in (None, decision.band)
            and self.rule in (None, decision.rule)
            and (self.least is None or Fraction(self.least) <= Fraction(decision.probability))
            and (self.most is None or Fraction(decision.probability) <= Fraction(self.most))
        )


@dataclass(slots=True)
class RecordRead:
    """A match record that was read to its end: its root, and the decisions by kind.

    `counts` is by band, rule and step of probability; `withheld` counts rows that are bare hashes, among
    them padding, which stands for no decision.
    """

    header: MatchRecordHeader
    root: str = ""
    withheld: int = 0
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def by(self, *places: int) -> dict[tuple[str, ...], int]:
        """Return counts by some of band (0), rule (1) and probability (2), in order."""
        summed: Counter[tuple[str, ...]] = Counter()
        for key, count in self.counts.items():
            summed[tuple(key[place] for place in places)] += count
        return dict(sorted(summed.items()))

    def most_expected_wrong(self) -> Fraction:
        """Return how many of the linked pairs that are shown are expected to be wrong at most.

        Each counts as if its probability were the start of its step.
        """
        return sum(
            (
                count * (1 - Fraction(probability))
                for (band, _, probability), count in self.counts.items()
                if band == "auto"
            ),
            Fraction(0),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        header = self.header
        return {
            "run": header.run,
            "project": header.project,
            "round": header.round,
            "release": header.release,
            "specification": header.specification,
            "root": self.root,
            "floor": header.floor,
            "prior": header.prior,
            "weights": [one.model_dump() for one in header.weights],
            "rows": header.rows,
            "withheld": self.withheld,
            "counts": [
                {"band": band, "rule": rule, "probability": probability, "decisions": count}
                for (band, rule, probability), count in sorted(self.counts.items())
            ],
        }


def read_record(
    source: LineSource, on_decision: Callable[[MatchRecordHeader, int, Decision], None]
) -> RecordRead:
    """Read a match record in bounded memory, giving each decision that is shown, with its number.

    Raises:
        MalformedError: it is none of this version.
    """
    with _malformed():
        reader = MatchRecordReader(source)
    read = RecordRead(reader.header)
    for row in _rows(reader):
        if row.decision is None:
            read.withheld += 1
            continue
        decision = row.decision
        read.counts[decision.band, decision.rule, decision.probability] += 1
        on_decision(reader.header, row.number, decision)
    read.root = reader.root()
    return read


def fetch_record(source: RecordSource, run: str, output: IO[bytes], release: int = 1) -> None:
    """Fetch all pages of a run's match record and write them as one record."""
    first: int | None = 1
    header: MatchRecordHeader | None = None
    while first is not None:
        page = source.match_record(run, first, release)
        if page is None:
            raise NotAuthorisedError("the broker shows this token no match record of such a run")
        if header is None:
            header = page.header
            output.write(header.to_canonical() + b"\n")
        ends = first + len(page.rows)
        if (page.header, page.first) != (header, first) or page.next not in (None, ends):
            raise MalformedError("the pages of the match record do not fit together")
        if page.next is not None and not page.rows:
            raise MalformedError("the broker's pages of the match record do not end")
        output.writelines(page.lines())
        first = page.next


def _rows(reader: MatchRecordReader) -> Iterator[Row]:
    rows = reader.rows()
    while True:
        with _malformed():
            row = next(rows, None)
        if row is None:
            return
        yield row


@contextmanager
def _malformed() -> Iterator[None]:
    try:
        yield
    except DocumentError as exc:
        raise MalformedError(str(exc)) from exc
