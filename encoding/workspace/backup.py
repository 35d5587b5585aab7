"""A backup of a workspace: one file that only its keepers can open. Restoring takes all of it, or nothing.

What anyone who encodes can make anew is left out, and so is what only one command at a time needs. Spec page:
`schemas/spec/workspace-backup.md`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from encoding.errors import BackupError, SealedFileError, UntrustedKeyError
from encoding.files import make_private_folder, reason_of, replacing
from encoding.people.identity import Identity
from encoding.people.piece_reader import read_pieces
from encoding.people.sealed_file import Address, open_pieces, read_sealed_header, seal_pieces
from encoding.workspace.backup_manifest import (
    LEFT_OUT,
    PATH_PATTERN,
    BackupFile,
    BackupManifest,
    SignedBackup,
)
from encoding.workspace.keepers import Keepers, keep, read_keepers
from encoding.workspace.key import KEY_BYTES
from encoding.workspace.workspace import Workspace, open_workspace
from encoding.workspace.written_files import mark_restored
from schemas.documents.errors import FormatError, SignatureError
from schemas.documents.ids import utc_text
from schemas.shared.durable import sync_folder
from schemas.signing.identity import PublicIdentity, base64_bytes, base64_text

MAX_MANIFEST_BYTES: Final = 64 * 1024 * 1024
READ_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Restored:
    """A workspace that is whole again; `settings` are those of the backup, null where it has none."""

    workspace: Workspace
    maker: PublicIdentity
    created: str
    keepers: Keepers
    files: int
    settings: str | None


def write_backup(
    path: Path,
    workspace: Workspace,
    maker: Identity,
    now: datetime,
    *,
    receiver: PublicIdentity | None = None,
    settings: str | None = None,
) -> int:
    """Write a backup and return how many files it holds.

    Call it under the lock, so that hardly any file changes meanwhile: pins of the log and the like still may.

    Args:
        path: where; replaced at the end.
        workspace: what is backed up.
        maker: who signs it.
        now: aware.
        receiver: the only one who can open it; None: all keepers can.
        settings: the text of blindlink.toml; None: there is none.
    Raises:
        NotReadyError: the workspace is not protected yet.
        BackupError: a file changed meanwhile; what was there before is left as it is.
        OutputBlockedError: the file cannot be written; what was there before is left as it is.
        WorkspaceKeyError: the workspace key cannot be opened.
    """
    keepers = read_keepers(workspace)
    receivers = keepers.everyone() if receiver is None else (receiver,)
    created = utc_text(now)
    paths = _kept_files(workspace.folder)
    manifest = BackupManifest(
        maker=maker.public,
        created=created,
        workspace_key=base64_text(workspace.key()),
        keepers=keepers,
        settings=settings,
        files=tuple(_described(workspace.folder, name) for name in paths),
    )
    signed = SignedBackup.of(manifest, maker.keys.signing_key)
    party = maker.public.party
    address = Address(party, party, receivers, created)

    def content() -> Iterator[bytes]:
        yield signed.to_canonical() + b"\n"
        for described in manifest.files:
            yield from _pieces_of(workspace.folder, described)

    with replacing(path) as file:
        for piece in seal_pieces(content(), address):
            file.write(piece)
    return len(paths)


def restore_backup(
    path: Path,
    folder: Path,
    opener: Identity,
    own: Identity,
    now: datetime,
    *,
    made_by: str | None = None,
) -> Restored:
    """Make the workspace of a backup in `folder`, as that of `own`; all of it, or nothing.

    Args:
        path: the backup.
        folder: where the workspace will be; nothing may be kept there yet.
        opener: who opens the backup: `own`, or the keys of a recovery code.
        own: whose workspace it becomes.
        now: aware.
        made_by: the fingerprint of the person who made it, where that is not `own`.
    Raises:
        BackupError: it is damaged, of another agency, or does not open with these keys; or the folder is
            in use, or cannot be made.
        UntrustedKeyError: someone else has made it than expected.
    """
    _refuse_used(folder)
    staging = folder.with_name(f".{folder.name}.restoring")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with _readable(path) as file, _in_own_words(path):
            _refuse_others(file, own.public.party, opener.public)
            opened = read_pieces(open_pieces(file, opener))
            manifest = _read_manifest(opened, own, made_by)
            with _making(folder):
                make_private_folder(staging)
            for described in manifest.files:
                _write_file(staging, described, opened)
            _refuse_more(opened)
        key = base64_bytes(manifest.workspace_key, KEY_BYTES)
        keepers = manifest.keepers.owned_by(own.public)
        made = open_workspace(staging, lambda: own)
        keep(made, keepers, key, now)
        mark_restored(made)
        with _making(folder):
            _put_in_place(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return Restored(
        workspace=open_workspace(folder, lambda: own),
        maker=manifest.maker,
        created=manifest.created,
        keepers=keepers,
        files=len(manifest.files),
        settings=manifest.settings,
    )


def _kept_files(folder: Path) -> list[str]:
    """Return the files that are backed up, in order; what has another name was not written by a command."""
    found = (
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )
    return sorted(
        name
        for name in found
        if name.partition("/")[0] not in LEFT_OUT and re.fullmatch(PATH_PATTERN, name)
    )


def _described(folder: Path, name: str) -> BackupFile:
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(folder / name):
        digest.update(piece)
        size += len(piece)
    return BackupFile(path=name, size=size, sha256=digest.hexdigest())


def _pieces_of(folder: Path, described: BackupFile) -> Iterator[bytes]:
    """Yield the content of a file, after making sure at its end that it is what was described."""
    digest = hashlib.sha256()
    for piece in _pieces(folder / described.path):
        digest.update(piece)
        yield piece
    if digest.hexdigest() != described.sha256:
        raise BackupError(
            f"{described.path} in the workspace changed while it was backed up",
            hint="wait until other commands have ended, then give the same command again",
        )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece


def _read_manifest(opened: IO[bytes], own: Identity, made_by: str | None) -> BackupManifest:
    line, end, _ = opened.readline(MAX_MANIFEST_BYTES).partition(b"\n")
    if not end:
        raise BackupError("it is not a backup of a workspace")
    try:
        manifest = SignedBackup.from_canonical(line).verify()
    except SignatureError:
        raise BackupError("it was not signed by the person that it names as its maker") from None
    except FormatError as exc:
        raise BackupError(str(exc)) from None
    maker, party = manifest.maker, own.public.party
    if {maker.party, manifest.keepers.owner.party} != {party}:
        raise BackupError(f"it is of {manifest.keepers.owner.party}, and you are of {party}")
    fingerprint = maker.fingerprint()
    if fingerprint != (made_by or own.public.fingerprint()):
        raise UntrustedKeyError(
            f"the backup was made by {maker.person}, whose keys have the fingerprint {fingerprint}",
            hint="if that is the person you expect, repeat the command with --made-by and this fingerprint",
        )
    return manifest


def _write_file(folder: Path, described: BackupFile, opened: IO[bytes]) -> None:
    path = folder / described.path
    make_private_folder(path.parent)
    digest, left = hashlib.sha256(), described.size
    with replacing(path) as file:
        while left:
            piece = opened.read(min(left, READ_BYTES))
            if not piece:
                raise BackupError("it ends too early")
            digest.update(piece)
            file.write(piece)
            left -= len(piece)
    if digest.hexdigest() != described.sha256:
        raise BackupError("a file in it is not the one that was backed up")


def _refuse_more(opened: IO[bytes]) -> None:
    if opened.read(1):
        raise BackupError("it goes on after its last file")


def _refuse_used(folder: Path) -> None:
    if folder.name in {"", ".."}:
        raise BackupError(
            f"{folder} is not the name of a new folder",
            hint="give the workspace a folder of its own with --workspace",
        )
    # The log's key is all that `blindlink start` lays there; that of the backup takes its place.
    begun = Workspace(folder).log_key
    if folder.exists() and any(path.is_file() and path != begun for path in folder.rglob("*")):
        raise BackupError(
            f"there is a workspace in {folder} already, and nothing in it is replaced",
            hint="restore into a different folder with --workspace, or move this one away",
        )


def _put_in_place(staging: Path, folder: Path) -> None:
    # What is there are folders without a file, or with the log's key alone: `_refuse_used` has looked.
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(staging, folder)
    sync_folder(folder.parent)


def _refuse_others(file: IO[bytes], party: str, opener: PublicIdentity) -> None:
    header, _ = read_sealed_header(file)
    file.seek(0)
    if header.recipient != party:
        raise BackupError(f"it is of {header.recipient}, and you are of {party}")
    if opener.person not in {sealed.person for sealed in header.keys}:
        raise BackupError(
            "your keys, or this recovery code, do not open it",
            hint="its maker can open it, and so can a custodian or the recovery code: --recovery-code",
        )


@contextlib.contextmanager
def _making(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise BackupError(
            f"the workspace {folder} cannot be made: {reason_of(exc)}",
            hint="nothing was restored; choose another place with --workspace",
        ) from exc


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except OSError:
        raise BackupError(f"the file {path} cannot be read") from None
    with file:
        yield file


@contextlib.contextmanager
def _in_own_words(path: Path) -> Iterator[None]:
    try:
        yield
    except (SealedFileError, BackupError) as exc:
        raise BackupError(f"the backup {path} cannot be used: {exc}", hint=exc.hint) from None
