"""The agreement under which a project links, and the terms that the broker enforces of it.

An agreement says who takes part, on what legal basis, on which data, for whom, until when, and with which
limits; it binds once it has all its signatures (`schemas.agreement.statement`). What a broker decides from is
the shorter `ProjectTerms`, which follow from it. Spec pages: `schemas/spec/agreement.md`, `project-terms.md`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.agreement.clauses import (
    MAX_CARD_COLUMNS,
    MAX_REVIEWERS,
    AgreedParty,
    AgreedRecipient,
    Amends,
    ApprovalRule,
    Breach,
    DataElement,
    Days,
    Direction,
    DueMoment,
    ElementUse,
    FileSize,
    Finality,
    Frequency,
    KnownNumber,
    Limits,
    PaperAgreement,
    PartyKind,
    PolicyRange,
    Population,
    Purpose,
    Retention,
    Review,
    RoundBudget,
    Schedule,
    refuse_due,
)
from schemas.documents.document import Document
from schemas.documents.ids import Code, IsoDate, Name, Origin, Sha256Hex
from schemas.documents.texts import Share
from schemas.linkage.fields import NUMBER_INPUTS
from schemas.linkage.privacy_audit import PrivacyLimits
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import MAX_PROVIDERS, IdSpace, MatchingPolicy, Recipient
from schemas.signing.identity import PublicIdentity

DEFAULT_FLOOR: Final = 10
# It stands whole in one entry of the match log, and C2SP tlog-tiles give an entry at most 65,535 bytes.
MAX_AGREEMENT_BYTES: Final = 56 * 1024

_WORDS: Final = re.compile(r"[a-z]+")
_PLACES: Final = frozenset(
    (
        *(
            "addr",
            "address",
            "apartment",
            "apt",
            "city",
            "email",
            "home",
            "house",
            "mail",
            "mobile",
            "phone",
        ),
        *("placement", "postal", "postcode", "street", "telephone", "town", "zip"),
    )
)

Epoch = Annotated[int, Field(ge=1, le=10**6)]


class ProjectTerms(Document):
    """What a project allows; both dates are included, and times are the broker's, in UTC.

    `providers` upload, `recipients` receive, `auditors` read the log; a party may be in several lists.
    `files` says how many records each provider's file has, and so which file of a pair is the larger. What is
    null sets no limit: without `policy_range` runs keep to the policy, without `review` pairs that are held
    back stay so.
    """

    KIND: ClassVar[str] = "project terms"

    version: Literal["blindlink/project-terms/3"] = "blindlink/project-terms/3"
    project: Name
    epoch: Epoch = 1
    purpose: Code
    providers: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_PROVIDERS)]
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=64)]
    auditors: Annotated[tuple[Name, ...], Field(max_length=64)] = ()
    spaces: Annotated[tuple[IdSpace, ...], Field(max_length=64)]
    profile: Sha256Hex
    policy: MatchingPolicy
    policy_range: PolicyRange | None = None
    population: Code
    as_of_max_age_days: Days | None = None
    as_of_max_gap_days: Days | None = None
    floor: Annotated[int, Field(ge=0, le=10**6)] = DEFAULT_FLOOR
    files: Annotated[tuple[FileSize, ...], Field(min_length=1, max_length=MAX_PROVIDERS)]
    frequency: Frequency = "on-request"
    due: DueMoment | None = None
    round_days: Annotated[int, Field(ge=1, le=60)] = 7
    round_budget: RoundBudget | None = None
    most_ended: Share | None = None
    privacy: PrivacyLimits | None = None
    approvals: ApprovalRule
    finality: Finality
    review: Review | None = None
    start: IsoDate
    end: IsoDate
    keep_encodings_days: Annotated[int, Field(ge=1, le=3660)] = 30
    keep_links_days: Annotated[int, Field(ge=1, le=3660)] = 400
    destroy_by: IsoDate
    has_legal_hold: bool = False

    @model_validator(mode="after")
    def _terms_agree_with_themselves(self) -> Self:
        if self.start > self.end:
            raise ValueError("the start lies after the end")
        if self.destroy_by < self.end:
            raise ValueError("the day by which all is destroyed lies before the end")
        refuse_due(self.frequency, self.due)
        if [one.party for one in self.files] != list(self.providers):
            raise ValueError("the size of a file must be listed for each provider, in their order")
        if self.policy_range is not None and not self.policy_range.holds(self.policy):
            raise ValueError("the policy lies outside the range that runs may choose from")
        for names in (self.providers, self.auditors, tuple(r.party for r in self.recipients)):
            if list(names) != sorted(set(names)):
                raise ValueError("parties must be listed once each, in the order of their names")
        spaces = {space.name for space in self.spaces}
        if len(spaces) != len(self.spaces) or any(r.space not in spaces for r in self.recipients):
            raise ValueError("every recipient's link-ID set must be listed once")
        return self

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every two providers, the one with the larger file first; in the order of names."""
        by_name = [one.party for one in self.files]
        return tuple(
            self.pair(one, other) for at, one in enumerate(by_name) for other in by_name[at + 1 :]
        )

    def pair(self, one: str, other: str) -> tuple[str, str]:
        """Return two providers, the one with the larger file first."""
        most = {file.party: file.most for file in self.files}
        first, second = sorted((one, other), key=lambda party: (-most[party], party))
        return first, second

    def common_space(self, one: str, other: str) -> str | None:
        """Return the link-ID set in which two providers both receive matches of their own records, or None."""
        spaces = {
            r.party: r.space
            for r in self.recipients
            if r.mode == "linked" and r.party in self.providers
        }
        return spaces.get(one) if spaces.get(one) == spaces.get(other) else None

    def file_size(self, party: str) -> FileSize:
        """Return how many records a provider's file has."""
        return next(file for file in self.files if file.party == party)

    def allows(self, policy: MatchingPolicy) -> bool:
        """Tell whether a run may use this policy: the agreed one, or another within the agreed range."""
        if policy == self.policy:
            return True
        free = {"auto": self.policy.auto, "review": self.policy.review}
        return (
            self.policy_range is not None
            and self.policy_range.holds(policy)
            and policy.model_copy(update=free) == self.policy
        )


