"""What the log has said of one project: its agreements, which of them binds, who halts it, what is approved."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.agreement.statement import StandingApproval
from schemas.rules.round_state import Rounds


@dataclass(slots=True)
class AgreementState:
    """A proposed agreement; each number is the index of an entry, null or missing while there is none.

    `consents` holds the parties whose consent counts, `newcomers` those of them for which someone signed who
    was no steward of theirs before, `days` are those of the entry `in_force` by which it
    came into force, empty while it has not, and `withdrawn` says that a party has left.
    """

    agreement: Agreement
    digest: str
    terms: ProjectTerms
    seq: int
    consents: dict[str, int] = field(default_factory=dict)
    newcomers: set[str] = field(default_factory=set)
    days: tuple[str, ...] = ()
    in_force: int | None = None
    withdrawn: int | None = None

    @property
    def begun(self) -> str:
        """The first day on which it may bind; it has come into force."""
        return max(self.agreement.start, self.days[0])


@dataclass(slots=True)
class StandingState:
    """A standing approval, and the runs for which it was used."""

    approval: StandingApproval
    seq: int
    revoked: int | None = None
    used: set[str] = field(default_factory=set)


@dataclass(slots=True)
class HoldState:
    """A legal hold, by which party, from which day; `lifted` is the entry that ended it, on the day `ended`.

    It was set after the moment `early`, by this order, and `is_signed` unless the operator's command set it.
    """

    party: str
    day: str
    early: str
    order: str
    is_signed: bool
    seq: int
    lifted: int | None = None
    ended: str = ""


class HoldSpan(NamedTuple):
    """First and last day of a hold, the last one empty while it stands, its entry, and whose it is.

    That is null of terms that hold.
    """

    first: str
    ended: str
    seq: int
    party: str | None


@dataclass(slots=True)
class ProjectState:
    """A project; `made` is the entry that opened it, `bound` what bound it at the entry that is looked at.

    `bindings` are the agreements that have come into force, in that order, `purposes` those of all of them.
    `words` holds digest and time of each party's newest statement, `halted` the entry by which a party halts
    the linkage, `withdrawn` that by which it withdrew a record last. `holds` forbid destruction, by id.
    `secrets` holds for each epoch the key id of its first upload, and that entry.
    """

    made: int
    bindings: list[AgreementState] = field(default_factory=list)
    purposes: set[str] = field(default_factory=set)
    bound: AgreementState | None = None
    agreements: dict[str, AgreementState] = field(default_factory=dict)
    words: dict[str, tuple[str, str]] = field(default_factory=dict)
    halted: dict[str, int] = field(default_factory=dict)
    standing: dict[str, StandingState] = field(default_factory=dict)
    approvals: set[str] = field(default_factory=set)
    withdrawn: dict[str, int] = field(default_factory=dict)
    rounds: Rounds = field(default_factory=Rounds)
    holds: dict[str, HoldState] = field(default_factory=dict)
    secrets: dict[int, tuple[str, int]] = field(default_factory=dict)

    @property
    def binding(self) -> AgreementState:
        """The agreement that binds; steps that ask for it come after the one that makes sure of it."""
        if self.bound is None:
            raise LookupError("nothing binds the project yet")
        return self.bound

    @property
    def terms(self) -> ProjectTerms:
        """The terms that bind the project."""
        return self.binding.terms

    @property
    def agreement(self) -> str:
        """The digest under which entries name them."""
        return self.binding.digest

    @property
    def seq(self) -> int:
        """The entry that holds them."""
        return self.binding.seq

    @property
    def hold(self) -> int | None:
        """The entry that forbids destruction now; None where nothing does."""
        standing = [hold.seq for hold in self.holds.values() if hold.lifted is None]
        if self.bound is not None and self.terms.has_legal_hold:
            standing.append(self.seq)
        return min(standing, default=None)

    def hold_spans(self) -> list[HoldSpan]:
        """Return when holds stood, in order; terms may have been one, too."""
        spans = [
            HoldSpan(hold.day, hold.ended, hold.seq, hold.party) for hold in self.holds.values()
        ]
        for number, binding in enumerate(self.bindings):
            if binding.terms.has_legal_hold:
                ended = min((one.begun for one in self.bindings[number + 1 :]), default="")
                spans.append(HoldSpan(binding.begun, ended, binding.seq, None))
        return sorted(spans, key=attrgetter("first"))

    def binding_on(self, day: str) -> AgreementState | None:
        """Return what binds the project on a day: of what had begun by then, the last to be agreed on."""
        for binding in reversed(self.bindings):
            if binding.agreement.start <= day:
                return binding
        return None

    def last_complete(self) -> AgreementState | None:
        """Return the agreement that an amendment must follow: the last one that all had consented to."""
        return self.bindings[-1] if self.bindings else None
