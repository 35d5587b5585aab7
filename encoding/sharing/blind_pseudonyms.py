"""Pseudonyms of records for one recipient of mode `blind`: by them its link IDs last from round to round.

An agency puts one beside each row that it hands over. Only its workspace can make them, each recipient gets
others, and where link IDs are agreed to be new in each round, so are pseudonyms. Spec page:
`schemas/spec/blind-release.md`.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.rounds.blind import BlindHeader

PSEUDONYM_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes the pseudonyms of this agency's records for one recipient in one ID space."""

    _key: bytes = field(repr=False)

    @classmethod
    def of(cls, workspace_key: bytes, header: BlindHeader, *, are_lasting: bool) -> Pseudonyms:
        """Return those for the recipient of a blind release.

        Args:
            are_lasting: the agreement says that link IDs of the space last; else all are new in each round.
        """
        names = [header.project, header.recipient, header.space]
        names += [] if are_lasting else [str(header.round)]
        info = f"blindlink/v1/workspace/pseudonym/{'/'.join(names)}".encode("ascii")
        return cls(HKDF(SHA256(), 32, salt=None, info=info).derive(workspace_key))

    def make(self, record_id: str) -> str:
        """Return the pseudonym of a record ID, which counts to the letter, as 32 hexadecimal digits."""
        raw = record_id.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, raw, "sha256")[:PSEUDONYM_BYTES].hex()


def is_pseudonym(text: str) -> bool:
    """Tell whether a text is a pseudonym as it stands in files."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None
