"""What a file is that was given for a bundle and is none: often another of ours, which its start tells."""

from __future__ import annotations

import re
from typing import Final

from app.auditor.errors import NotBundleError
from schemas.matchlog.bundle import MANIFEST_NAME

# Up to the version of a match record's first line, which comes after its uploads.
START_BYTES: Final = 16 * 1024

# A bundle is known by the name of its first file, which fills 100 bytes (POSIX.1-1988, ustar).
_BUNDLE_START: Final = MANIFEST_NAME.encode("ascii").ljust(100, b"\0")
_VERSION: Final = re.compile(rb'"version":"blindlink/([a-z-]+)/[0-9]+"')
_DOCUMENTS: Final = {
    b"match-record": "a match record, for blindlink-audit matches",
    b"openings": "a file of openings, for blindlink-audit sample --openings",
    b"sample": "a sample, for an agency's blindlink audit-pack --sample",
    b"audit-report": "an auditor's report, for blindlink-audit report-verify",
    b"destruction-file": "a certificate of destruction, for blindlink-audit certificate verify",
    b"destruction-certificate": "a certificate of destruction, for blindlink-audit certificate verify",
}
_STARTS: Final = {
    b"blindlink/checkpoints/": "a file of pins, for --pin",
    b"c2sp.org/tlog-proof": "a proof of an entry, for blindlink-audit proof and compare",
    b"-----BEGIN ": "a key or a certificate",
    b"<!doctype html>": "a page",
}


def require_bundle(start: bytes, name: str) -> None:
    """Refuse a file that does not begin as a bundle; one that is cut off still does."""
    if not start:
        raise NotBundleError(f"{name} is empty, and no bundle")
    if start[:100] != _BUNDLE_START[: len(start)]:
        kind = _kind_of(start)
        raise NotBundleError(f"{name} is no bundle" + (f": it is {kind}" if kind else ""))


def _kind_of(start: bytes) -> str | None:
    for begins, kind in _STARTS.items():
        if start[: len(begins)].lower() == begins.lower():
            return kind
    found = _VERSION.findall(start) if start.startswith(b"{") else []
    return next((_DOCUMENTS[word] for word in found if word in _DOCUMENTS), None)
