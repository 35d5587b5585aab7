"""Errors of the agency's side.

`code` is stable; `exit_code` is the status of the command that meets the error: 1 refused or failed, 2 usage,
3 input data invalid, 4 not authorised, 5 broker unreachable, 6 run failed.

AgencyError                     1  the root
├── InputError                  3  the agency's own file cannot be used
│   ├── FileMissingError           there is no such file
│   ├── FileUnreadableError        the file is there and cannot be read
│   ├── FileChangedError           the file changed between two readings of it
│   ├── FileKindError              not a kind of file that this program reads, or not what its name says
│   ├── EmptyFileError             no header, or no rows
│   ├── UnknownEncodingError       Python knows no such text encoding
│   ├── UndecodableError           a byte that the declared encoding does not have
│   ├── NulByteError               a NUL byte
│   ├── DelimiterError             not a single character, or one that CSV needs itself
│   ├── QuotingError               the quotation marks of a CSV row do not pair up
│   ├── RowTooLongError            a row or cell longer than any record
│   ├── RaggedRowError             a row with more or fewer cells than the header
│   ├── DuplicateHeaderError       two columns with the same name, or one without a name
│   ├── MissingColumnError         a column that is needed is not there
│   ├── ColumnLengthError          columns of different lengths
│   ├── SheetError                 no such sheet
│   ├── FormulaCellError           a cell that holds a formula
│   ├── CellError                  a cell whose content has no exact text
│   ├── InvalidRowsError           rows that cannot be encoded; carries them
│   ├── RecordCountError           fewer or more records than the agreement takes
│   ├── QualityError               the check found what must be looked at before anything is encoded
│   ├── SampleError                a sample that no auditor drew, or that cannot be answered
│   ├── SealedFileError            a file that was sealed to others, changed or cut off
│   └── LinksFileError             not a file of links, or of columns with link IDs
├── ExtraMissingError           1  the file needs an optional package
├── LinkageSchemaError          1  the linkage schema cannot be used
├── SecretError                 1  the shared secret cannot be used
│   ├── SecretMissingError         there is no such secret file
│   ├── SecretExistsError          a secret file is there already; it is never overwritten
│   ├── SecretExposedError         other users of the machine can read the secret file
│   ├── SecretFormatError          not a secret file of this program
│   ├── PassphraseError            a secret made by people, where only a random one protects
│   ├── HoldersError               these persons cannot share a secret
│   ├── ShareError                 a share or confirmation that must not be trusted
│   ├── ShareMissingError          a holder's share of the secret is not here yet
│   ├── ShareStartedError          this epoch's secret is being agreed on, or has been, already
│   └── SecretsDifferError         agencies that should encode alike do not
├── IdentityError               1  the person's own keys cannot be used
│   ├── IdentityMissingError       there is no such identity, key or passphrase file
│   ├── IdentityExistsError        such a file is there already; it is never overwritten
│   ├── IdentityExposedError       other users of the machine can read the file
│   ├── IdentityFormatError        not such a file of this program, or damaged
│   ├── IdentityLockedError        the passphrase or key file is not the one that locked the keys
│   └── UntrustedKeyError          keys whose fingerprint has not been compared, or that were changed
├── AgreementError              1  an agreement cannot be used
│   ├── AgreementDraftError     2  an answer is missing or impossible
│   ├── AgreementFileError         not a file of an agreement
│   └── AgreementUntrustedError    what the broker shows is not what the parties have signed
├── ShippedNameError            1  no shipped linkage schema or preset of this name
├── RecipeError                 1  the cleaning recipe cannot be used
│   └── DateFormatError            not a date format
├── RehearsalError              1  rehearsal data that cannot be written as asked
├── EncodingError               1  encodings that must not be made, or must not leave
│   ├── NonceUnknownError          a nonce that this workspace did not draw
│   ├── NonceSpentError            other encodings have left with this nonce
│   ├── RoundUnprovenError         the pinned log does not show the round as the broker does
│   └── PrivacyAuditError          an attack on the own encodings found more than is allowed
├── ConfigError                 2  blindlink.toml is missing, unreadable, or says something impossible
├── ColumnNotListedError        2  a column that the agency has not listed for sharing
├── OutputExistsError           1  a file would be overwritten that this program did not write
├── OutputBlockedError          1  a file cannot be written where it was asked for
├── WorkspaceError              1  the workspace cannot be used
│   ├── WorkspaceBusyError         another command is using the workspace
│   ├── WorkspaceKeyError          the workspace key is missing, exposed, or not the one that was used
│   ├── HandleMapError             the handle map is missing, damaged, or of another project or epoch
│   └── BackupError                a backup, or a recovery code, that is damaged or of another workspace
├── NotReadyError               1  an earlier step has not been done yet
│   └── OthersWaitedForError    7  another agency has yet to do its part
├── UnknownRecordError          1  a number under which no record was ever encoded here
├── ProjectChangedError         1  the project's terms are no longer those that the encodings were made under
├── BrokerRefusedError          1  the broker refuses, and says why
│   └── NotAuthorisedError      4  the broker does not know the person, or the person may not do this
├── CodeFileError               4  the file of a one-time code cannot be read
├── BrokerUnreachableError      5  the broker cannot be reached, or does not answer
├── BrokerAnswerError           1  the broker's answer breaks its format
├── LogError                    1  the broker's match log cannot be trusted
│   ├── LogKeyError                the log is signed by another key than the pinned one
│   ├── LogRewrittenError          the log does not extend what was pinned
│   └── ReceiptError               a receipt does not prove what it should
├── CertificateError            1  a certificate of destruction is not what it should be
├── LegalHoldError              1  a legal hold forbids to destroy anything
├── ReleaseError                1  the link IDs that were fetched are not those that were logged
└── RunFailedError              6  the run failed or was cancelled
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from encoding.problems import RowProblem


class AgencyError(Exception):
    """A command of the agency cannot do what was asked.

    The message is one plain sentence without any value of a record, and `hint`, where there is one,
    says what to do about it.
    """

    code: ClassVar[str] = "agency"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InputError(AgencyError):
    """The agency's own file cannot be used."""

    code = "input"
    exit_code = 3


