"""Who acts: the one value that authorisation, repositories and the match log all start from."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.identity import Duty, Role
from schemas.signed_request import SignedRequest


@dataclass(frozen=True, slots=True)
class Actor:
    """A named person of a party, in one role, during one request.

    `duties` are what the person does for the party, in alphabetical order; empty for whom the operator is in
    commands and on the pages. `token_id` names the token that the request came with (the credential itself is
    kept nowhere); `request_id` is `req-` and 32 hex characters, and stands in the log entries of this request.
    `day` is that of the request, in UTC, `YYYY-MM-DD`: terms begin and end by it. `signed` is the request as
    the person signed it, for the match log; None where nothing asks for it.
    """

    party: str
    person: str
    role: Role
    token_id: str
    request_id: str
    day: str
    duties: tuple[Duty, ...] = ()
    signed: SignedRequest | None = None
