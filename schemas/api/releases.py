"""The bodies of the HTTP API that are about releases; release files are raw bytes."""

from __future__ import annotations

from typing import ClassVar

from schemas.documents.document import Document, Size
from schemas.documents.ids import Name, RandomId, Sha256Hex, UtcTime
from schemas.linkage.run import ReleaseMode, ReleaseNumber, RoundNumber


class ReleaseView(Document):
    """A release as anyone who fetches it (and, without `matches`, an auditor or operator) sees it.

    `agency` is null but in mode `blind`: then it is the party whose records the release is about, and who
    fetches it in the recipient's place. `matches` then is the number of its records, linked or not.
    `partner` is the agency whose file it was compared with, null in mode `count`. `number` counts the releases
    of the round: 1, or that of a supplementary one.
    `verified` is when anyone who fetched it said that it is whole; null before.
    """

    KIND: ClassVar[str] = "release"

    release: RandomId
    run: RandomId
    round: RoundNumber
    number: ReleaseNumber = 1
    project: Name
    recipient: Name
    partner: Name | None
    agency: Name | None = None
    mode: ReleaseMode
    space: Name
    sha256: Sha256Hex
    size_bytes: Size
    matches: Size | None
    created: UtcTime
    fetched: UtcTime | None
    verified: UtcTime | None = None


class ReleaseVerification(Document):
    """The word of the person who fetched a release: its file has this digest, and the match log proves it."""

    KIND: ClassVar[str] = "release verification"

    sha256: Sha256Hex


class ReleaseList(Document):
    """Releases, newest first."""

    KIND: ClassVar[str] = "release list"

    releases: tuple[ReleaseView, ...]
