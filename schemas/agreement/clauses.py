"""The clauses of an agreement, each a closed document part that says one thing.

Texts are what counsel reads, so they hold no character that a page would show otherwise than it is signed.
Spec page: `schemas/spec/agreement.md`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.documents.document import Model
from schemas.documents.ids import Code, DecimalText, IsoDate, Name, PartyName, Sha256Hex
from schemas.documents.texts import Line, Share, Text
from schemas.linkage.fields import NumberKind
from schemas.linkage.privacy_audit import PrivacyLimits
from schemas.linkage.run import MAX_PROVIDERS, MatchingPolicy, ReleaseMode
from schemas.signing.identity import PersonIdText, PublicIdentity

PartyKind = Literal["agency", "recipient", "auditor", "operator"]
LegalBasis = Literal[
    "ferpa-child-welfare",
    "ferpa-audit-evaluation",
    "ferpa-studies",
    "consent",
    "court-order",
    "other",
]
Frequency = Literal["once", "on-request", "daily", "weekly", "monthly", "quarterly", "yearly"]
ElementUse = Literal["encoded", "shared", "shown", "counted"]
RunApprovals = Literal["each", "standing"]
Days = Annotated[int, Field(ge=0, le=3660)]
DueMoment = Annotated[
    str,
    StringConstraints(
        pattern=r"^((mon|tues|wednes|thurs|fri|satur|sun)day )?([01][0-9]|2[0-3]):[0-5][0-9]$"
    ),
]
"""By when the files of a turn are there, in UTC, such as `sunday 22:00`; without a weekday on any day."""

MAX_PERSONS: Final = 16
MAX_QUESTIONS: Final = 10_000
MAX_REVIEW_CARDS: Final = 20_000
MOST_WITHOUT_CONSENT: Final = 200
"""Of so many questions in a round, or fewer, counsel need not say why."""
MAX_CARD_COLUMNS: Final = 16
# A card is sealed to each of them, and has room for so many.
MAX_REVIEWERS: Final = 8


class AgreedParty(Model):
    """A party with its legal name, what it is in this agreement, and the persons who act for it.

    An `agency` provides records, and `holder` is the person through whom it holds the secret; null for
    the others. `contact` is whom to call about a breach.
    """

    name: PartyName
    kind: PartyKind
    title: Line
    capacity: Line
    contact: Line
    persons: Annotated[tuple[PublicIdentity, ...], Field(min_length=1, max_length=MAX_PERSONS)]
    holder: PersonIdText | None

    @model_validator(mode="after")
    def _persons_are_its_own(self) -> Self:
        ids = [person.person for person in self.persons]
        if ids != sorted(set(ids)):
            raise ValueError("persons must be listed once each, in the order of their ids")
        if any(person.party != self.name for person in self.persons):
            raise ValueError("a person is listed with another party than their own")
        if not any("steward" in person.duties for person in self.persons):
            raise ValueError("every party needs a person with the duty steward, who signs for it")
        if (self.kind == "agency") != (self.holder is not None):
            raise ValueError("an agency, and no other party, names the person who holds the secret")
        if self.holder is not None and self.holder not in ids:
            raise ValueError("the holder of the secret is not one of the party's persons")
        return self


class Amends(Model):
    """What an amendment changes alone, so that not every party has to sign with its counsel.

    `persons`: who acts for `party`, and the epoch; that party signs alone. `practice`: dates, thresholds and
    sizes within what counsel has signed; every party signs, without counsel, and `party` is null.
    """

    only: Literal["persons", "practice"]
    party: Name | None

    @model_validator(mode="after")
    def _persons_are_of_a_party(self) -> Self:
        if (self.only == "persons") != (self.party is not None):
            raise ValueError("a party is named where its persons change, and nowhere else")
        return self


class Purpose(Model):
    """Why records are linked: a code that the match log repeats, and the sentence that counsel agreed on."""

    code: Code
    statement: Text


class Direction(Model):
    """On what legal basis one party may disclose to another; the basis `other` needs its citation."""

    giver: Name
    receiver: Name
    basis: LegalBasis
    citation: Line | None

    @model_validator(mode="after")
    def _basis_can_be_looked_up(self) -> Self:
        if self.basis == "other" and self.citation is None:
            raise ValueError("a legal basis that is not listed needs its citation")
        if self.giver == self.receiver:
            raise ValueError("a party does not disclose to itself")
        return self


class Population(Model):
    """Who is in the files, and on which day.

    `max_age_days` is how old the day that a file describes may be when it is uploaded, `max_gap_days` how
    far apart those of two files in one run may be; null sets no limit.
    """

    code: Code
    definition: Text
    as_of: Text
    max_age_days: Days | None
    max_gap_days: Days | None


class DataElement(Model):
    """One column of a party.

    `encoded` goes into encodings and never leaves, `shared` goes beside a link ID, `shown` stands on a card
    that the reviewers of another agency see. By `counted` linked people are counted in tables for others, by
    anyone who has it already: it goes to nobody.
    """

    party: Name
    name: Line
    use: ElementUse


class KnownNumber(Model):
    """A number by which both agencies know a person: what it is, and the legal basis for encoding it.

    For Social Security numbers `basis` and `citation` are needed; null elsewhere says no more than what each
    direction rests on.
    """

    kind: NumberKind
    basis: LegalBasis | None
    citation: Line | None

    @model_validator(mode="after")
    def _basis_is_stated_where_it_must_be(self) -> Self:
        if self.kind == "ssn" and None in (self.basis, self.citation):
            raise ValueError("Social Security numbers need a legal basis and its citation")
        if (self.basis == "other" and self.citation is None) or (self.citation and not self.basis):
            raise ValueError("a legal basis that is not listed needs its citation")
        return self


class PolicyRange(Model):
    """How far a run may depart from the probabilities of the policy; all four are included."""

    auto_from: DecimalText
    auto_to: DecimalText
    review_from: DecimalText
    review_to: DecimalText

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> Self:
        for low, high in ((self.auto_from, self.auto_to), (self.review_from, self.review_to)):
            if not 0 < Fraction(low) <= Fraction(high) <= 1:
                raise ValueError("a range of probabilities must satisfy 0 < from <= to <= 1")
        return self

    def holds(self, policy: MatchingPolicy) -> bool:
        """Tell whether a policy's probabilities lie in the range."""
        auto, review = Fraction(policy.auto), Fraction(policy.review)
        return Fraction(self.auto_from) <= auto <= Fraction(self.auto_to) and (
            Fraction(self.review_from) <= review <= Fraction(self.review_to)
        )


