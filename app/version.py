"""Which software this is, as log entries and views name it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

VERSION: Final = version("blindlink")
# As a schemas.documents.ids.Code.
SOFTWARE: Final = f"blindlink-{VERSION}"