class FileMissingError(InputError):
    """There is no such file."""

    code = "file-missing"


class FileUnreadableError(InputError):
    """The file is there and cannot be read."""

    code = "file-unreadable"


class FileChangedError(InputError):
    """The file changed between two readings of it."""

    code = "file-changed"


class FileKindError(InputError):
    """Not a kind of file that this program reads, or not what its name says."""

    code = "file-kind"


class EmptyFileError(InputError):
    """The file has no header, or no rows."""

    code = "file-empty"


class UnknownEncodingError(InputError):
    """Python knows no such text encoding."""

    code = "encoding-unknown"


class UndecodableError(InputError):
    """The file holds a byte that its declared encoding does not have."""

    code = "undecodable"


class NulByteError(InputError):
    """The file holds a NUL byte."""

    code = "nul-byte"


class DelimiterError(InputError):
    """The delimiter is not a single character, or one that CSV needs itself."""

    code = "delimiter"


class QuotingError(InputError):
    """The quotation marks of a row do not pair up."""

    code = "quoting"


class RowTooLongError(InputError):
    """A row or a cell is longer than any record can be."""

    code = "row-too-long"


class RaggedRowError(InputError):
    """A row has more or fewer cells than the header."""

    code = "ragged-row"


class DuplicateHeaderError(InputError):
    """Two columns of the header have the same name, or one has none."""

    code = "duplicate-header"


class MissingColumnError(InputError):
    """A column that is needed is not there."""

    code = "missing-column"


class ColumnLengthError(InputError):
    """The columns do not all have the same number of rows."""

    code = "column-length"


class SheetError(InputError):
    """The workbook has no such sheet."""

    code = "sheet"


class FormulaCellError(InputError):
    """A cell holds a formula, whose result depends on the program that computed it."""

    code = "formula-cell"


class CellError(InputError):
    """A cell holds something that has no exact text."""

    code = "cell"


