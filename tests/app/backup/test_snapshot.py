"""Copies of the database under load, and PostgreSQL's password that nobody else may list."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from app.backup import snapshot
from app.backup.archive import restore_backup, write_backup
from app.errors import ConfigurationError


@pytest.mark.campaign("restored")
def test_copies_made_while_others_write_are_consistent(founded: Any, tmp_path: Path) -> None:
    stop = threading.Event()
    failures: list[Exception] = []

    def write_on() -> None:
        number = 0
        while not stop.is_set():
            try:
                founded.enrol(f"party-{number}")
            except Exception as exc:  # noqa: BLE001 - told to the test below
                failures.append(exc)
                return
            number += 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for number in range(3):
            write_backup(founded.broker, tmp_path / f"backup-{number}")
    finally:
        stop.set()
        writer.join()
    assert failures == []
    # Each copy's log continues what it says it signed; only that it is old is noticed.
    for number in range(3):
        restored = restore_backup(
            founded.broker, tmp_path / f"backup-{number}", replace=True, older=True
        )
        assert restored.manifest.log_size > 0


def test_the_passwords_line_escapes_what_separates() -> None:
    url = make_url("postgresql+psycopg://user@host:5432/name").set(password="a:b\\c")
    assert snapshot._pgpass_line(url) == b"host:5432:name:user:a\\:b\\\\c\n"


def test_the_address_on_the_command_line_holds_no_password() -> None:
    url = make_url("postgresql+psycopg://user@host:5432/name").set(password="hunter2")
    assert snapshot._address(url) == "postgresql://user@host:5432/name"


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    url = make_url("postgresql+psycopg://user@host/name")
    with pytest.raises(ConfigurationError, match="pg_dump is not installed"):
        snapshot._run_tool("pg_dump", [], url, tmp_path)
