"""What the log has said so far, as far as the rules need it: from parties and persons to releases.

A million entries must fit into memory, so each thing keeps what later rules ask for and no more.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.allowance import Charge
from schemas.documents.merkle import HASH_BYTES
from schemas.linkage.run import MatchingPolicy, Recipient
from schemas.matchlog.entry import Entry
from schemas.rounds.destruction import Scope
from schemas.rules.lateness import Early, HeldLate, Lateness, StandingHold
from schemas.rules.project_state import ProjectState
from schemas.rules.round_state import Pair

Stage = Literal["asked", "started", "finished", "failed", "cancelled"]


@dataclass(slots=True)
class PersonState:
    """A person: the party, the public key that they sign with, its digest and that of the receiving key.

    `history` has the digests of all signing keys until now, `promised` that of the receiving key to which a
    signed change of keys leads; `revoked` ends what they may do.
    """

    party: str
    duties: tuple[str, ...]
    signing_key: str
    keys: dict[str, str]
    seq: int
    history: set[str]
    promised: str | None = None
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class ShareState:
    """A share of an epoch's secret, kept for one recipient."""

    project: str
    epoch: int
    recipient: str
    sha256: str
    seq: int


@dataclass(slots=True)
class UploadState:
    """An upload whose rows are still there: of a party for its partner, in a round.

    It has so many `records`, and came by `terms`. `day` is the one on which it was received, `due` the last day
    on which it may be there, `person` who sent it, in which `request`.
    """

    project: str
    round: int
    party: str
    partner: str
    terms: ProjectTerms
    records: int
    container_sha256: str
    manifest_sha256: str
    person: str | None
    request: str
    as_of: str
    day: str
    due: str
    seq: int


@dataclass(frozen=True, slots=True)
class MatchRecordState:
    """A match record that is there, of a run or of its supplement, known by its root; `due` is its last day."""

    project: str
    root: bytes
    due: str
    seq: int


class Linked(NamedTuple):
    """What a run or its review ended with: the number of its releases, how many pairs they link, its batch.

    `pairs` is None where the log does not say it.
    """

    number: int
    pairs: int | None
    batch: int


@dataclass(slots=True)
class RunState:
    """A run of a pair in a round; `uploads` is emptied and `recipients` kept once it has finished.

    `agreement` is the one that it was asked for under, `space` the link-ID set that its pair has had since the
    round opened, None where it has none; `sizes` are the records of its files, as the agreement calls them
    larger and smaller. `approved` holds for each party that has approved it the standing approval that was
    used, empty where there was none, and `approved_until` is when the first of these expires; `uploaders` are
    the persons who may not approve its release, `release_approved` tells of each party that has until when.
    `match_records` are what is there of its match record and of that of its supplement. `linked` is what it
    has ended with, and then its review; `released_to` says which releases were made for whom.
    """

    project: str
    round: int
    pair: Pair
    space: str | None
    agreement: str
    specification_sha256: str
    uploads: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    policy: MatchingPolicy
    sizes: tuple[int, int]
    uploaders: frozenset[str]
    day: str
    seq: int
    stage: Stage = "asked"
    attempt: int = 0
    released_to: tuple[str, ...] = ()
    approved: dict[str, str] = field(default_factory=dict)
    approved_until: str = "9999"
    release_approved: dict[str, str] = field(default_factory=dict)
    match_records: tuple[MatchRecordState, ...] = ()
    linked: tuple[Linked, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether it waits or is under way."""
        return self.stage in ("asked", "started")

    @property
    def linked_parties(self) -> set[str]:
        """Who receives the matches of their own records."""
        return {one.party for one in self.recipients if one.mode == "linked"} & set(self.pair)

    @property
    def owed(self) -> set[str]:
        """For whom a release is to be made, as `released_to` has them."""
        counted = {one.party for one in self.recipients if one.mode == "count"}
        blind = [one.party for one in self.recipients if one.mode == "blind"]
        return self.linked_parties | counted | {f"{of} {to}" for of in self.pair for to in blind}


@dataclass(slots=True)
class ReviewState:
    """The review of a run: who looks, who is asked and since when, the digests of their files, until when.

    `persons` must agree on each pair; `asked_at` is when how many were asked about. `answered` is the entry of
    the cards. `said` holds for each person who decided how many statements they made, and whether the last one
    came. `ended` is the entry that ended it.
    """

    project: str
    reviewer: str
    asked: str
    persons: int
    asked_at: Charge
    files: dict[str, str]
    begun: str
    deadline: str
    seq: int
    answered: int | None = None
    said: dict[str, tuple[int, bool]] = field(default_factory=dict)
    ended: int | None = None


@dataclass(slots=True)
class ReleaseState:
    """A release for a recipient; `fetched_by` may fetch it until the day `due`, or its end by `destroyed`.

    `is_fetched` says that it has, `is_verified` that it has stated that the file was whole.
    """

    project: str
    run: str
    recipient: Recipient
    fetched_by: str
    sha256: str
    due: str
    seq: int
    destroyed: int | None = None
    is_fetched: bool = False
    is_verified: bool = False

    @property
    def is_blind(self) -> bool:
        """Whether it is sealed to another party, so that analysts may carry it."""
        return self.recipient.mode == "blind"


@dataclass(slots=True)
class DeliveryState:
    """A delivery whose file is there; `is_current` until a later one takes its place.

    `due` is the last day on which it may be there. `is_fetched`, `is_opened`: its recipient has had it, and has
    said that it could be used.
    """

    project: str
    round: int
    sender: str
    recipient: str
    sha256: str
    due: str
    seq: int
    is_current: bool = True
    is_fetched: bool = False
    is_opened: bool = False
    destroyed: int | None = None


@dataclass(slots=True)
class DestructionState:
    """A destruction that was begun on `day` by a party; `certified` is the entry that ended it.

    `sha256` is its certificate's, `compared` is round and pair of an upload that is meant: the runs of these
    have used it.
    """

    project: str
    scope: Scope
    subject: str | None
    day: str
    seq: int
    by: str
    compared: tuple[int, frozenset[str]] | None = None
    certified: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class AwaitedState:
    """What was made by the entry `made`, and was to wait until so many of the parties had cosigned that."""

    made: int
    cosigners: int
    parties: frozenset[str]


class Leaves:
    """The leaf hashes of a project's entries by their places, in 32 bytes each."""

    def __init__(self) -> None:
        """None yet."""
        self._hashes = bytearray()

    def __len__(self) -> int:
        return len(self._hashes) // HASH_BYTES

    def add(self, leaf: bytes) -> None:
        """Add the next one."""
        self._hashes += leaf

    def at(self, place: int) -> str:
        """Return the one at a place, in hex; of a place to come, nothing."""
        return self._hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES].hex()

    def newest(self) -> str | None:
        """Return the last one, in hex; None where there is none."""
        return self.at(len(self) - 1) if self._hashes else None


