"""An agreement as counsel reads it: chapters of plain sentences and tables, whatever they are shown on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.agreement import Agreement
from schemas.clauses import AgreedParty, Direction
from schemas.identity import PublicIdentity
from schemas.knowledge import learned_rows
from schemas.profile import EncodingProfile

BASIS_WORDS: Final = {
    "ferpa-child-welfare": "20 U.S.C. 1232g(b)(1)(L), a foster child's records to the agency responsible",
    "ferpa-audit-evaluation": "34 CFR 99.31(a)(3) and 99.35, audit or evaluation by a representative",
    "ferpa-studies": "34 CFR 99.31(a)(6), studies for or on behalf of an education agency",
    "consent": "consent of the person, or of who may give it",
    "court-order": "a court's order",
    "other": "another law",
}
MODE_WORDS: Final = {
    "linked": "the link IDs of its own records that have a match",
    "blind": "link IDs of all records of the agencies, sealed to it, without showing anyone which have a match",
    "count": "the number of matches, and no link ID",
    "none": "nothing",
}
KIND_WORDS: Final = {
    "agency": "agency that uploads records",
    "recipient": "recipient",
    "auditor": "auditor",
    "operator": "operator of the broker",
}
LIFETIME_WORDS: Final = {
    "run": "new in every run",
    "project": "the same from run to run",
}


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
        Chapter("When, and who approves", tuple(_approvals(agreement))),
        Chapter("Limits", tuple(_limits(agreement))),
        Chapter("How long what is kept", tuple(_retention(agreement))),
        Chapter("What every party promises", tuple(_promises(agreement))),
        _learned(agreement, profile),
    )


def listed(names: Sequence[str]) -> str:
    """Return names with commas and an `and` between them."""
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def grouped(digest: str) -> str:
    """Return a digest in groups of eight characters, as it is compared on paper."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))


def _frame(agreement: Agreement) -> Iterator[str]:
    yield f"Purpose ({agreement.purpose.code}): {agreement.purpose.statement}"
    yield (
        f"This is agreement number {agreement.number} of the project {agreement.project}. It holds from "
        f"{agreement.start} to {agreement.end}, both days included, once every party has signed it."
    )
    if agreement.previous is not None:
        yield f"It takes the place of the agreement with the fingerprint {grouped(agreement.previous)}."
    yield f"It belongs to epoch {agreement.epoch}, that is, to secret number {agreement.epoch} of the project."
    paper = agreement.paper
    if paper is None:
        yield "It names no paper agreement."
        return
    yield f"It carries out the paper agreement {paper.number} of {paper.date}."
    if paper.sha256 is not None:
        yield f"The file of that paper has the fingerprint {grouped(paper.sha256)}."


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
                person.created,
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
        (f"{d.giver} to {d.receiver}", _what_is_given(agreement, d), _basis(d))
        for d in agreement.directions
    )
    table = Table("Each disclosure and its legal basis", ("from and to", "what", "basis"), rows)
    return Chapter("Legal basis", (), (table,))


def _what_is_given(agreement: Agreement, direction: Direction) -> str:
    if direction.receiver == agreement.operator.name:
        return "encodings of its records, to be compared and then destroyed"
    shared = [e.name for e in agreement.elements if (e.party, e.use) == (direction.giver, "shared")]
    columns = f", and beside a link ID the columns {listed(shared)}" if shared else ""
    mode = next(r.mode for r in agreement.recipients if r.party == direction.receiver)
    what = {
        "linked": "which of the receiver's own records have a match",
        "blind": "sealed link IDs of all of its records",
        "count": "how many matches there are",
    }[mode]
    return what + columns


def _basis(direction: Direction) -> str:
    words = BASIS_WORDS[direction.basis]
    if direction.basis == "other":
        return direction.citation or ""
    return words if direction.citation is None else f"{words}; {direction.citation}"


def _population(agreement: Agreement) -> Iterator[str]:
    population = agreement.population
    yield f"Population ({population.code}): {population.definition}"
    yield f"As of: {population.as_of}"
    if population.max_age_days is not None:
        yield f"That day lies at most {_days(population.max_age_days)} before the upload."
    if population.max_gap_days is not None:
        yield f"In one run, the days of two files lie at most {_days(population.max_gap_days)} apart."


def _elements(agreement: Agreement) -> tuple[Table, ...]:
    words = {
        "encoded": "goes into encodings, and leaves in no other form",
        "shared": "may be handed over beside a link ID",
    }
    rows = tuple((e.name, e.party, words[e.use]) for e in agreement.elements)
    return (Table("Data elements", ("column", "of", "what is done with it"), rows),) if rows else ()


