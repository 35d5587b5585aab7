"""What an upload is refused for: one class a rule, none with anything of the container in it.

RequestError
├── AlreadyUploadedError     the party's container for this partner and round is there
├── UploadClosedError        the upload is committed, expired or destroyed
├── NotCommittedError
├── UnknownPartError, PartLengthError, PartDigestError, PartDiffersError, PartsMissingError
├── KeyReusedError           an Idempotency-Key with another request
└── UploadRejectedError      a part or the commit is refused; of a commit, the match log records the code
    ├── ManifestDiffersError, ManifestSignatureError, AgreementDiffersError, PopulationDiffersError
    ├── AsOfError, AsOfTooOldError, AsOfGapError
    ├── OtherEpochError, OtherProfileError, OtherKeyError, PartnerRootError, CountsRefusedError
    ├── ContainerDigestError, ContainerSizeError, ContainerRootError, MalformedContainerError
    ├── HeaderDiffersError, TooFewRecordsError, TooManyRecordsError
    ├── RecordOrderError     handles do not increase
    └── RowOrderError, RepeatedTokenError, RecordNumberError, RowCountError
"""

from __future__ import annotations

from typing import ClassVar, Final

from app.errors import RequestError


class AlreadyUploadedError(RequestError):
    """A container is committed once for each round, party and partner, and never replaced."""

    code = "already-uploaded"
    status = 409
    title = "The party has uploaded for this partner"


class UploadClosedError(RequestError):
    """The upload takes nothing more."""

    code = "upload-closed"
    status = 409
    title = "The upload is closed"


class NotCommittedError(RequestError):
    """There is a receipt only for what was committed."""

    code = "upload-not-committed"
    status = 409
    title = "The upload is not committed"


class UnknownPartError(RequestError):
    """The number lies beyond the upload's last part."""

    code = "unknown-part"
    status = 404
    title = "The upload has no such part"


class PartLengthError(RequestError):
    """A part is not as long as its place demands."""

    code = "part-length"
    status = 422
    title = "The part has the wrong length"


class PartDigestError(RequestError):
    """A part's bytes are not those that its Content-Digest announces, or it has none."""

    code = "part-digest"
    status = 422
    title = "The part does not have its digest"


class PartDiffersError(RequestError):
    """A part that is stored cannot be replaced by other bytes."""

    code = "part-differs"
    status = 409
    title = "Other bytes are stored for this part"


class PartsMissingError(RequestError):
    """An upload is committed only when all its parts are stored."""

    code = "parts-missing"
    status = 409
    title = "Parts of the upload are missing"


class KeyReusedError(RequestError):
    """An Idempotency-Key names one request; this one differs from it."""

    code = "idempotency-key-reused"
    status = 422
    title = "The Idempotency-Key was used for another request"


class UploadRejectedError(RequestError):
    """A part or a commit that is refused: nothing is changed; of a commit, the match log records the code.

    `is_lasting`: the same manifest will be refused by this rule again, whatever may change meanwhile.
    """

    code = "upload-rejected"
    status = 422
    title = "The upload is refused"
    is_lasting: ClassVar[bool] = True


class ManifestDiffersError(UploadRejectedError):
    """The manifest speaks of another project, party or container than the upload."""

    code = "manifest-differs"
    title = "The manifest does not fit the upload"


class ManifestSignatureError(UploadRejectedError):
    """The manifest is not signed by the one person who commits it, with their newest keys."""

    code = "manifest-signature"
    title = "The manifest's signature does not count"
    # The digest of a manifest is without its signatures.
    is_lasting = False


class PartnerRootError(UploadRejectedError):
    """Whoever commits second states the root of the container that was there before."""

    code = "partner-root"
    status = 409
    title = "Not the root of the partner's container"
    is_lasting = False


class CountsRefusedError(UploadRejectedError):
    """The counts are missing, of other fields, or such as nobody can have counted."""

    code = "counts-refused"
    title = "The counts cannot be used"


class AsOfGapError(UploadRejectedError):
    """The two files of a pair describe days that lie further apart than the agreement allows."""

    code = "as-of-gap"
    status = 409
    title = "The files describe different days"


class AgreementDiffersError(UploadRejectedError):
    """The manifest names other terms than those in force."""

    code = "other-agreement"
    status = 409
    title = "Made under other terms than those in force"
    is_lasting = False


class PopulationDiffersError(UploadRejectedError):
    """The manifest names another population than the terms."""

    code = "other-population"
    status = 409
    title = "Not the population that the terms name"


class AsOfError(UploadRejectedError):
    """The as-of date lies in the future."""

    code = "as-of-date"
    title = "The as-of date cannot be right"
    is_lasting = False


class AsOfTooOldError(UploadRejectedError):
    """The as-of date lies further back than the terms allow."""

    code = "as-of-too-old"
    status = 409
    title = "The file describes too old a day"


class OtherEpochError(UploadRejectedError):
    """Encodings of another epoch are made with another secret."""

    code = "other-epoch"
    status = 409
    title = "Made for another epoch of the project"


class OtherProfileError(UploadRejectedError):
    """Encodings made by other rules cannot be compared."""

    code = "other-profile"
    status = 409
    title = "Made with another encoding profile than the project's"


class OtherKeyError(UploadRejectedError):
    """The key id differs from the one that the epoch's first upload fixed: another secret."""

    code = "other-key"
    status = 409
    title = "Made with another secret than the project's"


class ContainerDigestError(UploadRejectedError):
    """The head does not have the container's SHA-256."""

    code = "container-digest"
    title = "The container's head does not have its digest"


class ContainerSizeError(UploadRejectedError):
    """The container is not as long as its numbers of records and rows make it."""

    code = "container-size"
    title = "The container has the wrong size"


class MalformedContainerError(UploadRejectedError):
    """The container's head is not one."""

    code = "container-malformed"
    title = "Not a container"


class HeaderDiffersError(UploadRejectedError):
    """The container's header states another project, round, party or count than it should."""

    code = "header-differs"
    title = "The container's header does not fit the upload"


class ContainerRootError(UploadRejectedError):
    """The pieces do not have the Merkle root that the container's head states."""

    code = "container-root"
    title = "The container does not have its root"


class RecordOrderError(UploadRejectedError):
    """Handles do not strictly increase."""

    code = "record-order"
    title = "Records are not in order"


class RowOrderError(UploadRejectedError):
    """Rows do not strictly increase in token, then in record number."""

    code = "row-order"
    title = "Rows are not in order"


class RepeatedTokenError(UploadRejectedError):
    """Two rows of the larger file have one token."""

    code = "repeated-token"
    title = "Two rows have one token"


class RecordNumberError(UploadRejectedError):
    """A row names a record that the table of handles has not."""

    code = "record-number"
    title = "A row is of no record"


class RowCountError(UploadRejectedError):
    """A record has more or fewer rows than the profile gives it."""

    code = "row-count"
    title = "A record has another number of rows"


class TooFewRecordsError(UploadRejectedError):
    """The upload lies below the size that the terms ask for."""

    code = "too-few-records"
    status = 409
    title = "Fewer records than the terms allow"


class TooManyRecordsError(UploadRejectedError):
    """The upload lies above the size that the terms allow."""

    code = "too-many-records"
    status = 409
    title = "More records than the terms allow"


_REJECTIONS: Final[dict[str, type[UploadRejectedError]]] = {
    kind.code: kind for kind in UploadRejectedError.__subclasses__()
}


def rejection_of(rule: str, detail: str, clause: str | None) -> UploadRejectedError:
    """Return the refusal by this rule, in these words."""
    return _REJECTIONS[rule](detail, clause=clause)
