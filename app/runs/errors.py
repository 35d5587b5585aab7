"""What a run is refused for, and how a worker learns that a run is no longer its own."""

from __future__ import annotations

from app.errors import BrokerError, RequestError


class UploadsMissingError(RequestError):
    """A party of the pair has no committed upload of the round."""

    code = "uploads-missing"
    status = 409
    title = "Not both parties have uploaded"


class RunOverError(RequestError):
    """The run has ended, so it cannot be cancelled."""

    code = "run-over"
    status = 409
    title = "The run has ended"


class OtherPolicyError(RequestError):
    """The agreement does not leave room for this matching policy."""

    code = "other-policy"
    status = 409
    title = "Not a matching policy that the agreement allows"


class TooManyApprovalsError(RequestError):
    """A party has given as many standing approvals of late as it may under one agreement."""

    code = "too-many-approvals"
    status = 409
    title = "Too many standing approvals"


class NotApprovedError(RequestError):
    """A party that the agreement asks has not approved this."""

    code = "not-approved"
    status = 409
    title = "Not approved by every party that the agreement asks"


class UploaderApprovesError(RequestError):
    """Who uploaded for a run does not approve its release."""

    code = "uploader-approves"
    status = 409
    title = "This needs a person who did not upload for the run"


class RunNotFinalError(RequestError):
    """The terms let a release wait until enough parties have cosigned the match log."""

    code = "run-not-final"
    status = 409
    title = "The run is not final yet"


class TooManyPairsError(BrokerError):
    """Rows of the two files meet more often than the matching policy allows."""

    code = "pair-cap"
    title = "More pairs than the policy allows"


class LeaseLostError(BrokerError):
    """The run was cancelled, or another worker holds it now: whatever this one still has is dropped."""

    code = "lease-lost"
    title = "The run belongs to another worker"
