"""What the log has said so far, as far as the rules need it: from parties and persons to releases.

A million entries must fit into memory, so each thing keeps what later rules ask for and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from schemas.agreement import ProjectTerms
from schemas.run import Recipient

Stage = Literal["asked", "started", "finished", "failed", "cancelled"]


@dataclass(slots=True)
class PersonState:
    """A person: the party, and the digest of the public key in each use."""

    party: str
    keys: dict[str, str]
    seq: int


@dataclass(slots=True)
class ProjectState:
    """A project: its terms, their digest, the entry that made it."""

    terms: ProjectTerms
    agreement: str
    seq: int


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
    """An upload whose encodings are still there; `day` is the one on which it was received."""

    project: str
    party: str
    container_sha256: str
    manifest_sha256: str
    day: str
    seq: int


@dataclass(slots=True)
class RunState:
    """A run; `uploads` is emptied and `recipients` kept once it has finished.

    `match_record` is the root of its match record, None where there is none (any more).
    """

    project: str
    specification_sha256: str
    uploads: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    seq: int
    stage: Stage = "asked"
    attempt: int = 0
    released_to: tuple[str, ...] = ()
    match_record: bytes | None = None


@dataclass(slots=True)
class ReleaseState:
    """A release; its recipient may fetch it until it is destroyed by the entry `destroyed`."""

    project: str
    recipient: str
    sha256: str
    seq: int
    destroyed: int | None = None


@dataclass(slots=True)
class Ledger:
    """Everything at once; `places` counts entries per project, None for those of none."""

    parties: dict[str, int] = field(default_factory=dict)
    persons: dict[str, PersonState] = field(default_factory=dict)
    projects: dict[str, ProjectState] = field(default_factory=dict)
    shares: dict[str, ShareState] = field(default_factory=dict)
    uploads: dict[str, UploadState] = field(default_factory=dict)
    destroyed: dict[str, int] = field(default_factory=dict)
    runs: dict[str, RunState] = field(default_factory=dict)
    releases: dict[str, ReleaseState] = field(default_factory=dict)
    places: dict[str | None, int] = field(default_factory=dict)
    time: str = ""
