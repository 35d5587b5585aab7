"""The report of a round as a page for leadership and counsel: what, how sure, what changed, who was told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from encoding.sharing.unmatched_records import SENTENCES
from schemas.linkage.privacy_audit import audit_words, figure_rows
from schemas.matchlog.disclosures import WHAT
from schemas.reports.round_report import (
    DataFault,
    Denominator,
    DisclosedTo,
    GroupRate,
    LostRelease,
    PairQuality,
    Range,
    ReviewLoad,
    RoundNumbers,
    RoundReport,
)
from schemas.shared.amounts import NOT_SHOWN, shown
from schemas.shared.page import (
    Column,
    Markup,
    Section,
    Standing,
    column_chart,
    counts_chart,
    findings,
    paragraph,
    prose_table,
    render_page,
    table,
)

NOT_KNOWN: Final = "not known"
# What is worth a look: a fault that one in a hundred records more has than in the round before.
_WORSE: Final = 100
# More likely wrong links than one in a hundred, or more missed matches than one in ten links.
_MOST_WRONG: Final = 100
_MOST_MISSED: Final = 10
_CHARTED: Final = 26

DENOMINATORS: Final[dict[Denominator, str]] = {
    "all": "all records that were compared",
    "school-age": "of school age, 5 to 22",
    "eligible": "eligible, as your file marks it",
}
FIELDS: Final = {"birth-date": "date of birth", "sex": "sex"}


def round_page(report: RoundReport) -> str:
    """Return the report as one self-contained HTML file of one or two printed sheets."""
    sections = [
        Section("In short", [_picture(report), findings(_in_short(report))]),
        Section("Match rate", list(_rates(report))),
        Section("How sure the links are", list(_quality(report))),
        *_groups(report),
        Section("What to do about the data", list(_faults(report))),
        *_reviews(report),
        *_privacy(report),
        Section("Who received what, and on which legal basis", list(disclosures_told(report))),
        Section("What this page does not say", [findings(_caveats(report))]),
    ]
    return render_page(
        f"Report of round {report.now.round}: {report.project}",
        _lead(report),
        sections,
        f"{report.party}, made {report.made[:10]} from records as of {report.now.day}. It names nobody;"
        f" numbers of groups under {report.floor} are not shown.",
        is_brief=True,
    )


def _privacy(report: RoundReport) -> Iterator[Section]:
    """Yield what attacks on the file found before it was sent; nothing where it was too small."""
    audit = report.privacy_audit
    if audit is not None:
        rows = list(figure_rows(audit, report.privacy_limits))
        head = ("measure", "mean", "least", "most", "agreed")
        yield Section(
            "What attacks on your encoded file found",
            [
                paragraph(f"Before it was sent: {audit_words(audit)}."),
                table("Of the records of a file", head, rows),
            ],
        )


def round_history(report: RoundReport) -> Iterator[Markup]:
    """Yield a chart and a table of the last rounds; nothing where there is one alone."""
    rounds = (*report.former, report.now)[-_CHARTED:]
    if len(rounds) > 1:
        yield column_chart(
            "Linked records by round",
            [Column(str(one.round), one.linked) for one in rounds],
            axis="round",
        )
        yield table(
            "The last rounds",
            (
                "round", "as of", "records", "linked", "rate", "ended", "likely wrong", "likely missed",
            ),
            [_round_cells(one) for one in rounds[-6:]],
        )  # fmt: skip


def links_changed(report: RoundReport) -> str | None:
    """Return in a sentence how links changed since the round before; None where there were none."""
    links = report.links
    if links.new is None:
        return None
    waits = f"; {links.pending:,} matches still wait for a link ID" if links.pending else ""
    return (
        f"Since the round before: {links.new:,} links are new, {links.ended:,} ended,"
        f" {links.changed:,} changed{waits}."
    )


def summary(report: RoundReport) -> str:
    """Return the outcome in one sentence."""
    return f"round {report.now.round}: {_lead(report)}"


def _lead(report: RoundReport) -> str:
    now = report.now
    said = f"{now.linked:,} of {now.records:,} records are linked ({_share(now)})"
    if not report.former:
        return f"{said}."
    last = report.former[-1]
    points = round(100 * _part(now) - 100 * _part(last), 1)
    if not points:
        return f"{said}, as in round {last.round}."
    more = "more" if points > 0 else "fewer"
    return f"{said}: {abs(points)} points {more} than in round {last.round}."


def _picture(report: RoundReport) -> Markup:
    now = report.now
    counts = [("linked", now.linked, now.linked)]
    if now.wrong is not None and now.missed is not None:
        counts.append(("of these, likely wrong", now.wrong.low, now.wrong.high))
    counts.append(("not linked", now.records - now.linked, now.records - now.linked))
    if now.wrong is not None and now.missed is not None:
        counts.append(("of these, likely in both files", now.missed.low, now.missed.high))
    return counts_chart(f"What became of {now.records:,} records", now.records, counts)


def _in_short(report: RoundReport) -> Iterator[tuple[Standing, str]]:
    now, changed = report.now, links_changed(report)
    if changed is not None:
        yield "note", changed
    if now.wrong is None or now.missed is None:
        yield "note", "How many links are wrong or missed is not known for this round."
    else:
        is_sure = _MOST_WRONG * now.wrong.high <= max(now.linked, _MOST_WRONG * 5)
        yield (
            "good" if is_sure else "warn",
            f"{_words(now.wrong)} of {now.linked:,} links are likely wrong: of two different people.",
        )
        is_complete = _MOST_MISSED * now.missed.high <= now.linked
        yield (
            "good" if is_complete else "note",
            f"{_words(now.missed)} people are likely in both files and not linked.",
        )
    for lost in report.lost:
        yield "warn", _lost_words(lost)
    worse = [one for one in report.faults if _is_worse(one, report)]
    for one in worse:
        yield "warn", f"{_capital(_fault_words(one.what))}: {_grown(one, report)}."
    if report.former and not worse:
        yield "good", "No fault of the data has become more frequent since the round before."
    for review in report.reviews:
        left = (review.asked or 0) - (review.decided or 0)
        if review.role == "reviewer" and review.state == "answered" and left > 0:
            yield "warn", f"{left:,} pairs with {review.partner} wait for your reviewers."
        if review.is_doubtful:
            yield "warn", _doubt_words(review)
    parties = sorted({one.receiver for one in report.disclosures if one.giver == report.party})
    if parties:
        yield "note", f"Something about your records went to: {', '.join(parties)}."


def _lost_words(lost: LostRelease) -> str:
    which = f"round {lost.round}"
    if lost.release > 1:
        which = f"supplementary release {lost.release} of {which}"
    why = f"because of an alarm ({lost.code})"
    decided = ", as someone here decided" if lost.given_up else ""
    return f"{_capital(which)} was not applied here {why}{decided}; old link IDs stand until a later round."


def _rates(report: RoundReport) -> Iterator[Markup]:
    yield table(
        "Linked records, and of which records they are a part",
        ("of which records", "records", "linked", "rate", "likely in both files"),
        [
            (
                DENOMINATORS[one.of],
                *(_cells(one.rate, report) if one.rate else (NOT_SHOWN,) * 4),
            )
            for one in report.rates
        ],
    )
    said = f"{report.population}: {_sentence(report.definition)}"
    yield paragraph(f"The agreement is about {said} Your whole file was sent as that population.")
    yield from round_history(report)


def _round_cells(one: RoundNumbers) -> tuple[str, ...]:
    return (
        str(one.round), one.day, f"{one.records:,}", f"{one.linked:,}", _share(one),
        shown(one.ended, NOT_KNOWN), _range(one.wrong), _range(one.missed),
    )  # fmt: skip


def _quality(report: RoundReport) -> Iterator[Markup]:
    if not report.pairs:
        yield paragraph("No run compared your records in this round.")
        return
    yield table(
        "Links that the runs made, before clerical review",
        ("with", "linked", "expected wrong", "likely wrong", "likely missed"),
        [
            (
                one.partner, shown(one.linked),
                NOT_SHOWN if one.expected_false is None else f"{one.expected_false / 100:,.1f}",
                _range(one.wrong), _range(one.missed),
            )
            for one in report.pairs
        ],
    )  # fmt: skip
    rows = [row for one in report.pairs for row in _concordance(one, report.floor)]
    if rows:
        yield table(
            "Linked pairs whose two records agree",
            ("with, and in what", "agree exactly", "agree in part", "differ", "missing in one"),
            rows,
        )
    yield paragraph(
        "Nobody knows the truth. The run adds up how unlikely each of its links is, and how often linked"
        " records differ tells how many could not be found; both ranges held the true number in at least 90 of"
        " 100 rehearsals with invented people."
    )


def _concordance(pair: PairQuality, floor: int) -> Iterator[tuple[str, ...]]:
    for one in pair.concordance:
        if one.field not in FIELDS or pair.linked is None:
            continue
        few = f"under {floor}"
        differs = one.apart if one.other is None and one.field == "sex" else one.other
        in_part = None if one.apart is None or one.other is None else one.apart - one.other
        yield (
            f"{pair.partner}: {FIELDS[one.field]}",
            _agree_exactly(pair.linked, one.apart, one.missing, floor),
            "none"
            if one.field == "sex"
            else shown(in_part, few if one.apart is None else NOT_SHOWN),
            shown(differs, few),
            shown(one.missing, few),
        )


def _agree_exactly(linked: int, apart: int | None, missing: int | None, floor: int) -> str:
    known = linked - (apart or 0) - (missing or 0)
    if apart is not None and missing is not None:
        return f"{known:,} ({known / max(1, linked):.1%})"
    hidden = sum(one is None for one in (apart, missing)) * max(0, floor - 1)
    least = max(0, known - hidden)
    return f"at least {least:,} ({least / max(1, linked):.1%})"


def _groups(report: RoundReport) -> Iterator[Section]:
    blocks = [
        table(
            f"By {one.column or 'age'}",
            ("group", "records", "linked", "rate", "likely in both files"),
            [(_label(group), *_cells(group, report)) for group in one.groups],
        )
        if one.groups
        else paragraph(
            f"By {one.column or 'age'}: too few records in all groups but one to be shown."
        )
        for one in report.subgroups
    ]
    if blocks:
        note = paragraph(
            "A group whose rate is far below the others' is linked less well, or is less often in the other"
            " file. Records that are likely in both files are a range, as what a run says of itself is; groups"
            f" whose ranges meet may not differ. Groups under {report.floor} are put together; where hardly any"
            " or nearly all of a group are linked, its number and enough others are not shown."
        )
        yield Section("Match rate by group", [*blocks, note])


def _faults(report: RoundReport) -> Iterator[Markup]:
    rows = [one for one in report.faults if one.records is not None or one.before is not None]
    if not rows:
        yield paragraph(f"No fault of the data was found in {report.floor} records or more.")
        return
    yield prose_table(
        "Faults that make a match less likely, in records of this round",
        ("fault", "records", "share", "the round before"),
        [
            (
                _fault_words(one.what),
                shown(one.records, f"under {report.floor}"),
                "" if one.records is None else f"{one.records / max(1, report.now.records):.1%}",
                shown(one.before, f"under {report.floor}" if report.former else "first round"),
            )
            for one in rows
        ],
    )
    yield paragraph(
        "unmatched.csv lists these records, the worst first; each says what to correct."
    )


def _reviews(report: RoundReport) -> Iterator[Section]:
    if report.reviews:
        yield Section(
            "Clerical review",
            [
                prose_table(
                    "Pairs that people decide",
                    ("with", "your part", "asked", "decided by you", "stands at", "released"),
                    [_review_cells(one) for one in report.reviews],
                ),
                *map(_questions, report.reviews),
            ],
        )


def _questions(one: ReviewLoad) -> Markup:
    """Return a table of what came of questions about either's records, week by week."""
    whose = "of yours" if one.role == "asked" else f"of {one.partner}"
    return prose_table(
        f"Questions about records {whose}, in reviews that have ended",
        ("week from", "asked, as the log counts them", "accepted", "rejected"),
        [
            (
                week.week,
                f"{week.asked:,}",
                shown(week.accepted, NOT_KNOWN),
                shown(week.rejected, NOT_KNOWN),
            )
            for week in one.weeks
        ],
    )