class Agreement(Document):
    """One version of a project's agreement; both dates are included.

    `log` is the origin of the match log in which all that is done under it stands: so what is signed about it
    counts in no other one, of the same operator neither. `number` counts the versions from 1, and `previous` is
    the digest of the one before (null in the first).
    `epoch` counts the secrets: it rises by one with the encoding profile or the agencies, which hold the
    secret, or when a new secret is agreed on; until it rises, nothing is encoded anew. `known_number` is left
    out where the profile takes none, and `amends` where every party signs with its counsel.
    """

    KIND: ClassVar[str] = "agreement"

    version: Literal["blindlink/agreement/4"] = "blindlink/agreement/4"
    project: Name
    log: Origin
    number: Annotated[int, Field(ge=1, le=10_000)]
    previous: Sha256Hex | None
    amends: Annotated[Amends | None, Field(exclude_if=lambda one: one is None)] = None
    epoch: Epoch
    paper: PaperAgreement | None
    purpose: Purpose
    parties: Annotated[tuple[AgreedParty, ...], Field(min_length=2, max_length=64)]
    directions: Annotated[tuple[Direction, ...], Field(max_length=1024)]
    population: Population
    elements: Annotated[tuple[DataElement, ...], Field(max_length=256)]
    profile: Sha256Hex
    known_number: Annotated[KnownNumber | None, Field(exclude_if=lambda one: one is None)] = None
    policy: MatchingPolicy
    policy_range: PolicyRange | None
    spaces: Annotated[tuple[IdSpace, ...], Field(max_length=64)]
    recipients: Annotated[tuple[AgreedRecipient, ...], Field(max_length=64)]
    schedule: Schedule
    approvals: ApprovalRule
    review: Review | None
    limits: Limits
    start: IsoDate
    end: IsoDate
    retention: Retention
    no_reidentification: Literal[True]
    breach: Breach
    finality: Finality

    @model_validator(mode="after")
    def _clauses_agree_with_each_other(self) -> Self:
        fault = next(_faults(self), None)
        if fault is not None:
            raise ValueError(fault)
        self.terms()
        return self

    @property
    def operator(self) -> AgreedParty:
        """The party that runs the broker."""
        return next(party for party in self.parties if party.kind == "operator")

    def names(self, kind: PartyKind | None = None) -> tuple[str, ...]:
        """Return the parties' names, of one kind or, by default, all."""
        return tuple(party.name for party in self.parties if kind in (None, party.kind))

    @property
    def signers(self) -> tuple[str, ...]:
        """The parties that have to sign: all, or the one whose persons alone change."""
        party = None if self.amends is None else self.amends.party
        return self.names() if party is None else (party,)

    def party(self, name: str) -> AgreedParty | None:
        """Return a party, or None if the agreement does not name it."""
        return next((party for party in self.parties if party.name == name), None)

    def person(self, person: str) -> PublicIdentity | None:
        """Return a person by id, or None if the agreement does not list them."""
        everyone = (listed for party in self.parties for listed in party.persons)
        return next((listed for listed in everyone if listed.person == person), None)

    def columns(self, party: str, use: ElementUse) -> tuple[str, ...]:
        """Return the columns of a party that are listed for a use; empty: none."""
        return tuple(e.name for e in self.elements if (e.party, e.use) == (party, use))

    def handed_over(self, giver: str, receiver: str) -> tuple[str, ...]:
        """Return the columns that one party may hand over to another beside a link ID; empty: none."""
        return self.columns(giver, "shared") if self.discloses(giver, receiver) else ()

    def discloses(self, giver: str, receiver: str) -> bool:
        """Tell whether one party discloses to another on a legal basis that is stated."""
        return any((d.giver, d.receiver) == (giver, receiver) for d in self.directions)

    def delivering(self, sender: str, recipient: str) -> frozenset[frozenset[str]]:
        """Return the pairs by whose matches columns of an agency may go to a recipient; empty: none may go.

        To an agency that receives in one link-ID set with it, by the matches of the two; to a recipient of mode
        `blind` that is no agency, by those with each other agency that hands over columns to it, too.
        """
        if not self.handed_over(sender, recipient):
            return frozenset()
        if self.terms().common_space(sender, recipient) is not None:
            return frozenset([frozenset([sender, recipient])])
        agencies = self.names("agency")
        blind = {one.party for one in self.recipients if one.mode == "blind"}
        if sender not in agencies or recipient not in blind.difference(agencies):
            return frozenset()
        others = (one for one in agencies if one != sender and self.handed_over(one, recipient))
        return frozenset(frozenset([sender, other]) for other in others)

    def terms(self) -> ProjectTerms:
        """Return what the broker decides from; its digest names nothing, the agreement's does."""
        limits, retention = self.limits, self.retention
        return ProjectTerms(
            project=self.project,
            epoch=self.epoch,
            purpose=self.purpose.code,
            providers=self.names("agency"),
            recipients=tuple(
                Recipient(party=r.party, mode=r.mode, space=r.space) for r in self.recipients
            ),
            auditors=self.names("auditor"),
            spaces=self.spaces,
            profile=self.profile,
            policy=self.policy,
            policy_range=self.policy_range,
            population=self.population.code,
            as_of_max_age_days=self.population.max_age_days,
            as_of_max_gap_days=self.population.max_gap_days,
            floor=limits.floor,
            files=limits.files,
            frequency=self.schedule.frequency,
            due=self.schedule.due,
            round_days=self.schedule.round_days,
            round_budget=limits.budget,
            most_ended=limits.most_ended,
            privacy=limits.privacy,
            approvals=self.approvals,
            finality=self.finality,
            review=self.review,
            start=self.start,
            end=self.end,
            keep_encodings_days=retention.keep_encodings_days,
            keep_links_days=retention.keep_links_days,
            destroy_by=retention.destroy_by,
            has_legal_hold=retention.legal_hold is not None,
        )


