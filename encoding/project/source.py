"""What the command line says of the agency's file, in place of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from encoding.errors import OutputExistsError
from encoding.files import refuse_to_overwrite
from encoding.project.session import Session
from encoding.records.problem_log import LIST_START


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says in place of the settings; null and empty leave the settings as they are."""

    file: Path | None = None
    id_column: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    date_format: str | None = None
    as_of: str | None = None
    population: str | None = None
    skip_invalid: Path | None = None


def refuse_list(session: Session, source: Source) -> None:
    """Refuse to list left-out rows in the place of another file; call it before any work."""
    if source.skip_invalid is None:
        return
    refuse_to_overwrite(source.skip_invalid, own_start=LIST_START)
    links_file = session.config.resolve(session.config.sections.output.links)
    # What is not there yet would be refused later, by whoever is to write it.
    if source.skip_invalid.resolve() == links_file.resolve():
        raise OutputExistsError(
            f"{source.skip_invalid} is the file in which the settings put your links",
            hint="choose another name for the list of rows",
        )
