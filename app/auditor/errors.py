"""What the auditor's tool finds wrong, each with the evidence that shows it.

There are classes where someone catches one, else rows of a table. Exit codes: 1 a log, certificate, proof
or report does not verify, 2 usage, 3 a file cannot be read or written, 4 not authorised or the broker's
certificate not trusted, 5 the broker cannot be reached.
"""

from __future__ import annotations

from typing import Self

from schemas.rules.breach import Evidence
from schemas.shared.error_rows import Refusal


class AuditError(Exception):
    """The root; `index` is that of the first bad entry, None where no single entry is at fault."""

    code: str = "audit"
    exit_code: int = 1
    hint: str | None = None

    def __init__(
        self, message: str, *, index: int | None = None, evidence: Evidence | None = None
    ) -> None:
        """Take one plain sentence, where it went wrong, and what shows it."""
        super().__init__(message)
        self.message = message
        self.index = index
        self.evidence = evidence or {}

    @classmethod
    def row(
        cls, code: str, title: str, *, exit_code: int | None = None, hint: str | None = None
    ) -> Refusal[Self]:
        """Return a row of the table: errors of this class with a code of their own, and maybe more."""
        return Refusal(
            cls, code, title, cls.exit_code if exit_code is None else exit_code, hint or cls.hint
        )


class LogBrokenError(AuditError):
    """The log contradicts itself, what was pinned, or the rules."""

    code = "log-broken"
    hint = "keep the bundle, your pins and this output: they are the evidence"


class PinContradictedError(LogBrokenError):
    """The log shows another history than the one whose checkpoint was pinned."""

    code = "pin-contradicted"


class RolledBackError(LogBrokenError):
    """The log is shorter than it was when the pin was taken."""

    code = "rolled-back"


class RuleBrokenError(LogBrokenError):
    """The log records something that the rules do not allow; `code` names the rule."""

    def __init__(
        self, rule: str, message: str, *, index: int | None, evidence: Evidence | None = None
    ) -> None:
        """Take the rule's code too."""
        super().__init__(message, index=index, evidence=evidence)
        self.code = rule


class MalformedError(AuditError):
    """The input is not a bundle that this version can read."""

    code = "malformed"
    exit_code = 3
    hint = "get the file again; if it comes out the same, use the newest blindlink-audit"


class PinUnreadableError(AuditError):
    """A file of pins or a log key that the auditor gave cannot be used."""

    code = "pin-unreadable"
    exit_code = 3
    hint = (
        "a pin is a file of checkpoints as blindlink keeps it, or in quotes the line that `blindlink pin` "
        "shows; a log key is one line of text"
    )


class NotAuthorisedError(AuditError):
    """The broker did not let the auditor read the log."""

    code = "not-authorised"
    exit_code = 4
    hint = "give your token with --token-file; it lasts 10 minutes, and may be too old"


# What nobody catches by itself is a row: its code, and what is wrong.
LeafChangedError = LogBrokenError.row(
    "leaf-changed", "An entry was changed after its hash went into the tree, or the hash was."
)
OutOfPlaceError = LogBrokenError.row(
    "out-of-place", "Entries were removed, repeated or put in another order."
)
WithheldError = LogBrokenError.row(
    "withheld", "What the reader should see is withheld, or what belongs to others is shown."
)
CheckpointMissingError = LogBrokenError.row(
    "checkpoint-missing",
    "Each batch must end with exactly one checkpoint, the last one with the last entry.",
)
RootMismatchError = LogBrokenError.row(
    "root-mismatch", "The entries since the last good checkpoint are not those that were signed."
)
SignatureMissingError = LogBrokenError.row(
    "signature-missing", "A checkpoint lacks a valid signature of the log's key in force."
)
CosignatureBrokenError = LogBrokenError.row(
    "cosignature-broken", "A further signature on a checkpoint is not a named witness's."
)
TileChangedError = LogBrokenError.row(
    "tile-changed", "An upper tile was changed; anyone who fetched it alone would be deceived."
)
KeyChainError = LogBrokenError.row("log-key", "A log key was not handed over by the one before it.")
ForkError = LogBrokenError.row(
    "fork",
    "The log shows two entries at one place: it tells two stories, and its key has signed both.",
    hint="keep all files that you compared: together they prove it; tell the agencies and their counsel",
)
AgreementNotThereError = LogBrokenError.row(
    "agreement-not-there",
    "An agreement whose fingerprint the auditor gave never came into force in this log.",
    hint="compare the fingerprint with counsel's sheet; if it is right, keep the bundle, your pins and this "
    "output",
)
RecordContradictedError = LogBrokenError.row(
    "record-contradicted",
    "Something that someone handed over is not what the match log has the digest of.",
)