def _doubt_words(one: ReviewLoad) -> str:
    asked = sum(week.asked for week in one.weeks)
    if one.role == "reviewer":
        return (
            f"Your reviewers have accepted fewer than a fifth of {asked:,} questions about the records of "
            f"{one.partner}."
        )
    return (
        f"The reviewers of {one.partner} have accepted fewer than a fifth of {asked:,} questions about your "
        f"records. Ask {one.partner} why: people can be looked up in this way."
    )


def _review_cells(one: ReviewLoad) -> tuple[str, ...]:
    return (
        one.partner, "your reviewers decide" if one.role == "reviewer" else "you send cards",
        shown(one.asked, NOT_KNOWN), shown(one.decided, NOT_KNOWN), one.state.replace("-", " "),
        "yes" if one.has_release else "no",
    )  # fmt: skip


def disclosures_told(report: RoundReport) -> Iterator[Markup]:
    """Yield who received what in the round, and on which legal basis."""
    if not report.disclosures:
        yield paragraph("Nothing of yours was disclosed, and nothing came to you.")
        return
    yield prose_table(
        f"Under agreement {report.agreement[:16]}, purpose {report.purpose}",
        ("from", "to", "what", "records", "times", "legal basis", "proof"),
        [_disclosure_cells(one) for one in report.disclosures],
    )


