"""What an upload is refused for: one class a rule, none with anything of the container in it.

BrokerError
└── LookalikeRecordsError    a run on it fails
RequestError
├── NotProviderError         the terms do not let this party upload
├── UploadClosedError        the upload is committed, expired or destroyed
├── UnknownPartError, PartLengthError, PartDigestError, PartDiffersError, PartsMissingError
├── KeyReusedError           an Idempotency-Key with another request
└── UploadRejectedError      the commit is refused; its code is what the match log records
    ├── ManifestDiffersError, AgreementDiffersError, PopulationDiffersError, SignatureNotTakenError
    ├── AsOfError, AsOfTooOldError
    ├── OtherEpochError, OtherProfileError, OtherKeyError
    ├── ContainerDigestError, ContainerSizeError, MalformedContainerError, HeaderDiffersError
    ├── DuplicateRecordError, RecordOrderError, VariantGapError, TooManyVariantsError
    ├── CountDiffersError, TooFewRecordsError, TooManyRecordsError
    └── PaddingBitsError, BlankEncodingError, EncodingWeightError
"""

from __future__ import annotations

from typing import ClassVar, Final

from app.errors import BrokerError, RequestError


class LookalikeRecordsError(BrokerError):
    """Too many records of one upload look alike, as those do that were made to ask about single people."""

    code = "lookalike-records"
    title = "Too many records look alike"


class NotProviderError(RequestError):
    """The terms in force do not name the party as a provider."""

    code = "not-a-provider"
    status = 409
    title = "The terms do not let this party upload"


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
    """A commit that is refused: nothing is changed, and the match log records the rule's code.

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


class SignatureNotTakenError(UploadRejectedError):
    """The manifest carries a signature that nobody here can check, so it is not taken for one."""

    code = "signature-not-taken"
    title = "The project takes no signatures on manifests"
    # The digest of a manifest is without its signatures.
    is_lasting = False


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
    """The parts together do not have the container's SHA-256."""

    code = "container-digest"
    title = "The container does not have its digest"


class ContainerSizeError(UploadRejectedError):
    """The container is cut short or has bytes after its last record."""

    code = "container-size"
    title = "The container has the wrong size"


class MalformedContainerError(UploadRejectedError):
    """The container's head is not one."""

    code = "container-malformed"
    title = "Not a container"


class HeaderDiffersError(UploadRejectedError):
    """The container's header states another project, party, width or count than it should."""

    code = "header-differs"
    title = "The container's header does not fit the upload"


class DuplicateRecordError(UploadRejectedError):
    """A handle and variant occur twice."""

    code = "duplicate-record"
    title = "A record occurs twice"


class RecordOrderError(UploadRejectedError):
    """Records do not stand in the order of their handles."""

    code = "record-order"
    title = "Records are not in order"


class VariantGapError(UploadRejectedError):
    """A handle's variants are not numbered 0, 1, 2 and so on."""

    code = "variant-gap"
    title = "A variant is missing"


class TooManyVariantsError(UploadRejectedError):
    """A handle has more variants than the terms allow."""

    code = "too-many-variants"
    status = 409
    title = "Too many variants of a record"


class CountDiffersError(UploadRejectedError):
    """The manifest or header counts other records or encodings than there are."""

    code = "count-differs"
    title = "The container holds another number of records"


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


class PaddingBitsError(UploadRejectedError):
    """Bits after the encoding's last one are set."""

    code = "padding-bits"
    title = "Padding bits are set"


class BlankEncodingError(UploadRejectedError):
    """An encoding has no bit set, or all: it would be similar to nobody, or to everybody."""

    code = "blank-encoding"
    title = "An encoding is all zero or all one"


class EncodingWeightError(UploadRejectedError):
    """An encoding has fewer or more bits set than an honest one of this profile."""

    code = "encoding-weight"
    title = "An encoding has an impossible number of bits set"


_REJECTIONS: Final[dict[str, type[UploadRejectedError]]] = {
    kind.code: kind for kind in UploadRejectedError.__subclasses__()
}


def rejection_of(rule: str, detail: str, clause: str | None) -> UploadRejectedError:
    """Return the refusal by this rule, in these words."""
    return _REJECTIONS[rule](detail, clause=clause)
