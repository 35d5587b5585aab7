"""What a request shows to be let in, as it came: nothing in it is believed yet."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, the proof of holding the key that it is bound to, and the request as the person signed it.

    `proof` is None where the token came as `Bearer`, `signed` where nothing is asked to be signed. `method` and
    `url` are the request's, the URL as the caller knows the broker and without query and fragment; `asks` is
    what is signed: method and path with query.
    """

    token: str = field(repr=False)
    proof: str | None = field(repr=False)
    method: str
    url: str
    asks: str = ""
    signed: str | None = None
