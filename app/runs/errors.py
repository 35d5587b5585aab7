"""What a run is refused for, and how a worker learns that a run is no longer its own."""

from __future__ import annotations

from typing import Final

from app.errors import BrokerError, RequestError, Rule

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