def number_fault(agreement: Agreement, profile: EncodingProfile) -> str | None:
    """Return in one sentence that a profile takes another known number than is agreed; None: it does not."""
    stated = None if agreement.known_number is None else agreement.known_number.kind
    if stated == profile.number_kind:
        return None
    return "the known number of the encoding profile is not the one that the agreement states"


def _faults(agreement: Agreement) -> Iterator[str]:
    if (agreement.number == 1) != (agreement.previous is None):
        yield "the first agreement has no previous one, and every other has"
    amends = agreement.amends
    if amends is not None and agreement.number == 1:
        yield "the first agreement amends nothing"
    if amends is not None and amends.party is not None and agreement.party(amends.party) is None:
        yield "the persons change of a party that the agreement does not name"
    if agreement.number == 1 and agreement.epoch != 1:
        yield "the first agreement begins the first epoch"
    yield from _party_faults(agreement)
    yield from _disclosure_faults(agreement)
    yield from _approval_faults(agreement)
    yield from _review_faults(agreement)
    if agreement.finality.cosigners > len(agreement.parties) - 1:
        yield "more cosigners are needed than there are parties beside the operator"
    if len(agreement.to_canonical()) > MAX_AGREEMENT_BYTES:
        yield f"an agreement has at most {MAX_AGREEMENT_BYTES:,} bytes; list fewer persons"


