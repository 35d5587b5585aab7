"""The workspace key on disk: open in a file of its owner's, or sealed to the persons who keep the workspace.

Sealed, it opens with the keys of the person who works here, of a custodian, or by the recovery code. Spec page:
`schemas/spec/workspace-backup.md`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar, Final, Literal

from encoding.errors import WorkspaceKeyError
from encoding.files import write_durably
from encoding.owner_only import is_readable_by_others
from encoding.people.identity import Identity
from schemas.documents.errors import FormatError
from schemas.documents.ids import Name, UtcTime
from schemas.signing.identity import PublicIdentity
from schemas.signing.sealing import SealedHeader

OPEN_MAGIC: Final = "blindlink/workspace-key/1"
SEALED_MAGIC: Final = "blindlink/workspace-key/2"
KEY_BYTES: Final = 32

Unlock = Callable[[], Identity]


class SealedWorkspaceKey(SealedHeader):
    """The workspace key as each of its keepers can open it."""

    KIND: ClassVar[str] = "sealed workspace key"
    LABEL: ClassVar[bytes] = b"blindlink/v1/workspace-key\n"

    version: Literal["blindlink/workspace-key/2"] = "blindlink/workspace-key/2"
    party: Name
    created: UtcTime


def open_key_text(key: bytes) -> bytes:
    """Return the content of a key file that is not sealed."""
    return f"{OPEN_MAGIC}\n{base64.b64encode(key).decode('ascii')}\n".encode("ascii")


def write_sealed_key(
    path: Path, key: bytes, party: str, keepers: Iterable[PublicIdentity], created: str
) -> None:
    """Replace the key file by one that only these persons can open."""
    sealed = SealedWorkspaceKey.close(key, keepers, party=party, created=created)
    write_durably(path, f"{SEALED_MAGIC}\n".encode("ascii") + sealed.to_canonical() + b"\n")


def is_sealed(path: Path) -> bool:
    """Tell whether the workspace key is sealed to persons; False where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(len(SEALED_MAGIC)) == SEALED_MAGIC.encode("ascii")
    except FileNotFoundError:
        return False


def count_keepers(path: Path) -> int | None:
    """Return to how many persons the workspace key is sealed, a recovery code among them; None: to nobody."""
    if not is_sealed(path):
        return None
    _, _, rest = path.read_text(encoding="ascii", errors="replace").partition("\n")
    return len(_read_sealed(rest).keys)


def read_workspace_key(path: Path, unlock: Unlock | None) -> bytes:
    """Return the workspace key."""
    if is_readable_by_others(path):
        raise WorkspaceKeyError(
            "other users of this computer can read the workspace key",
            hint=f"to make it readable by you alone: chmod 600 {path}",
        )
    first, _, rest = path.read_text(encoding="ascii", errors="replace").partition("\n")
    key = _open_key(rest) if first == OPEN_MAGIC else b""
    if first == SEALED_MAGIC:
        key = _unseal(rest, unlock)
    if len(key) != KEY_BYTES:
        raise WorkspaceKeyError("workspace.key is not a workspace key of this version")
    return key


def _open_key(text: str) -> bytes:
    try:
        return base64.b64decode(text.rstrip("\r\n"), validate=True)
    except binascii.Error:
        return b""


def _unseal(text: str, unlock: Unlock | None) -> bytes:
    sealed = _read_sealed(text)
    if unlock is None:
        raise WorkspaceKeyError(
            "the workspace key is sealed, and a person's own keys are needed to open it"
        )
    own = unlock()
    try:
        return sealed.open(own.public, own.keys.receiving_key)
    except FormatError as exc:
        raise WorkspaceKeyError(
            f"your keys do not open this workspace: {exc}",
            hint="a custodian can, or the recovery code: blindlink workspace recover",
        ) from None


def _read_sealed(text: str) -> SealedWorkspaceKey:
    try:
        return SealedWorkspaceKey.from_canonical(text.rstrip("\r\n").encode("ascii", "replace"))
    except FormatError as exc:
        raise WorkspaceKeyError(f"workspace.key is damaged: {exc}") from None
