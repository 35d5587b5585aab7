"""The audit as a document, as lines for the terminal, and as it is kept in the workspace."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from encoding.files import write_durably
from encoding.privacy_audit.goals import Outcome
from encoding.privacy_audit.results import Audit
from schemas.documents.canonical import canonical_digest
from schemas.linkage.privacy_audit import (
    MEASURES,
    SMALLEST_AUDITED_FILE,
    Figure,
    PrivacyAudit,
    Scope,
    decimal_text,
)
from schemas.linkage.profile import Side

VERSION: Final = "blindlink/privacy-audit/7"
KEPT_VERSION: Final = "blindlink/kept-privacy-audit/5"

HOLDER_NOTE: Final = (
    "Anyone who has both the agencies' secret and a container can guess every record."
    " No encoding changes that."
)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """An audit of one file under one profile, with what it means.

    Attributes:
        profile: digest of the encoding profile.
        side: which file of the pair it was taken for.
        scope: how much was attacked.
        records: how many records the whole file has.
        audit: what the attacks of the first draw found.
        outcomes: each measure with what all draws found; empty if the file has too few records.
        draws: how many draws there were.
    """

    profile: str
    side: Side
    scope: Scope
    records: int
    audit: Audit
    outcomes: tuple[Outcome, ...]
    draws: int = 1

    @property
    def missed(self) -> tuple[Outcome, ...]:
        """The goals that were not reached."""
        return tuple(outcome for outcome in self.outcomes if not outcome.is_reached)

    @property
    def structure(self) -> int:
        """How many signs of structure the bytes of all draws showed."""
        return round(sum(one.value for one in self.outcomes if one.name == "structure"))

    def document(self) -> dict[str, Any]:
        """Return the audit as JSON without floats; it holds aggregates only."""
        found: dict[str, Any] = _plain(self.audit)
        return {
            "version": VERSION,
            "profile": self.profile,
            "side": self.side,
            "scope": self.scope,
            "records": self.records,
            "draws": self.draws,
            "goals": [
                {
                    "name": outcome.name,
                    "value": _decimal(outcome.value),
                    "least": _decimal(outcome.least),
                    "most": _decimal(outcome.most),
                    "goal": _decimal(outcome.goal),
                    "is_reached": outcome.is_reached,
                }
                for outcome in self.outcomes
            ],
            "found": found,
        }

    def digest(self) -> str:
        """Return the SHA-256 of the document, which goes into the manifest of the upload."""
        return canonical_digest(self.document())

    def statement(self) -> PrivacyAudit | None:
        """Return what a manifest states of this audit; None if the file has too few records."""
        if not self.outcomes:
            return None
        return PrivacyAudit(
            digest=self.digest(),
            scope=self.scope,
            profile=self.profile,
            side=self.side,
            records=self.records,
            structure=self.structure,
            draws=self.draws,
            figures=tuple(
                Figure(
                    measure=outcome.name,
                    mean=decimal_text(outcome.value),
                    least=decimal_text(outcome.least),
                    most=decimal_text(outcome.most),
                )
                for outcome in self.outcomes
                if outcome.name in MEASURES
            ),
        )


def summary(report: AuditReport) -> str:
    """Return the outcome in one sentence, without a full stop."""
    if not report.outcomes:
        return (
            f"the file has fewer than {SMALLEST_AUDITED_FILE} records, too few to attack;"
            " nothing was found out"
        )
    audit = report.audit
    n = f"{audit.n_smaller:,} against {audit.n_larger:,} records attacked in {report.draws} draws"
    if report.missed:
        return f"{n}: {len(report.missed)} of {len(report.outcomes)} goals missed"
    return f"{n}: all {len(report.outcomes)} goals reached"


def notes(report: AuditReport) -> Iterator[str]:
    """Yield what is no goal and must be known."""
    if report.audit.sampled < 1:
        yield (
            f"The attacks were made on {report.audit.sampled:.0%} of the file's records. Records of a whole"
            " file have more neighbors, so more is seen of them."
        )
    yield HOLDER_NOTE


def report_lines(report: AuditReport) -> Iterator[str]:
    """Yield the report as lines of text."""
    yield summary(report)
    for outcome in report.outcomes:
        bad = "stop" if outcome.name == "structure" else "warn"
        yield f"  {'good' if outcome.is_reached else bad}  {outcome.sentence}"
    for note in notes(report):
        yield f"  note  {note}"


def _plain(value: Any) -> Any:
    """Return results as JSON: floats as texts of four decimals."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return _decimal(value) if isinstance(value, float) else value


def _decimal(value: float) -> str:
    return f"{value:.4f}"


def read_kept_audit(path: Path) -> PrivacyAudit | None:
    """Return what was kept; None if there is no such file, or one that cannot be read."""
    try:
        raw: Any = json.loads(path.read_text("utf-8"))
        is_known = raw["version"] == KEPT_VERSION
        return PrivacyAudit.model_validate_json(json.dumps(raw["statement"])) if is_known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_audit(path: Path, report: AuditReport) -> None:
    """Remember an audit, which uploads state from now on; a quick one only where it found structure."""
    statement = report.statement()
    if statement is None or (statement.scope == "quick" and not statement.structure):
        return
    kept = {
        "version": KEPT_VERSION,
        "statement": statement.model_dump(mode="json"),
        "document": report.document(),
    }
    write_durably(path, json.dumps(kept, indent=1).encode())


def seed_of(profile: str, side: Side, number: int) -> int:
    """Return the seed of a draw, which no agency chooses: so the same file has the same figures.

    It does not hang on the file. Else who changes a byte could draw again, and a manifest that names it would
    tell who has a copy of the file that it is one.

    Args:
        profile: digest of the encoding profile.
        side: which file of the pair it is.
        number: of the draw, from 0.
    """
    text = f"blindlink/v1/privacy-audit\n{profile}\n{side}\n{number}"
    return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:6], "big")