NotBundleError = MalformedError.row(
    MalformedError.code,
    "A file that was given for a bundle is something else.",
    hint="a bundle comes from blindlink-audit verify URL -o, or from an agency with blindlink audit-pack",
)

FileUnreadableError = AuditError.row(
    "file-unreadable",
    "A bundle or record is not there, or cannot be opened.",
    exit_code=3,
    hint="look at the name, and at the folder in which you type",
)
NameUnknownError = AuditError.row(
    "name-unknown",
    "A list is narrowed to a project or party of which nothing is known: empty, it would say too much.",
    exit_code=2,
    hint="give the name as the agreement has it; blindlink-audit show without it lists what is there",
)
SubjectUnknownError = AuditError.row(
    "subject-unknown",
    "An incident is asked about something that the log does not know.",
    exit_code=2,
    hint="give an upload id, a key id, the digest of a public key, or a log key as the log has it",
)
KeyFileError = AuditError.row(
    "key-file",
    "The auditor's own key cannot be made, opened or used.",
    exit_code=3,
    hint="make a key with blindlink-audit key auditor.key --new, or give the passphrase of this one",
)
PublicKeyError = AuditError.row(
    "public-key",
    "What was given as the auditor's public key is none.",
    exit_code=3,
    hint="the public key is the line that blindlink-audit key prints; ask the auditor for it",
)
ReportUnreadableError = AuditError.row(
    "report-unreadable",
    "A file is no signed report, and no page of one.",
    exit_code=3,
    hint="ask the auditor for the file again; if it is the same, use the newest blindlink-audit",
)
ReportRefusedError = AuditError.row(
    "report-refused",
    "A report or page was changed after it was signed, or was signed by another key.",
    hint="ask the auditor for the file again, and for the fingerprint of the key on the telephone",
)
CertificateUnreadableError = AuditError.row(
    "certificate-unreadable",
    "A file is no certificate of destruction.",
    exit_code=3,
    hint="get it again: an agency keeps it in its workspace, the operator with certificate show --out",
)
CertificateRefusedError = AuditError.row(
    "certificate-refused",
    "A certificate of destruction does not verify, or the log says something else.",
    hint="keep the certificate, the bundle and this output: they are the evidence",
)
ProofUnreadableError = AuditError.row(
    "proof-unreadable",
    "A file is no proof of an entry.",
    exit_code=3,
    hint="ask the agency for it again: blindlink disclosures --proofs writes it",
)
ProofRefusedError = AuditError.row(
    "proof-refused",
    "A proof of an entry does not verify.",
    hint="ask the operator for the log's key, and the agency for the proof, each by another way",
)
OutputExistsError = AuditError.row(
    "output-exists",
    "A file is there already where the auditor asked for one: it may be a key, or evidence.",
    exit_code=3,
    hint="choose another name, or overwrite it with --force",
)
OutputTakenError = AuditError.row(
    "output-taken",
    "A file is asked for in the place of one that the same command reads or writes.",
    exit_code=3,
    hint="choose another name",
)
UnwritableError = AuditError.row(
    "unwritable",
    "A file that the auditor asked for cannot be written; what was there is as it was.",
    exit_code=3,
    hint="close the file where it is open, or give another folder",
)
AddressError = AuditError.row(
    "address",
    "An address is none of a broker's, or one that would show a token to the network.",
    exit_code=2,
    hint="a broker's address is such as https://broker.example.gov",
)
TokenFileError = AuditError.row(
    "token-file",
    "A file that should hold the auditor's token does not.",
    exit_code=3,
    hint="blindlink people sign-in --token auditor.token writes one, which lasts 10 minutes",
)
CaFileError = AuditError.row(
    "ca-file",
    "A file that should hold certificates does not.",
    exit_code=3,
    hint="ask the operator for the certificate file: text that begins with BEGIN CERTIFICATE",
)
# No outage: it does not go away by waiting, and may be someone in the middle.
BrokerUntrustedError = AuditError.row(
    "broker-untrusted",
    "Anyone who answered showed another certificate than the broker's, as far as this computer knows.",
    exit_code=4,
    hint="ask the operator for the certificate file and name it with --ca-file; if it was trusted before, "
    "someone else may have answered",
)
UnreachableError = AuditError.row(
    "unreachable",
    "The bundle could not be fetched.",
    exit_code=5,
    hint="try again later, or verify a bundle that someone fetched before",
)

PinUnsignedError = PinUnreadableError.row(
    "pin-unsigned",
    "A pin is damaged, forged, or of a log under another key: by itself it says nothing of this log.",
    hint="get the pin again from the person who keeps it; if it is the same, they were shown a log that "
    "another key signs: ask the operator about it",
)

LogNotShownError = NotAuthorisedError.row(
    NotAuthorisedError.code,
    "The broker did not let the auditor read the log, or not all of it.",
    hint="give your token with --token-file, and its project with --project where the command has that",
)
