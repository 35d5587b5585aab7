"""The report of a round at one agency: what was linked, how sure that is, what changed, who was told what.

Made and kept by the agency alone; it names no record. Numbers of groups are those from the floor on. Spec page:
`schemas/spec/round-report.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.ids import Code, IsoDate, Name, RandomId, Sha256Hex, UtcTime
from schemas.documents.texts import Line, Text
from schemas.linkage.link_quality import Concordance, Interval, Number, true_matches
from schemas.linkage.privacy_audit import PrivacyAudit, PrivacyLimits
from schemas.linkage.run import ReleaseNumber, RoundNumber

MOST_GROUPS: Final = 64
MOST_FORMER: Final = 53
MOST_LOST: Final = 16
MOST_WEEKS: Final = 8

Percent = Annotated[int, Field(ge=0, le=100)]
Denominator = Literal["all", "school-age", "eligible"]
ReviewRole = Literal["reviewer", "asked"]


class Range(Model):
    """Whole numbers from `low` to `high`, both included, within which the true number lies most likely."""

    low: Number
    high: Number

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("the low end of a range lies above its high end")
        return self

    @classmethod
    def of(cls, interval: Interval) -> Range:
        """Return an interval as a part of a document."""
        return cls(low=interval.low, high=interval.high)


class LinkTotals(Model):
    """Records with a link ID, matches that wait for one, and what changed since the links before.

    The last three are null where no links were written here before.
    """

    linked: Number
    pending: Number
    new: Number | None
    ended: Number | None
    changed: Number | None


class GroupRate(Model):
    """Records of one group, or of several that are put together, and how many have a link.

    `linked` is null where it is not shown; then the share lies between `least` and `most` percent.
    """

    label: Line
    groups: Annotated[int, Field(ge=1, le=2**32)]
    records: Number
    linked: Number | None
    least: Percent
    most: Percent

    @model_validator(mode="after")
    def _part_is_no_more_than_the_whole(self) -> Self:
        if self.least > self.most or (self.linked or 0) > self.records:
            raise ValueError("more records of a group are linked than it has")
        return self


class Rate(Model):
    """A match rate with its denominator: `all` records that were compared, of school age, or eligible.

    Null where it is not shown, since too few records are left out of it.
    """

    of: Denominator
    rate: GroupRate | None


class Subgroup(Model):
    """Match rates of the groups that one column makes; `column` null stands for age."""

    column: Line | None
    groups: Annotated[tuple[GroupRate, ...], Field(max_length=MOST_GROUPS)]


class PairQuality(Model):
    """What the run with one partner says of itself; null is not shown."""

    partner: Name
    run: RandomId
    linked: Number | None
    expected_false: Number | None
    wrong: Range | None
    missed: Range | None
    concordance: Annotated[tuple[Concordance, ...], Field(max_length=16)]


class DataFault(Model):
    """Records with one fault, now and in the round before; null is below the floor, or was."""

    what: Code
    records: Number | None
    before: Number | None


class ReviewWeek(Model):
    """Questions of one week whose reviews have ended, and what came of them; null is not told.

    `week` is its Monday. `asked` is what the log charges.
    """

    week: IsoDate
    asked: Number
    accepted: Number | None
    rejected: Number | None


class ReviewLoad(Model):
    """Clerical review with one partner: pairs asked about and decided by this agency; null is not told.

    `has_release` where what was accepted came in a release of its own. `weeks` are the newest ones with a
    review, oldest first. `is_doubtful` where fewer than a fifth of their questions were accepted: the agency of
    the reviewers may be looking people up.
    """

    partner: Name
    role: ReviewRole
    state: Code
    asked: Number | None
    decided: Number | None
    has_release: bool
    weeks: Annotated[tuple[ReviewWeek, ...], Field(max_length=MOST_WEEKS)]
    is_doubtful: bool

    @model_validator(mode="after")
    def _weeks_are_in_order(self) -> Self:
        weeks = [one.week for one in self.weeks]
        if weeks != sorted(set(weeks)):
            raise ValueError("weeks must be listed once each, in order")
        return self


def few_accepted(weeks: Sequence[ReviewWeek], floor: int) -> bool:
    """Tell whether fewer than a fifth of the questions were accepted, whatever is not told for being small."""
    most = sum(min(one.asked, floor) if one.accepted is None else one.accepted for one in weeks)
    return 5 * most < sum(one.asked for one in weeks)


class DisclosedTo(Model):
    """What one party received of another in the round: how often, of how many records, on which basis.

    `records` are those of the largest time, since the same may be fetched again; null where a number is not
    told. `entry` is the first one in the match log that proves it.
    """

    giver: Name
    receiver: Name
    what: Code
    times: Number
    records: Number | None
    basis: Text
    citation: Line | None
    entry: Number


class RoundNumbers(Model):
    """One round in numbers, as later reports repeat it."""

    round: RoundNumber
    day: IsoDate
    records: Number
    linked: Number
    ended: Number | None
    wrong: Range | None
    missed: Range | None


class LostRelease(Model):
    """A release that was not applied here because of an alarm.

    `code` is that of the alarm, `given_up` says that someone of the agency decided so.
    """

    round: RoundNumber
    release: ReleaseNumber
    code: Code
    given_up: bool


class RoundReport(Document):
    """The report of one round; `former` are the rounds before it, oldest first.

    `definition` is how the agreement defines its population, `lost` the newest releases since the report before
    that were not applied. `privacy_audit` is what the agency's upload stated, `privacy_limits` what was agreed.
    """

    KIND: ClassVar[str] = "round report"

    version: Literal["blindlink/round-report/2"] = "blindlink/round-report/2"
    project: Name
    party: Name
    made: UtcTime
    agreement: Sha256Hex
    purpose: Code
    population: Code
    definition: Text
    floor: Number
    now: RoundNumbers
    former: Annotated[tuple[RoundNumbers, ...], Field(max_length=MOST_FORMER)]
    links: LinkTotals
    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=3)]
    pairs: Annotated[tuple[PairQuality, ...], Field(max_length=16)]
    faults: Annotated[tuple[DataFault, ...], Field(max_length=16)]
    subgroups: Annotated[tuple[Subgroup, ...], Field(max_length=17)]
    reviews: Annotated[tuple[ReviewLoad, ...], Field(max_length=16)]
    disclosures: Annotated[tuple[DisclosedTo, ...], Field(max_length=256)]
    lost: Annotated[tuple[LostRelease, ...], Field(max_length=MOST_LOST)]
    privacy_audit: PrivacyAudit | None
    privacy_limits: PrivacyLimits | None

    def true_matches(self, group: GroupRate) -> Interval | None:
        """Return how many records of a group are likely in the other file, linked or not; None: not known.

        Matches that reviewers have linked since the run are not missed any more.
        """
        now = self.now
        if group.linked is None or now.wrong is None or now.missed is None:
            return None
        of_runs = [one.linked for one in self.pairs]
        known = of_runs[0] if len(of_runs) == 1 else None
        n_since = 0 if known is None else max(0, now.linked - known)
        wrong = Interval(now.wrong.low, now.wrong.high)
        missed = Interval(max(0, now.missed.low - n_since), max(0, now.missed.high - n_since))
        whole = (now.linked, now.records)
        return true_matches(group.linked, group.records, whole, wrong, missed)

    @model_validator(mode="after")
    def _rounds_are_in_order(self) -> Self:
        rounds = [one.round for one in (*self.former, self.now)]
        if rounds != sorted(set(rounds)):
            raise ValueError("the rounds of a report must increase")
        if [one.of for one in self.rates] != [
            name for name in ("all", "school-age", "eligible") if name in {r.of for r in self.rates}
        ]:
            raise ValueError("each denominator stands once in a report, all records first")
        return self
