"""What the terms of a project refuse, and what is refused about legal holds."""

from __future__ import annotations

from typing import Final

from app.errors import RequestError, Rule

NOT_PROVIDER: Final = Rule("not-a-provider", 409, "The terms do not let this party provide records")
WRONG_DUTY: Final = Rule("wrong-duty", 403, "This needs a person with a different duty")
# It does not follow, or names who or what is not known here.
AGREEMENT_REFUSED: Final = Rule("agreement-refused", 409, "The agreement was refused")
STATEMENT_REFUSED: Final = Rule("statement-refused", 422, "The statement was refused")
# The statement would count, but there is nothing for it to do now.
OUT_OF_PLACE: Final = Rule("out-of-place", 409, "This is not due now")
# No person of a recipient of mode `blind` could open the link IDs that are sealed to it.
NOBODY_RECEIVES: Final = Rule("nobody-receives", 409, "No one could open the link IDs")
PROJECT_EXISTS: Final = Rule("project-exists", 409, "This project already exists")
# Nobody is named, or somebody who is unknown.
TERMS_REFUSED: Final = Rule("terms-refused", 422, "The terms cannot be used")
LEGAL_HOLD: Final = Rule("legal-hold", 409, "A legal hold forbids destruction")
HOLD_REFUSED: Final = Rule("hold-refused", 409, "The legal hold was not changed")
STATEMENT_ORDER: Final = Rule("statement-order", 409, "The statement does not follow the last one")


class NotInForceError(RequestError):
    """The project's terms do not allow this now."""

    code = "not-in-force"
    status = 409
    title = "The project's terms are not in force"


class SignatureRefusedError(RequestError):
    """A document is not signed by the person who sent it, with the keys that they have enrolled."""

    code = "signature-refused"
    status = 422
    title = "The signature is not valid for this"
