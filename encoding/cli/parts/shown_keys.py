"""Keys as somebody shows them in a file."""

from __future__ import annotations

from pathlib import Path

from encoding.errors import IdentityFormatError, IdentityMissingError
from schemas.canonical import parse_json
from schemas.errors import FormatError
from schemas.identity import IdentityHistory, SignedIdentity


def read_shown(path: Path) -> IdentityHistory:
    """Return the keys that somebody shows in a file; whose they are, their fingerprint tells.

    Raises:
        IdentityMissingError, IdentityFormatError: it cannot be read, or shows nobody's keys.
    """
    try:
        shown = parse_json(path.read_bytes())
    except OSError:
        raise IdentityMissingError(f"the file {path} cannot be read") from None
    except FormatError as exc:
        raise IdentityFormatError(f"the file {path} does not show anybody's keys: {exc}") from None
    try:
        if isinstance(shown, dict) and "enrolled" in shown:
            return IdentityHistory.from_json(shown)
        if isinstance(shown, dict):
            shown = {name: shown[name] for name in shown if name != "fingerprint"}
        return IdentityHistory(enrolled=SignedIdentity.from_json(shown))
    except FormatError as exc:
        raise IdentityFormatError(f"the file {path} does not show anybody's keys: {exc}") from None
