"""Links that sign in to the pages, from the operator's and the auditor's command line."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fastapi import FastAPI
from rigs.linkage import AUDITOR, Linkage
from rigs.served import served

from app.agencies.service import actor_of_session, open_session
from app.auditor.cli import main as auditor
from app.broker import open_broker
from app.matchlog.repository import entries_at
from app.settings import read_settings
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS

LINK = r"{}/sign-in#[A-Za-z0-9_-]{{43}}"


def test_the_operators_link_names_the_broker_is_granted_in_the_log_and_opens_a_session(
    broker: Any, state: Path
) -> None:
    shown = broker("page-link", "--url", "https://broker.test/")
    assert shown.exit_code == 0
    assert re.fullmatch(LINK.format("https://broker.test"), shown.stdout.strip())
    assert re.fullmatch(LINK.format("https://127.0.0.1:8443"), broker("page-link").stdout.strip())
    # The operators link is granted in the log.
    opened = open_broker(read_settings(state))
    with opened.database.read() as session:
        entry = parse_entry(entries_at(session, "", 0, 100)[-1][1], KINDS)
    opened.close()
    assert (entry.kind, entry.body.party, entry.body.role) == (
        "role-changed",
        "operator",
        "operator",
    )
    assert entry.body.person != entry.actor.person
    # The operators link opens a session of the operator.
    code = broker("page-link").stdout.strip().partition("#")[2]
    opened = open_broker(read_settings(state))
    with opened.database.write() as session:
        cookie = open_session(session, code, opened.clock())
        actor = actor_of_session(session, cookie, "req-1", now=opened.clock(), clock=opened.clock)
    opened.close()
    assert (actor.party, actor.role) == ("operator", "operator")


def ask(*arguments: str | Path) -> Result:
    return CliRunner().invoke(auditor, ["page-link", *map(str, arguments)])


@pytest.fixture
def token_file(linkage: Linkage, tmp_path: Path) -> Path:
    file = tmp_path / "auditor.token"
    header = linkage.as_party(AUDITOR, "auditor")["authorization"]
    file.write_text(header.removeprefix("Bearer ") + "\n")
    return file


def test_an_auditor_signs_in_with_a_link_of_its_own(
    web_app: FastAPI, linkage: Linkage, token_file: Path, tmp_path: Path, log_stream: io.StringIO
) -> None:
    with served(web_app, tmp_path / "tls") as address:
        shown = ask(address, "--token-file", token_file, "--ca-file", tmp_path / "tls/broker.crt")
    assert shown.exit_code == 0, shown.stderr
    assert re.fullmatch(LINK.format(address), shown.stdout.strip())
    with served(web_app, tmp_path / "again") as address:
        ca_file = tmp_path / "again/broker.crt"
        told = ask(address, "--token-file", token_file, "--ca-file", ca_file, "--json")
    assert re.fullmatch(LINK.format(address), json.loads(told.stdout)["link"])
    code = shown.stdout.strip().partition("#")[2]
    assert linkage.client.post("/session", json={"code": code}).status_code == 204


def test_a_revoked_token_gets_no_link(
    web_app: FastAPI, linkage: Linkage, tmp_path: Path, log_stream: io.StringIO
) -> None:
    file = tmp_path / "wrong.token"
    file.write_text("bl_" + "x" * 43)
    with served(web_app, tmp_path / "tls") as address:
        shown = ask(address, "--token-file", file, "--ca-file", tmp_path / "tls/broker.crt")
    assert (shown.exit_code, shown.stdout) == (4, "")
    assert "does not take this token" in shown.stderr


def test_a_certificate_that_is_not_trusted_is_no_outage(
    web_app: FastAPI, token_file: Path, tmp_path: Path, log_stream: io.StringIO
) -> None:
    token = ("--token-file", str(token_file))
    with served(web_app, tmp_path / "tls") as address:
        asked = (
            ["page-link", address],
            ["verify", address, "-o", str(tmp_path / "log.bundle")],
            ["watch", address, "--state", str(tmp_path / "watch")],
        )
        for words in asked:
            shown = CliRunner().invoke(auditor, [*words, *token])
            assert shown.exit_code == 4
            assert "this computer does not trust the broker's certificate" in shown.stderr
            assert "--ca-file" in shown.stderr
            plain = [word.replace("https:", "http:") for word in words]
            shown = CliRunner().invoke(auditor, [*plain, *token])
            assert shown.exit_code == 2
            assert "does its address begin with https?" in shown.stderr


NO_BROKER = (
    ("broker.example", "the broker has a URL", 2),
    ("http://broker.example", "over https", 2),
    ("https://", "names no host", 2),
    ("https://broker.example:port", "not a URL", 2),
    ("http://127.0.0.1:9", "could not be reached", 5),
)


def test_what_is_no_broker_is_said_in_one_line(token_file: Path) -> None:
    for address, says, status in NO_BROKER:
        shown = ask(address, "--token-file", token_file)
        assert (shown.exit_code, shown.stdout) == (status, ""), address
        assert says in shown.stderr
