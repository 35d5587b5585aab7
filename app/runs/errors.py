"""What a run is refused for, and how a worker learns that a run is no longer its own."""

from __future__ import annotations

from app.errors import BrokerError, RequestError


class UploadsMissingError(RequestError):
    """A provider has no committed upload of the epoch."""

    code = "uploads-missing"
    status = 409
    title = "Not every provider has uploaded"


class OtherPurposeError(RequestError):
    """The terms allow runs for another purpose only."""

    code = "other-purpose"
    status = 409
    title = "Not the purpose that the terms name"


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


class AsOfGapError(RequestError):
    """The files describe days that lie further apart than the agreement allows."""

    code = "as-of-gap"
    status = 409
    title = "The files describe different days"


class RunBudgetError(RequestError):
    """The agreement allows no more runs in these days."""

    code = "run-budget"
    status = 409
    title = "No more runs are agreed on for now"


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


class LeaseLostError(BrokerError):
    """The run was cancelled, or another worker holds it now: whatever this one still has is dropped."""

    code = "lease-lost"
    title = "The run belongs to another worker"