def _disclosure_cells(one: DisclosedTo) -> tuple[str, ...]:
    return (
        one.giver, one.receiver, WHAT.get(one.what, one.what), shown(one.records), f"{one.times:,}",
        f"{one.basis}; {one.citation}" if one.citation else one.basis, f"log entry {one.entry}",
    )  # fmt: skip


def _caveats(report: RoundReport) -> Iterator[tuple[Standing, str]]:
    yield (
        "note",
        "Whose links are wrong or missing: see links.csv, unmatched.csv and clerical review.",
    )
    yield (
        "note",
        "That a low rate is a fault: many people are rightly in one file only.",
    )
    if any(one.wrong is None for one in report.pairs):
        yield (
            "note",
            "How sure links of others are: the agreement shows each party its own matches only.",
        )
    yield (
        "note",
        "What receivers did with what they received. The broker's times and the register come from its match"
        " log, which an auditor checks.",
    )


def _cells(group: GroupRate, report: RoundReport) -> tuple[str, str, str, str]:
    if group.linked is not None:
        rate = f"{group.linked / max(1, group.records):.1%}"
        return f"{group.records:,}", f"{group.linked:,}", rate, _likely(group, report)
    bound = {95: "95 % or more", 0: NOT_SHOWN}[group.least]
    rate = "5 % or less" if group.most == 5 else bound
    return f"{group.records:,}", NOT_SHOWN, rate, NOT_SHOWN


