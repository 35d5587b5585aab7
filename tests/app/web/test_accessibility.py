"""No page breaks a rule that axe-core knows, in light, in dark and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.security.policy import AUDITOR_PAGES, PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parents[2] / "vendor" / "axe.min.js"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture
def signed_in(browser: Browser, address: str, visitor: Any) -> Any:
    """A page of the auditor's; axe is put into it past the policy, which lets in nothing but the broker's."""
    from schemas.api import sign_in_url

    context = browser.new_context(ignore_https_errors=True, bypass_csp=True)
    page = context.new_page()
    page.goto(sign_in_url(address, visitor.code()))
    page.wait_for_url(f"{address}/projects")
    yield page
    context.close()


def violations(page: Page) -> list[str]:
    page.add_script_tag(path=AXE)
    found: Any = page.evaluate("axe.run()")
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def test_no_page_breaks_a_rule(signed_in: Page, finished: Any, address: str) -> None:
    for scheme, size in (("light", DESK), ("dark", PHONE)):
        signed_in.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        signed_in.set_viewport_size(size)  # type: ignore[arg-type]
        for page in (*PAGES, *AUDITOR_PAGES, "/log?old=3", "/sign-in", "/runs/none"):
            signed_in.goto(f"{address}{finished.path(page)}")
            assert violations(signed_in) == [], (page, scheme)


def test_axe_finds_what_is_wrong(signed_in: Page, address: str) -> None:
    signed_in.goto(f"{address}/projects")
    signed_in.evaluate("document.querySelector('h1').remove(); document.title = ''")
    assert any(found.startswith("document-title") for found in violations(signed_in))


def test_no_page_is_wider_than_a_phone(signed_in: Page, finished: Any, address: str) -> None:
    signed_in.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for page in (*PAGES, *AUDITOR_PAGES, "/sign-in"):
        signed_in.goto(f"{address}{finished.path(page)}")
        width = signed_in.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], page


def test_the_first_thing_that_the_keyboard_meets_leads_to_the_content(
    signed_in: Page, address: str
) -> None:
    signed_in.goto(f"{address}/projects")
    signed_in.keyboard.press("Tab")
    assert signed_in.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert signed_in.locator(":focus").bounding_box()["x"] >= 0  # type: ignore[index]
    signed_in.keyboard.press("Enter")
    assert signed_in.evaluate("document.activeElement.id") == "content"
