"""Messages: once, then daily, until done; again where they did not leave; to whom, and with what in them."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from rigs.agreed_copies import reach
from rigs.hooked_database import Crash, HookedDatabase, crash_at, hooked
from rigs.late import ADDRESSES, SECRET, look, move_to, noted, upload, with_messages
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage
from services.receivers import Inbox, mail_server, webhook
from sqlalchemy import text

from app.broker import Broker
from app.deadlines.alarms import note_overdue
from app.deadlines.notices import outlets_of, tell_overdue
from app.errors import NotSentError
from app.worker.loop import Worker
from app.worker.sweeper import Sweeper
from schemas.documents.ids import utc_text
from schemas.reports.overdue import OverdueMessage

LATE = [("round", "round-1", party) for party in (CHILD_WELFARE, SCHOOL)]


@dataclass
class Scene:
    """A Sunday on which the schools have not uploaded, and a broker that tells it by mail and webhook."""

    linkage: Linkage
    broker: Broker
    mail: Inbox
    hook: Inbox

    def look(self) -> None:
        look(self.broker)

    def move(self, **time: float) -> None:
        self.linkage.founded.clock.move(**time)

    @property
    def n_told(self) -> tuple[int, int]:
        return len(self.mail.messages), len(self.hook.messages)


@pytest.fixture
def later_sunday() -> None:
    """What `late` asks for, so that its broker is copied from one that is there already."""


@pytest.fixture
def late(later_sunday: None, weekly: Linkage) -> Linkage:
    def steps() -> None:
        move_to(weekly, "2026-09-06", "20:00:00")
        weekly.open_round()
        upload(weekly, CHILD_WELFARE)
        move_to(weekly, "2026-09-06", "22:03:00")

    reach(weekly, steps)
    return weekly


@pytest.fixture
def scene(late: Linkage, tmp_path: Path) -> Iterator[Scene]:
    with mail_server(tmp_path) as mail, webhook(tmp_path) as hook:
        yield Scene(late, with_messages(late.broker, tmp_path, mail=mail, hook=hook), mail, hook)


def test_it_is_told_to_whom_it_concerns_and_who_takes_it_can_check_it(scene: Scene) -> None:
    first = utc_text(scene.linkage.founded.clock())
    scene.look()
    (posted,) = scene.hook.messages
    assert sorted(mail.receivers for mail in scene.mail.messages) == sorted(
        [(ADDRESSES[SCHOOL],), (ADDRESSES["operator"],)]
    )
    for mail in scene.mail.messages:
        assert mail.sender == "blindlink@broker.test"
        assert mail.content["Subject"] == "Blindlink: overdue: upload"
        told = mail.content.get_content()
        assert f"{SCHOOL} has not uploaded for round 1, which was due by 2026-09-06 22:00" in told
        assert f"{SCHOOL}, duty analyst" in told
        assert "https://broker.test" in told
    # A webhook gets the document of the spec page under its secret.
    assert (posted.path, posted.headers["content-type"]) == ("/overdue", "application/json")
    digest = hmac.new(SECRET.encode(), posted.body, hashlib.sha256).hexdigest()
    assert posted.headers["blindlink-signature"] == f"sha256={digest}"
    message = OverdueMessage.from_canonical(posted.body)
    assert message.at == "2026-09-06T22:03:00Z"
    (late,) = message.overdue
    assert (late.what, late.object, late.party, late.project) == (
        *("upload", "round-1", SCHOOL),
        scene.linkage.terms.project,
    )
    # A receiver of the operators page takes it and no other.
    page = Path(__file__).parents[3] / "docs" / "operator.md"
    (program,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    headers = {"Blindlink-Signature": posted.headers["blindlink-signature"]}
    given = {"hashlib": hashlib, "hmac": hmac, "json": json, "headers": headers}
    given |= {"secret": SECRET.encode(), "body": posted.body}
    exec(program, given)
    assert given["overdue"][0]["party"] == SCHOOL  # type: ignore[index]
    with pytest.raises(AssertionError):
        exec(program, given | {"body": posted.body.replace(b"round-1", b"round-2")})
    # First and last are remembered.
    scene.move(days=1)
    scene.look()
    last = utc_text(scene.linkage.founded.clock())
    with scene.broker.database.read() as session:
        rows = session.execute(
            text("SELECT outlet, first_told, last_told FROM alarm_message ORDER BY outlet")
        )
        found = [tuple(row) for row in rows]
    outlets = ["mail:operator", f"mail:{SCHOOL}", "webhook"]
    assert found == [(outlet, first, last) for outlet in outlets]


def test_nothing_of_a_person_a_record_or_a_count_is_in_any_message(scene: Scene) -> None:
    scene.look()
    handles = scene.linkage.upload_both()[0].handles
    scene.linkage.work()
    scene.move(days=60)
    scene.look()
    said = [json.loads(one.body) for one in scene.hook.messages]
    kinds = {one["what"] for message in said for one in message["overdue"]}
    assert len(kinds) > 2
    texts = [mail.content.as_string() for mail in scene.mail.messages]
    texts += [one.body.decode() for one in scene.hook.messages]
    persons = [scene.linkage.person(party).id for party in (CHILD_WELFARE, SCHOOL)]
    for one in texts:
        assert not [handle for handle in handles if handle.hex() in one]
        assert not [person for person in persons if person in one]
    for message in said:
        for one in message["overdue"]:
            # Without the names of things and the times, there is no number left.
            names = {one["object"], one["party"], one["project"]}
            bare = one["sentence"]
            for name in sorted(map(str, names), key=len, reverse=True):
                bare = bare.replace(name, "")
            bare = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?|round \d+|epoch \d+", "", bare)
            assert not re.search(r"\d", bare), one["sentence"]


@pytest.mark.parametrize("security", ["tls", "none"])
def test_mail_goes_over_tls_from_the_start_or_without_it_to_this_machine(
    late: Linkage, tmp_path: Path, security: Any
) -> None:
    with mail_server(tmp_path, security) as mail:
        broker = with_messages(late.broker, tmp_path, mail=mail)
        update: dict[str, Any] = {"mail_security": security}
        if security == "none":
            update |= {"mail_user": None, "mail_password_file": None}
        settings = broker.settings.model_copy(update=update)
        look(replace(broker, settings=settings))
        assert len(mail.messages) == 2


def test_a_message_that_was_turned_away_comes_later_and_later_but_comes(scene: Scene) -> None:
    scene.hook.refuses = 3
    waits = []
    for minute in range(20):
        before = scene.hook.n_refused + len(scene.hook.messages)
        scene.look()
        if scene.hook.n_refused + len(scene.hook.messages) > before:
            waits.append(minute)
        scene.move(minutes=1)
    assert waits == [0, 1, 3, 7]
    assert scene.n_told == (2, 1)


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_loses_no_message_and_repeats_one_at_most(
    late: Linkage, tmp_path: Path, number: int, moment: str
) -> None:
    note_overdue(late.broker)
    with webhook(tmp_path) as hook:
        broker = with_messages(late.broker, tmp_path, hook=hook)
        try:
            tell_overdue(hooked(broker, crash_at(number, moment)))
        except Crash:
            tell_overdue(broker)
        late.founded.clock.move(minutes=5)
        tell_overdue(broker)
        # Sent, and then killed before that was noted.
        is_repeated = (number, moment) == (1, "before")
        assert len(hook.messages) == 1 + is_repeated
        late.founded.clock.move(hours=23)
        tell_overdue(broker)
        assert len(hook.messages) == 1 + is_repeated


@pytest.mark.campaign("clocks")
def test_a_clock_that_was_wrong_for_a_while_silences_nothing_for_long(scene: Scene) -> None:
    scene.look()
    scene.move(days=30)
    scene.look()
    scene.move(days=-30)
    n_mails, n_posts = scene.n_told
    scene.look()
    assert scene.n_told == (n_mails + 2, n_posts + 1)
    scene.look()
    assert scene.n_told == (n_mails + 2, n_posts + 1)


@pytest.mark.campaign("two-at-once")
def test_of_two_workers_one_tells(scene: Scene) -> None:
    note_overdue(scene.broker)
    barrier = threading.Barrier(2)

    def tell(_: int) -> int:
        barrier.wait()
        return tell_overdue(scene.broker)

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(tell, range(2))) == 3
    assert scene.n_told == (2, 1)


# What can go wrong.


def refused(broker: Broker) -> str:
    (outlet,) = outlets_of(broker)
    with pytest.raises(NotSentError) as caught:
        outlet.send([])
    shown = f"{caught.value}{caught.value.__cause__}"
    assert "@" not in shown
    assert "localhost" not in shown
    return caught.value.code


def one_mail(broker: Broker, **changes: Any) -> Broker:
    update = {"mail_to": {"operator": ADDRESSES["operator"]}, **changes}
    return replace(broker, settings=broker.settings.model_copy(update=update))


def test_a_mail_server_without_tls_is_told_nothing(late: Linkage, tmp_path: Path) -> None:
    with mail_server(tmp_path, "none") as mail:
        broker = one_mail(with_messages(late.broker, tmp_path, mail=mail))
        assert refused(broker) == "mail-refused"
        assert mail.messages == []


def test_servers_that_are_not_trusted_are_told_nothing(late: Linkage, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with mail_server(tmp_path) as mail, webhook(tmp_path / "other") as hook:
        broker = one_mail(with_messages(late.broker, tmp_path, mail=mail))
        broker = one_mail(broker, mail_ca_file=hook.certificate)
        assert refused(broker) == "mail-untrusted"
        posting = with_messages(late.broker, tmp_path, hook=hook)
        update = {"webhook_ca_file": mail.certificate}
        posting = replace(posting, settings=posting.settings.model_copy(update=update))
        assert refused(posting) == "webhook-unreachable"
        assert mail.messages == hook.messages == []


def test_a_wrong_password_and_a_server_that_is_not_there_are_told_apart(
    late: Linkage, tmp_path: Path
) -> None:
    with mail_server(tmp_path) as mail:
        broker = one_mail(with_messages(late.broker, tmp_path, mail=mail))
        (tmp_path / "mail-password").write_text("another\n", "utf-8")
        assert refused(broker) == "mail-login"
    assert refused(broker) == "mail-unreachable"


def test_a_webhook_is_not_followed_elsewhere(late: Linkage, tmp_path: Path) -> None:
    with (
        webhook(tmp_path) as there,
        webhook(tmp_path, leads_to=f"https://localhost:{there.port}/") as hook,
    ):
        assert refused(with_messages(late.broker, tmp_path, hook=hook)) == "webhook-refused"
        assert (len(hook.messages), there.messages) == (1, [])


def test_what_does_not_leave_is_logged_without_an_address_and_work_goes_on(
    scene: Scene, log_stream: io.StringIO
) -> None:
    scene.mail.refuses = scene.hook.refuses = 100
    scene.look()
    upload(scene.linkage, SCHOOL)
    Worker(scene.broker).work(until_idle=True)
    assert scene.linkage.run()["state"] == "succeeded"
    lines = log_stream.getvalue()
    assert '"event": "message_not_sent"' in lines
    assert '"code": "webhook-refused"' in lines
    for address in ADDRESSES.values():
        assert address not in lines
    assert "localhost" not in lines


def alarms(linkage: Linkage) -> list[tuple[str, str | None]]:
    with linkage.broker.database.read() as session:
        rows = session.execute(text("SELECT what, done FROM alarm ORDER BY since, party"))
        return [tuple(row) for row in rows]


@pytest.fixture
def missed(weekly: Linkage) -> Linkage:
    """On Sunday, three minutes after the round was due."""
    weekly.offer_all()
    move_to(weekly, "2026-09-06", "22:03:00")
    return weekly


def test_what_is_overdue_is_noted_once_and_then_nothing_is_written(missed: Linkage) -> None:
    n_entries = len(missed.log_entries())
    for _ in range(3):
        look(missed.broker)
        missed.founded.clock.move(days=1)
    assert noted(missed) == LATE
    # The match log tells of what was done, not of what is late.
    assert len(missed.log_entries()) == n_entries
    counted = HookedDatabase(missed.broker.database, lambda _number, _moment: None)
    assert note_overdue(hooked(missed.broker, lambda _number, _moment: None)) == 0
    assert counted.n_writes == 0


def test_what_is_done_is_noted_and_the_next_one_beside_it(missed: Linkage) -> None:
    look(missed.broker)
    assert [done for _, done in alarms(missed)] == [None, None]
    missed.open_round()
    look(missed.broker)
    assert all(done is not None for _, done in alarms(missed))
    # The round runs out without a file: the next one is due a week later.
    missed.founded.clock.move(days=3)
    Sweeper(missed.broker).sweep()
    move_to(missed, "2026-09-13", "22:00:00")
    look(missed.broker)
    assert [(what, number) for what, number, _ in noted(missed)][-2:] == [("round", "round-2")] * 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_while_it_notes_leaves_it_to_the_next(missed: Linkage, moment: str) -> None:
    with pytest.raises(Crash):
        note_overdue(hooked(missed.broker, crash_at(0, moment)))
    look(missed.broker)
    assert noted(missed) == LATE
    assert [done for _, done in alarms(missed)] == [None, None]


def test_what_was_done_between_the_two_looks_is_not_noted(missed: Linkage) -> None:
    """What was found without a lock is found again under it."""

    def open_meanwhile(number: int, moment: str) -> None:
        if (number, moment) == (0, "before"):
            missed.open_round()

    assert note_overdue(hooked(missed.broker, open_meanwhile)) == 0
    assert noted(missed) == []