def _likely(group: GroupRate, report: RoundReport) -> str:
    found = report.true_matches(group)
    if found is None:
        return NOT_KNOWN
    records = max(1, group.records)
    return f"{100 * found.low // records} to {-(-100 * found.high // records)} %"


def _label(group: GroupRate) -> str:
    return group.label if group.groups == 1 else f"{group.label} ({group.groups:,})"


def _is_worse(one: DataFault, report: RoundReport) -> bool:
    if one.records is None or not report.former:
        return False
    before = report.floor if one.before is None else one.before
    return (one.records - before) * _WORSE >= max(1, report.now.records)


def _grown(one: DataFault, report: RoundReport) -> str:
    last = report.former[-1]
    now = f"{shown(one.records)} records ({(one.records or 0) / max(1, report.now.records):.1%})"
    if one.before is None:
        return f"{now}, under {report.floor} in round {last.round}"
    return f"{now}, {one.before:,} ({one.before / max(1, last.records):.1%}) in round {last.round}"


def _fault_words(what: str) -> str:
    return SENTENCES.get(what, what)


def _part(one: RoundNumbers) -> float:
    return one.linked / max(1, one.records)


def _share(one: RoundNumbers) -> str:
    return f"{_part(one):.1%}"


def _range(one: Range | None) -> str:
    return NOT_KNOWN if one is None else _words(one)


def _words(one: Range) -> str:
    return f"{one.low:,} to {one.high:,}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
