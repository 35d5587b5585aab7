"""What the terms of a project refuse."""

from __future__ import annotations

from typing import Final

from app.errors import RequestError, Rule

STATEMENT_ORDER: Final = Rule("statement-order", 409, "The statement does not follow the last one")


class NotInForceError(RequestError):
    """The project's terms do not allow this now."""

    code = "not-in-force"
    status = 409
    title = "The project's terms are not in force"


class NotProviderError(RequestError):
    """The terms in force do not name the party as a provider."""

    code = "not-a-provider"
    status = 409
    title = "The terms do not let this party provide records"


class WrongDutyError(RequestError):
    """The person does not have the duty that this needs."""

    code = "wrong-duty"
    status = 403
    title = "This needs a person with another duty"


class AgreementRefusedError(RequestError):
    """The agreement cannot be taken: it does not follow, or names who or what is not known here."""

    code = "agreement-refused"
    status = 409
    title = "The agreement is refused"


class StatementRefusedError(RequestError):
    """The signed statement does not count."""

    code = "statement-refused"
    status = 422
    title = "The statement is refused"


class SignatureRefusedError(RequestError):
    """A document is not signed by the person who sent it, with the keys that they have enrolled."""

    code = "signature-refused"
    status = 422
    title = "The signature does not count"


class OutOfPlaceError(RequestError):
    """The statement would count, but there is nothing for it to do now."""

    code = "out-of-place"
    status = 409
    title = "This is not due now"


class NobodyReceivesError(RequestError):
    """No person of a recipient of mode `blind` could open the link IDs that are sealed to it."""

    code = "nobody-receives"
    status = 409
    title = "Nobody could open the link IDs"


class ProjectExistsError(RequestError):
    """There is a project of this name already."""

    code = "project-exists"
    status = 409
    title = "There is such a project"


class TermsRefusedError(RequestError):
    """The project cannot be opened: nobody is named, or somebody who is unknown."""

    code = "terms-refused"
    status = 422
    title = "The terms cannot be used"
