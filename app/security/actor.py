"""Who acts: the one value that authorisation, repositories and the match log all start from."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.clock import Clock, utc_now, utc_text
from schemas.signing.identity import Duty, Role
from schemas.signing.signed_request import SignedRequest


@dataclass(frozen=True, slots=True)
class Actor:
    """A named person of a party, in one role, during one request.

    `duties` are what the person does for the party, in alphabetical order; empty for whom the operator is in
    commands and on the pages. `token_id` names the token that the request came with (the credential itself is
    kept nowhere); `request_id` is `req-` and 32 hex characters, and stands in the log entries of this request.
    `clock` is the broker's. `signed` is the request as
    the person signed it, for the match log; None where nothing asks for it.
    """

    party: str
    person: str
    role: Role
    token_id: str
    request_id: str
    duties: tuple[Duty, ...] = ()
    signed: SignedRequest | None = None
    clock: Clock = field(default=utc_now, repr=False, compare=False)

    @property
    def day(self) -> str:
        """The day in UTC, `YYYY-MM-DD`: terms begin and end by it.

        It is that of the person who asks, not of when the request began: midnight may pass while its body
        comes.
        """
        return utc_text(self.clock())[:10]
