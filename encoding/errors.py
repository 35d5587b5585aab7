"""Errors of the agency's side: classes where someone catches one or it carries evidence, else rows of a table.

`code` is stable; `exit_code` is the status of the command that meets the error: 1 refused or failed, 2 usage,
3 input data invalid, 4 not authorised, 5 broker unreachable, 6 run failed, 7 others are waited for,
8 too many links end, 9 what came cannot be honest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self

from encoding.problems import RowProblem
from schemas.shared.error_rows import Refusal

if TYPE_CHECKING:
    from schemas.rounds.delivery import DeliveryFault

# The status of a command that met what cannot be honest.
ALARM: Final = 9


class AgencyError(Exception):
    """A command of the agency cannot do what was asked.

    The message is one plain sentence without any value of a record, and `hint`, where there is one,
    says what to do about it.
    """

    code: str = "agency"
    exit_code: int = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @classmethod
    def row(cls, code: str, title: str, *, exit_code: int | None = None) -> Refusal[Self]:
        """Return a row of the table: errors of this class with a code, and maybe an exit code, of their own."""
        return Refusal(cls, code, title, cls.exit_code if exit_code is None else exit_code)


class OtherStateError(AgencyError):
    """A file of the workspace, or the broker's answer, is of another version of its format."""

    code = "other-version"


class InputError(AgencyError):
    """The agency's own file cannot be used."""

    code = "input"
    exit_code = 3


class EmptyFileError(InputError):
    """The file has no header, or no rows."""

    code = "file-empty"


class UndecodableError(InputError):
    """The file holds a byte that its declared encoding does not have."""

    code = "undecodable"


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


class SealedFileError(InputError):
    """A file was sealed to others, changed or cut off, or is not a sealed one."""

    code = "sealed-file"


class LinkageSchemaError(AgencyError):
    """The linkage schema cannot be used."""

    code = "linkage-schema"


class SecretError(AgencyError):
    """The shared secret cannot be used."""

    code = "secret"


class ShareError(SecretError):
    """A share or confirmation that must not be trusted."""

    code = "share"


class ShareMissingError(SecretError):
    """A holder's share of the secret is not here yet."""

    code = "share-missing"


class SecretLostError(SecretError):
    """This agency has confirmed a secret that its workspace, restored from an old backup, does not have."""

    code = "secret-lost"


class SecretMovedOnError(SecretError):
    """The secret is beyond a round, and that round's own secret is not kept: its containers are gone."""

    code = "secret-moved-on"


class IdentityError(AgencyError):
    """The person's own keys cannot be used."""

    code = "identity"


class IdentityFormatError(IdentityError):
    """The file is not one of this program, or damaged."""

    code = "identity-format"


class AgreementError(AgencyError):
    """An agreement cannot be used."""

    code = "agreement"


class RecipeError(AgencyError):
    """The cleaning recipe cannot be used."""

    code = "recipe"


class EncodingError(AgencyError):
    """The encodings must not leave the agency."""

    code = "encoding"


class UnseenAgreementError(EncodingError):
    """A round goes by an agreement that this agency does not have yet."""

    code = "unseen-agreement"


class NonceUnknownError(EncodingError):
    """The round uses a nonce that this workspace did not draw; nothing is encoded for it."""

    code = "nonce-unknown"


class WorkspaceError(AgencyError):
    """The workspace cannot be used."""

    code = "workspace"


class WorkspaceKeyError(WorkspaceError):
    """The workspace key is missing, exposed, or not the one that was used."""

    code = "workspace-key"


class BackupError(WorkspaceError):
    """A backup that is damaged or of another workspace, or a recovery code that does not open it."""

    code = "backup"


class NotReadyError(AgencyError):
    """An earlier step has not been done yet; the hint names it."""

    code = "not-ready"