def _party_faults(agreement: Agreement) -> Iterator[str]:
    names = agreement.names()
    if list(names) != sorted(set(names)):
        yield "parties must be listed once each, in the order of their names"
    if len(agreement.names("operator")) != 1:
        yield "exactly one party is the operator"
    if not 1 <= len(agreement.names("agency")) <= MAX_PROVIDERS:
        yield f"1 to {MAX_PROVIDERS} parties are agencies"
    persons = [person for party in agreement.parties for person in party.persons]
    for keys in (
        {person.person for person in persons},
        {person.signing_key for person in persons},
        {person.receiving_key for person in persons},
    ):
        if len(keys) != len(persons):
            yield "a person or a key is listed twice"
    if any(agreement.party(element.party) is None for element in agreement.elements):
        yield "a data element is of a party that the agreement does not name"
    number = agreement.known_number
    if number is not None:
        encoded = {element.name for element in agreement.elements if element.use == "encoded"}
        if NUMBER_INPUTS[number.kind] not in encoded:
            yield f"{NUMBER_INPUTS[number.kind]} is not listed among the data elements that are encoded"
    if len({(e.party, e.use, e.name) for e in agreement.elements}) != len(agreement.elements):
        yield "a data element is listed twice"


def _disclosure_faults(agreement: Agreement) -> Iterator[str]:
    """Yield what is wrong with who discloses to whom: each such way has a basis, and no other is listed."""
    agencies = agreement.names("agency")
    receiving = [r.party for r in agreement.recipients if r.mode != "none"]
    needed = {
        (agency, other)
        for agency in agencies
        for other in (agreement.operator.name, *receiving)
        if other != agency
    }
    if agreement.review is not None:
        reviewer = agreement.review.reviewer
        needed |= {(agency, reviewer) for agency in agencies if agency != reviewer}
    stated = [(direction.giver, direction.receiver) for direction in agreement.directions]
    if stated != sorted(set(stated)):
        yield "directions must be listed once each, in the order of their parties"
    if needed - set(stated):
        yield "an agency discloses to the operator or to a recipient without a stated legal basis"
    if set(stated) - needed:
        yield "a legal basis is stated for a disclosure that the agreement does not provide for"
    for recipient in agreement.recipients:
        party = agreement.party(recipient.party)
        if party is None or party.kind == "operator":
            yield "a recipient is a party of the agreement, and not the operator"
        elif recipient.mode == "linked" and party.kind != "agency":
            yield "the release mode linked is for agencies, since it is about their own records"


def _approval_faults(agreement: Agreement) -> Iterator[str]:
    for name in agreement.approvals.parties:
        party = agreement.party(name)
        if party is None or party.kind not in ("agency", "recipient"):
            yield "those who approve are agencies or recipients of the agreement"
        elif not any("approver" in person.duties for person in party.persons):
            yield "a party that approves needs a person with the duty approver"


def tells_place(element: str) -> bool:
    """Tell by an element's name whether it says where a person lives, or how to reach them."""
    return not _PLACES.isdisjoint(_WORDS.findall(element.casefold()))


def _review_faults(agreement: Agreement) -> Iterator[str]:
    review = agreement.review
    shown = {element.party for element in agreement.elements if element.use == "shown"}
    if review is None:
        if shown:
            yield "a data element is shown on a card, and nobody reviews"
        return
    party = agreement.party(review.reviewer)
    if party is None or party.kind != "agency":
        yield "those who review are persons of an agency of the agreement"
        return
    reviewers = sum("reviewer" in person.duties for person in party.persons)
    if reviewers < review.persons:
        yield "the reviewer's agency needs as many persons with the duty reviewer as must agree"
    if any(recipient.mode == "blind" for recipient in agreement.recipients):
        yield "anyone who decides a pair learns that it is linked, which no agency may under blind"
    if reviewers > MAX_REVIEWERS:
        yield f"at most {MAX_REVIEWERS} persons of the reviewer's agency have the duty reviewer"
    if shown != {*agreement.names("agency")} - {review.reviewer}:
        yield "each agency but the reviewer's, and no other party, needs an element that a card shows"
    n_columns = Counter(element.party for element in agreement.elements if element.use == "shown")
    if any(n > MAX_CARD_COLUMNS for n in n_columns.values()):
        yield f"a card shows at most {MAX_CARD_COLUMNS} elements"
    places = [
        one.name for one in agreement.elements if one.use == "shown" and tells_place(one.name)
    ]
    if places and review.consent is None:
        yield "a card that shows a ZIP code or an address needs counsel's consent, in words"
