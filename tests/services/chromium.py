"""Chromium of the machine, driven through Playwright; it can reach no host but this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, Request, sync_playwright

LOOPBACK = ("127.0.0.1", "localhost")

# Playwright's own browser download is not used: the tests take the browser that the machine has.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",  # the sandbox does not start for root, in containers least of all
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, " + ", ".join(f"EXCLUDE {host}" for host in LOOPBACK),
)


class MissingBrowserError(Exception):
    """No Chromium is installed."""


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start a headless Chromium and end it; raises MissingBrowserError where none is installed."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise MissingBrowserError("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_of_its_own(browser: Browser) -> Iterator[Page]:
    """Yield a page without cookies or history of others, and fail if it asked any other machine.

    Certificates are not checked: the tests' brokers sign their own.
    """
    strangers: list[str] = []

    def note_stranger(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https"} and address.hostname not in LOOPBACK:
            strangers.append(address.hostname or "")

    with contextlib.closing(browser.new_context(ignore_https_errors=True)) as context:
        context.on("request", note_stranger)
        yield context.new_page()
    assert not strangers, f"the page asked other machines: {sorted(set(strangers))}"


def take_picture(page: Page, name: str, part: str | None = None) -> None:
    """Take a picture of the window, or of a part of the page, if BLINDLINK_PICTURES names a folder."""
    folder = os.environ.get("BLINDLINK_PICTURES")
    if folder:
        shown = page if part is None else page.locator(part)
        shown.screenshot(path=Path(folder) / f"{name}.png", scale="css")


def press(link: Locator) -> None:
    """Click what leads to another page, and wait for that page: what is counted next is on it."""
    with link.page.expect_navigation():
        link.click()
