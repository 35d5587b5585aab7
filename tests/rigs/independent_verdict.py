"""What the independent verifier says of a bundle that the auditor's own looks at too."""

from __future__ import annotations

import io

from blindlink_verify.basics import Refused
from blindlink_verify.bundle import verify
from blindlink_verify.checkpoints import parse_notes


def why_refused(bundle: bytes, pins: bytes = b"", log_key: str | None = None) -> Refused | None:
    """Return why the bundle is refused; None: it is not."""
    try:
        verify(io.BytesIO(bundle), parse_notes(pins) if pins else [], log_key)
    except Refused as refused:
        return refused
    return None
