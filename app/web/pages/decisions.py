"""A run's match record: its decisions one by one, for auditors, with a filter and a chart."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy.orm import Session

from app.agreements.service import profile_named
from app.decisions.rows import ShownKind
from app.decisions.service import OpenedRecord, decision_of, log_export, open_record, record_numbers
from app.http.paths import RunPath
from app.matching.blocks.weights import UNIT, least_weight
from app.runs.service import run_for, specification_of
from app.web.answer import WiredPage, json_stream, page_route
from app.web.paging import AddressFilter
from app.web.table import Table
from app.web.weights import bound_rows, level_note, waterfall
from app.wired import WiredBroker
from schemas.documents.canonical import MAX_INTEGER
from schemas.linkage.decision_steps import PROBABILITY_STEPS
from schemas.rounds.match_record import Band, Decision, DecisionRule
from schemas.shared.page import Column, Markup, column_chart

router = APIRouter()

COLUMNS: Final = (
    "number", "band", "rule", "probability", "lead", "larger_commitment", "smaller_commitment",
)  # fmt: skip
ROWS_A_PAGE: Final = 50
# How many rows one look goes through at most; at some 15 us each that stays below half a second.
MAX_SCANNED: Final = 20_000

BAND_WORDS: Final[dict[Band, str]] = {"auto": "linked", "review": "sent to review"}
RULE_WORDS: Final[dict[DecisionRule, str]] = {
    "match-probability": "likely enough, and ahead of any other pair of its records",
    "review-band": "not likely enough to be linked at once",
    "contradicted": "names or dates contradict the number that they share, or that they were linked before",
    "twin-guard": "twins would explain it as well",
    "lead-too-small": "another pair is nearly as likely",
    "reviewed": "reviewers accepted it after it was sent to review",
}


# By this rule alone, a pair is linked with no doubt left.
ORDINARY: Final = "match-probability"


@dataclass(frozen=True, slots=True)
class DecisionQuery(AddressFilter):
    """The filter as it stands in the address; empty wants all.

    `probability` is the least step that is wanted, `first` the row to look on from.
    """

    PLACES = ("first",)

    band: Annotated[str, Query(pattern="^(auto|review)?$")] = ""
    rule: Annotated[str, Query(pattern="^[a-z-]*$", max_length=30)] = ""
    probability: Annotated[str, Query(pattern=r"^(0\.[0-9]{2,3})?$")] = ""
    first: Annotated[int, Query(ge=1, le=MAX_INTEGER)] = 1

    def matches(self, decision: Decision | ShownKind) -> bool:
        """Tell whether a decision is wanted."""
        return (
            self.band in ("", decision.band)
            and self.rule in ("", decision.rule)
            # Steps are written alike, so their texts have the order of their values; empty is below all.
            and self.probability <= decision.probability
        )

    def is_listed(self, decision: Decision) -> bool:
        """Tell whether the page lists a decision: unless something is chosen, only what is an exception."""
        return self.matches(decision) and (self.is_filtered or decision.rule != ORDINARY)


WiredDecisionQuery = Annotated[DecisionQuery, Depends(DecisionQuery)]
# By this rule alone, decisions are in the record of a supplementary release.
REVIEWED: Final = "reviewed"
NumberedDecision = tuple[int, Decision]


@page_route(router, "/runs/{run}/match-record")
def show_match_record(
    broker: WiredBroker, page: WiredPage, run: RunPath, query: WiredDecisionQuery
) -> Response:
    """Show a run's decisions. The twins have all that the filter finds, and so are logged as an export."""
    with broker.database.read() as session:
        release = _release_of(session, run, query)
    if page.twin != "html":
        with broker.database.write() as session:
            log_export(session, broker, page.actor, run, release)
    with broker.database.read() as session:
        record = open_record(session, broker, page.actor, run, release)
        specification = specification_of(run_for(session, page.actor, run)[0])
        profile = profile_named(session, specification.profile)
    header = record.header
    kinds = [kind for kind in record.kinds() if query.matches(kind)]
    rows, look_on = _look(record, query) if page.twin == "html" else ([], None)
    before = _before(record, query) if page.twin == "html" else None
    everything = _found(record, query)
    head = {"header": header.to_json(), "root": record.root, "filter": query.fields()}
    return page.answer(
        "match_record.html",
        title="Match record",
        document=json_stream(head, "decisions", (_document(*row) for row in everything)),
        table=Table(COLUMNS, (_row(*row) for row in everything)),
        project=header.project,
        query=query.encoded(first=query.first if query.first > 1 else None),
        header=header,
        root=record.root,
        filter=query,
        rows=rows,
        parties=[upload.party for upload in header.uploads],
        n_shown=sum(kind.rows for kind in kinds),
        n_withheld=header.rows - sum(kind.rows for kind in record.kinds()),
        summary=_summary(kinds),
        n_ordinary=sum(kind.rows for kind in kinds if kind.rule == ORDINARY),
        steps=_steps(kinds),
        charts=list(_charts(kinds)),
        bars=waterfall(header, profile),
        bounds=bound_rows(specification.policy),
        level_note=level_note(profile),
        bands=BAND_WORDS,
        rules=RULE_WORDS,
        step_texts=list(PROBABILITY_STEPS),
        onward=None if look_on is None else f"{page.path}?{query.encoded(first=look_on)}",
        back=None if before is None else f"{page.path}?{query.encoded(first=before)}",
    )


