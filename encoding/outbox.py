"""The outbox: the container that is ready to be uploaded, and the manifest that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from encoding.errors import NotReadyError
from encoding.workspace import Workspace
from schemas.errors import FormatError
from schemas.upload import Manifest


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is ready to be uploaded."""

    container: Path
    manifest: Manifest


def read_outbox(workspace: Workspace, project: str) -> Outbox:
    """Return what was encoded last.

    Raises:
        NotReadyError: nothing was, or container and manifest do not belong together.
    """
    container = workspace.container(project)
    hint = "encode the file first, with: blindlink encode"
    try:
        manifest = Manifest.from_canonical(manifest_path(container).read_bytes())
        size = container.stat().st_size
    except (OSError, FormatError) as exc:
        raise NotReadyError("nothing has been encoded for this project yet", hint=hint) from exc
    if size != manifest.container_bytes:
        raise NotReadyError("the encodings and their manifest do not belong together", hint=hint)
    return Outbox(container, manifest)


def manifest_path(container: Path) -> Path:
    """Return where the manifest of a container stands."""
    return container.with_suffix(".json")
