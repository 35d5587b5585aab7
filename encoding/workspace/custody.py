"""What to do while one person alone can open a workspace: with their keys, all that it holds would be lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from encoding.files import write_durably
from encoding.workspace.key import count_keepers

if TYPE_CHECKING:
    from encoding.workspace.workspace import Workspace

BACKED_UP: Final = "backed-up"
# Its owner, and anyone who has the recovery code.
WITHOUT_CUSTODIAN = 2


def custody_advice(workspace: Workspace) -> str | None:
    """Return what to do for the workspace not to be lost with one computer or person; None: it is done.

    Nothing is unlocked.

    Raises:
        WorkspaceKeyError: the workspace key is damaged.
    """
    keepers = count_keepers(workspace.key_file)
    if keepers is None:
        return (
            "if this computer is lost, so is what your workspace holds; seal it, and let a second person"
            " keep it: blindlink workspace protect"
        )
    if keepers <= WITHOUT_CUSTODIAN:
        return (
            "if you lose your keys, only the recovery code opens your workspace; let a second person of your"
            " agency keep it, too: blindlink workspace custodians"
        )
    return None


@dataclass(frozen=True, slots=True)
class LastBackup:
    """When the last backup was written, and which round was the newest that had been encoded then; 0: none."""

    at: str
    round: int


def note_backup(workspace: Workspace, project: str, at: str) -> None:
    """Note that a backup was written, at a time in UTC."""
    note = f"{at} {newest_encoded(workspace, project)}\n"
    write_durably(workspace.folder / BACKED_UP, note.encode())


def last_backup(workspace: Workspace) -> LastBackup | None:
    """Return the last backup; None if none was written, or nobody knows of one."""
    try:
        at, number = (workspace.folder / BACKED_UP).read_text("ascii").split()
        return LastBackup(at, int(number))
    except (OSError, ValueError):
        return None


def newest_encoded(workspace: Workspace, project: str) -> int:
    """Return the newest round in which this workspace has encoded; 0: none."""
    return max((number for number, _ in workspace.handle_maps(project)), default=0)
