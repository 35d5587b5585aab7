"""What is in a backup of a workspace, in order, and who made it.

Spec page: `schemas/spec/workspace-backup.md`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from encoding.workspace.keepers import Keepers
from encoding.workspace.key import KEY_BYTES
from schemas.documents.document import Document, Model
from schemas.documents.ids import Sha256Hex, UtcTime
from schemas.signing.identity import PublicIdentity, base64_bytes
from schemas.signing.signatures import Signed

MAX_FILES: Final = 100_000
# Of a path: at most two folders, and names that every system takes as they are.
PATH_PATTERN: Final = (
    r"^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,149}/){0,2}[A-Za-z0-9][A-Za-z0-9._-]{0,149}$"
)
LEFT_OUT: Final = frozenset(
    {
        "lock",
        "refresh-lock",
        "workspace.key",
        "keepers.sealed",
        "deliveries",
        "destroying",
        "nonces",
        "outbox",
        "review-locks",
        "reviews",
        "said",
        "scratch",
    }
)


class BackupFile(Model):
    """One file of the workspace, by its path below it."""

    path: Annotated[str, Field(pattern=PATH_PATTERN)]
    size: Annotated[int, Field(ge=0, le=2**50)]
    sha256: Sha256Hex


class BackupManifest(Document):
    """What is in a backup, in order: the workspace key and who keeps it, the settings, and the files."""

    KIND: ClassVar[str] = "backup of a workspace"

    version: Literal["blindlink/workspace-backup/1"] = "blindlink/workspace-backup/1"
    maker: PublicIdentity
    created: UtcTime
    workspace_key: Annotated[str, Field(max_length=44, repr=False)]
    keepers: Keepers
    settings: Annotated[str, Field(max_length=1024 * 1024)] | None
    files: Annotated[tuple[BackupFile, ...], Field(max_length=MAX_FILES)]

    @model_validator(mode="after")
    def _files_are_in_order(self) -> Self:
        base64_bytes(self.workspace_key, KEY_BYTES)
        paths = [file.path for file in self.files]
        if paths != sorted(set(paths)):
            raise ValueError("files must be listed once each, in the order of their paths")
        if len({path.lower() for path in paths}) != len(paths):
            raise ValueError("two files have names that some systems take for one")
        if any(path.partition("/")[0] in LEFT_OUT for path in paths):
            raise ValueError("a file is none of those that are backed up")
        return self


class SignedBackup(Signed):
    """The manifest, signed by the person who made the backup: sealing alone says nothing about that."""

    KIND: ClassVar[str] = "signed backup"
    BODY: ClassVar[str] = "manifest"
    SIGNED_AS: ClassVar[str] = "workspace-backup"

    manifest: BackupManifest

    def verify(self) -> BackupManifest:
        """Return the manifest, signed by the keys that it names; whose they are, it cannot say."""
        self.require_signature(self.manifest.maker.verifier())
        return self.manifest
