"""No page breaks a rule that axe-core knows, in light, in dark and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from rigs.review_scene import lay_out
from rigs.served import served
from rigs.signed import Accord
from services.axe import DESK, PHONE, violations

from app.security.policy import ALL_PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A4 without its margins, at 96 dots an inch.
SHEET = {"width": 718, "height": 1000}


PLACES = (
    *ALL_PAGES,
    "/runs/{run}/match-record?rule=reviewed",
    "/runs/{waiting}",
    "/log?old=3",
    "/sign-in",
    "/runs/none",
)


@pytest.fixture
def ids(accord: Accord) -> dict[str, str]:
    """Two weeks of linkage under a signed agreement: every page has something to show."""
    return lay_out(accord)


@pytest.fixture
def address(web_app: FastAPI, accord: Accord, tmp_path: Path) -> Iterator[str]:
    """Where the application is served over TLS."""
    with served(web_app, tmp_path / "served") as found:
        yield found


@pytest.fixture
def signed_in(browser: Browser, address: str, signed_visitor: Any) -> Any:
    """A page of the auditor's; axe is put into it past the policy, which lets in nothing but the broker's."""
    from schemas.api.bodies import sign_in_url

    context = browser.new_context(ignore_https_errors=True, bypass_csp=True)
    page = context.new_page()
    page.goto(sign_in_url(address, signed_visitor.code()))
    page.wait_for_url(f"{address}/projects")
    yield page
    context.close()


@pytest.mark.parametrize(
    ("scheme", "size"),
    [
        pytest.param("dark", PHONE, marks=pytest.mark.long),
        pytest.param("light", DESK, marks=pytest.mark.soak),
    ],
    ids=["in the dark on a phone", "by day on a desk"],
)
def test_no_page_breaks_a_rule_or_is_wider_than_its_window(
    ids: dict[str, str], signed_in: Page, address: str, scheme: Any, size: Any
) -> None:
    signed_in.emulate_media(color_scheme=scheme)
    signed_in.set_viewport_size(size)
    for page in PLACES:
        signed_in.goto(f"{address}{page.format(**ids)}")
        assert violations(signed_in) == [], (page, scheme)
        width = signed_in.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], page


def test_on_a_phone_menus_and_filters_fold_and_elsewhere_they_stand_open(
    ids: dict[str, str], signed_in: Page, address: str
) -> None:
    timeline = f"{address}/projects/{ids['project']}/timeline"
    rounds = signed_in.get_by_role("link", name="Rounds", exact=True)
    party = signed_in.get_by_label("Party")
    signed_in.set_viewport_size({"width": 1280, "height": 900})
    signed_in.goto(timeline)
    assert rounds.is_visible()
    assert party.is_visible()
    signed_in.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert not rounds.is_visible()
    assert not party.is_visible()
    signed_in.locator("nav summary").focus()
    signed_in.keyboard.press("Enter")
    assert rounds.is_visible()
    # Anyone who has chosen something sees what.
    signed_in.goto(f"{timeline}?outcome=done")
    assert party.is_visible()


@pytest.mark.long
def test_no_page_is_wider_than_a_sheet_of_paper(
    ids: dict[str, str], signed_in: Page, address: str
) -> None:
    signed_in.set_viewport_size(SHEET)  # type: ignore[arg-type]
    signed_in.emulate_media(media="print", color_scheme="dark")
    for page in PLACES:
        signed_in.goto(f"{address}{page.format(**ids)}")
        width = signed_in.evaluate("document.documentElement.scrollWidth")
        assert width <= SHEET["width"], page
        assert not signed_in.locator("form, nav ul, button").first.is_visible(), page
        for folded in signed_in.locator("details:not(.fold) > :last-child").all():
            assert folded.is_visible(), page
        paper = signed_in.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(255, 255, 255)", page


def test_the_first_thing_that_the_keyboard_meets_leads_to_the_content(
    signed_in: Page, address: str
) -> None:
    signed_in.goto(f"{address}/projects")
    signed_in.keyboard.press("Tab")
    assert signed_in.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert signed_in.locator(":focus").bounding_box()["x"] >= 0  # type: ignore[index]
    signed_in.keyboard.press("Enter")
    assert signed_in.evaluate("document.activeElement.id") == "content"
