"""What the auditor's tool finds wrong, each with the evidence that shows it.

AuditError
├── LogBrokenError (exit 1: the log contradicts itself, what was pinned, or the rules)
│   ├── LeafChangedError        an entry is not the one whose hash is in the tree
│   ├── OutOfPlaceError         an entry states another place than where it stands
│   ├── WithheldError           an entry is withheld, or shown, that should not be
│   ├── CheckpointMissingError  a batch has no checkpoint, or two, or one out of order
│   ├── RootMismatchError       entries do not lead to the root that was signed
│   ├── SignatureMissingError   a checkpoint is not signed by the log's key in force
│   ├── CosignatureBrokenError  a witness's signature does not verify, or its key is not named
│   ├── TileChangedError        an upper tile does not follow from the leaves
│   ├── KeyChainError           the log's keys do not follow one from the other
│   ├── PinContradictedError    the log is not the one that was pinned
│   ├── RolledBackError         the log ends before a checkpoint that was pinned
│   ├── RecordContradictedError a match record, opening or receipt is not the one that the log knows
│   └── RuleBrokenError         an entry that the rules of the log do not allow
├── MalformedError (exit 3: not a bundle, or an entry that cannot be read)
│   └── NotBundleError          a file that begins otherwise than any bundle
├── FileUnreadableError (exit 3: a bundle or record is not there, or cannot be opened)
├── PinUnreadableError (exit 3: a pin or key given to the tool is unusable)
│   └── PinUnsignedError        a pin that no key of the log signed
├── NameUnknownError (exit 2: a list is asked for of a project or party that nothing is known of)
├── SubjectUnknownError (exit 2: an incident is about something that the log does not know)
├── KeyFileError (exit 3: the auditor's key file cannot be made, opened or used)
├── PublicKeyError (exit 3: what should be an auditor's public key is none)
├── ReportUnreadableError (exit 3: a file is no signed report, and no page of one)
├── ReportRefusedError (exit 1: a signed report or page is not what its signature covers)
├── CertificateUnreadableError (exit 3: a file is no certificate of destruction)
├── CertificateRefusedError (exit 1: a certificate does not verify, or the log says otherwise)
├── ProofUnreadableError (exit 3: a file is no proof of an entry)
├── ProofRefusedError (exit 1: a proof of an entry does not verify)
├── OutputExistsError (exit 3: a file would be written over)
├── OutputTakenError (exit 3: a file would be written over that the command reads, or writes, itself)
├── UnwritableError (exit 3: a file cannot be written)
├── AddressError (exit 2: an address is none of a broker's, or would show a token to the network)
├── TokenFileError (exit 3: a file holds no token)
├── CaFileError (exit 3: a file holds no certificates)
├── NotAuthorisedError (exit 4: the broker did not accept the token)
│   └── LogNotShownError        the broker did not show the log, or not to this token
├── BrokerUntrustedError (exit 4: the broker's certificate is not trusted)
└── UnreachableError (exit 5: the bundle could not be fetched)
"""

from __future__ import annotations

from typing import ClassVar

Evidence = dict[str, int | str | None]


class AuditError(Exception):
    """The root; `index` is that of the first bad entry, None where no single entry is at fault."""

    code: str = "audit"
    exit_code: ClassVar[int] = 1
    hint: ClassVar[str | None] = None

    def __init__(
        self, message: str, *, index: int | None = None, evidence: Evidence | None = None
    ) -> None:
        """Take one plain sentence, where it went wrong, and what shows it."""
        super().__init__(message)
        self.message = message
        self.index = index
        self.evidence = evidence or {}


class LogBrokenError(AuditError):
    """The log contradicts itself, what was pinned, or the rules."""

    code = "log-broken"
    hint = "keep the bundle, your pins and this output: they are the evidence"


class LeafChangedError(LogBrokenError):
    """An entry was changed after its hash went into the tree, or the hash was."""

    code = "leaf-changed"


class OutOfPlaceError(LogBrokenError):
    """Entries were removed, repeated or put in another order."""

    code = "out-of-place"


class WithheldError(LogBrokenError):
    """What the reader should see is withheld, or what belongs to others is shown."""

    code = "withheld"


class CheckpointMissingError(LogBrokenError):
    """Each batch must end with exactly one checkpoint, the last one with the last entry."""

    code = "checkpoint-missing"


class RootMismatchError(LogBrokenError):
    """The entries since the last good checkpoint are not those that were signed."""

    code = "root-mismatch"


class SignatureMissingError(LogBrokenError):
    """A checkpoint lacks a valid signature of the log's key in force."""

    code = "signature-missing"


class CosignatureBrokenError(LogBrokenError):
    """A further signature on a checkpoint is not a named witness's."""

    code = "cosignature-broken"


class TileChangedError(LogBrokenError):
    """An upper tile was changed; whoever fetched it alone would be deceived."""

    code = "tile-changed"


class KeyChainError(LogBrokenError):
    """A log key was not handed over by the one before it."""

    code = "log-key"


class PinContradictedError(LogBrokenError):
    """The log shows another history than the one whose checkpoint was pinned."""

    code = "pin-contradicted"


class RolledBackError(LogBrokenError):
    """The log is shorter than it was when the pin was taken."""

    code = "rolled-back"


class RecordContradictedError(LogBrokenError):
    """Something that somebody handed over is not what the match log has the digest of."""

    code = "record-contradicted"


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


