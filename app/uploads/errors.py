"""What an upload is refused for, a row a rule; none has anything of the container in it.

Of a commit that a `Rejection` refuses, the match log records the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.errors import BrokerError, RefusedError, Rule


@dataclass(frozen=True, slots=True)
class Rejection(Rule):
    """A rule about what a container and its manifest are.

    `is_lasting`: the same manifest will be refused by it again, whatever may change meanwhile.
    """

    is_lasting: bool = True


ALREADY_UPLOADED: Final = Rule(
    "already-uploaded", 409, "The party has already uploaded for this partner"
)
TOO_MANY_UPLOADS: Final = Rule("too-many-uploads", 409, "Too many replaced uploads are kept")
UPLOAD_CLOSED: Final = Rule("upload-closed", 409, "The upload is closed")
NOT_COMMITTED: Final = Rule("upload-not-committed", 409, "The upload is not committed")
UNKNOWN_PART: Final = Rule("unknown-part", 404, "The upload has no such part")
PART_LENGTH: Final = Rule("part-length", 422, "The part has the wrong length")
PART_DIGEST: Final = Rule("part-digest", 422, "The part does not match its digest")
PART_DIFFERS: Final = Rule("part-differs", 409, "Different bytes are stored for this part")
PARTS_MISSING: Final = Rule("parts-missing", 409, "Parts of the upload are missing")
KEY_REUSED: Final = Rule(
    "idempotency-key-reused", 422, "The Idempotency-Key was already used for another request"
)

MANIFEST_DIFFERS: Final = Rejection("manifest-differs", 422, "The manifest does not fit the upload")
# The digest of a manifest is without its signatures.
MANIFEST_SIGNATURE: Final = Rejection(
    "manifest-signature", 422, "The manifest's signature does not count", is_lasting=False
)
# Anyone who commits second states the root of the container that was there before.
PARTNER_ROOT: Final = Rejection(
    "partner-root", 409, "Not the root of the partner's container", is_lasting=False
)
COUNTS_REFUSED: Final = Rejection("counts-refused", 422, "The counts cannot be used")
# One that counts, or a file too small for any; a new audit needs a new manifest.
PRIVACY_AUDIT: Final = Rejection("privacy-audit", 409, "No privacy audit counts for the upload")
AS_OF_GAP: Final = Rejection("as-of-gap", 409, "The files describe different days")
AGREEMENT_DIFFERS: Final = Rejection(
    "other-agreement", 409, "Made under other terms than those in force", is_lasting=False
)
POPULATION_DIFFERS: Final = Rejection(
    "other-population", 409, "Not the population that the terms name"
)
AS_OF: Final = Rejection("as-of-date", 422, "The as-of date cannot be right", is_lasting=False)
AS_OF_TOO_OLD: Final = Rejection("as-of-too-old", 409, "The file describes too old a day")
OTHER_EPOCH: Final = Rejection("other-epoch", 409, "Made for another epoch of the project")
OTHER_PROFILE: Final = Rejection(
    "other-profile", 409, "Made with another encoding profile than the project's"
)
# Another key id than the one that the epoch's first upload fixed.
OTHER_KEY: Final = Rejection("other-key", 409, "Made with another secret than the project's")
CONTAINER_DIGEST: Final = Rejection(
    "container-digest", 422, "The container's head does not have its digest"
)
CONTAINER_SIZE: Final = Rejection("container-size", 422, "The container has the wrong size")
MALFORMED_CONTAINER: Final = Rejection("container-malformed", 422, "Not a container")
HEADER_DIFFERS: Final = Rejection(
    "header-differs", 422, "The container's header does not fit the upload"
)
CONTAINER_ROOT: Final = Rejection("container-root", 422, "The container does not have its root")
BUCKET_SIZE: Final = Rejection("bucket-size", 422, "A bucket has too few records")
RECORD_ORDER: Final = Rejection("record-order", 422, "Records are not in order")
ROW_ORDER: Final = Rejection("row-order", 422, "Rows are not in order")
REPEATED_TOKEN: Final = Rejection("repeated-token", 422, "Two rows have one token")
RECORD_NUMBER: Final = Rejection("record-number", 422, "A row is of no record")
ROW_COUNT: Final = Rejection("row-count", 422, "A record has another number of rows")
TOO_FEW_RECORDS: Final = Rejection("too-few-records", 409, "Fewer records than the terms allow")
TOO_MANY_RECORDS: Final = Rejection("too-many-records", 409, "More records than the terms allow")

_REJECTIONS: Final = {
    rule.code: rule for rule in tuple(globals().values()) if isinstance(rule, Rejection)
}


class CheckLostError(BrokerError):
    """The upload has ended, or another process checks it now: whatever this one has found is dropped."""

    code = "check-lost"
    title = "The check belongs to another process"


class UploadRejectedError(RefusedError):
    """A part or a commit that is refused for what it is: nothing is changed."""

    def __init__(
        self, rule: Rejection, detail: str, *, clause: str | None = None, hint: str | None = None
    ) -> None:
        """Take the rule and the rest as any refusal by a rule does."""
        super().__init__(rule, detail, clause=clause, hint=hint)
        self.is_lasting = rule.is_lasting


def rejection_of(rule: str, detail: str, clause: str | None) -> UploadRejectedError:
    """Return the refusal by the rule of this code, in these words."""
    return UploadRejectedError(_REJECTIONS[rule], detail, clause=clause)
