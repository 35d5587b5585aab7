"""What a verification found, and what it cannot show."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from app.auditor.errors import AuditError
from schemas.rules.lateness import Early, HeldLate, Lateness, StandingHold
from schemas.rules.log_state import LogState


@dataclass(frozen=True, slots=True)
class Caveat:
    """Something that this verification could not show, or that a reader must know; `code` is stable."""

    code: str
    text: str
    label: str = "not shown"


NO_PIN = Caveat(
    "no-pin",
    "no pin was given: a log cut off at its end, or written anew by someone with the log's key, is not "
    "detectable without a pin",
)
NO_LOG_KEY = Caveat(
    "no-log-key",
    "no log key was given: the bundle was checked against the key that it brings itself",
)
TIMES = Caveat(
    "broker-time", "times are the broker's own; the log shows their order, not their truth"
)
WHO_TYPED = Caveat(
    "who-typed",
    "signatures show whose key acted, not who sat at the computer; whether the log leaves out what someone "
    "did, that person's party alone can say",
)
WITHHELD = Caveat(
    "withheld",
    "entries of other projects are withheld: only their number and place are shown",
)
OPEN_END = Caveat(
    "open-end",
    "the bundle does not end with the entry of its own export: later entries of this project could be "
    "among those withheld",
)
FEW_COSIGNERS = Caveat(
    "few-cosigners",
    "too few cosigners with keys that an agreement lists are shown for something that was handed out; the "
    "bundle has no room for witnesses of more parties, so some may have been left out",
)
UNLISTED_COSIGNERS = Caveat(
    "unlisted-cosigners",
    "something was handed out that has enough cosigners only if keys count that the broker enrolled and no "
    "agreement lists",
)
LATE: Final = "destroyed-late"
HELD_LATE: Final = "held-late"
EARLY: Final = "destroyed-early"
HOLD: Final = "hold"
# A sentence a reader takes in; `--json` has all of them.
MOST_LATE: Final = 5


def destroyed_late(late: Sequence[Lateness]) -> Caveat:
    """Return what is to be said of things that were destroyed later than agreed: how many, which, how late."""
    count = "one thing was" if len(late) == 1 else f"{len(late):,} things were"
    return Caveat(LATE, f"{count} destroyed later than agreed: {_listed(late)}", "late")


def held_late(late: Sequence[HeldLate]) -> Caveat:
    """Return what is to be said of things that are left by holds that came too late: which, and whose."""
    count = "one thing is" if len(late) == 1 else f"{len(late):,} things are"
    message = f"{count} left that should have been destroyed before a hold was set: {_listed(late)}"
    return Caveat(HELD_LATE, message, "late")


def destroyed_early(early: Sequence[Early]) -> Caveat:
    """Return what is to be said of things that were destroyed before the agreed time: which, and who asked."""
    count = "one thing was" if len(early) == 1 else f"{len(early):,} things were"
    return Caveat(
        EARLY,
        f"{count} destroyed before the agreed time: {_listed(early)}; ask who is named",
        "early",
    )


def counts_not_shown(hidden: int, finished: int) -> Caveat:
    """Return the caveat of runs of which the log does not say how many links they found."""
    return Caveat(
        "counts-not-shown",
        f"counts not shown: of {hidden:,} of {finished:,} runs the log does not say how many links there are,"
        " and of none how many pairs were compared or sent to review; these limits of the policy were not "
        "checked: ask for the match records, or both agencies for their own counts",
    )


def no_heads(count: int) -> Caveat:
    """Return the caveat of requests that do not say which entry of the project their sender had seen."""
    return Caveat(
        "no-heads",
        f"{count:,} uploads or messages do not say which entry of the project their sender had seen: only the"
        " packs of these parties show whether they were shown another story",
    )


def unverified(count: int) -> Caveat:
    """Return the caveat of releases whose recipients have not said that what they got is what the log has."""
    return Caveat(
        "unverified-releases",
        f"of {count:,} fetched releases no recipient has signed that the file is the one that the log names:"
        " ask the recipients",
    )


def _listed(late: Sequence[Lateness | HeldLate | Early]) -> str:
    worst = sorted(late, key=attrgetter("days"), reverse=True)[:MOST_LATE]
    rest = "" if len(late) == len(worst) else f"; and {len(late) - len(worst):,} more"
    return "; ".join(one.text for one in worst) + rest


def new_stewards(project: str, number: int, party: str) -> Caveat:
    """Return the caveat of a version that was signed for a party by none of its stewards of before.

    Those are listed by the last version that names the party (`schemas.agreement.amendment.stewards_before`).
    """
    return Caveat(
        "new-stewards",
        f"agreement {number} of {project} was signed for {party} by someone who was not its steward in the "
        f"version before: ask {party} whether it had lost all its stewards",
    )


@dataclass(frozen=True, slots=True)
class Binding:
    """A version of a project's agreement that came into force; `is_given`: the auditor knew its fingerprint."""

    project: str
    number: int
    sha256: str
    is_given: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """A log that verified. `project` is null where nothing is withheld; times are those of entries shown.

    `cosigned` gives for each witness the largest size that it cosigned, `vouched` are those that did so only
    by keys which a binding agreement lists for the party of that name; `newest` is the last checkpoint's
    note, to be kept as a pin. `receipts` counts for each agency whose pack was held to the log its receipts.
    `keys_after` gives for each log key the size that its checkpoints exceed. `late` is what was destroyed
    after its last day, `held_late` what is left after it by a hold that began later, `early` what was
    destroyed before its time because someone asked, `holds` are those that stand at the end. `agreements` has
    of each project the newest version that all have signed, and those that the auditor named. `log` is what the
    entries have come to.
    """

    origin: str
    project: str | None
    size: int
    root: bytes
    entries_shown: int
    checkpoints: int
    log_keys: tuple[str, ...]
    pins: int
    cosigned: dict[str, int]
    first_time: str
    last_time: str
    caveats: tuple[Caveat, ...] = field(default=())
    newest: bytes = field(default=b"", repr=False)
    receipts: dict[str, int] = field(default_factory=dict)
    keys_after: tuple[int, ...] = field(default=())
    vouched: frozenset[str] = field(default=frozenset())
    late: tuple[Lateness, ...] = field(default=())
    held_late: tuple[HeldLate, ...] = field(default=())
    early: tuple[Early, ...] = field(default=())
    holds: tuple[StandingHold, ...] = field(default=())
    agreements: tuple[Binding, ...] = field(default=())
    log: LogState = field(default_factory=LogState, repr=False)

    @property
    def entries_withheld(self) -> int:
        """How many entries are bare leaf hashes."""
        return self.size - self.entries_shown

    def to_json(self) -> dict[str, Any]:
        """Return the verdict for `--json`."""
        return {
            "verified": True,
            "origin": self.origin,
            "project": self.project,
            "size": self.size,
            "root": base64.b64encode(self.root).decode("ascii"),
            "entries_shown": self.entries_shown,
            "entries_withheld": self.entries_withheld,
            "checkpoints": self.checkpoints,
            "log_keys": list(self.log_keys),
            "pins": self.pins,
            "cosigned": self.cosigned,
            "cosigned_by_listed_keys": sorted(self.vouched),
            "receipts": self.receipts,
            "agreements": [
                {
                    "project": one.project,
                    "number": one.number,
                    "sha256": one.sha256,
                    "given": one.is_given,
                }
                for one in self.agreements
            ],
            "first_time": self.first_time,
            "last_time": self.last_time,
            "late": [one.to_json() for one in self.late],
            "held_late": [one.to_json() for one in self.held_late],
            "early": [one.to_json() for one in self.early],
            "holds": [one.to_json() for one in self.holds],
            "caveats": [{"code": c.code, "text": c.text} for c in self.caveats],
        }


def failure_json(error: AuditError) -> dict[str, Any]:
    """Return a failed verification for `--json`; `index` is that of the first bad entry, or null."""
    return {
        "verified": False,
        "error": {
            "code": error.code,
            "message": error.message,
            "index": error.index,
            "evidence": error.evidence,
        },
    }
