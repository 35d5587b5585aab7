"""Errors of link IDs that last.

LedgerError                     1  the root
├── LedgerFileError                the ledger is damaged, of another space, or sealed under another key
├── OutOfTurnError                 a release whose turn is over, or has not come
├── ReleasedRowsError              a release names a record or a row that is not there, or one twice
├── UnlinkError                    there is nothing here to unlink, or to link again
└── LinkAlarmError              9  somebody has to look: nothing of the round is stored
    ├── ForgedMatchError           two records were matched that do not share a row
    ├── ReplayedMatchError         a match has the ID of one of an earlier release
    ├── ReleasesDifferError        the two sides were given different releases
    ├── TranscriptError            the two sides do not speak of the same two containers
    ├── OtherLogError              the other side was shown another match log
    ├── MessageWithheldError       a message that was sent has not come
    ├── MessageReplayedError       a message that was read before, or belongs to another release
    ├── MessageUntrustedError      not a message of who should have sent it
    └── LedgersDifferError         two ledgers that should agree do not
"""

from __future__ import annotations

from encoding.errors import AgencyError


class LedgerError(AgencyError):
    """The ledger of link IDs cannot be used as asked."""

    code = "ledger"


class LedgerFileError(LedgerError):
    """The ledger in the workspace is damaged, of another ID space, or sealed under another key."""

    code = "ledger-file"


class OutOfTurnError(LedgerError):
    """A release whose turn is over, or has not come yet."""

    code = "out-of-turn"


class ReleasedRowsError(LedgerError):
    """A release names a record or a row that is not there, or names one twice."""

    code = "released-rows"


class UnlinkError(LedgerError):
    """There is nothing here to unlink, or to link again."""

    code = "unlink"


class LinkAlarmError(LedgerError):
    """What was received cannot be honest: nothing of the round is stored until a person has looked.

    `n_concerned` counts the matches or messages that it is about, 0 where it is about the whole.
    """

    code = "link-alarm"
    exit_code = 9

    def __init__(self, message: str, *, hint: str | None = None, n_concerned: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.n_concerned = n_concerned


class ForgedMatchError(LinkAlarmError):
    """Two records were matched that do not share the row that the release names."""

    code = "forged-match"


class ReplayedMatchError(LinkAlarmError):
    """A match has the ID of a match of an earlier release."""

    code = "replayed-match"


class ReleasesDifferError(LinkAlarmError):
    """The two sides of a pair were given different releases."""

    code = "releases-differ"


class TranscriptError(LinkAlarmError):
    """The two sides of a pair do not speak of the same two containers."""

    code = "transcript"


class OtherLogError(LinkAlarmError):
    """The other side has seen a match log that is not the one that was shown here."""

    code = "other-log"


class MessageWithheldError(LinkAlarmError):
    """A message that was sent, or that the closing of the round lists, has not come."""

    code = "message-withheld"


class MessageReplayedError(LinkAlarmError):
    """A message that was read before, or that belongs to another release."""

    code = "message-replayed"


class MessageUntrustedError(LinkAlarmError):
    """Not a message of who should have sent it, or one that contradicts itself."""

    code = "message-untrusted"


class LedgersDifferError(LinkAlarmError):
    """The ledgers of two recipients differ over a release that both have applied."""

    code = "ledgers-differ"
