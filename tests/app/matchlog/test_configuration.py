"""Settings that matter to parties are in the log when they change, by name and digest, never by value."""

from __future__ import annotations

import json
from typing import Any

from rigs.linkage import Linkage

from app.matchlog.configuration import (
    OF_THE_MACHINE,
    configuration_of,
    is_logged,
    log_configuration,
)
from app.matchlog.models import LoggedSetting
from app.settings import Settings
from app.version import SOFTWARE
from schemas.documents.canonical import canonical_digest


def log(linkage: Linkage, **changes: Any) -> bool:
    settings = linkage.broker.settings.model_copy(update=changes)
    with linkage.broker.database.write() as session:
        return log_configuration(session, linkage.broker.log, settings) is not None


def newest(linkage: Linkage) -> dict[str, Any]:
    found = linkage.log_entries()[-1]
    assert (found["kind"], found["actor"]["party"]) == ("configuration-changed", "broker")
    body: dict[str, Any] = found["body"]
    return body


def test_settings_are_logged_at_first_and_then_when_they_change(linkage: Linkage) -> None:
    assert log(linkage)
    everything = configuration_of(linkage.broker.settings)
    body = newest(linkage)
    assert body["changed"] == sorted(everything)
    assert (body["digest"], body["software"]) == (canonical_digest(everything), SOFTWARE)
    assert not log(linkage)
    assert log(linkage, insecure_plain_http=True, reads_per_minute=77)
    changed = newest(linkage)
    assert changed["changed"] == ["insecure-plain-http", "reads-per-minute"]
    assert changed["digest"] != body["digest"]
    assert log(linkage)
    assert newest(linkage)["digest"] == body["digest"]
    # A setting of an older version goes.
    with linkage.broker.database.write() as session:
        session.add(LoggedSetting(name="of-yesterday", value="1"))
    assert log(linkage)
    assert newest(linkage)["changed"] == ["of-yesterday"]
    with linkage.broker.database.read() as session:
        assert is_logged(session, linkage.broker.settings)
    # What is the machine's alone is not logged, nor is any path or address of the database.
    same, other = "sqlite:///x.db", "postgresql+psycopg://canary@canary.internal/canary"
    if not linkage.broker.database.is_sqlite:
        same, other = other, same
    kinds = linkage.log_kinds()
    for name, value in (("port", 9), ("worker_threads", 3), ("database_url", same)):
        assert not log(linkage, **{name: value}), name
    assert linkage.log_kinds() == kinds
    assert log(linkage, database_url=other)
    assert newest(linkage)["changed"] == ["database"]
    assert "canary" not in json.dumps(linkage.log_entries())
    assert {"state_dir", "database_url", "database_password_file"} <= OF_THE_MACHINE


def test_every_setting_is_either_logged_or_the_machines() -> None:
    names = set(Settings.model_fields)
    assert names >= OF_THE_MACHINE
    logged = {name.replace("-", "_") for name in configuration_of(Settings())}
    assert logged - {"database", "software"} == names - OF_THE_MACHINE
    assert len(logged) <= 64
