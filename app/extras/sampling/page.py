"""A sample on paper: the report of what was opened, and a worksheet for the visit to each agency."""

from __future__ import annotations

from app.auditor.run_book import RunBook
from app.auditor.verdict import Verdict
from app.auditor.verdict_words import moment, verdict_facts
from app.extras.sampling.sample import DrawnSample, SampledLink, worksheet_rows
from schemas.shared.page import (
    Markup,
    Section,
    Standing,
    facts,
    findings,
    paragraph,
    prose_table,
    render_page,
)

OPEN_WORDS = {True: "opened by both", False: "not opened by both"}


def sample_page(drawn: DrawnSample, run_book: RunBook, verdict: Verdict) -> str:
    """Return the sample as a page: what was drawn, the run's way through the log, and what was opened."""
    sample = drawn.sample
    made_of = [
        ("run", sample.run),
        ("match record", sample.match_record),
        ("seed", sample.seed),
        ("drawn", f"{len(drawn.links)} of the linked decisions that the record shows"),
        *verdict_facts(verdict),
    ]
    steps = [
        (step.what, f"entry {step.entry}", moment(step.time), step.object)
        for step in run_book.steps
    ]
    sections = [
        Section(
            "What was drawn", [facts(made_of), findings(("note", c.text) for c in verdict.caveats)]
        ),
        Section(
            "The way of these links",
            [prose_table("Each step is an entry of the match log", STEPS_HEADER, steps)],
        ),
        Section("Link by link", [findings(standings(drawn)), _links(drawn)]),
        Section("What it does not say", [findings(("note", text) for text in NOT_SAID)]),
    ]
    lead = "Links taken from the agreement to the records that they are about."
    return render_page("Sample of links", lead, sections, FOOTER, maker="blindlink-audit")


def worksheet_page(drawn: DrawnSample, party: str) -> str:
    """Return an agency's worksheet to print: one row a link, with room for what is found at the visit."""
    rows = [
        (link, handle, probability, lead, "", "", "")
        for link, _, handle, probability, lead, _, _ in worksheet_rows(drawn.links, party)
    ]
    sections = [
        Section("What to do", [findings(("note", text) for text in TO_DO)]),
        Section(
            "Links",
            [prose_table(f"Records of {party}, by handle", SHEET_HEADER, rows)]
            if rows
            else [paragraph("This agency opened none of the drawn links.")],
        ),
    ]
    lead = f"{party}, project {drawn.sample.project}, run {drawn.sample.run}"
    return render_page("Worksheet for the visit", lead, sections, FOOTER, maker="blindlink-audit")


def standings(drawn: DrawnSample) -> list[tuple[Standing, str]]:
    """Return how many links were opened, and by whom."""
    n_open = sum(link.is_open() for link in drawn.links)
    total = len(drawn.links)
    standing: Standing = "good" if n_open == total and total else "warn"
    found: list[tuple[Standing, str]] = [(standing, f"{n_open} of {total} links are open")]
    for party in sorted({party for link in drawn.links for party in link.parties}):
        count = sum(party in link.handles for link in drawn.links)
        asked = sum(party in link.parties for link in drawn.links)
        found.append(("good" if count == asked else "warn", f"{party} opened {count} of {asked}"))
    return found


STEPS_HEADER = ("Step", "Proof", "Time (the broker's)", "About")
SHEET_HEADER = (
    "Link", "Handle", "Probability from", "Lead from", "Record ID", "Same person? yes / no", "Remark",
)  # fmt: skip
NOT_SAID = (
    "Whether a link is right: that is seen at the agencies alone, with both records side by side.",
    "How many links were missed: a sample of links says nothing about people who were not linked.",
    "A link that an agency did not open may be one of several of its record, of which it can open one.",
)
TO_DO = (
    "The agency puts its own record IDs beside the handles, on its own computer: blindlink resolve.",
    "Look both records up, here and at the other agency, and write down whether they are the same person.",
    "A link without a record ID is of a record that is not in the agency's file: ask where it is.",
    "Links have the same number on the worksheets of all agencies.",
    "This sheet names people once it is filled in. Keep it as the agency keeps its records.",
)
FOOTER = "Made by blindlink-audit."


def _links(drawn: DrawnSample) -> Markup:
    header = ("Link", "Row", "Probability from", "Lead from", "Rule", "Between", "Opened")
    rows = [_row(link) for link in drawn.links]
    return (
        prose_table("Drawn decisions", header, rows) if rows else paragraph("None could be drawn.")
    )


def _row(link: SampledLink) -> tuple[str, ...]:
    decision = link.decision
    opened = ", ".join(sorted(link.handles)) or "by nobody"
    return (
        str(link.link), str(link.number), decision.probability,
        "no other pair" if decision.lead is None else str(decision.lead), decision.rule,
        " and ".join(link.parties), f"{OPEN_WORDS[link.is_open()]}: {opened}",
    )  # fmt: skip
