"""An auditor at work: the real application over TLS, in a headless Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from rigs.linkage import PROJECT, Linkage
from services.chromium import press

from schemas.api.bodies import sign_in_url

if TYPE_CHECKING:
    from playwright.sync_api import Page

SignIn = Callable[..., str]


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def test_a_one_time_link_signs_in_and_leaves_no_code_behind_and_signing_out_ends_the_session(
    sign_in: SignIn, chromium_page: Page
) -> None:
    address = sign_in()
    assert heading(chromium_page) == "What needs attention?"
    assert "of state-auditor (auditor)" in chromium_page.locator("header").inner_text()
    assert "#" not in chromium_page.url
    # Signing out ends the session.
    press(chromium_page.get_by_role("button", name="Sign out"))
    chromium_page.wait_for_url(f"{address}/sign-in")
    answer: Any = chromium_page.goto(f"{address}/projects")
    assert answer.status == 401


def test_a_link_that_was_used_or_of_which_a_part_is_missing_says_so(
    address: str, visitor: Any, chromium_page: Page
) -> None:
    link = sign_in_url(address, visitor.code())
    chromium_page.goto(link)
    chromium_page.wait_for_url(f"{address}/projects")
    chromium_page.goto("about:blank")
    chromium_page.goto(link)
    chromium_page.get_by_text("expired or was used already").wait_for()
    assert chromium_page.url == f"{address}/sign-in"
    # A link of which a part is missing says so.
    chromium_page.goto("about:blank")
    chromium_page.goto(sign_in_url(address, visitor.code())[:-1])
    chromium_page.get_by_text("This link is not whole").wait_for()


@pytest.mark.parametrize("status", [503, None])
def test_whoever_is_not_signed_in_or_out_is_told_so(
    address: str, visitor: Any, chromium_page: Page, status: int | None
) -> None:
    page, link = chromium_page, sign_in_url(address, visitor.code())

    def fail(route: Any) -> None:
        route.abort() if status is None else route.fulfill(status=status)

    page.route("**/session", fail)
    page.goto(link)
    page.get_by_text("The broker does not answer").wait_for()
    page.unroute("**/session")
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_url(f"{address}/projects")
    page.route("**/session", fail)
    page.get_by_role("button", name="Sign out").click()
    still = page.get_by_role("button", name="You are still signed in; try again")
    still.wait_for()
    assert page.url == f"{address}/projects"
    page.unroute("**/session")
    press(still)
    page.wait_for_url(f"{address}/sign-in")


def test_a_run_page_follows_the_run_to_its_end(
    sign_in: SignIn, uploaded: Linkage, chromium_page: Page
) -> None:
    run = uploaded.ask().json()["run"]
    address = sign_in()
    chromium_page.goto(f"{address}/runs/{run}")
    assert "waiting" in chromium_page.locator("#live").inner_text()
    uploaded.work()
    chromium_page.get_by_role("heading", name="What it found").wait_for()
    assert "finished" in chromium_page.locator("#live").inner_text()
    assert chromium_page.get_by_role("heading", name="Releases of this run").is_visible()


def test_a_run_page_stops_asking_when_the_session_has_ended(
    sign_in: SignIn, uploaded: Linkage, chromium_page: Page
) -> None:
    run = uploaded.ask().json()["run"]
    address = sign_in()
    chromium_page.goto(f"{address}/runs/{run}")
    uploaded.founded.clock.move(hours=9)
    chromium_page.get_by_role("heading", name="Not signed in").wait_for()
    assert chromium_page.locator("[hx-get]").count() == 0


def spoil(place: str, old: str, new: str) -> Callable[[Any], None]:
    """Return what serves a page after changing the first such text behind a place on it."""

    def change(route: Any) -> None:
        answer = route.fetch()
        before, mark, after = answer.text().partition(place)
        route.fulfill(response=answer, body=before + mark + after.replace(old, new, 1))

    return change


def test_every_entry_on_a_timeline_is_held_against_the_logs_tiles(
    sign_in: SignIn, released: Linkage, chromium_page: Page
) -> None:
    released.ask()
    address = sign_in()
    for path in (f"/projects/{PROJECT}/timeline", "/log/entries"):
        chromium_page.goto(f"{address}{path}")
        chromium_page.locator("#list-check.good").wait_for()
        n_lines = chromium_page.locator("template[data-entry]").count()
        assert n_lines > 5
        told = status_of(chromium_page, "list-check")
        assert f"each of the {n_lines} entries above is in the log" in told


def test_a_tile_that_was_changed_is_found_out(
    sign_in: SignIn, linkage: Linkage, chromium_page: Page
) -> None:
    address = sign_in()

    def change(route: Any) -> None:
        answer = route.fetch()
        body = bytearray(answer.body())
        body[-1] ^= 1
        route.fulfill(response=answer, body=bytes(body))

    chromium_page.route("**/log/tile/**", change)
    chromium_page.goto(f"{address}/log/entries")
    chromium_page.locator("#list-check.bad").wait_for()
    assert "does not lead to the checkpoint's root" in status_of(chromium_page, "list-check")
    assert chromium_page.locator("tr.bad").count() == 1


def test_a_line_that_shows_another_entry_is_found_out(sign_in: SignIn, chromium_page: Page) -> None:
    address = sign_in()
    texts = {
        "time": (
            '<time datetime="2026-09-01T06:00:00Z">',
            '<time datetime="2026-08-01T06:00:00Z">',
        ),
        "entry": ("party-enrolled", "party-enr0lled"),
    }
    for old, new in texts.values():
        chromium_page.unroute_all()
        chromium_page.route("**/log/entries", spoil("<tbody>", old, new))
        chromium_page.goto(f"{address}/log/entries")
        chromium_page.locator("#list-check.bad").wait_for()
        assert status_of(chromium_page, "list-check").startswith("✘ It does not hold. Entry ")


def test_an_entry_or_a_proof_that_was_changed_is_found_out(
    sign_in: SignIn, chromium_page: Page
) -> None:
    address = sign_in()
    entry = spoil('<pre id="entry-text">', "operator", "0perator")
    for path, place, change, holds, status in (
        ("/log/entries/1", "entry-check", entry, "signature verifies", "not lead to the checkpoint's root"),
        ("/log/entries/1", "entry-check", spoil_proof, "is in the log of", "not lead to the checkpoint's root"),
        ("/log?old=3", "log-check", spoil_proof, "continues that of 3.", "root"),
    ):  # fmt: skip
        chromium_page.unroute_all()
        chromium_page.goto(f"{address}{path}")
        chromium_page.locator(f"#{place}.good").wait_for()
        assert holds in status_of(chromium_page, place)
        chromium_page.route("**/log**", change)
        chromium_page.goto(f"{address}{path}")
        chromium_page.locator(f"#{place}.bad").wait_for()
        assert status in status_of(chromium_page, place)


def spoil_proof(route: Any) -> None:
    """Serve a page after changing the first hash of the proof on it."""
    answer = route.fetch()
    before, mark, after = answer.text().partition('<ol id="proof">\n<li><code class="digest">')
    other = "B" if after.startswith("A") else "A"
    route.fulfill(response=answer, body=f"{before}{mark}{other}{after[1:]}")


def status_of(page: Page, place: str) -> str:
    return page.locator(f"#{place} [role=status]").inner_text()


def test_a_pin_is_compared_with_the_log_and_one_of_another_history_is_noticed(
    sign_in: SignIn, linkage: Linkage, chromium_page: Page
) -> None:
    pin = linkage.broker.settings.last_checkpoint_file.read_text()
    linkage.founded.enrol("latecomer")
    address = sign_in()
    chromium_page.goto(f"{address}/log")
    chromium_page.get_by_label("A checkpoint that you").fill(pin)
    chromium_page.get_by_role("button", name="Compare").click()
    chromium_page.locator("#pin-check.good").wait_for()
    assert "continues your pin" in status_of(chromium_page, "pin-check")
    # A pin of another history is noticed.
    header, empty, origin, size, _root, *rest = pin.split("\n")
    chromium_page.goto(f"{address}/log")
    forged = "\n".join([header, empty, origin, size, "A" * 43 + "=", *rest])
    chromium_page.get_by_label("A checkpoint that you").fill(forged)
    chromium_page.get_by_role("button", name="Compare").click()
    chromium_page.locator("#pin-check.bad").wait_for()
    assert "older checkpoint's root" in status_of(chromium_page, "pin-check")


def compare(page: Page, pin: str) -> None:
    """Paste a pin and have it compared."""
    page.get_by_label("A checkpoint that you").fill(pin)
    page.get_by_role("button", name="Compare").click()


@pytest.mark.parametrize("place", ["signature", "name"])
def test_a_pin_that_the_logs_key_has_not_signed_does_not_hold(
    sign_in: SignIn, linkage: Linkage, chromium_page: Page, place: str
) -> None:
    pin = linkage.broker.settings.last_checkpoint_file.read_text().rstrip("\n")
    before, dash, line = pin.rpartition("— ")
    name, encoded = line.split(" ")
    # Of the 68 bytes the first four name the key; the last characters are of the signature.
    other = "A" if encoded[40] != "A" else "B"
    bent = f"{encoded[:40]}{other}{encoded[41:]}"
    line = f"{name} {bent}" if place == "signature" else f"{name}x {encoded}"
    address = sign_in()
    chromium_page.goto(f"{address}/log")
    compare(chromium_page, f"{before}{dash}{line}\n")
    chromium_page.locator("#pin-check.bad").wait_for()
    assert status_of(chromium_page, "pin-check").startswith("✘ It does not hold.")


def test_what_keeps_a_check_from_being_made_is_no_word_about_the_log(
    sign_in: SignIn, linkage: Linkage, chromium_page: Page
) -> None:
    pin = linkage.broker.settings.last_checkpoint_file.read_text()
    address = sign_in()
    page = chromium_page
    page.goto(f"{address}/log")
    compare(page, "rubbish")
    page.get_by_text("What was pasted is no pin.").wait_for()
    page.route("**/log.json*", lambda route: route.abort())
    compare(page, pin)
    page.get_by_text("The broker does not answer.").wait_for()
    page.unroute_all()
    linkage.founded.clock.move(hours=9)
    compare(page, pin)
    page.get_by_text("Your session has ended").wait_for()
    assert status_of(page, "pin-check").startswith("◔ It could not be checked.")
    assert page.locator("#pin-check.bad").count() == 0


def test_a_tile_that_does_not_come_is_no_fault_of_an_entry(
    sign_in: SignIn, chromium_page: Page
) -> None:
    address = sign_in()
    chromium_page.route("**/log/tile/**", lambda route: route.abort())
    chromium_page.goto(f"{address}/log/entries")
    chromium_page.locator("#list-check.unchecked").wait_for()
    assert "The broker does not answer." in status_of(chromium_page, "list-check")
    assert chromium_page.locator("tr.bad").count() == 0


def test_a_pin_of_more_entries_than_the_broker_has_does_not_hold(
    sign_in: SignIn, linkage: Linkage, chromium_page: Page
) -> None:
    pin = linkage.broker.settings.last_checkpoint_file.read_text()
    address = sign_in()
    chromium_page.route("**/log.json?old=*", lambda route: route.fulfill(status=404))
    chromium_page.goto(f"{address}/log")
    compare(chromium_page, pin)
    chromium_page.locator("#pin-check.bad").wait_for()
    assert "and the broker has none" in status_of(chromium_page, "pin-check")


def test_a_long_list_on_paper_says_that_it_goes_on(
    sign_in: SignIn, chromium_page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = sign_in()
    page = chromium_page
    page.goto(f"{address}/log/entries")
    assert page.locator(".printed").count() == 0
    monkeypatch.setattr("app.web.pages.timeline.ENTRIES_A_PAGE", 3)
    page.goto(f"{address}/log/entries")
    assert not page.locator(".printed").is_visible()
    page.emulate_media(media="print")
    assert "the first lines of a longer list" in page.locator(".printed").inner_text()
    assert page.locator("caption").inner_text() == "The newest 3 entries, of more"
    page.goto(f"{address}{page.locator('[rel=next]').first.get_attribute('href')}")
    assert "from the middle of a longer list" in page.locator(".printed").inner_text()
