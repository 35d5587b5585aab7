"""What the auditor's own verifier says of a bundle that a second one looks at too."""

from __future__ import annotations

import io
from pathlib import Path

from breaks.random_bundles import Given

from app.auditor.errors import AuditError
from app.auditor.keys import read_log_key
from app.auditor.pins import read_pins
from app.auditor.verify import verify_bundle


def first_verdict(case: Given, folder: Path) -> AuditError | None:
    """Return why the bundle is refused; None: it is not. `folder` takes a file of the pins."""
    try:
        pins = []
        if case.pins:
            (folder / "pins").write_bytes(case.pins)
            pins = read_pins([folder / "pins"])
        key = None if case.log_key is None else read_log_key(case.log_key)
        verify_bundle(io.BytesIO(case.bundle), pins=pins, log_key=key)
    except AuditError as exc:
        return exc
    return None
