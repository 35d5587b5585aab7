"""What to do while one person alone can open a workspace: with their keys, all that it holds would be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.workspace.key import count_keepers

if TYPE_CHECKING:
    from encoding.workspace.workspace import Workspace

# Its owner, and whoever has the recovery code.
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
            " agency keep it, too: blindlink workspace custodian add"
        )
    return None
