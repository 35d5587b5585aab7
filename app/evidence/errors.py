"""What is refused about the match log's evidence."""

from __future__ import annotations

from app.errors import RequestError


class ProjectNeededError(RequestError):
    """Only the broker's operator may ask for all projects at once."""

    code = "project-needed"
    status = 422
    title = "A project must be named"