@dataclass(slots=True)
class LogState:
    """Everything at once; `leaves` are the entries of each project so far, None for those of none.

    `roles` are those in which parties were enrolled, `operators` the parties that run the broker. `requests`
    are those that were signed not long before `requests_day`, by digest: the batch and the first entry that
    hold each, when it was signed, and the kinds of which there is no second one. `late` is what was destroyed
    after its last day, `held_late` what is left after it by a hold that came later, `unreleased` the runs
    whose last batch goes on, each with entry and batch. `early` is what was destroyed before its time,
    `holds` are those that stand at the end. `awaited` are the entries by which left what was to be cosigned.
    `consented` is the entry before, where by it the last party consented to an agreement. `headless` counts
    uploads and messages whose senders have not said what they had seen. `origin` is the log's name.
    """

    origin: str = ""

    parties: dict[str, int] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    persons: dict[str, PersonState] = field(default_factory=dict)
    projects: dict[str, ProjectState] = field(default_factory=dict)
    shares: dict[str, ShareState] = field(default_factory=dict)
    uploads: dict[str, UploadState] = field(default_factory=dict)
    destroyed: dict[str, int] = field(default_factory=dict)
    runs: dict[str, RunState] = field(default_factory=dict)
    reviews: dict[str, ReviewState] = field(default_factory=dict)
    releases: dict[str, ReleaseState] = field(default_factory=dict)
    deliveries: dict[str, DeliveryState] = field(default_factory=dict)
    destructions: dict[str, DestructionState] = field(default_factory=dict)
    leaves: defaultdict[str | None, Leaves] = field(default_factory=lambda: defaultdict(Leaves))
    requests: dict[bytes, tuple[int, int, str, tuple[str, ...]]] = field(default_factory=dict)
    requests_day: str = ""
    late: list[Lateness] = field(default_factory=list)
    held_late: list[HeldLate] = field(default_factory=list)
    early: list[Early] = field(default_factory=list)
    holds: list[StandingHold] = field(default_factory=list)
    unreleased: list[tuple[str, int, int]] = field(default_factory=list)
    awaited: dict[AwaitedState, int] = field(default_factory=dict)
    headless: int = 0
    consented: Entry | None = None
    time: str = ""
