"""An agreement as counsel reads it: chapters of plain sentences and tables, whatever they are shown on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.agreement.agreement import Agreement
from schemas.agreement.chapter_limits import (
    approval_sentences,
    days,
    limit_sentences,
    listed,
    promise_sentences,
    retention_sentences,
    review_sentences,
    round_sentences,
    space_sentences,
)
from schemas.agreement.clause_words import (
    BASIS_WORDS,
    KIND_WORDS,
    LIFETIME_WORDS,
    MODE_WORDS,
    NUMBER_WORDS,
    SSN_WARNING,
)
from schemas.agreement.clauses import AgreedParty, Direction, KnownNumber, LegalBasis
from schemas.agreement.knowledge import MEASURED, MEASURED_CAPTION, learned_rows
from schemas.agreement.policy_words import (
    compared_sentence,
    number_sentence,
    policy_sentences,
    range_sentence,
    zip_sentence,
)
from schemas.linkage.profile import EncodingProfile, memory_columns
from schemas.signing.identity import PublicIdentity


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under a header; the first cell of a row says what the row is about."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One part of the agreement: sentences, then tables."""

    heading: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def chapters_of(agreement: Agreement, profile: EncodingProfile | None) -> tuple[Chapter, ...]:
    """Return the agreement in chapters.

    Args:
        profile: the encoding profile, if it is at hand and is the one that the agreement names; None says
            less about how encodings are made.
    """
    return (
        Chapter("What is agreed", tuple(_frame(agreement))),
        _parties(agreement),
        _bases(agreement),
        Chapter("Whose records", tuple(_population(agreement)), _elements(agreement)),
        Chapter("How records are compared", tuple(_comparison(agreement, profile))),
        _recipients(agreement),
        Chapter(
            "When, and who approves",
            (
                *round_sentences(agreement),
                *approval_sentences(agreement),
                *review_sentences(agreement),
            ),
        ),
        Chapter("Limits", tuple(limit_sentences(agreement))),
        Chapter("How long data is kept", tuple(retention_sentences(agreement))),
        Chapter("What every party promises", tuple(promise_sentences(agreement))),
        _learned(agreement),
    )