class InvalidRowsError(InputError):
    """Rows cannot be encoded; `problems` names them, `n_problems` counts all of them."""

    code = "invalid-rows"

    def __init__(
        self,
        problems: Sequence[RowProblem],
        *,
        n_problems: int | None = None,
        hint: str | None = None,
    ) -> None:
        self.problems = tuple(problems)
        self.n_problems = len(self.problems) if n_problems is None else n_problems
        rest = f", and {self.n_problems - 1} more" if self.n_problems > 1 else ""
        super().__init__(f"{self.problems[0]}{rest}", hint=hint)


class RecordCountError(InputError):
    """The file has fewer or more records than the agreement takes."""

    code = "record-count"


class QualityError(InputError):
    """The check found what must be looked at before anything is encoded."""

    code = "quality"


class SealedFileError(InputError):
    """A file was sealed to others, changed or cut off, or is not a sealed one."""

    code = "sealed-file"


class SampleError(InputError):
    """A file is not a sample that an auditor drew, or asks for what the match log does not know."""

    code = "sample"


class LinksFileError(InputError):
    """Not a file of links, or of columns with link IDs."""

    code = "links-file"


class ExtraMissingError(AgencyError):
    """The file needs an optional package that is not installed."""

    code = "extra-missing"


class LinkageSchemaError(AgencyError):
    """The linkage schema cannot be used."""

    code = "linkage-schema"


class SecretError(AgencyError):
    """The shared secret cannot be used."""

    code = "secret"


class SecretMissingError(SecretError):
    """There is no such secret file, or it cannot be read."""

    code = "secret-missing"


class SecretExistsError(SecretError):
    """A secret file is there already; it is never overwritten."""

    code = "secret-exists"


class SecretExposedError(SecretError):
    """Other users of the machine can read the secret file."""

    code = "secret-exposed"


class SecretFormatError(SecretError):
    """The file is not a secret file of this program."""

    code = "secret-format"


class PassphraseError(SecretError):
    """A secret made by people, where only a random one protects."""

    code = "passphrase"


class HoldersError(SecretError):
    """These persons cannot share a secret."""

    code = "holders"


class ShareError(SecretError):
    """A share or confirmation that must not be trusted."""

    code = "share"


class ShareMissingError(SecretError):
    """A holder's share of the secret is not here yet."""

    code = "share-missing"


class ShareStartedError(SecretError):
    """This epoch's secret is being agreed on, or has been, already."""

    code = "share-started"


class SecretsDifferError(SecretError):
    """Agencies that should encode alike do not."""

    code = "secrets-differ"


class IdentityError(AgencyError):
    """The person's own keys cannot be used."""

    code = "identity"


class IdentityMissingError(IdentityError):
    """There is no such identity, key or passphrase file, or it cannot be read or written."""

    code = "identity-missing"


class IdentityExistsError(IdentityError):
    """A file of keys is there already; it is never overwritten."""

    code = "identity-exists"


class IdentityExposedError(IdentityError):
    """Other users of the machine can read a file of keys or its passphrase."""

    code = "identity-exposed"


class IdentityFormatError(IdentityError):
    """The file is not one of this program, or damaged."""

    code = "identity-format"


class IdentityLockedError(IdentityError):
    """The passphrase or key file is not the one that locked the keys."""

    code = "identity-locked"


class UntrustedKeyError(IdentityError):
    """Somebody's keys whose fingerprint has not been compared, or that are others than those compared."""

    code = "untrusted-key"


class AgreementError(AgencyError):
    """An agreement cannot be used."""

    code = "agreement"


class AgreementDraftError(AgreementError):
    """An answer from which an agreement is made is missing or impossible."""

    code = "agreement-draft"
    exit_code = 2


class AgreementFileError(AgreementError):
    """A file does not hold an agreement."""

    code = "agreement-file"


class AgreementUntrustedError(AgreementError):
    """What the broker shows of an agreement or an approval is not what the parties have signed."""

    code = "agreement-untrusted"


class ShippedNameError(AgencyError):
    """There is no shipped linkage schema or column preset of this name."""

    code = "shipped-name"


class RecipeError(AgencyError):
    """The cleaning recipe cannot be used."""

    code = "recipe"


class DateFormatError(RecipeError):
    """Not a date format."""

    code = "date-format"


