"""The project as a file that the operator exported, for who does not ask the broker."""

from __future__ import annotations

from pathlib import Path

from encoding.cli.parts.session import Session
from encoding.errors import ConfigError
from schemas.api import ProjectView
from schemas.canonical import parse_json
from schemas.errors import FormatError


def import_project(session: Session, path: Path) -> None:
    """Remember the project of a file as if the broker had shown it.

    Raises:
        ConfigError: the file is no project, or another than the settings name.
    """
    try:
        view = ProjectView.from_json(parse_json(path.read_bytes()))
    except (OSError, FormatError) as exc:
        raise ConfigError(f"{path} is not a project as the operator exports it") from exc
    if view.project != session.project:
        raise ConfigError(f"{path} is about another project than the settings")
    session.workspace.keep_project(view)
