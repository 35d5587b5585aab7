"""A table as a page to print, with the statement of what is not shown in it."""

from __future__ import annotations

from collections.abc import Iterator

from encoding.extras.tabulate.tabulation import NOT_SHOWN, Tabulation
from schemas.shared.page import Markup, Section, facts, paragraph, render_page, table


def table_page(made: Tabulation) -> str:
    """Return the table as one self-contained HTML file."""
    terms = made.terms
    return render_page(
        f"Linked people by {', '.join(made.columns)}",
        f"{made.table.people:,} people; {summary(made)}.",
        [
            Section("Counts", [_counts(made)]),
            Section("What is not shown, and why", list(_statement(made))),
        ],
        f"{terms.party}, project {terms.project}, {terms.day.isoformat()}. It names nobody.",
    )


def summary(made: Tabulation) -> str:
    """Return in one sentence what is not shown."""
    if not made.n_hidden:
        return f"all {len(made.hidden):,} counts are shown"
    share = made.people_hidden / made.table.people
    return f"{made.n_hidden:,} of {len(made.hidden):,} counts are not shown ({share:.1%} of the people)"


def _counts(made: Tabulation) -> Markup:
    rows = [
        (*made.table.row(at), NOT_SHOWN if is_hidden else f"{made.table.counts[at]:,}")
        for at, is_hidden in enumerate(made.hidden)
    ]
    return table("People in each group, totals first", (*made.columns, "people"), rows)


def _statement(made: Tabulation) -> Iterator[Markup]:
    terms = made.terms
    yield facts(
        [
            ("counts not shown", f"{made.n_hidden:,} of {len(made.hidden):,}"),
            ("people in them", f"{made.people_hidden / made.table.people:.1%}"),
            ("smallest count that is shown", f"{terms.floor:,}" if terms.floor > 1 else "any"),
            ("round", "not known" if terms.round is None else f"{terms.round:,}"),
            ("day", terms.day.isoformat()),
            ("agreement", f"{terms.number:,}, {terms.agreement[:16]}"),
            ("purpose", terms.purpose),
        ]
    )
    if terms.floor <= 1:
        yield paragraph("The agreement sets no smallest count, so that every count is shown.")
        return
    yield paragraph(
        f"Counts of 1 to {terms.floor - 1} are not shown. Others are left out with them, so that nobody can"
        " compute them from totals. Where all people of a group are in one category, an empty one beside it is"
        " left out."
    )
    yield paragraph(
        "Before this page was written, an attack tried to work out each count that is not shown, from all that"
        " are, and from this: someone is in each category that is listed. For each of these it found two"
        f" tables that fit and differ in it by {terms.floor:,} or more. For counts that are too small it did"
        " so even as a reader who knows which groups are empty."
    )
    if not made.is_least:
        yield paragraph(
            "Fewer counts might have been left out: the search for the fewest was cut short."
        )
    yield paragraph(
        "This holds for this table alone. Two tables of the same people, or of two rounds, can be subtracted."
        " Anyone who tries out for which tables the program leaves out the same counts can work out more."
    )
