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


class RunNotFinalError(RequestError):
    """The terms let a release wait until enough parties have cosigned the match log."""

    code = "run-not-final"
    status = 409
    title = "The run is not final yet"


class LeaseLostError(BrokerError):
    """The run was cancelled, or another worker holds it now: whatever this one still has is dropped."""

    code = "lease-lost"
    title = "The run belongs to another worker"
