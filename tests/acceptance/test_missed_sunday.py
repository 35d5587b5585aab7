"""A missed Sunday, told by the real worker within a quarter of an hour, once, by mail and webhook."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from rigs.broker_processes import command_path
from rigs.live import LiveBroker, command, live_broker
from rigs.rehearsal import PROFILE
from services.faketime import MissingClockError, MovedClock
from services.receivers import PASSWORD, USER, Inbox, mail_server, webhook
from services.requirement import missing

from schemas.documents.ids import utc_text
from schemas.reports.overdue import OverdueMessage

SECRET = "a secret of the webhook, of some length"
ADMIN = ("blindlink-broker", "--state", "state")


def write_settings(folder: Path, mail: Inbox, hook: Inbox) -> None:
    """Let the broker's messages out, as docs/operator.md shows it."""
    (folder / "mail-password").write_text(f"{PASSWORD}\n", "utf-8")
    (folder / "webhook-secret").write_text(f"{SECRET}\n", "utf-8")
    with (folder / "state" / "broker.toml").open("a", encoding="utf-8") as file:
        file.write(
            f"""
mail_server = "localhost"
mail_port = {mail.port}
mail_ca_file = "{mail.certificate}"
mail_user = "{USER}"
mail_password_file = "{folder / "mail-password"}"
mail_from = "blindlink@broker.test"
webhook_url = "https://localhost:{hook.port}/overdue"
webhook_ca_file = "{hook.certificate}"
webhook_secret_file = "{folder / "webhook-secret"}"

[mail_to]
operator = "ops@broker.test"
welfare = "linkage@cw.test"
"""
        )


@pytest.fixture
def receivers(tmp_path: Path) -> Iterator[tuple[Inbox, Inbox]]:
    with mail_server(tmp_path) as mail, webhook(tmp_path) as hook:
        yield mail, hook


@pytest.fixture
def broker(tmp_path: Path, receivers: tuple[Inbox, Inbox]) -> Iterator[LiveBroker]:
    terms = {"frequency": "weekly", "due": "sunday 22:00", "round_days": 3}
    with live_broker(tmp_path / "broker", PROFILE, **terms) as made:
        write_settings(made.folder, *receivers)
        yield made


def next_due() -> datetime:
    """The first Sunday, 22:00 UTC, after the week in which we are began."""
    today = datetime.now(UTC).date()
    return datetime.combine(today + timedelta(days=(5 - today.weekday()) % 7 + 1), time(22), UTC)


@pytest.mark.long
def test_a_test_message_is_sent_and_a_wrong_setting_is_told(
    broker: LiveBroker, receivers: tuple[Inbox, Inbox]
) -> None:
    mail, hook = receivers
    said = json.loads(broker.admin("doctor", "--send-test-message", "--json"))
    sent = [
        name for name, found in said.items() if name.startswith("test message") and found["fit"]
    ]
    assert sent == [
        f"test message by {way}" for way in ("mail:operator", "mail:welfare", "webhook")
    ]
    assert said["messages"]["says"] == "mail:operator, mail:welfare, webhook"
    assert len(mail.messages) == 2
    assert OverdueMessage.from_canonical(hook.messages[0].body).overdue == ()
    (broker.folder / "mail-password").write_text("another\n", "utf-8")
    said = json.loads(
        command(broker.folder, *ADMIN, "doctor", "--send-test-message", "--json", status=1)
    )
    assert said["test message by webhook"]["fit"]
    assert "user name and password" in said["test message by mail:welfare"]["says"]


# It waits for a minute and more, as an operator would; what it waits for is tested in tests/app/deadlines.
@pytest.mark.soak
def test_it_is_told_within_a_quarter_of_an_hour_once_then_daily(
    broker: LiveBroker, receivers: tuple[Inbox, Inbox], tmp_path: Path
) -> None:
    try:
        clock = MovedClock(tmp_path / "clock")
    except MissingClockError:
        missing("faketime is not installed")
    mail, hook = receivers
    broker.services["work"].terminate()
    broker.services["work"].wait()
    due = next_due()
    clock.move((due - datetime.now(UTC)).total_seconds() - 5)
    work = [command_path(ADMIN[0]), *ADMIN[1:], "work"]
    given = {"cwd": broker.folder, "env": os.environ | clock.environment}
    with subprocess.Popen(work, **given, stderr=subprocess.DEVNULL) as worker:
        first, *more = hook.wait(1, timeout_s=150)
        worker.terminate()
    message = OverdueMessage.from_canonical(first.body)
    assert utc_text(due) <= message.at <= utc_text(due + timedelta(minutes=15))
    told = {(one.what, one.object, one.party, one.since) for one in message.overdue}
    assert told == {("round", "round-1", party, utc_text(due)) for party in ("schools", "welfare")}
    assert more == []
    # The operator, and the one party that has an address.
    assert len(mail.wait(2)) == 2
    for hours, n_posts in ((0.2, 1), (12, 1), (12, 2)):
        clock.move(hours * 3600)
        subprocess.run([*work, "--until-idle"], **given, check=True, stderr=subprocess.DEVNULL)
        assert (len(hook.messages), len(mail.messages)) == (n_posts, 2 * n_posts)