class AgreedRecipient(Model):
    """Who receives link IDs, in which mode and link-ID set, and to whom else they may go: null, to nobody."""

    party: Name
    mode: ReleaseMode
    space: Name
    onward: Line | None


class Schedule(Model):
    """How often a round is made, by when files are due, and for how many days it waits for uploads and claims.

    `due` null leaves them the day on which the round may be opened; `note` says more, null where there is none.
    """

    frequency: Frequency
    due: DueMoment | None
    round_days: Annotated[int, Field(ge=1, le=60)]
    note: Line | None

    @model_validator(mode="after")
    def _due_fits(self) -> Self:
        refuse_due(self.frequency, self.due)
        return self


def refuse_due(frequency: str, due: DueMoment | None) -> None:
    """Raise ValueError where rounds that are made so often cannot fall due at this moment."""
    if due is not None and frequency in ("once", "on-request"):
        raise ValueError("files are due at a moment only where rounds are made again and again")
    if due is not None and frequency == "daily" and " " in due:
        raise ValueError("what is due every day is due on no day of the week")


class ApprovalRule(Model):
    """Who approves what, by a person with the duty approver of each of `parties`.

    `runs` is `each` where every run needs its own approvals, `standing` where one given in advance may stand
    for it. `releases` asks for approvals once more, when a run has finished, before anything is handed out;
    a person who uploaded for the run does not count then. Unless `asker_suffices`, a run needs the approval
    of a party other than the one that asked for it.
    """

    runs: RunApprovals
    parties: Annotated[tuple[Name, ...], Field(min_length=1, max_length=64)]
    asker_suffices: bool
    releases: bool

    @model_validator(mode="after")
    def _somebody_else_can_approve(self) -> Self:
        if list(self.parties) != sorted(set(self.parties)):
            raise ValueError(
                "approving parties must be listed once each, in the order of their names"
            )
        if not self.asker_suffices and len(self.parties) < 2:
            raise ValueError("where the asker does not suffice, two parties or more must approve")
        return self