class NotBundleError(MalformedError):
    """A file that was given for a bundle is something else."""

    hint = "a bundle comes from blindlink-audit fetch, or from an agency with blindlink audit-pack"


class FileUnreadableError(AuditError):
    """A bundle or record is not there, or cannot be opened."""

    code = "file-unreadable"
    exit_code = 3
    hint = "look at the name, and at the folder in which you type"


class PinUnreadableError(AuditError):
    """A file of pins or a log key that the auditor gave cannot be used."""

    code = "pin-unreadable"
    exit_code = 3
    hint = "a pin is a file of checkpoints as blindlink keeps it, a log key one line of text"


class PinUnsignedError(PinUnreadableError):
    """A pin is damaged, forged, or of a log under another key: by itself it says nothing of this log."""

    code = "pin-unsigned"
    hint = (
        "get the pin again from whoever keeps it; if it is the same, they were shown a log that another key "
        "signs: ask the operator about it"
    )


class NameUnknownError(AuditError):
    """A list is narrowed to a project or party of which nothing is known: empty, it would say too much."""

    code = "name-unknown"
    exit_code = 2
    hint = (
        "give the name as the agreement has it; blindlink-audit show without it lists what is there"
    )


class SubjectUnknownError(AuditError):
    """An incident is asked about something that the log does not know."""

    code = "subject-unknown"
    exit_code = 2
    hint = "give an upload id, a key id, the digest of a public key, or a log key as the log has it"


class KeyFileError(AuditError):
    """The auditor's own key cannot be made, opened or used."""

    code = "key-file"
    exit_code = 3
    hint = (
        "make a key with blindlink-audit key new -o auditor.key, or give the passphrase of this one"
    )


class PublicKeyError(AuditError):
    """What was given as the auditor's public key is none."""

    code = "public-key"
    exit_code = 3
    hint = "the public key is the line that blindlink-audit key show prints; ask the auditor for it"


class ReportUnreadableError(AuditError):
    """A file is no signed report, and no page of one."""

    code = "report-unreadable"
    exit_code = 3
    hint = "ask the auditor for the file again; if it is the same, use the newest blindlink-audit"


class ReportRefusedError(AuditError):
    """A report or page was changed after it was signed, or was signed by another key."""

    code = "report-refused"
    hint = "ask the auditor for the file again, and for the fingerprint of the key on the telephone"


class CertificateUnreadableError(AuditError):
    """A file is no certificate of destruction."""

    code = "certificate-unreadable"
    exit_code = 3
    hint = "get it again: an agency keeps it in its workspace, the operator with certificate show --out"


class CertificateRefusedError(AuditError):
    """A certificate of destruction does not verify, or the log says something else."""

    code = "certificate-refused"
    hint = "keep the certificate, the bundle and this output: they are the evidence"


class ProofUnreadableError(AuditError):
    """A file is no proof of an entry."""

    code = "proof-unreadable"
    exit_code = 3
    hint = "ask the agency for it again: blindlink disclosures --proofs writes it"


class ProofRefusedError(AuditError):
    """A proof of an entry does not verify."""

    code = "proof-refused"
    hint = "ask the operator for the log's key, and the agency for the proof, each by another way"


class OutputExistsError(AuditError):
    """A file is there already where the auditor asked for one: it may be a key, or evidence."""

    code = "output-exists"
    exit_code = 3
    hint = "choose another name, or overwrite it with --force"


class OutputTakenError(AuditError):
    """A file is asked for in the place of one that the same command reads or writes."""

    code = "output-taken"
    exit_code = 3
    hint = "choose another name"


class UnwritableError(AuditError):
    """A file that the auditor asked for cannot be written; what was there is as it was."""

    code = "unwritable"
    exit_code = 3
    hint = "close the file where it is open, or give another folder"


class AddressError(AuditError):
    """An address is none of a broker's, or one that would show a token to the network."""

    code = "address"
    exit_code = 2
    hint = "a broker's address is such as https://broker.example.gov"


class TokenFileError(AuditError):
    """A file that should hold the auditor's token does not."""

    code = "token-file"
    exit_code = 3
    hint = "blindlink identity token --out auditor.token writes one, which lasts 10 minutes"


class CaFileError(AuditError):
    """A file that should hold certificates does not."""

    code = "ca-file"
    exit_code = 3
    hint = "ask the operator for the certificate file: text that begins with BEGIN CERTIFICATE"


class NotAuthorisedError(AuditError):
    """The broker did not let the auditor read the log."""

    code = "not-authorised"
    exit_code = 4
    hint = "give your token with --token-file; it lasts 10 minutes, and may be too old"


class LogNotShownError(NotAuthorisedError):
    """The broker did not let the auditor read the log, or not all of it."""

    hint = "give your token with --token-file, and its project with --project where the command has that"


class BrokerUntrustedError(AuditError):
    """Whoever answered showed another certificate than the broker's, as far as this computer knows.

    No outage: it does not go away by waiting, and may be somebody in the middle.
    """

    code = "broker-untrusted"
    exit_code = 4
    hint = (
        "ask the operator for the certificate file and name it with --ca-file; if it was trusted before, "
        "somebody else may have answered"
    )


class UnreachableError(AuditError):
    """The bundle could not be fetched."""

    code = "unreachable"
    exit_code = 5
    hint = "try again later, or verify a bundle that somebody fetched before"
