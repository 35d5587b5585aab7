"""Links between the documents lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("schemas/spec/*.md")]


def test_the_readme_says_what_it_does_not_protect_against() -> None:
    limits = (ROOT / "README.md").read_text("utf-8").split("does not protect against")[1]
    for limit in (
        "A broker **together with** anyone who holds the secret can guess every record",
        "hides that from the agencies, not from the broker",
        "A link ID is itself confidential",
    ):
        assert limit in " ".join(limits.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_document_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def named_paths() -> list[str]:
    """Return what CONTRIBUTING names between backticks that looks like a file or a room of this repository."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return re.findall(r"`((?:app|encoding|schemas|tests)/[\w/.]*)`", text)


def test_the_walks_and_the_map_name_what_is_there() -> None:
    assert len(named_paths()) > 60
    assert [name for name in named_paths() if not (ROOT / name).exists()] == []


def test_every_room_is_on_the_map() -> None:
    rooms = {
        path.parent for top in ("app", "encoding") for path in ROOT.glob(f"{top}/*/__init__.py")
    }
    rooms |= {path.parent for path in ROOT.glob("tests/*/*.py")}
    mirrors = {"tests/app", "tests/encoding", "tests/schemas"}
    names = {f"{room.relative_to(ROOT).as_posix()}" for room in rooms} - mirrors
    assert sorted(names - {name.rstrip("/") for name in named_paths()}) == []
