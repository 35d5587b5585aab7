"""What is refused about the match log's evidence."""

from __future__ import annotations

from app.errors import RequestError


class ProjectNeededError(RequestError):
    """Only the broker's operator may ask for all projects at once."""

    code = "project-needed"
    status = 422
    title = "A project must be named"


class NothingToWitnessError(RequestError):
    """Whom no project binds has nothing in the log to watch over."""

    code = "nothing-to-witness"
    status = 409
    title = "No project binds the caller's party yet"


class NotAWitnessError(RequestError):
    """A checkpoint is cosigned with the key that the caller signs in with, and with no other."""

    code = "not-a-witness"
    status = 409
    title = "The caller cannot cosign with this key"