def _comparison(agreement: Agreement, profile: EncodingProfile | None) -> Iterator[str]:
    columns = () if profile is None else profile.columns
    which = f"these columns: {listed(columns)}" if columns else "the columns that it names"
    yield (
        "Each agency turns columns of its own into encodings on its own computer, with a secret that only the "
        "agencies share. The operator gets the encodings; it is given no name, birth date, record ID or secret."
    )
    yield f"The encoding profile says how, from {which}."
    yield f"The encoding profile has the fingerprint {grouped(agreement.profile)}."
    if profile is not None and profile.hardening.kind == "none":
        yield (
            f"It is called {profile.name} and does not harden encodings: published attacks tell from such "
            "encodings who 97 to 100 % of the people are, without the secret."
        )
    elif profile is not None:
        yield (
            f"It is called {profile.name}. Its hardening, {profile.hardening.kind}, is broken: it can be "
            "undone from the encodings alone, without the secret. Assume that whoever holds the encodings, the "
            "operator too, can find out who is in them. Do not use it with real records."
        )
    policy, choice = agreement.policy, agreement.policy_range
    yield (
        f"Two records are linked when their encodings are alike by {policy.auto} or more and ahead of the next "
        f"best by {policy.margin}; from {policy.review} on, a pair is held back and not released."
    )
    yield _SOLVER[policy.solver]
    yield f"A run that finds more than {policy.max_pairs:,} such pairs ends without a result."
    if choice is not None:
        yield (
            f"A run may use thresholds from {choice.auto_from} to {choice.auto_to} for linking and from "
            f"{choice.review_from} to {choice.review_to} for holding back."
        )


_SOLVER: Final = {
    "one-to-one": "A record is linked with at most one record of each other agency.",
    "groups": "All records that are alike, also several of one agency, are put into one group.",
}


def _recipients(agreement: Agreement) -> Chapter:
    spaces = Table(
        "ID spaces",
        ("ID space", "its link IDs are"),
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
    header = ("recipient", "receives", "in the ID space", "may pass it on to")
    sentence = (
        "Link IDs of one ID space can be joined with each other, those of different spaces cannot."
    )
    if not rows:
        return Chapter("Who receives what", ("Nobody receives anything.",))
    return Chapter("Who receives what", (sentence,), (Table("Recipients", header, rows), spaces))


def _approvals(agreement: Agreement) -> Iterator[str]:
    schedule, rule = agreement.schedule, agreement.approvals
    note = f" {schedule.note}" if schedule.note else ""
    yield f"The linkage is made {_FREQUENCY[schedule.frequency]}.{note}"
    yield f"Every run is approved by {listed(rule.parties)}, each through a person with the duty approver."
    if rule.runs == "standing":
        yield (
            "A party may approve in advance all runs of one matching policy, until a day and up to a number, "
            "and may take that back at any time."
        )
    if not rule.asker_suffices:
        yield "The approval of the party that asked for a run does not suffice."
    if rule.releases:
        yield (
            "When a run has finished, the same parties approve once more before anything is released; nobody "
            "who uploaded for the run can do so."
        )
    else:
        yield "What a run finds is released to the recipients without a further approval."
    finality = agreement.finality
    if finality.cosigners:
        waits = "is released only then" if finality.delays_release else "is released before that"
        yield f"A result is final when {finality.cosigners} parties have signed the match log; it {waits}."


_FREQUENCY: Final = {
    "once": "once",
    "on-request": "whenever a party asks for it",
    "daily": "every day",
    "weekly": "every week",
    "monthly": "every month",
    "quarterly": "every quarter",
    "yearly": "every year",
}


def _limits(agreement: Agreement) -> Iterator[str]:
    limits = agreement.limits
    yield (
        f"An upload has {limits.min_records:,} to {limits.max_records:,} records, each with at most "
        f"{limits.max_variants} encodings."
    )
    if limits.budget is None:
        yield "The number of runs is not limited."
    else:
        yield (
            f"There are at most {limits.budget.runs:,} runs in {_days(limits.budget.days)}; one that failed or "
            "was cancelled does not count."
        )
    if limits.floor:
        yield (
            f"A count below {limits.floor} is not shown, but to the party whose own released records it "
            "counts."
        )
    else:
        yield "Every count is shown, however small."


def _retention(agreement: Agreement) -> Iterator[str]:
    kept = agreement.retention
    yield f"Encodings are destroyed {_days(kept.keep_encodings_days)} after they were uploaded."
    yield f"Link IDs are kept at the broker for {_days(kept.keep_links_days)}."
    yield (
        f"By {kept.destroy_by} no encoding, link ID or match record is left at the broker. The match log and "
        "the receipts stay; they hold nothing of a person whose record was linked."
    )
    yield (
        f"What a recipient has received it destroys itself by {kept.destroy_by}, and signs a statement of it: "
        "its copies are out of the broker's reach."
    )
    if kept.legal_hold is None:
        yield "No order forbids destruction."
    else:
        yield f"For the time being nothing is destroyed: {kept.legal_hold}"


def _promises(agreement: Agreement) -> Iterator[str]:
    yield (
        "No party tries to find out who a person is from encodings, handles or link IDs, alone or with others, "
        "and none lets anybody else try."
    )
    breach = agreement.breach
    yield f"Within {breach.hours} hours a party tells the others of a breach. {breach.instruction}"
    yield (
        "Any one party may suspend the linkage or withdraw from it alone, at any time; the broker obeys from "
        "the next call on."
    )
    yield "A change of this agreement needs the signature of every party once more."


def _learned(agreement: Agreement, profile: EncodingProfile | None) -> Chapter:
    table = Table(
        "Who could learn what: alone, and together with others or after a leak",
        ("who", "alone", "together, or after a leak", "what stands against it"),
        learned_rows(agreement, profile),
    )
    sentence = (
        "Encodings are protected personal data, not anonymous. The limits of this protection are said here so "
        "that nobody signs without knowing them."
    )
    return Chapter("Who could learn what", (sentence,), (table,))


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number:,} days"