def _release_of(session: Session, run: str, query: DecisionQuery) -> int:
    """Return of which release the record is that is asked for: reviewed pairs are in one of their own."""
    return max(record_numbers(session, run), default=1) if query.rule == REVIEWED else 1


def _look(record: OpenedRecord, query: DecisionQuery) -> tuple[list[NumberedDecision], int | None]:
    """Return a page of decisions, and from which row to look on; None: that was all."""
    found: list[NumberedDecision] = []
    number = query.first - 1
    lines = record.lines(query.first)
    for number, line in enumerate(islice(lines, MAX_SCANNED), query.first):
        decision = decision_of(line)
        if decision is not None and query.is_listed(decision):
            found.append((number, decision))
            if len(found) == ROWS_A_PAGE:
                break
    return found, number + 1 if number < record.header.rows else None


def _before(record: OpenedRecord, query: DecisionQuery) -> int | None:
    """Return from which row to look for the page before; None: this is the first."""
    if query.first == 1:
        return None
    start = max(1, query.first - MAX_SCANNED)
    lines = islice(record.lines(start), query.first - start)
    wanted = deque[int](maxlen=ROWS_A_PAGE)
    for number, line in enumerate(lines, start):
        decision = decision_of(line)
        if decision is not None and query.is_listed(decision):
            wanted.append(number)
    return wanted[0] if len(wanted) == ROWS_A_PAGE else start


def _found(record: OpenedRecord, query: DecisionQuery) -> Iterator[NumberedDecision]:
    for number, line in enumerate(record.lines(query.first), query.first):
        decision = decision_of(line)
        if decision is not None and query.matches(decision):
            yield number, decision


def _document(number: int, decision: Decision) -> dict[str, Any]:
    return {"number": number, **decision.to_json()}


def _row(number: int, decision: Decision) -> tuple[str | int | None, ...]:
    return (
        number, decision.band, decision.rule, decision.probability, decision.lead, *decision.commitments,
    )  # fmt: skip


def _summary(kinds: Sequence[ShownKind]) -> list[tuple[Band, DecisionRule, int]]:
    """Return how many decisions of each band are shown by each rule, those that were linked first."""
    counts = Counter[tuple[Band, DecisionRule]]()
    for kind in kinds:
        counts[kind.band, kind.rule] += kind.rows
    return [(band, rule, n) for (band, rule), n in sorted(counts.items())]


def _steps(kinds: Sequence[ShownKind]) -> list[tuple[str, str, int, int]]:
    """Return for each step of probability that is shown its weight, and how many decisions of either band."""
    counts: dict[str, dict[str, int]] = {}
    for kind in kinds:
        of_step = counts.setdefault(kind.probability, dict.fromkeys(get_args(Band), 0))
        of_step[kind.band] += kind.rows
    return [
        (step, _bits(step), found["auto"], found["review"])
        for step, found in sorted(counts.items())
    ]


def _bits(step: str) -> str:
    """Return the match weight of a step of probability; the first one has none."""
    return "" if step == PROBABILITY_STEPS[0] else f"{least_weight(step) / UNIT:+.1f}"


def _charts(kinds: Sequence[ShownKind]) -> Iterator[Markup]:
    """Yield a chart for each band of which anything is shown, over the same steps."""
    steps = sorted({kind.probability for kind in kinds})
    for band, words in BAND_WORDS.items():
        counts = Counter[str]()
        for kind in kinds:
            if kind.band == band:
                counts[kind.probability] += kind.rows
        if counts:
            yield column_chart(
                f"Decisions {words}, by match probability",
                [Column(step, counts[step], band) for step in steps],
                words="The numbers are in the table.",
                axis="match probability from",
            )
