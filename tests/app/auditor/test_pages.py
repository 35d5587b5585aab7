"""The auditor's own pages in a browser: no rule of axe-core broken, nothing fetched, fit for a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from samples.log import everything_else, story
from samples.reviewed_log import everything_reviewed
from samples.run import PARTIES, pack_of, sample_story
from samples.signed_log import everything_signed
from services.axe import DESK, PHONE, violations
from vectors.destruction import certificate_file

from app.auditor.cli import main
from schemas.reports.certificate import CertificateFile
from schemas.reports.certificate_page import certificate_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = (
    *("report.html", "incident.html", "fault.html", "register.html"),
    *("worksheet.html", "certificate.html"),
)
NARROW = {"width": 360, "height": 740}

LOG = story(92, n_weeks=1, projects=("foster",))
everything_reviewed(LOG)
everything_else(LOG)
everything_signed(LOG)
SAMPLED = sample_story()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page of each kind."""
    made = tmp_path_factory.mktemp("pages")
    (made / "log.bundle").write_bytes(LOG.bundle())
    bent = LOG.parts()
    bent.leaf_hashes[7] = bytes(32)
    (made / "bent.bundle").write_bytes(bent.pack())
    (made / "words").write_text("several words that nobody guesses", encoding="utf-8")
    signing = ("--key-file", made / "auditor.key", "--passphrase-file", made / "words")
    upload = next(e.object for e in LOG.entries if e.kind == "upload-received")
    name = ("--name", "State Office of Audits")

    def run(*words: object, status: int = 0) -> None:
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exit_code == status, done.stderr

    run("key", made / "auditor.key", "--new", *signing[2:])
    log = made / "log.bundle"
    run("report", log, *signing, *name, "--html", made / "report.html")
    run("report", log, *signing, "--incident", upload, "--html", made / "incident.html")
    run("report", made / "bent.bundle", *signing, "--html", made / "fault.html", status=1)
    run("disclosures", log, "--html", made / "register.html")
    (made / "run.record").write_bytes(SAMPLED.record)
    (made / "county.pack").write_bytes(pack_of(SAMPLED, 0, tuple(range(1, 6))))
    drawn = ("sample", "5", made / "run.record", "--seed", "autumn")
    run(*drawn, "--pack", made / "county.pack", "--worksheets", made)
    (made / f"worksheet-{PARTIES[0]}.html").rename(made / "worksheet.html")
    certificate = certificate_page(CertificateFile.from_json(certificate_file()))
    (made / "certificate.html").write_text(certificate, encoding="utf-8")
    return made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page into which axe can be put past the policy, which lets in nothing at all."""
    context = browser.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule(page: Page, folder: Path, name: str) -> None:
    for scheme, size in (("light", DESK), ("dark", PHONE)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto((folder / name).as_uri())
        assert violations(page) == [], scheme


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_fetches_nothing(page: Page, folder: Path, name: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    page.goto((folder / name).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert asked == [(folder / name).as_uri()]


def test_axe_finds_what_is_wrong(page: Page, folder: Path) -> None:
    page.goto((folder / "report.html").as_uri())
    page.evaluate("document.title = ''")
    assert any(found.startswith("document-title") for found in violations(page))


def test_the_report_begins_with_what_it_proves_and_does_not(page: Page, folder: Path) -> None:
    page.goto((folder / "report.html").as_uri())
    assert page.locator("h1").all_text_contents() == ["Audit report"]
    headings = page.locator("h2").all_text_contents()
    assert headings[:3] == ["What this proves", "What this does not prove", "The log"]
