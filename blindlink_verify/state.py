"""What the log has said so far, as far as later rules ask for it. What is over is dropped, or made small.

Of each entry its leaf hash is kept, of each nonce that was offered the nonce; all else goes by what is open.
"""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

from blindlink_verify.basics import Known

Pair = tuple[str, str]


class Project:
    """One project. `terms` are those that the entry at hand is held to, `agreement` what they follow from."""

    def __init__(self) -> None:
        self.terms: Any = None
        self.agreement: Any = None
        # Agreements by digest, who has consented to each, and for whom only new stewards did.
        self.proposed = Known("agreement-unknown", "the agreement was proposed")
        self.consents: dict[str, set[str]] = {}
        self.newcomers: dict[str, set[str]] = defaultdict(set)
        # Start, digest, and terms of what has come into force, in that order; since when each may bind.
        self.binding: list[tuple[str, str, Any]] = []
        self.began: list[str] = []
        # Which of these a party has left, and which parties halt the project.
        self.left, self.halted = set[str](), set[str]()
        # Of each party its last statement: digest and time. Approvals: all ids, and those that stand.
        self.words: dict[str, tuple[str, str]] = {}
        self.approvals = set[str]()
        self.standing = Known("standing-unknown", "there is such a standing approval")
        # The key ID of each epoch; since when a party has withdrawn a record; holds: whose, since when.
        self.key_ids: dict[int, str] = {}
        self.withdrawn: dict[str, int] = defaultdict(int)
        self.holds, self.lifted = dict[str, tuple[str, str] | None](), ""
        # Rounds: how many there were, the last one, whether it is open, what the next one depends on.
        self.n_rounds, self.round, self.is_open = 0, SimpleNamespace(runs={}), False
        self.superseded, self.opened_on = set[int](), list[str]()
        self.regular_day, self.has_linked = "", False
        self.linked: dict[frozenset[str], int] = {}
        # Nonces: how many a party has offered, which of them are unspent, by number, and all there were.
        self.n_offered: dict[str, int] = defaultdict(int)
        self.unspent: dict[str, dict[int, str]] = defaultdict(dict)
        self.nonces = set[bytes]()
        self.sequence: dict[Any, int] = defaultdict(int)
        # Reviews by run, what was charged when, open supplements, batches that closed one early.
        self.reviews = Known("review-order", "a review of the run was asked")
        self.charged: dict[Pair, list[tuple[str, int]]] = defaultdict(list)
        self.supplements = Known("supplement-unasked", "the supplement was asked for, and is open")
        self.closed_early: dict[int, int] = {}
        self.deliveries = Known("delivery-unknown", "the delivery was received in this project")

    def last_agreement(self) -> Any:
        """The agreement that came into force last; None: there is none."""
        return self.proposed[self.binding[-1][1]] if self.binding else None


class Log:
    """Everything at once: what goes by the ids of the log, of all projects."""

    def __init__(self) -> None:
        self.origin, self.time = "", ""
        # The role of each party that was enrolled, and what may not be anything else's: persons by id.
        self.roles: dict[str, str] = {}
        self.persons: dict[str, Any] = {}
        self.projects = Known("project-unknown", "the project was opened before")
        self.nowhere = Project()
        self.leaves: dict[str | None, bytearray] = defaultdict(bytearray)
        self.shares = Known("share-unknown", "the share was relayed before")
        self.uploads = Known("upload-unknown", "the upload was received before")
        self.runs = Known("run-unknown", "the run was asked for before")
        self.releases = Known("fetch-unprepared", "the release was prepared before")
        self.destructions = Known("destruction-unknown", "the destruction was begun before")
        # What is to be destroyed by a last day, by kind and id, and runs and reviews that go on.
        self.things: dict[tuple[str, ...], Any] = {}
        # Signed requests of the last days: by day and digest, the batch and the kinds of entries.
        self.requests: dict[str, dict[str, tuple[int, set[str]]]] = defaultdict(dict)
        # Runs that finished in the batch at hand, whose releases must follow in it.
        self.unreleased: list[Any] = []
        # The consent by which all have signed an agreement, and the upload, if that is the entry before.
        self.consented: Any = None
        self.uploaded: Any = None
        # What was handed out and waits for cosigners: made by which entry, how many, of whom; the first fetch.
        self.awaited: dict[tuple[int, int, frozenset[str]], int] = {}
