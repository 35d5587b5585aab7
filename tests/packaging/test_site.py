"""The site of the documents: every page is on it, it asks no other host, and it reads without JavaScript."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rigs.documents import GUIDES, ROOT, links_of

from app.main import BrokerApp
from app.security.policy import POLICY
from docs.site.reference import reference

if TYPE_CHECKING:
    from playwright.sync_api import Browser

INDEX = ROOT / "docs" / "index.md"


def test_the_first_page_leads_to_every_page_and_room_of_documents() -> None:
    linked = {(INDEX.parent / link).resolve() for link in links_of(INDEX)}
    pages = {*GUIDES, *ROOT.glob("docs/security/*.md"), *ROOT.glob("*.md")} - {INDEX}
    assert sorted(path.name for path in pages - linked) == []
    assert {ROOT / "docs/adr/README.md", ROOT / "schemas/spec/README.md"} <= linked


@pytest.fixture(scope="module")
def tables() -> str:
    return reference(BrokerApp().openapi())


def test_the_reference_has_every_route_with_the_roles_of_the_policy(tables: str) -> None:
    sections = dict(
        re.findall(r"^### `([A-Z]+ \S+)`\n(.*?)(?=^##)", tables, re.MULTILINE | re.DOTALL)
    )
    described = {f"{method} {path}": rule for (method, path), rule in POLICY.items()}
    for route, section in sections.items():
        rule = described[route.replace("{tile}", "{tile:path}")]
        callers = "anyone" if rule.anonymous else ", ".join(sorted(rule.roles))
        assert f"| who may call it | {callers} |" in section, route
        assert ("| signed | yes" in section) is rule.is_signed, route
    assert len(sections) > 60


def test_every_body_that_a_table_names_has_its_own(tables: str) -> None:
    titles = {title.lower() for title in re.findall(r"^### (\w+)$", tables, re.MULTILINE)}
    linked = set(re.findall(r"\]\(#([^)]+)\)", tables))
    assert linked
    assert linked - titles == set()


def test_limits_of_a_field_are_said() -> None:
    body = {"properties": {"name": {"type": "string", "maxLength": 40}}, "required": ["name"]}
    said = reference({"paths": {}, "components": {"schemas": {"Named": body}}})
    assert "| `name` | string (at most 40 long) | required |" in said


def build(source: Path, site: Path, packages: Path) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does, with its packages in a folder of their own."""
    (command,) = re.findall(r"\$\(BIN\)/python -m (sphinx .*) \. site$", MAKE_DOCS, re.MULTILINE)
    words = [
        word.replace("build/doctrees", str(site.parent / "doctrees")) for word in command.split()
    ]
    return subprocess.run(
        [sys.executable, "-m", *words, str(source), str(site)],
        cwd=source,
        env={"PYTHONPATH": str(packages), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


MAKE_DOCS = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make docs` installs, beside the tests' own packages and not among them."""
    folder = tmp_path_factory.mktemp("packages")
    locked = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        "requirements/docs.txt",
    ]
    told = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *locked]
    subprocess.run(told, cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def site(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "site"
    built = build(ROOT, folder, packages)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.index
@pytest.mark.timeout(900)
def test_every_document_is_built_and_asks_no_other_host(site: Path) -> None:
    for page in (*GUIDES, *ROOT.glob("docs/adr/*.md"), *ROOT.glob("schemas/spec/*.md")):
        assert (site / page.relative_to(ROOT)).with_suffix(".html").exists(), page.name
    asked = re.compile(r"""(?:src=|<link[^>]+href=|url\(|@import )["']?(?:https?:)?//""")
    askers = [path.name for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    assert len(askers) > 100
    asks = [
        path.name
        for path in site.rglob("*")
        if path.suffix in {".html", ".css"} and asked.search(path.read_text("utf-8"))
    ]
    assert asks == []


@pytest.mark.index
@pytest.mark.timeout(900)
def test_the_reference_stands_in_the_site_as_plain_tables(site: Path) -> None:
    text = (site / "docs" / "api-reference.html").read_text("utf-8")
    assert "/v1/uploads/{upload}/parts/{number}" in text
    assert text.count("<table") > 100


@pytest.mark.index
@pytest.mark.timeout(900)
@pytest.mark.browser
@pytest.mark.parametrize("page", ["index", "exit-codes", "api-reference", "architecture"])
def test_it_reads_without_javascript_on_a_phone_in_light_and_dark(
    site: Path, browser: Browser, page: str
) -> None:
    for scheme in ("light", "dark"):
        shown: Any = browser.new_context(
            java_script_enabled=False, viewport={"width": 400, "height": 800}, color_scheme=scheme
        ).new_page()
        shown.goto((site / "docs" / f"{page}.html").as_uri())
        assert shown.locator("h1").is_visible()
        assert shown.locator("article").bounding_box()["width"] <= 400
        shade = shown.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", shade)[:3])) < 200) is (scheme == "dark")


@pytest.mark.index
@pytest.mark.timeout(900)
def test_each_broken_link_fails_the_build(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copytree(ROOT / "docs" / "site", tmp_path / "docs" / "site")
    conf = tmp_path / "docs" / "site" / "conf.py"
    conf.write_text(
        conf.read_text("utf-8").replace("Path(__file__).parents[2]", f"Path({str(ROOT)!r})")
    )
    (tmp_path / "docs/index.md").write_text("# Pages\n\n## For all\n\n- [Words](words.md)\n")
    broken = (
        "# The words\n\n[file](gone.md) [heading](index.md#gone)\n\n![picture](images/gone.svg)\n"
    )
    (tmp_path / "docs/words.md").write_text(broken)
    built = build(tmp_path, tmp_path / "site", packages)
    assert built.returncode != 0
    assert built.stderr.count("WARNING") == 3, built.stderr
