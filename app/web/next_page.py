"""Where a sign-in leads: to a page of the broker, whatever was asked for."""

from __future__ import annotations

import re
from typing import Final

FIRST_PAGE: Final = "/projects"
MAX_NEXT: Final = 500
# A path of the pages, with its filter: no second slash at the start, no backslash, no dots, no other host.
_PAGE: Final = re.compile(
    r"/(projects|hubs|uploads|runs|releases|reviews|destructions|log)"
    r"(/[A-Za-z0-9_-]+)*(\?[A-Za-z0-9_.:=&%+-]*)?"
)


def page_of(text: str) -> str:
    """Return a path that is one of the broker's pages, as it is; any other text leads to the first page."""
    return text if len(text) <= MAX_NEXT and _PAGE.fullmatch(text) else FIRST_PAGE
