"""Pages that a command writes beside what it prints."""

from __future__ import annotations

from pathlib import Path

from encoding.files import refuse_to_overwrite, write_durably
from schemas.shared.page import page_start


def write_page(path: Path, page: str, *, force: bool | None = None) -> None:
    """Write a page; an earlier report is replaced, any other file is not."""
    refuse_another_page(path, force=force)
    write_durably(path, page.encode())


def refuse_another_page(path: Path, *, force: bool | None = None) -> None:
    """Refuse to overwrite a file that is no report."""
    own_start = page_start("blindlink report").encode()
    refuse_to_overwrite(path, own_start=own_start, force=force)
