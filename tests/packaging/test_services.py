"""The services that the tests start themselves are what they say."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from services.chromium import page_of_its_own
from services.requirement import missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from services.postgres import PostgresServer


class _OnePage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>served</title><p>here</p>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def one_page_url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OnePage) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_database_of_either_kind_is_empty_and_takes_a_table(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    assert sqlalchemy.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE kept (id INTEGER PRIMARY KEY)"))
    assert sqlalchemy.inspect(engine).get_table_names() == ["kept"]
    engine.dispose()


def test_two_databases_of_the_server_share_nothing(postgres_server: PostgresServer) -> None:
    with postgres_server.fresh_database() as one, postgres_server.fresh_database() as other:
        engine = sqlalchemy.create_engine(one)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE kept (id INTEGER PRIMARY KEY)"))
        engine.dispose()
        engine = sqlalchemy.create_engine(other)
        assert sqlalchemy.inspect(engine).get_table_names() == []
        engine.dispose()


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from services.postgres import running_postgres
with running_postgres() as server:
    print(server.socket_folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_session_leaves_no_server_and_no_folder(postgres_server: PostgresServer) -> None:
    tests = Path(__file__).resolve().parents[1]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tests], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    folder = Path(killed.stdout.strip())
    deadline = time.monotonic() + 240
    while folder.exists():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def test_chromium_shows_a_page_of_this_machine(chromium_page: Page, one_page_url: str) -> None:
    chromium_page.goto(one_page_url)
    assert chromium_page.title() == "served"
    assert chromium_page.locator("p").inner_text() == "here"


def test_a_page_that_asks_another_machine_fails_its_test(browser: Browser) -> None:
    with (
        pytest.raises(AssertionError, match=r"elsewhere\.invalid"),
        page_of_its_own(browser) as page,
    ):
        page.set_content("<img src='http://elsewhere.invalid/pixel.png'>", wait_until="load")


def test_what_is_missing_is_skipped_and_fails_where_everything_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BLINDLINK_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Chromium is not installed"):
        missing("Chromium is not installed")
    monkeypatch.setenv("BLINDLINK_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="Chromium is not installed"):
        missing("Chromium is not installed")
