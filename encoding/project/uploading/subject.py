"""Which file a report is about, and under which encoding profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoding.errors import BrokerUnreachableError, ConfigError, NotAuthorisedError
from encoding.profiles.catalog import load_preset, shipped_profile
from encoding.project.agreement.project_view import current_view
from encoding.project.session import Session
from encoding.project.source import read_mapping
from encoding.records.agency_file import AgencyFile, only_of
from encoding.workspace.config import TODAY, is_iso_date

if TYPE_CHECKING:
    from encoding.progress import Progress
    from encoding.records.sample import Sample
    from schemas.api.projects import ProjectView
    from schemas.linkage.profile import EncodingProfile

DEFAULT_SCHEMA = "children"


@dataclass(frozen=True, slots=True)
class Subject:
    """A file to report on, how it is read, and the profile under which it would be encoded."""

    profile: EncodingProfile
    file: AgencyFile
    columns: Mapping[str, str]
    date_format: str | None


def read_subject(session: Session, given: Mapping[str, Any]) -> Subject:
    """Return what the settings say, with what the command line says on top.

    Without a settings file, FILE and --preset (or --id-column and --date-format) are enough.
    """
    columns: dict[str, str] = {}
    settings: dict[str, Any] = {}
    if session.config_path.exists() or given["file"] is None:
        source = session.config.source
        settings = source.model_dump(
            include={"id_column", "encoding", "delimiter", "sheet", "date_format"}
        )
        settings |= {"path": session.config.resolve(source.file), "only": only_of(source)}
        columns = dict(session.config.sections.columns)
    if given["preset"]:
        preset = load_preset(given["preset"])
        settings |= {"id_column": preset.id_column, "date_format": preset.date_format}
        columns = dict(preset.columns)
    taken = {"path": given["file"]} | {
        name: given[name] for name in ("id_column", "date_format", "encoding")
    }
    settings |= {name: value for name, value in taken.items() if value}
    date_format = settings.pop("date_format", None)
    if "id_column" not in settings:
        raise ConfigError(
            "the column of the record IDs is not given",
            hint="give --id-column and --date-format, or --preset, or make settings with: blindlink init",
        )
    file = AgencyFile(**settings)
    if given["preset"]:
        available = file.open().columns
        columns = {name: header for name, header in columns.items() if header in available}
    columns |= read_mapping(None, given["columns"])
    return Subject(profile_of(session, given["linkage_schema"]), file, columns, date_format)


def subject_of(
    session: Session,
    file: Path | None,
    id_column: str | None,
    columns: Mapping[str, str],
    date_format: str | None,
) -> Subject:
    """Return what the settings say, with what a command without `subject_options` was told on top."""
    given = {
        "file": file,
        "id_column": id_column,
        "columns": [f"{name}={header}" for name, header in columns.items()],
        "date_format": date_format,
        "preset": None,
        "encoding": None,
        "linkage_schema": None,
    }
    return read_subject(session, given)


def profile_of(session: Session, shipped: str | None) -> EncodingProfile:
    """Return a shipped profile by name, or the project's as it was last seen, or the default one."""
    if shipped:
        return shipped_profile(shipped)
    if session.config_path.exists():
        known = session.workspace.project() or _asked(session)
        if known is not None:
            return known.profile
    session.say(f"the project's encoding profile is not known here; going by {DEFAULT_SCHEMA}")
    return shipped_profile(DEFAULT_SCHEMA)


def _asked(session: Session) -> ProjectView | None:
    """Return the project as the broker shows it; None where it cannot be reached, or knows nobody here yet."""
    try:
        return current_view(session)
    except (BrokerUnreachableError, NotAuthorisedError):
        return None


def parse_day(given: str | None, session: Session, option: str) -> str | None:
    """Return "today" as a date, a date as it is, and None as None."""
    if given == TODAY:
        return session.now().date().isoformat()
    if given is not None and not is_iso_date(given):
        raise click.BadParameter('neither "today" nor a date such as 2026-01-31', param_hint=option)
    return given


@dataclass(frozen=True, slots=True, repr=False)
class DrawnSample:
    """A sample of a file's records, the header of each column that is encoded, and the size of the file."""

    sample: Sample
    header_of: Mapping[str, str]
    n_rows: int
    n_records: int


def draw_sample(subject: Subject, n_records: int, seed: str, progress: Progress) -> DrawnSample:
    """Read the file once and keep the rows of some records."""
    from encoding.recipe.rows import RowCleaner  # noqa: PLC0415 - it loads numpy
    from encoding.records.sample import RecordSampler  # noqa: PLC0415 - it loads numpy

    table = subject.file.open()
    # The same rules as those of encoding say which columns are read.
    header_of = RowCleaner(
        subject.profile,
        columns=subject.columns,
        available=table.columns,
        date_format=subject.date_format,
    ).header_of
    sampler = RecordSampler(n_records, tuple(header_of.values()), seed)
    n_rows = 0
    # Hashes, which Python keys anew in each run, so that a file of millions of record IDs fits.
    ids: set[int] = set()
    for chunk in table.select([subject.file.id_column, *header_of.values()]).chunks():
        record_ids = chunk.columns[subject.file.id_column]
        sampler.add(record_ids, chunk.columns)
        ids.update(map(hash, filter(None, record_ids)))
        n_rows += chunk.n_rows
        progress("reading", chunk.share, n_rows, "rows")
    return DrawnSample(sampler.sample(), header_of, n_rows, len(ids))
