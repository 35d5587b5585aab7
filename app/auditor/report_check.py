"""Checks a signed report or its page, for the person who is given one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from app.auditor.errors import PublicKeyError, ReportRefusedError, ReportUnreadableError
from app.auditor.files import why_unreadable
from schemas.documents.errors import DocumentError, SignatureError
from schemas.reports.audit_report import is_page, key_fingerprint, open_page, open_report

# Reports hold totals; only the acts of an incident grow with the log, to some hundred bytes each.
MAX_FILE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """A report or page that is as it was signed by `key`; `report` is the digest of the report."""

    form: Literal["report", "page"]
    key: str
    report: str

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield f"as signed    this {self.form} is what was signed, to the byte"
        yield f"key          {self.key}"
        yield f"fingerprint  {key_fingerprint(self.key)}"
        yield f"report       {self.report}"

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "verified": True,
            "form": self.form,
            "key": self.key,
            "fingerprint": key_fingerprint(self.key),
            "report_sha256": self.report,
        }


def check_report(path: Path, expected_key: str | None) -> Checked:
    """Check a report or page, and that it is signed by the key that is expected, if one is."""
    expected = None if expected_key is None else _public_key(expected_key)
    checked = _checked(_read(path))
    if expected is not None and checked.key != expected:
        raise ReportRefusedError(
            "it is signed by another key than the one that was given",
            evidence={"fingerprint": key_fingerprint(checked.key)},
        )
    return checked


def _checked(raw: bytes) -> Checked:
    try:
        if is_page(raw):
            seal = open_page(raw)
            return Checked("page", seal.key, seal.report_sha256)
        signed = open_report(raw)
        return Checked("report", signed.key, signed.report.digest())
    except DocumentError as exc:
        raise ReportUnreadableError(
            "the file is no proof, certificate of destruction, or signed report"
        ) from exc
    except SignatureError as exc:
        raise ReportRefusedError("the file was changed after it was signed") from exc


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise ReportUnreadableError(why_unreadable(path, exc)) from exc
    if len(raw) > MAX_FILE_BYTES:
        raise ReportUnreadableError(f"the file {path.name} is too long")
    return raw


def _public_key(text_or_path: str) -> str:
    try:
        text = text_or_path
        if Path(text_or_path).is_file():
            with Path(text_or_path).open(encoding="utf-8") as file:
                text = file.readline(1000).strip()
        key_fingerprint(text)
    except (OSError, UnicodeDecodeError, ValueError) as exc:
        raise PublicKeyError(
            "the auditor's public key is not 32 bytes of base64, or a file of them that is there"
        ) from exc
    return text
