"""Bundles fetched from a broker, honest or not, over loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from samples.log import story
from samples.refusals import raises

from app.auditor import source as source_module
from app.auditor.cli import main
from app.auditor.errors import (
    AddressError,
    CaFileError,
    FileUnreadableError,
    MalformedError,
    NotAuthorisedError,
    TokenFileError,
    UnreachableError,
    UnwritableError,
)
from app.auditor.source import BUNDLE_PATH, bundle_url, open_bundle, save_bundle, tls_context
from app.auditor.verify import verify_bundle
from app.cli.self_signed import write_certificate
from schemas.shared import slow_answers

LOG = story(71, n_weeks=2)
BUNDLE = LOG.bundle()


class Broker(BaseHTTPRequestHandler):
    """Answers as its server is told: status, body, and how much of it is really sent."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str | None]]
    status = 200
    body = BUNDLE
    promised = len(BUNDLE)

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers["Authorization"]))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", str(self.promised))
        self.end_headers()
        self.wfile.write(self.body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(**told: object) -> Iterator[tuple[str, type[Broker]]]:
    kind = type("Told", (Broker,), {"seen": [], **told})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", kind
        finally:
            server.shutdown()
            thread.join()


def test_a_brokers_address_means_its_bundle() -> None:
    with serving() as (url, broker):
        for address in (url, f"{url}/"):
            with open_bundle(address) as source:
                assert verify_bundle(source).size == LOG.size
    assert broker.seen == [(BUNDLE_PATH, None)] * 2


def test_an_address_with_a_path_is_taken_as_it_is() -> None:
    with serving() as (url, broker), open_bundle(f"{url}/v1/log/bundle?project=foster") as source:
        verify_bundle(source)
    assert broker.seen == [("/v1/log/bundle?project=foster", None)]


def test_the_token_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc123\n", encoding="ascii")
    with serving() as (url, broker), open_bundle(url, tmp_path / "token") as source:
        verify_bundle(source)
    assert broker.seen[0][1] == "Bearer abc123"


def test_a_bundle_that_comes_too_slowly_or_fills_the_disk_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()

    def drip(self: Broker) -> None:
        Broker.do_GET(self)
        with suppress(OSError):
            while not is_over.wait(0.02):
                self.wfile.write(b"x")

    output = tmp_path / "it.bundle"
    monkeypatch.setattr(slow_answers, "GRACE_S", 0.3)
    with serving(do_GET=drip, body=b"", promised=10**9) as (url, _):
        with raises(UnreachableError, match="too slowly"):
            save_bundle(url, output, None, None)
        is_over.set()
    monkeypatch.setattr(source_module, "RESERVE", 1.0)
    with serving() as (url, _), raises(UnwritableError, match="would fill the disk"):
        save_bundle(url, output, None, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_token_that_is_not_taken_is_said_so(status: int) -> None:
    with (
        serving(status=status, body=b"", promised=0) as (url, _),
        pytest.raises(NotAuthorisedError),
        open_bundle(url),
    ):
        pass


@pytest.mark.parametrize("status", [302, 429, 500])
def test_another_answer_is_no_bundle_and_is_not_followed(status: int) -> None:
    with (
        serving(status=status, body=b"", promised=0) as (url, _),
        raises(UnreachableError, match=str(status)),
        open_bundle(url),
    ):
        pass


def test_a_connection_that_breaks_is_no_verdict_on_the_log() -> None:
    with (
        serving(body=BUNDLE[:5000]) as (url, _),
        raises(UnreachableError),
        open_bundle(url) as source,
    ):
        verify_bundle(source)


def test_a_short_bundle_is_cut_off() -> None:
    with (
        serving(body=BUNDLE[:5000], promised=5000) as (url, _),
        pytest.raises(MalformedError, match="cut off"),
        open_bundle(url) as source,
    ):
        verify_bundle(source)


def test_nobody_listening_is_unreachable() -> None:
    with serving() as (url, _):
        pass
    with raises(UnreachableError), open_bundle(url):
        pass


def test_plain_http_to_another_machine_is_refused_before_anything_is_sent() -> None:
    with raises(AddressError, match="https"), open_bundle("http://broker.example/"):
        pass


def test_a_token_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    with raises(TokenFileError), open_bundle("http://127.0.0.1:9/", tmp_path / "none"):
        pass
    for raw in (b"", b" \n", b"two words", b"two\nlines", b"\xff"):
        (tmp_path / "token").write_bytes(raw)
        with (
            raises(TokenFileError, match="token"),
            open_bundle("http://127.0.0.1:9/", tmp_path / "token"),
        ):
            pass


def test_a_file_of_certificates_that_holds_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none", encoding="ascii")
    with (
        raises(CaFileError, match=r"ca\.pem"),
        open_bundle("https://127.0.0.1:9/", None, tmp_path / "ca.pem"),
    ):
        pass


def test_a_file_of_certificates_is_trusted_and_nothing_beside_it(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    context = tls_context(tmp_path / "broker.crt")
    assert isinstance(context, ssl.SSLContext)
    (trusted,) = context.get_ca_certs()
    assert trusted["subject"] == trusted["issuer"]


def test_a_bundle_is_kept_whole(tmp_path: Path) -> None:
    output = tmp_path / "log.bundle"
    with serving() as (url, broker):
        size = save_bundle(bundle_url(url, "foster"), output, None, None)
    assert output.read_bytes() == BUNDLE
    assert size == len(BUNDLE)
    assert broker.seen == [(f"{BUNDLE_PATH}?project=foster", None)]


def test_a_bundle_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    output = tmp_path / "log.bundle"
    output.write_bytes(b"last week's")
    with serving(body=BUNDLE[:5000]) as (url, _), raises(UnreachableError):
        save_bundle(url, output, None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["log.bundle"]
    assert output.read_bytes() == b"last week's"


def test_a_path_is_nothing_to_fetch(tmp_path: Path) -> None:
    with raises(AddressError):
        save_bundle("log.bundle", tmp_path / "copy", None, None)


def test_a_projects_view_is_verified_from_its_url_and_kept_where_it_is_asked_for(
    tmp_path: Path,
) -> None:
    output, view = tmp_path / "log.bundle", LOG.bundle("foster")
    for kept in ([], ["-o", str(output)]):
        with serving(body=view, promised=len(view)) as (url, broker):
            result = CliRunner().invoke(main, ["verify", url, "--project", "foster", *kept])
        assert (result.exit_code, output.exists()) == (0, bool(kept))
        assert broker.seen == [(f"{BUNDLE_PATH}?project=foster", None)]
    assert output.read_bytes() == view


def test_a_missing_file_is_no_bundle(tmp_path: Path) -> None:
    with (
        raises(FileUnreadableError, match=r"none\.tar does not exist"),
        open_bundle(str(tmp_path / "none.tar")),
    ):
        pass
