"""What match-log entries say of releases: prepared, fetched, verified, destroyed."""

from __future__ import annotations

from typing import Final

from schemas.documents.document import Model
from schemas.documents.ids import RELEASE_PREFIX, Code, Name, RandomId, Sha256Hex
from schemas.linkage.run import ReleaseMode, ReleaseNumber
from schemas.matchlog.registry import CARRIERS, DONE_OR_REFUSED, Count, Kind, register


class ReleasePrepared(Model):
    """The matches of one run are ready for one recipient; `matches` is null below the floor.

    `number` counts the releases of the round: 1 has what the run linked, a supplement what reviewers accepted.
    """

    run: RandomId
    number: ReleaseNumber
    recipient: Name
    mode: ReleaseMode
    space: Name
    matches: Count | None
    sha256: Sha256Hex


class BlindReleasePrepared(Model):
    """Match IDs for one recipient are ready, sealed beside every record of one agency, which fetches them.

    No count: as many match IDs as the agency's upload has records, whatever the run found.
    """

    run: RandomId
    recipient: Name
    agency: Name
    space: Name
    sha256: Sha256Hex


class ReleaseFetched(Model):
    """A release is about to leave: this entry commits before its first byte does.

    `recipient` is the party that fetches it: of a blind release the agency whose records it is about.
    """

    recipient: Name
    sha256: Sha256Hex


class ReleaseVerified(Model):
    """The party that fetched a release states that it is whole: it has this digest, and the log proves it."""

    recipient: Name
    sha256: Sha256Hex


class ReleaseDestroyed(Model):
    """The key of a release was destroyed, and with it the match IDs; `reason` says why then."""

    sha256: Sha256Hex
    reason: Code


RELEASE_KINDS: Final = register(
    {
        "release-prepared": Kind(ReleasePrepared, object_prefix=RELEASE_PREFIX, by="broker"),
        "blind-release-prepared": Kind(
            BlindReleasePrepared, object_prefix=RELEASE_PREFIX, by="broker"
        ),
        "release-fetched": Kind(
            ReleaseFetched, object_prefix=RELEASE_PREFIX, outcomes=DONE_OR_REFUSED, duties=CARRIERS
        ),
        "release-verified": Kind(ReleaseVerified, object_prefix=RELEASE_PREFIX, duties=CARRIERS),
        "release-destroyed": Kind(ReleaseDestroyed, object_prefix=RELEASE_PREFIX, by="broker"),
    }
)
