"""The file of links that an agency works with: its own record IDs, each beside a link ID."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from encoding.errors import LinksFileError
from encoding.files import put_csv, write_csv

LINKS_HEADER: Final = ("record_id", "link_id")
LINKS_START: Final = b"record_id,link_id\n"


class Link(NamedTuple):
    """One record of this agency and the link ID that it shares with the records of the same person."""

    record_id: str
    link_id: str


def write_links(path: Path, links: Iterable[Link]) -> None:
    """Write `record_id,link_id` in place of the former file, in one step."""
    write_csv(path, LINKS_HEADER, links)


def links_bytes(links: Iterable[Link]) -> bytes:
    """Return the content of the file that `write_links` writes."""
    content = io.BytesIO()
    put_csv(content, LINKS_HEADER, links)
    return content.getvalue()


def read_links(path: Path) -> dict[str, str]:
    """Return the link ID of each record ID of a file that `write_links` wrote."""
    hint = "links are written by: blindlink links"
    links: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            if tuple(next(rows, ())) != LINKS_HEADER:
                raise LinksFileError(f"{path} is not a file of links", hint=hint)
            for number, row in enumerate(rows, start=1):
                if len(row) != 2 or not is_link_id(row[1]):
                    raise LinksFileError(
                        f"{path}, row {number}: not a record ID and a link ID", hint=hint
                    )
                links[row[0]] = row[1]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise LinksFileError(f"the file of links {path} cannot be read", hint=hint) from exc
    return links


def is_link_id(text: str) -> bool:
    """Tell whether a text is a link ID as it stands in files."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None