class RoundBudget(Model):
    """At most so many rounds within so many days; those that correct another one count too."""

    rounds: Annotated[int, Field(ge=1, le=10_000)]
    days: Annotated[int, Field(ge=1, le=3660)]


class FileSize(Model):
    """How many records an agency's file has, at least and at most.

    Of two agencies the one with the greater `most` has the larger file of the pair; of two equal ones the
    first by name.
    """

    party: Name
    least: Annotated[int, Field(ge=1, le=2**32 - 1)]
    most: Annotated[int, Field(ge=1, le=2**32 - 1)]

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.least > self.most:
            raise ValueError("the least size of a file lies above the most")
        return self


# What a draft proposes: above what ends in a month of foster care. Records that give up their link IDs, to
# guess what the other agency holds, end more.
MOST_ENDED: Final = "0.05"


class Limits(Model):
    """Sizes of files, round budget, floor, how many links may end at once, what attacks on a file may find.

    `budget` null sets no limit on rounds; `floor` is the smallest count that is shown. `most_ended` is the
    share of the links in force that may end in one round before a person has to accept it; null: no limit.
    `privacy` holds each file to figures of its privacy audit.
    """

    files: Annotated[tuple[FileSize, ...], Field(min_length=1, max_length=MAX_PROVIDERS)]
    budget: RoundBudget | None
    floor: Annotated[int, Field(ge=0, le=10**6)]
    most_ended: Share | None
    privacy: PrivacyLimits


class Review(Model):
    """Clerical review: people of one agency decide pairs that are sent to review.

    Persons of `reviewer` with the duty reviewer look at them; `persons` must agree. Of each other agency's
    records they are asked about at most `first` in the first 8 weeks, and then `weekly` a week
    (`schemas.agreement.allowance`). The other agency answers for `bucket` records or more at a time, so that it
    does not learn which one is looked at; 1 lets it know. Decisions count for `days` after the run. `consent`
    says to what counsel consents for a reason: many questions in a round, or cards that show where people live.
    """

    reviewer: Name
    persons: Annotated[int, Field(ge=1, le=2)]
    first: Annotated[int, Field(ge=1, le=MAX_QUESTIONS)]
    weekly: Annotated[int, Field(ge=1, le=MAX_QUESTIONS // 8)]
    bucket: Annotated[int, Field(ge=1, le=MAX_QUESTIONS)]
    days: Annotated[int, Field(ge=1, le=60)]
    consent: Line | None

    @property
    def most(self) -> int:
        """How many questions one round may have at most."""
        return max(self.first, 8 * self.weekly)

    @model_validator(mode="after")
    def _cards_can_be_made(self) -> Self:
        # A card takes some 4 KB on its way, and one is sealed for each record of each bucket.
        if self.most * self.bucket > MAX_REVIEW_CARDS:
            raise ValueError(
                "the questions of a round times the size of a bucket must be at most "
                f"{MAX_REVIEW_CARDS:,}"
            )
        if self.most > MOST_WITHOUT_CONSENT and self.consent is None:
            raise ValueError(
                f"more than {MOST_WITHOUT_CONSENT} questions in a round need counsel's consent, in words"
            )
        return self


class Retention(Model):
    """How long encodings and match IDs are kept, and the day by which all is destroyed.

    `legal_hold` is the order that forbids destruction for the time being; null where there is none.
    """

    keep_encodings_days: Annotated[int, Field(ge=1, le=3660)]
    keep_links_days: Annotated[int, Field(ge=1, le=3660)]
    destroy_by: IsoDate
    legal_hold: Line | None


class Breach(Model):
    """Within how many hours every party tells the others of a breach, and what else it does."""

    hours: Annotated[int, Field(ge=1, le=720)]
    instruction: Text


class PaperAgreement(Model):
    """The paper that this carries out: its number, date, and the digest of its file where there is one."""

    number: Line
    date: IsoDate
    sha256: Sha256Hex | None


class Finality(Model):
    """How many parties must cosign the match log for a run to be final, and whether a release waits for it."""

    cosigners: Annotated[int, Field(ge=0, le=64)]
    delays_release: bool

    @model_validator(mode="after")
    def _somebody_is_waited_for(self) -> Self:
        if self.delays_release and not self.cosigners:
            raise ValueError("a release cannot wait for cosigners where none are needed")
        return self
