"""Sittings over a review of invented people, with a journal in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from encoding.people.identity import new_identity
from encoding.review.cards import ReviewOf
from encoding.review.journal import Diary, Journal, JournalFile
from encoding.review.records import FileRecord
from encoding.review.sitting import Sitting, open_cases, shown_cases
from encoding.review.verdicts import Verdicts
from schemas.documents.ids import Handle
from schemas.rounds.review import Card, CardField, Question, Reference

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
REVIEWER = new_identity("welfare", ("reviewer",), NOW)
ELEMENTS = ("first_name", "last_name", "birth_date", "sex")
RUN = f"run-{'0' * 32}"
AGREEMENT = "c" * 64
# Own record, and the other one's; the own file has a ZIP code too.
PEOPLE: Sequence[tuple[tuple[str, ...], tuple[str, ...]]] = (
    (("Christine", "Ortiz", "2011-04-09", "F"), ("Christina", "Ortiz", "2011-09-04", "F")),
    (("Cyrus", "Abbott", "2010-02-03", "M"), ("Silas", "Abbott", "2010-02-03", "M")),
    (("Abe", "Kerr", "2010-08-06", "M"), ("Abe", "Kerr", "2010-08-06", "F")),
    (("Ida", "Gone", "2012-01-02", "F"), ("", "", "", "")),
)


def sitting(
    folder: Path,
    people: Sequence[tuple[tuple[str, ...], tuple[str, ...]]] = PEOPLE,
    *,
    verdicts: Verdicts | None = None,
    again: bool = False,
    number: int = 3,
    ids: str = "w",
) -> Sitting:
    """Return a sitting over pairs, as the next command opens it."""
    review = ReviewOf("demo", AGREEMENT, number, RUN, "welfare", "schools", ELEMENTS)
    questions, records, cards, keys = [], {}, {}, {}
    for place, (own, other) in enumerate(people):
        reference, handle = Reference(bytes([place]) * 16), Handle(bytes([100 + place]) * 16)
        key = f"{place:032x}"
        questions.append(Question(reference, handle, place))
        values = dict(zip(ELEMENTS, own, strict=True)) | {"zip": f"0{place}234"}
        records[key] = FileRecord(f"{ids}{place}", values, f"{place:032x}")
        keys[handle] = key
        cards[reference] = Card(
            project="demo",
            round=number,
            run=RUN,
            sender="schools",
            person=f"per-{'9' * 32}",
            record=f"{place:012x}",
            fields=tuple(CardField(name=n, value=v) for n, v in zip(ELEMENTS, other, strict=True)),
        )
    person = REVIEWER.public.person
    file = JournalFile(folder / "journal.sealed", "demo", RUN, person, bytes(32))
    first = Journal(
        project="demo", agreement=AGREEMENT, run=RUN, round=number, partner="schools", person=person
    )
    diary = Diary(file.read() or first, file.write)
    known = verdicts or Verdicts(partner="schools")
    cases = open_cases(questions, keys, records, cards, verdicts=known, person=person)
    decided = {one.reference for one in diary.journal.looked if one.choice is not None}
    shown = shown_cases(cases, decided, again=again)
    return Sitting(
        review=review,
        deadline="2026-12-04T22:30:00Z",
        persons=1,
        cases=shown,
        again=len(cases) - len(shown),
        missing=0,
        diary=diary,
    )