class DeliveryUnusableError(AgencyError):
    """What a partner has delivered cannot be used: nothing of it is written, and what was there stays.

    `fault` is what its sender is told.
    """

    code = "delivery"

    def __init__(self, fault: DeliveryFault, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.fault = fault
        if fault == "not-as-stated":
            self.exit_code = 9


class OthersWaitedForError(NotReadyError):
    """Another agency has yet to do its part; nothing is wrong."""

    code = "others-waited-for"
    exit_code = 7


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


class LogForkedError(LogRewrittenError):
    """Two agencies, or this one twice, were shown different entries at one place of a project."""

    code = "log-forked"
    exit_code = ALARM


class ReceiptError(LogError):
    """A receipt does not prove what it should."""

    code = "receipt"


class ChangeHeldError(AgencyError):
    """More links end than is agreed; the former ones stay in force until a person accepts it."""

    code = "change-held"
    exit_code = 8


class RunFailedError(AgencyError):
    """The run failed or was cancelled."""

    code = "run-failed"
    exit_code = 6


# What nobody catches by itself is a row: its code, and what is wrong.
FileMissingError = InputError.row("file-missing", "There is no such file.")
FileUnreadableError = InputError.row("file-unreadable", "The file is there and cannot be read.")
FileChangedError = InputError.row("file-changed", "The file changed between two readings of it.")
FileKindError = InputError.row(
    "file-kind", "The program cannot read this kind of file, or the file is not what its name says."
)
UnknownEncodingError = InputError.row("encoding-unknown", "Python knows no such text encoding.")
NulByteError = InputError.row("nul-byte", "The file holds a NUL byte.")
DelimiterError = InputError.row(
    "delimiter", "The delimiter is not a single character, or one that CSV needs itself."
)
QuotingError = InputError.row("quoting", "The quotation marks of a row do not pair up.")
RowTooLongError = InputError.row(
    "row-too-long", "A row or a cell is longer than any record can be."
)
RaggedRowError = InputError.row("ragged-row", "A row has more or fewer cells than the header.")
DuplicateHeaderError = InputError.row(
    "duplicate-header", "Two columns of the header have the same name, or one has none."
)
MissingColumnError = InputError.row("missing-column", "A column that is needed is not there.")
ColumnLengthError = InputError.row(
    "column-length", "The columns do not all have the same number of rows."
)
HeaderMissingError = InputError.row("no-header", "The first row looks like a record.")
TooFewColumnsError = InputError.row(
    "too-few-columns", "There are fewer columns than what is compared of a person."
)
GuessError = InputError.row(
    "guess",
    "What the columns of a file mean cannot be guessed, or it cannot be linked as it stands.",
)
GuessDeclinedError = AgencyError.row(
    "guess-declined", "A person has said that what was guessed of a file is wrong."
)
TrialFilesError = InputError.row(
    "trial-files",
    "Two files cannot be linked in a trial: they are one, too large, or none has people.",
)
HalvesError = InputError.row(
    "halves", "Two rehearsed halves do not fit, or a side is encoded twice under one key."
)
DuplicateIndexError = InputError.row(
    "duplicate-index", "The index of a table, which stands for record IDs, has a value twice."
)
TokensError = InputError.row("tokens", "A file holds tokens in place of people.")
TruthError = InputError.row("truth", "True pairs that do not fit the two files.")
SheetError = InputError.row("sheet", "The workbook has no such sheet.")
RecordCountError = InputError.row(
    "record-count", "The file has fewer or more records than the agreement takes."
)
QualityError = InputError.row(
    "quality", "The check found what must be looked at before anything is encoded."
)
SampleError = InputError.row(
    "sample",
    "A file is not a sample that an auditor drew, or asks for what the match log does not know.",
)
LinksFileError = InputError.row("links-file", "Not a file of links, or of columns with link IDs.")

TableError = InputError.row(
    "table", "A table of counts cannot be made, or not without telling of a few people."
)
ExportError = InputError.row(
    "export", "Statuses cannot be exported: dates or IDs are none that the receiving system takes."
)

ExtraMissingError = AgencyError.row(
    "extra-missing", "The file needs an optional package that is not installed."
)
ShippedNameError = AgencyError.row(
    "shipped-name", "There is no shipped linkage schema or column preset of this name."
)
RehearsalError = AgencyError.row("rehearsal", "The rehearsal data cannot be written as asked.")
ConfigError = AgencyError.row(
    "config", "The settings file is missing, unreadable, or says something impossible.", exit_code=2
)
ColumnNotListedError = AgencyError.row(
    "column-not-listed",
    "A column would be shared that the agency has not listed for sharing.",
    exit_code=2,
)
OutputExistsError = AgencyError.row(
    "output-exists", "A file would be overwritten that this program did not write."
)
OutputBlockedError = AgencyError.row(
    "output-blocked", "A file cannot be written where it was asked for."
)
UnknownRecordError = AgencyError.row(
    "unknown-record", "A number under which this agency has never encoded a record."
)
ProjectChangedError = AgencyError.row(
    "project-changed", "The project's terms are no longer those that the encodings were made under."
)
ReleaseError = AgencyError.row(
    "release", "The link IDs that were fetched are not those that were logged."
)
CertificateError = AgencyError.row(
    "certificate",
    "A certificate of destruction proves nothing, or contradicts what this agency knows.",
)
LegalHoldError = AgencyError.row(
    "legal-hold", "A legal hold forbids destroying anything of the project."
)

SecretMissingError = SecretError.row(
    "secret-missing", "There is no such secret file, or it cannot be read."
)
SecretExistsError = SecretError.row(
    "secret-exists", "A secret file is there already; it is never overwritten."
)
SecretExposedError = SecretError.row(
    "secret-exposed", "Other users of the machine can read the secret file."
)
SecretFormatError = SecretError.row(
    "secret-format", "The file is not a secret file of this program."
)
PassphraseError = SecretError.row(
    "passphrase", "A secret made by people, where only a random one protects."
)
HoldersError = SecretError.row("holders", "These persons cannot share a secret.")
ShareStartedError = SecretError.row(
    "share-started", "This epoch's secret is being agreed on, or has been, already."
)
SecretsDifferError = SecretError.row("secrets-differ", "Agencies that should encode alike do not.")

IdentityMissingError = IdentityError.row(
    "identity-missing",
    "There is no such identity, key or passphrase file, or it cannot be read or written.",
)
IdentityExistsError = IdentityError.row(
    "identity-exists", "A file of keys is there already; it is never overwritten."
)
IdentityExposedError = IdentityError.row(
    "identity-exposed", "Other users of the machine can read a file of keys or its passphrase."
)
IdentityLockedError = IdentityError.row(
    "identity-locked", "The passphrase or key file is not the one that locked the keys."
)
UntrustedKeyError = IdentityError.row(
    "untrusted-key",
    "Someone's keys whose fingerprint has not been compared, or that are others than those compared.",
)

InvitationError = AgencyError.row(
    "invitation", "An invitation file that cannot be used, or not in this folder."
)

SpokesError = AgencyError.row(
    "spokes",
    "The list of a hub's spokes, or the template of their agreements, cannot be used.",
    exit_code=2,
)
RunUnderWayError = OthersWaitedForError.row(
    "run-under-way", "The broker is about to do a run, and this job does not wait for its end."
)

AgreementDraftError = AgreementError.row(
    "agreement-draft",
    "An answer from which an agreement is made is missing or impossible.",
    exit_code=2,
)
AgreementFileError = AgreementError.row("agreement-file", "A file does not hold an agreement.")
AgreementUntrustedError = AgreementError.row(
    "agreement-untrusted",
    "What the broker shows of an agreement or an approval is not what the parties have signed.",
)

DateFormatError = RecipeError.row("date-format", "Not a date format.")

NonceSpentError = EncodingError.row(
    "nonce-spent",
    "Other encodings have left with this nonce: none are made twice under one round key.",
)
NonceRewoundError = EncodingError.row(
    "nonce-rewound",
    "The broker gives out once more the number of a nonce with which encodings have left.",
    exit_code=ALARM,
)
RoundUnprovenError = EncodingError.row(
    "round-unproven", "The pinned match log does not show the round as the broker does."
)
PrivacyAuditError = EncodingError.row(
    "privacy-audit", "An attack on your encodings found more than is allowed."
)

WorkspaceBusyError = WorkspaceError.row("workspace-busy", "Another command is using the workspace.")
HandleMapError = WorkspaceError.row(
    "handle-map",
    "The handle map is missing, damaged, of another project or epoch, or knows none of the records.",
)
