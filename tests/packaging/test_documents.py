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


@pytest.mark.parametrize(
    "name",
    [
        "README.md", "SECURITY.md", "docs/analyst.md", "docs/counsel.md", "docs/encoding.md",
        "docs/first-linkage.md", "docs/privacy-audit.md", "docs/words.md", "schemas/spec/eld1.md",
    ],
)  # fmt: skip
def test_who_reads_about_encodings_reads_that_eld1_is_broken(name: str) -> None:
    assert "broken" in (ROOT / name).read_text("utf-8").lower()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_document_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []
