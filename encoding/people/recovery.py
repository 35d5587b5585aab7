"""The recovery code: keys that follow from 18 random bytes on paper, the way out of a lost passphrase.

Whatever is sealed to a person can be sealed to a recovery code too: the code stands for a pair of keys, of
which the workspace keeps the public ones. Spec page: `schemas/spec/workspace-backup.md`.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encoding.errors import BackupError
from encoding.people.identity import PRIVATE_BYTES, Identity, PrivateKeys
from schemas.documents.errors import CodeError
from schemas.documents.ids import PERSON_PREFIX, utc_text
from schemas.documents.written_code import CODE_BYTES, read_code, write_code
from schemas.signing.identity import PublicIdentity, SignedIdentity

_KEYS_LABEL: Final = b"blindlink/v1/recovery-code/keys\n"
_PERSON_LABEL: Final = b"blindlink/v1/recovery-code/person\n"
_PERSON_BYTES: Final = 16


def new_recovery_code() -> str:
    """Return a new code as people write it; it is shown once and kept nowhere."""
    return write_code(secrets.token_bytes(CODE_BYTES))


def recovery_keys(code: str, party: str, now: datetime) -> Identity:
    """Return the keys that a code stands for, under the id that it stands for.

    Args:
        code: as someone typed it.
        party: of which party; it is written into the public part.
        now: aware; the same.
    Raises:
        BackupError: it has a slip of the pen, or is no such code.
    """
    try:
        raw = read_code(code)
    except CodeError as exc:
        raise BackupError(
            f"the recovery code cannot be used: {exc}",
            hint="it is on the paper that you wrote when you typed: blindlink workspace protect",
        ) from None
    keys = PrivateKeys.from_bytes(_derive(raw, _KEYS_LABEL, PRIVATE_BYTES))
    signing, receiving = keys.public_texts()
    public = PublicIdentity.from_json(
        {
            "party": party,
            "person": f"{PERSON_PREFIX}-{_derive(raw, _PERSON_LABEL, _PERSON_BYTES).hex()}",
            # A code does nothing for its party; the format asks for a duty.
            "duties": ["analyst"],
            "signing_key": signing,
            "receiving_key": receiving,
            "created": utc_text(now),
        }
    )
    return Identity(SignedIdentity.of(public, keys.signing_key), keys)


def _derive(raw: bytes, label: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=label).derive(raw)
