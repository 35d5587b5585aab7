"""What a request shows to be let in, as it came: nothing in it is believed yet."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, and the proof of holding the key that it is bound to.

    `proof` is None where the token came as `Bearer`. `method` and `url` are the request's, the URL as the
    caller knows the broker and without query and fragment.
    """

    token: str = field(repr=False)
    proof: str | None = field(repr=False)
    method: str
    url: str
