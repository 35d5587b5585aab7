"""Errors of the broker. Every one becomes a problem+json answer or a one-line message of the command line.

BrokerError
├── RequestError (4xx: the request is at fault; nothing was changed)
│   ├── RefusedError (by a row of the table below)
│   └── classes of their own, where someone catches them or they carry more
├── UnavailableError (503: try again later)
└── ConfigurationError (the operator's settings are unsafe or do not fit; the broker does not start)

Each class, or row, states one broken rule: `code` is stable, `status` its HTTP status, `detail` one plain
sentence that holds nothing of the input. Docstrings name a row by its code.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final


class BrokerError(Exception):
    """The root; `str(error)` is the sentence a person reads."""

    code: str = "internal"
    status: int = 500
    title: str = "The broker could not do this"
    # What strangers are told in place of the sentence and the hint; None: both.
    public: str | None = None

    def __init__(self, detail: str, *, clause: str | None = None, hint: str | None = None) -> None:
        """Take the sentence for people, the clause of the terms that forbids it, and what to do instead."""
        super().__init__(detail)
        self.detail = detail
        self.clause = clause
        self.hint = hint


class RequestError(BrokerError):
    """The request breaks a rule; it changed nothing."""

    code = "bad-request"
    status = 400
    title = "The request breaks a rule"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that a request may break: its stable code, the HTTP status, and the title of the refusal."""

    code: str
    status: int
    title: str


class RefusedError(RequestError):
    """The request breaks a rule of a table."""

    def __init__(
        self, rule: Rule, detail: str, *, clause: str | None = None, hint: str | None = None
    ) -> None:
        """Take the rule, the sentence for people, the clause of the terms, and what to do instead."""
        super().__init__(detail, clause=clause, hint=hint)
        self.code, self.status, self.title = rule.code, rule.status, rule.title


class NotFoundError(RequestError):
    """There is no such thing, or it is not the caller's to see: both answer alike."""

    code = "not-found"
    status = 404
    title = "Not found"


class UnavailableError(BrokerError):
    """The broker cannot serve this now, but may later."""

    code = "unavailable"
    status = 503
    title = "Try again later"


class ConfigurationError(BrokerError):
    """A setting is missing, unsafe, or does not fit what is stored."""

    code = "configuration"
    status = 500
    title = "The broker is not configured"


# Of a request's form, before any slice is asked.
MALFORMED_BODY: Final = Rule("malformed-body", 400, "The body is not valid JSON")
INVALID_DOCUMENT: Final = Rule("invalid-document", 422, "The document does not follow its format")
INVALID_PARAMETER: Final = Rule("invalid-parameter", 422, "A parameter is missing or malformed")
BODY_TOO_LARGE: Final = Rule("body-too-large", 413, "The body is too large")
TOO_SLOW: Final = Rule("too-slow", 408, "The request was too slow")
MALFORMED_HTTP: Final = Rule("malformed-http", 400, "The request is not valid HTTP")
MEDIA_TYPE: Final = Rule("media-type", 415, "This media type is not accepted here")


class MethodNotAllowedError(RequestError):
    """There is such a path, but not for this method."""

    code = "method-not-allowed"
    status = 405
    title = "This method is not allowed here"

    def __init__(self, allowed: str) -> None:
        """Take the methods that this path does take, as the Allow header lists them."""
        super().__init__("This path takes another method.", hint=f"it takes {allowed}")
        self.allowed = allowed


# Before a slice is asked: no credential, the wrong one, too often; and lost keys.
# The caller is known, but this route is not for its role.
WRONG_ROLE: Final = Rule("wrong-role", 403, "This role may not do this")
# A page's request lacks its session's token against cross-site forgery.
FORGED_REQUEST: Final = Rule(
    "cross-site-request", 403, "The request did not come from the broker's pages"
)


class NotAuthenticatedError(RequestError):
    """There is no credential, or none that is valid now; unknown, expired and revoked answer alike."""

    code = "not-authenticated"
    status = 401
    title = "Not signed in"


class SignInRefusedError(NotAuthenticatedError):
    """A claim or proof is not one that signs anybody in; neither attribute is ever in the answer.

    `reason` is the rule that is broken, `party` whom the claim was made in the name of, null where that is
    nobody who is known.
    """

    def __init__(self, reason: str, party: str | None = None) -> None:
        """Take the rule: a word of ours, such as the claim's name, and nothing that was sent."""
        super().__init__("The sign-in is refused.")
        self.reason = reason
        self.party = party


class SessionNeededError(NotAuthenticatedError):
    """A page was asked for without a session that is valid now; pages answer it with a page of their own."""


