"""What is refused about parties, persons and sessions."""

from __future__ import annotations

from typing import Final

from app.errors import Rule

PARTY_EXISTS: Final = Rule("party-exists", 409, "This party already exists")
UNKNOWN_PARTY: Final = Rule("unknown-party", 422, "There is no such party")
# The code is unknown, used, too old or for another party or duties, or the keys sign nothing: alike.
ENROLMENT_REFUSED: Final = Rule("enrolment-refused", 401, "The enrollment was refused")
UNKNOWN_PERSON: Final = Rule("unknown-person", 422, "There is no such person")
PERSON_STATE: Final = Rule("person-state", 409, "The person's current state does not allow this")
FINGERPRINT_DIFFERS: Final = Rule("fingerprint-differs", 409, "The fingerprint does not match")
DUTIES_REFUSED: Final = Rule("duties-refused", 422, "These duties cannot be combined")
# It does not follow from the person's keys, or they were replaced too often.
KEY_CHANGE_REFUSED: Final = Rule("key-change-refused", 409, "The key change was refused")
# A one-time code is unknown, used or too old; all three answer alike.
SESSION_CODE: Final = Rule("session-code", 401, "The link has expired")
