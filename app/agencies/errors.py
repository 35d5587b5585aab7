"""What is refused about parties, persons and sessions."""

from __future__ import annotations

from app.errors import RequestError


class PartyExistsError(RequestError):
    """There is a party of this name already."""

    code = "party-exists"
    status = 409
    title = "There is such a party"


class UnknownPartyError(RequestError):
    """No party of this name is enrolled."""

    code = "unknown-party"
    status = 422
    title = "There is no such party"


class EnrolmentRefusedError(RequestError):
    """The code is unknown, used, too old or for another party or duties, or the keys sign nothing: alike."""

    code = "enrolment-refused"
    status = 401
    title = "The enrolment is refused"


class UnknownPersonError(RequestError):
    """Nobody of this id has enrolled."""

    code = "unknown-person"
    status = 422
    title = "There is no such person"


class PersonStateError(RequestError):
    """The person is not in a state in which this can be done."""

    code = "person-state"
    status = 409
    title = "Not in this state of the person"


class FingerprintDiffersError(RequestError):
    """The fingerprint that was compared is not that of the person's keys."""

    code = "fingerprint-differs"
    status = 409
    title = "The fingerprint differs"


class DutiesRefusedError(RequestError):
    """These duties are not for one person."""

    code = "duties-refused"
    status = 422
    title = "These duties do not go together"


class KeyChangeRefusedError(RequestError):
    """The change of keys does not follow from the person's keys, or they were replaced too often."""

    code = "key-change-refused"
    status = 409
    title = "The change of keys is refused"


class SessionCodeError(RequestError):
    """The one-time code is unknown, used or too old; all three answer alike."""

    code = "session-code"
    status = 401
    title = "The link has expired"
