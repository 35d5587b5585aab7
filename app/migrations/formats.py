"""The formats of what a database holds: one of another version is refused by name, before anybody reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app.errors import ConfigurationError
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.documents.errors import OtherVersionError
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import RunSpecification
from schemas.matchlog.entry import Entry
from schemas.rounds.match_record import MatchRecordHeader
from schemas.rounds.upload import Manifest
from schemas.signing.identity import PublicIdentity

if TYPE_CHECKING:
    from app.db import Database
    from schemas.documents.document import Document

STORED: Final[tuple[tuple[str, str, type[Document]], ...]] = (
    ("log_leaf", "entry", Entry),
    ("agreement", "document", Agreement),
    ("project_terms", "document", ProjectTerms),
    ("encoding_profile", "document", EncodingProfile),
    ("person", "identity", PublicIdentity),
    ("upload", "manifest", Manifest),
    ("run", "specification", RunSpecification),
    ("match_record", "header", MatchRecordHeader),
)
"""Table, column, and what is in it. Each was of one version from the first row on."""


class OtherFormatError(ConfigurationError):
    """The database holds documents of another version."""

    code = "other-version"
    status = 503


def refuse_other_formats(database: Database) -> None:
    """Refuse a database that another version has filled, though its tables are the same."""
    with database.engine.connect() as connection:
        for table, column, kind in STORED:
            raw = connection.execute(
                text(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL LIMIT 1")  # noqa: S608
            ).scalar()
            if raw is not None:
                _refuse_other(kind, json.loads(raw)["version"])


def _refuse_other(kind: type[Document], given: str) -> None:
    read = kind.model_fields["version"].default
    if given != read:
        other = OtherVersionError(kind.KIND, given, read)
        raise OtherFormatError(
            f"the database holds documents of another version; {other}", hint=other.hint
        )
