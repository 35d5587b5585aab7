"""Errors of link IDs that last; an alarm, with the status 9, where someone has to look."""

from __future__ import annotations

from encoding.errors import ALARM, AgencyError


class LedgerError(AgencyError):
    """The ledger of link IDs cannot be used as asked."""

    code = "ledger"


class LedgerFileError(LedgerError):
    """The ledger in the workspace is damaged, of another link-ID set, or sealed under another key."""

    code = "ledger-file"


class LinkAlarmError(LedgerError):
    """What was received cannot be honest: nothing of the round is stored until a person has looked.

    `n_concerned` counts the matches or messages that it is about, 0 where it is about the whole.
    """

    code = "link-alarm"
    exit_code = ALARM

    def __init__(self, message: str, *, hint: str | None = None, n_concerned: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.n_concerned = n_concerned


class MessageUnreadableError(LinkAlarmError):
    """A message that the log lists does not open, breaks its format, or nobody signed it who could then.

    Of a release that is closed it is told, and the release is not applied here: the next round catches up.
    """

    code = "message-unreadable"


# What nobody catches by itself is a row: its code, and what is wrong.
OutOfTurnError = LedgerError.row(
    "out-of-turn", "A release whose turn is over, or has not come yet."
)
ReleasedRowsError = LedgerError.row(
    "released-rows", "A release names a record or a row that is not there, or names one twice."
)
RollbackError = LedgerError.row(
    "rollback", "Link IDs cannot go back to that round, or not all recipients have signed the same."
)
UnlinkError = LedgerError.row("unlink", "There is nothing here to unlink, or to link again.")

ForgedMatchError = LinkAlarmError.row(
    "forged-match", "Two records were matched that do not share the row that the release names."
)
ReplayedMatchError = LinkAlarmError.row(
    "replayed-match", "A match has the ID of a match of an earlier release."
)
ReleasesDifferError = LinkAlarmError.row(
    "releases-differ", "The two sides of a pair were given different releases."
)
TranscriptError = LinkAlarmError.row(
    "transcript", "The two sides of a pair do not speak of the same two containers."
)
OtherLogError = LinkAlarmError.row(
    "other-log", "The other side has seen a match log that is not the one that was shown here."
)
MessageWithheldError = LinkAlarmError.row(
    "message-withheld",
    "A message that the match log lists has not come, or the log lacks one that was sent before it.",
)
MessageReplayedError = LinkAlarmError.row(
    "message-replayed", "A message that belongs to another release."
)
MessageUntrustedError = LinkAlarmError.row(
    "message-untrusted", "Not a message of who should have sent it, or one that contradicts itself."
)
ClaimsContradictError = LinkAlarmError.row(
    "claims-contradict", "Claims that contradict what the same party has claimed before."
)
LedgersDifferError = LinkAlarmError.row(
    "ledgers-differ", "The ledgers of two recipients differ over a release that both have applied."
)
