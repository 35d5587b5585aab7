"""What the terms of a project refuse."""

from __future__ import annotations

from app.errors import RequestError


class NotInForceError(RequestError):
    """The project's terms do not allow this now."""

    code = "not-in-force"
    status = 409
    title = "The project's terms are not in force"


class ProjectExistsError(RequestError):
    """There is a project of this name already."""

    code = "project-exists"
    status = 409
    title = "There is such a project"


class TermsRefusedError(RequestError):
    """The terms cannot be kept: they name what is unknown, or do not fit the encoding profile."""

    code = "terms-refused"
    status = 422
    title = "The terms cannot be used"