class RehearsalError(AgencyError):
    """The rehearsal data cannot be written as asked."""

    code = "rehearsal"


class EncodingError(AgencyError):
    """The encodings must not leave the agency."""

    code = "encoding"


class NonceUnknownError(EncodingError):
    """The round uses a nonce that this workspace did not draw; nothing is encoded for it."""

    code = "nonce-unknown"


class NonceSpentError(EncodingError):
    """Other encodings have left with this nonce: none are made twice under one round key."""

    code = "nonce-spent"


class RoundUnprovenError(EncodingError):
    """The pinned match log does not show the round as the broker does."""

    code = "round-unproven"


class PrivacyAuditError(EncodingError):
    """An attack on the own encodings found more than is allowed."""

    code = "privacy-audit"


class ConfigError(AgencyError):
    """The settings file is missing, unreadable, or says something impossible."""

    code = "config"
    exit_code = 2


class ColumnNotListedError(AgencyError):
    """A column would be shared that the agency has not listed for sharing."""

    code = "column-not-listed"
    exit_code = 2


class OutputExistsError(AgencyError):
    """A file would be overwritten that this program did not write."""

    code = "output-exists"


class OutputBlockedError(AgencyError):
    """A file cannot be written where it was asked for."""

    code = "output-blocked"


class WorkspaceError(AgencyError):
    """The workspace cannot be used."""

    code = "workspace"


class WorkspaceBusyError(WorkspaceError):
    """Another command is using the workspace."""

    code = "workspace-busy"


class WorkspaceKeyError(WorkspaceError):
    """The workspace key is missing, exposed, or not the one that was used."""

    code = "workspace-key"


class HandleMapError(WorkspaceError):
    """The handle map is missing, damaged, of another project or epoch, or knows none of the records."""

    code = "handle-map"


class BackupError(WorkspaceError):
    """A backup that is damaged or of another workspace, or a recovery code that does not open it."""

    code = "backup"


class NotReadyError(AgencyError):
    """An earlier step has not been done yet; the hint names it."""

    code = "not-ready"


class UnknownRecordError(AgencyError):
    """A number under which this agency has never encoded a record."""

    code = "unknown-record"


class OthersWaitedForError(NotReadyError):
    """Another agency has yet to do its part; nothing is wrong."""

    code = "others-waited-for"
    exit_code = 7


class ProjectChangedError(AgencyError):
    """The project's terms are no longer those that the encodings were made under."""

    code = "project-changed"


class BrokerRefusedError(AgencyError):
    """The broker refuses; `problem` is the stable code of its reason, empty where it gave none."""

    code = "broker-refused"

    def __init__(self, message: str, *, hint: str | None = None, problem: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problem = problem


class NotAuthorisedError(BrokerRefusedError):
    """The broker does not know the person, or the person may not do this."""

    code = "not-authorised"
    exit_code = 4


class CodeFileError(AgencyError):
    """The file of a one-time code cannot be read."""

    code = "code-file"
    exit_code = 4


class BrokerUnreachableError(AgencyError):
    """The broker cannot be reached, or does not answer."""

    code = "broker-unreachable"
    exit_code = 5


class BrokerAnswerError(AgencyError):
    """The broker's answer breaks its format."""

    code = "broker-answer"


class LogError(AgencyError):
    """The broker's match log cannot be trusted."""

    code = "log"


class LogKeyError(LogError):
    """The log is signed by another key than the pinned one."""

    code = "log-key"


class LogRewrittenError(LogError):
    """The log does not extend what this agency has pinned."""

    code = "log-rewritten"


class ReceiptError(LogError):
    """A receipt does not prove what it should."""

    code = "receipt"


class ReleaseError(AgencyError):
    """The link IDs that were fetched are not those that were logged."""

    code = "release"


class CertificateError(AgencyError):
    """A certificate of destruction proves nothing, or contradicts what this agency knows."""

    code = "certificate"


class LegalHoldError(AgencyError):
    """A legal hold forbids to destroy anything of the project."""

    code = "legal-hold"


class RunFailedError(AgencyError):
    """The run failed or was cancelled."""

    code = "run-failed"
    exit_code = 6
