"""The outbox: containers that are ready to be sent, one a partner and round, each with its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from encoding.errors import NotReadyError
from encoding.packing.container import KeptContainer, read_container
from encoding.workspace.workspace import Workspace
from schemas.documents.errors import FormatError
from schemas.rounds.upload import Manifest


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is ready to be sent to a partner."""

    container: KeptContainer
    manifest: Manifest


def read_outbox(workspace: Workspace, project: str, number: int, partner: str) -> Outbox:
    """Return what was encoded for a partner in a round.

    Raises:
        NotReadyError: nothing was, or container and manifest do not belong together.
    """
    path = workspace.container(project, number, partner)
    hint = "encode the file first: blindlink encode"
    try:
        manifest = Manifest.from_canonical(manifest_path(path).read_bytes())
        size = path.stat().st_size
    except (OSError, FormatError) as exc:
        raise NotReadyError(
            f"nothing has been encoded for {partner} in round {number} yet", hint=hint
        ) from exc
    container = read_container(path)
    if size != manifest.container_bytes or container.header.root != manifest.root:
        raise NotReadyError("the encodings and their manifest do not match", hint=hint)
    return Outbox(container, manifest)


def manifest_path(container: Path) -> Path:
    """Return where the manifest of a container stands."""
    return container.with_suffix(".json")
