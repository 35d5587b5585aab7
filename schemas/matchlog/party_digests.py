"""Files of which each is made for one party, as entries list them: by their digests."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from schemas.documents.document import Model
from schemas.documents.ids import Name, Sha256Hex


class PartyDigest(Model):
    """The SHA-256 of a file that was made for one party."""

    party: Name
    sha256: Sha256Hex


def _one_a_party(digests: tuple[PartyDigest, ...]) -> tuple[PartyDigest, ...]:
    parties = [one.party for one in digests]
    if parties != sorted(set(parties)):
        raise ValueError("files must be one per party, in the order of their names")
    return digests


PartyDigests: TypeAlias = Annotated[
    tuple[PartyDigest, ...], Field(max_length=64), AfterValidator(_one_a_party)
]
"""One file for each party, in the order of their names."""