def grouped(digest: str) -> str:
    """Return a digest in groups of eight characters, as it is compared on paper."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))


def _frame(agreement: Agreement) -> Iterator[str]:
    yield f"Purpose ({agreement.purpose.code}): {agreement.purpose.statement}"
    yield (
        f"This is agreement number {agreement.number} of the project {agreement.project}. It holds from "
        f"{agreement.start} to {agreement.end}, both days included, once {_signing_words(agreement)}."
    )
    yield (
        f"{agreement.operator.name} keeps its match log under the name {agreement.log}; a copy of these "
        "signatures counts in no other log."
    )
    if agreement.previous is not None:
        yield f"It takes the place of the agreement with the fingerprint {grouped(agreement.previous)}."
    if agreement.amends is None:
        yield (
            "Later, a steward of a party may change who acts for that party, alone and at once; the others "
            "are told, and may halt the linkage. The parties' stewards together may change dates, sizes of "
            "files, the schedule and, within the agreed range, probabilities, and have data kept for a shorter "
            "time. Counsel of every party that the new version names signs any other change; that version may "
            "leave out one party."
        )
    elif agreement.amends.party is not None:
        yield (
            f"Only who acts for {agreement.amends.party} changes. Its steward alone signs that; the other "
            "parties are told, and may halt the linkage."
        )
    else:
        yield (
            "Only dates, sizes, the schedule, probabilities or times to keep data change, within what counsel "
            "has signed."
        )
    yield f"It belongs to epoch {agreement.epoch}, that is, to secret number {agreement.epoch} of the project."
    paper = agreement.paper
    if paper is None:
        yield "It names no paper agreement."
        return
    yield f"It carries out the paper agreement {paper.number} of {paper.date}."
    if paper.sha256 is not None:
        yield f"The file of that paper has the fingerprint {grouped(paper.sha256)}."


def _signing_words(agreement: Agreement) -> str:
    if agreement.amends is None:
        return "every party and its counsel have signed it"
    party = agreement.amends.party
    return "every party has signed it" if party is None else f"a steward of {party} has signed it"


def _parties(agreement: Agreement) -> Chapter:
    parties = Table(
        "Parties",
        ("party", "legal name", "part", "capacity", "whom to call about a breach"),
        tuple(
            (p.name, p.title, KIND_WORDS[p.kind], p.capacity, p.contact) for p in agreement.parties
        ),
    )
    persons = Table(
        "Persons who act for them, and the fingerprint of their keys",
        ("party", "person", "duties", "keys made", "fingerprint"),
        tuple(
            (
                party.name,
                person.person,
                _duties(party, person),
                f"{person.created[:10]} {person.created[11:19]} UTC",
                person.fingerprint(),
            )
            for party in agreement.parties
            for person in party.persons
        ),
    )
    sentence = (
        "Before a party signs, it compares each fingerprint with the person by voice or on paper. What these "
        "persons sign binds their party."
    )
    return Chapter("Parties", (sentence,), (parties, persons))


def _duties(party: AgreedParty, person: PublicIdentity) -> str:
    holder = ("holder of the secret",) if person.person == party.holder else ()
    return ", ".join((*person.duties, *holder))


def _bases(agreement: Agreement) -> Chapter:
    rows = tuple(
        (
            f"{d.giver} to {d.receiver}",
            _what_is_given(agreement, d),
            basis_words(d.basis, d.citation),
        )
        for d in agreement.directions
    )
    table = Table("Each disclosure and its legal basis", ("from and to", "what", "basis"), rows)
    return Chapter("Legal basis", (), (table,))


def _what_is_given(agreement: Agreement, direction: Direction) -> str:
    if direction.receiver == agreement.operator.name:
        return "encodings of its records, to be compared and then destroyed"
    shared = agreement.columns(direction.giver, "shared")
    columns = f", and beside a link ID the columns {listed(shared)}" if shared else ""
    what = {
        "linked": "which of the receiver's own records have a match",
        "blind": "sealed match IDs of all of its records",
        "count": "how many matches there are",
    }
    modes = [r.mode for r in agreement.recipients if r.party == direction.receiver]
    given = [what[mode] + columns for mode in modes if mode in what]
    if agreement.review is not None and agreement.review.reviewer == direction.receiver:
        shown = listed(agreement.columns(direction.giver, "shown"))
        given.append(f"on cards that its reviewers open: {shown}")
    return "; ".join(given)


def number_basis_sentences(number: KnownNumber) -> Iterator[str]:
    """Yield on what basis a known number is encoded, and the warning that Social Security numbers need."""
    if number.kind == "ssn":
        yield SSN_WARNING
    if number.basis is not None:
        basis = basis_words(number.basis, number.citation)
        yield f"Legal basis for encoding {NUMBER_WORDS[number.kind]}: {basis}."


def basis_words(basis: LegalBasis, citation: str | None) -> str:
    """Return a legal basis with its citation."""
    if basis == "other":
        return citation or ""
    return BASIS_WORDS[basis] if citation is None else f"{BASIS_WORDS[basis]}; {citation}"


def _population(agreement: Agreement) -> Iterator[str]:
    population = agreement.population
    yield f"Population ({population.code}): {population.definition}"
    yield f"As of: {population.as_of}"
    if population.max_age_days is not None:
        yield f"That day lies at most {days(population.max_age_days)} before the upload."
    if population.max_gap_days is not None:
        yield f"The days of two files that are compared lie at most {days(population.max_gap_days)} apart."


def _elements(agreement: Agreement) -> tuple[Table, ...]:
    words = {
        "encoded": "goes into encodings, and leaves in no other form",
        "shared": "may be handed over beside a link ID",
        "shown": "stands on a card that the reviewers may open",
        "counted": "linked people may be counted by it, in tables for others",
    }
    rows = tuple((e.name, e.party, words[e.use]) for e in agreement.elements)
    return (Table("Data elements", ("column", "of", "what is done with it"), rows),) if rows else ()


def _comparison(agreement: Agreement, profile: EncodingProfile | None) -> Iterator[str]:
    remembered = () if profile is None else memory_columns(profile)
    columns = [] if profile is None else [c for c in profile.columns if c not in remembered]
    which = f"these columns: {listed(columns)}" if columns else "the columns that it names"
    yield (
        "Each agency encodes columns of its own file on its own computer, with a secret that only the "
        "agencies share. "
        "The operator gets random-looking numbers; it never has a name, a birth date, a record ID or the "
        "secret."
    )
    yield f"The encoding profile says how, from {which}."
    if remembered:
        yield (
            "What an agency remembers of earlier rounds is encoded, too: that a record was linked, or that a "
            "reviewer rejected a pair. The operator sees it of two records that come together, and of no other."
        )
    yield f"The encoding profile has the fingerprint {grouped(agreement.profile)}."
    if profile is not None:
        yield f"It is called {profile.name}. {zip_sentence(profile)}"
        yield compared_sentence(profile)
        if number_sentence(profile):
            yield number_sentence(profile)
    if agreement.known_number is not None:
        yield from number_basis_sentences(agreement.known_number)
    yield from policy_sentences(agreement.policy)
    if agreement.policy_range is not None:
        yield range_sentence(agreement.policy_range)


def _recipients(agreement: Agreement) -> Chapter:
    spaces = Table(
        "link-ID sets",
        ("link-ID set", "its link IDs are"),
        tuple((space.name, LIFETIME_WORDS[space.lifetime]) for space in agreement.spaces),
    )
    rows = tuple(
        (
            recipient.party,
            MODE_WORDS[recipient.mode],
            recipient.space,
            recipient.onward or "nobody",
        )
        for recipient in agreement.recipients
    )
    header = ("recipient", "receives", "in the link-ID set", "may pass it on to")
    sentence = (
        "Link IDs of one link-ID set can be joined with each other, those of different sets cannot."
    )
    told = (sentence, *space_sentences(agreement))
    if not rows:
        return Chapter("Who receives what", ("Nobody receives anything.",))
    return Chapter("Who receives what", told, (Table("Recipients", header, rows), spaces))


def _learned(agreement: Agreement) -> Chapter:
    table = Table(
        "Who could learn what: alone, and together with others or after a leak",
        ("who", "alone", "together, or after a leak", "what stands against it"),
        learned_rows(agreement),
    )
    measured = Table(MEASURED_CAPTION, ("what was tried", "how often it succeeded"), MEASURED)
    sentences = (
        "Encodings are protected personal data, not anonymous. The limits of this protection are said here so "
        "that nobody signs without knowing them.",
        "What a broker could make of what it sees was tried on invented records. Other files may show more "
        "or less. "
        "So each agency attacks its own file before its first upload, and again when the rules of encoding "
        "or more than a quarter of the records have changed; the broker refuses an upload without such an "
        "audit, or whose audit found too much. Files of fewer than 500 records are too small to be measured.",
        "A broker that withholds a match is noticed by nobody, unless an auditor links the same files again "
        "with the "
        "agencies' help.",
    )
    return Chapter("Who could learn what", sentences, (table, measured))