class TooManyRequestsError(RequestError):
    """The caller goes beyond its rate; `retry_after_s` says when the next request may succeed."""

    code = "too-many-requests"
    status = 429
    title = "Too many requests"

    def __init__(self, retry_after_s: int) -> None:
        """Take the whole seconds after which the next request may succeed."""
        super().__init__(f"Too many requests; try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


# The caller is known; what is missing is that they sign what the match log will say of them.
REQUEST_UNSIGNED: Final = Rule("request-unsigned", 400, "The request is not signed")

# They sign it under an agreement that another one has replaced, or that does not bind yet.
REQUEST_AGREEMENT: Final = Rule(
    "request-agreement", 409, "Made under another agreement than the one that binds"
)


class KeyGoneError(BrokerError):
    """The key of an object was destroyed, or never made: what it sealed cannot be read any more."""

    code = "key-gone"
    status = 410
    title = "The key was destroyed"


class SealBrokenError(BrokerError):
    """Sealed bytes are damaged, or are not those of the object they are said to be."""

    code = "seal-broken"
    title = "Stored data is damaged"


class BlobMissingError(SealBrokenError):
    """Sealed bytes that should be there are not."""

    code = "blob-missing"
    title = "Stored data is missing"


class StorageFullError(UnavailableError):
    """The disk has less free space than the broker keeps in reserve."""

    code = "storage-full"
    status = 507
    title = "The broker's disk is nearly full"


class StoreUnavailableError(UnavailableError):
    """The object store does not answer, or does not do what it is asked."""

    code = "store-unavailable"
    title = "The broker's object store does not answer"


class KeyKeeperUnavailableError(UnavailableError):
    """What keeps the key-encryption keys does not answer, or refuses; its detail is for the operator alone."""

    code = "key-keeper-unavailable"
    title = "What keeps the broker's keys does not answer"
    public = (
        "What keeps the broker's keys does not answer. Nothing is lost: do the same again later."
    )


# The match log and its keys.
# It does not verify, or is over something that this log did not sign.
COSIGNATURE_REFUSED: Final = Rule("cosignature-refused", 422, "The cosignature was refused")


class LogAheadError(UnavailableError):
    """The log's newest entry is of a time that this process did not know of when it decided."""

    code = "log-ahead"


class LogRolledBackError(UnavailableError):
    """The database lost entries that were signed for, as an old backup does; nothing more is signed."""

    code = "log-rolled-back"
    title = "The log was rolled back"


class LogInconsistentError(UnavailableError):
    """Someone changed the stored tree; signing on would contradict what was signed."""

    code = "log-inconsistent"
    title = "The log does not continue its last checkpoint"


class LogNotStartedError(ConfigurationError):
    """The log must be started before anything is written to it."""

    code = "log-not-started"


class LogStartedError(ConfigurationError):
    """A database holds one log, started once."""

    code = "log-started"


class LogKeyMismatchError(ConfigurationError):
    """Checkpoints of this log are signed by another key."""

    code = "log-key-mismatch"


class LastCheckpointMissingError(ConfigurationError):
    """Without that file a rolled back database would go unnoticed."""

    code = "last-checkpoint-missing"


class NotInLogError(NotFoundError):
    """The log has no such entry, checkpoint or tile."""

    code = "not-in-log"


# Parties, persons and sessions.
PARTY_EXISTS: Final = Rule("party-exists", 409, "This party already exists")
UNKNOWN_PARTY: Final = Rule("unknown-party", 422, "There is no such party")
# The code is unknown, used, too old or for another party or duties, or the keys sign nothing: alike.
ENROLMENT_REFUSED: Final = Rule("enrolment-refused", 401, "The enrollment was refused")
UNKNOWN_PERSON: Final = Rule("unknown-person", 422, "There is no such person")
PERSON_STATE: Final = Rule("person-state", 409, "The person's current state does not allow this")
FINGERPRINT_DIFFERS: Final = Rule("fingerprint-differs", 409, "The fingerprint does not match")
DUTIES_REFUSED: Final = Rule("duties-refused", 422, "These duties cannot be combined")
# It does not follow from the person's keys, or they were replaced too often.
KEY_CHANGE_REFUSED: Final = Rule("key-change-refused", 409, "The key change was refused")
# A one-time code is unknown, used or too old; all three answer alike.
SESSION_CODE: Final = Rule("session-code", 401, "The link has expired")


# Agreements, terms and legal holds.
NOT_PROVIDER: Final = Rule("not-a-provider", 409, "The terms do not let this party provide records")
WRONG_DUTY: Final = Rule("wrong-duty", 403, "This needs a person with a different duty")
# It does not follow, or names who or what is not known here.
AGREEMENT_REFUSED: Final = Rule("agreement-refused", 409, "The agreement was refused")
STATEMENT_REFUSED: Final = Rule("statement-refused", 422, "The statement was refused")
# The statement would count, but there is nothing for it to do now.
OUT_OF_PLACE: Final = Rule("out-of-place", 409, "This is not due now")
# No person of a recipient of mode `blind` could open the link IDs that are sealed to it.
NOBODY_RECEIVES: Final = Rule("nobody-receives", 409, "No one could open the link IDs")
PROJECT_EXISTS: Final = Rule("project-exists", 409, "This project already exists")
# Nobody is named, or someone who is unknown.
TERMS_REFUSED: Final = Rule("terms-refused", 422, "The terms cannot be used")
LEGAL_HOLD: Final = Rule("legal-hold", 409, "A legal hold forbids destruction")
HOLD_REFUSED: Final = Rule("hold-refused", 409, "The legal hold was not changed")
STATEMENT_ORDER: Final = Rule("statement-order", 409, "The statement does not follow the last one")


class NotInForceError(RequestError):
    """The project's terms do not allow this now."""

    code = "not-in-force"
    status = 409
    title = "The project's terms are not in force"


class SignatureRefusedError(RequestError):
    """A document is not signed by the person who sent it, with the keys that they have enrolled."""

    code = "signature-refused"
    status = 422
    title = "The signature is not valid for this"


# Rounds.
NONCES_REFUSED: Final = Rule("nonces-refused", 409, "The nonces were refused")
NONCES_MISSING: Final = Rule("nonces-missing", 409, "Unspent nonces are missing")
ROUND_CLOSED: Final = Rule("round-closed", 409, "The round is over")
NOT_IN_ROUND: Final = Rule("not-in-round", 409, "These two agencies are not a pair of this round")
HANDED_OUT: Final = Rule("releases-fetched", 409, "A release of the round has already been fetched")
SUPPLEMENT_CLOSED: Final = Rule("supplement-closed", 409, "The supplementary release is closed")
CLAIMS_NOT_DUE: Final = Rule("claims-not-due", 409, "No such message is due")
CLAIMS_NOT_AGREED: Final = Rule(
    "claims-not-agreed", 409, "The agreement does not let these parties share link IDs"
)
CLAIMS_GONE: Final = Rule("claims-gone", 410, "The message is gone")


class RoundNotDueError(RequestError):
    """The agreed schedule does not want a round yet."""

    code = "round-not-due"
    status = 409
    title = "No round is due"


class RoundBudgetError(RequestError):
    """The agreement allows no more rounds in these days."""

    code = "round-budget"
    status = 409
    title = "The agreement allows no more rounds for now"


# Shares of a secret.
NOT_HOLDER: Final = Rule("not-a-holder", 409, "The terms do not let this party hold the secret")
SHARE_REFUSED: Final = Rule("share-refused", 422, "The share or confirmation was refused")
SHARE_FETCHED: Final = Rule("share-fetched", 409, "The recipient has fetched another share")
SHARE_SERVED: Final = Rule("share-served", 410, "The share has already been used")
SECRET_CONFIRMED: Final = Rule("secret-confirmed", 409, "All holders have confirmed the secret")


# Deliveries.
DELIVERY_NOT_AGREED: Final = Rule(
    "delivery-not-agreed", 409, "The agreement does not allow columns in this direction"
)
DELIVERY_NOT_DUE: Final = Rule(
    "delivery-not-due", 409, "The round's link IDs do not exist yet or are out of date"
)
DELIVERY_NUMBER: Final = Rule("delivery-number", 409, "The delivery number is out of order")
DELIVERY_TOO_LARGE: Final = Rule(
    "delivery-too-large", 413, "The delivery is larger than the agreed files"
)
DELIVERY_EMPTY: Final = Rule("delivery-empty", 422, "The delivery is empty")
DELIVERY_NOT_YOURS: Final = Rule("delivery-not-yours", 409, "The delivery is for another party")
DELIVERY_GONE: Final = Rule("delivery-gone", 410, "The delivery is gone")
DELIVERY_NOT_FETCHED: Final = Rule(
    "delivery-not-fetched", 409, "The delivery has not been fetched yet"
)
OTHER_DELIVERY: Final = Rule("other-delivery", 422, "This is not the file that was handed out")


# Runs and their workers.
UPLOADS_MISSING: Final = Rule("uploads-missing", 409, "Both parties have to upload first")
OTHER_PAIR: Final = Rule("other-pair", 409, "The run is of two other agencies")
RUN_OVER: Final = Rule("run-over", 409, "The run has ended")
OTHER_POLICY: Final = Rule("other-policy", 409, "The agreement does not allow this matching policy")
TOO_MANY_APPROVALS: Final = Rule("too-many-approvals", 409, "Too many standing approvals")
UPLOADER_APPROVES: Final = Rule(
    "uploader-approves", 409, "This needs a person who did not upload for the run"
)
RUN_NOT_FINAL: Final = Rule("run-not-final", 409, "The run is not final yet")


class NotApprovedError(RequestError):
    """A party that the agreement asks has not approved this."""

    code = "not-approved"
    status = 409
    title = "A party's approval is missing"


class TooManyPairsError(BrokerError):
    """Rows of the two files meet more often than the matching policy allows."""

    code = "pair-cap"
    title = "More pairs than the policy allows"


class LeaseLostError(BrokerError):
    """The run was cancelled, or another worker holds it now: whatever this one still has is dropped."""

    code = "lease-lost"
    title = "The run belongs to another worker"


# Match records.
MATCH_RECORD_GONE: Final = Rule("match-record-gone", 410, "The match record was destroyed")


# Releases.
RELEASE_DESTROYED: Final = Rule("release-destroyed", 410, "The release was destroyed")
NOT_RECIPIENT: Final = Rule("not-a-recipient", 409, "The terms do not let this party receive")
NOT_FETCHED: Final = Rule("not-fetched", 409, "The release has not been fetched yet")
OTHER_FILE: Final = Rule("other-file", 422, "This is not the file that was handed out")


# Reviews.
NOT_OF_REVIEW: Final = Rule("not-of-review", 409, "The other party of the review does this")
REVIEW_OVER: Final = Rule("review-over", 409, "The review is over")
CARDS_REFUSED: Final = Rule("cards-refused", 422, "The cards were refused")
CARDS_DIFFER: Final = Rule("cards-differ", 409, "Different cards are already there")
CARDS_MISSING: Final = Rule("cards-missing", 409, "The cards are not there yet")
DECISIONS_REFUSED: Final = Rule("decisions-refused", 409, "The decisions were refused")


# The match log's evidence.
PROJECT_NEEDED: Final = Rule("project-needed", 422, "A project must be named")
NOTHING_TO_WITNESS: Final = Rule(
    "nothing-to-witness", 409, "No project binds the caller's party yet"
)
NOT_A_WITNESS: Final = Rule("not-a-witness", 409, "The caller cannot cosign with this key")


# Destruction.
NOTHING_TO_DESTROY: Final = Rule("nothing-to-destroy", 409, "There is nothing to destroy")
NOT_CERTIFIED: Final = Rule("not-certified", 409, "There is no certificate yet")
OTHER_CERTIFICATE: Final = Rule("other-certificate", 422, "The statement is about something else")


# Messages that did not leave; said by code, since an address or an answer is not to be logged.
class NotSentError(UnavailableError):
    """A message did not leave, and is sent later; `code` says why."""

    code = "not-sent"
    title = "The message was not sent"

    def __init__(self, code: str, detail: str, *, hint: str | None = None) -> None:
        """Take a stable code, and the sentence for people; neither holds an address."""
        super().__init__(detail, hint=hint)
        self.code = code


# Backups.
# The folder exists already, or is no backup that this broker can take.
BACKUP_REFUSED: Final = Rule("backup-refused", 409, "The backup cannot be used")


class BackupDamagedError(BrokerError):
    """A backup is incomplete, or its files are not those that were written."""

    code = "backup-damaged"
    title = "The backup is damaged"


class DumpFailedError(BrokerError):
    """PostgreSQL's own tool failed; what it says is shown by itself on standard error."""

    code = "dump-failed"
    title = "PostgreSQL's backup tool failed"


def why_gone(what: str, destroyed: str | None, keep_until: str) -> str:
    """Return one sentence about something that is gone; `destroyed` is None where only its time is over."""
    if destroyed is None or destroyed >= keep_until:
        return f"{what} was kept as long as agreed, and is gone."
    return f"{what} was destroyed on {destroyed[:10]}, before its time was over."


def gone(rule: Rule, what: str, destroyed: str | None, keep_until: str) -> RefusedError:
    """Return the refusal of something that is gone, with why it is."""
    return RefusedError(
        rule,
        why_gone(what, destroyed, keep_until),
        hint="the certificate of destruction says on what ground: blindlink certificate --list",
    )


def place_of(error: BaseException) -> str:
    """Return where an exception was raised, innermost frame last, without any message or value.

    For logs: the message of a foreign exception may quote the input.
    """
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
