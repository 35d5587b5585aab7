"""A partner that was shown another match log is noticed by what its messages say of it; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from breaks.false_log import Log
from rigs.desk import Desk
from rigs.moments import Moments
from rigs.near_broker import NearBroker, document
from sqlalchemy import text

from app.security.log_key import read_log_key
from encoding.log.log_copy import read_log_copy
from encoding.project import context as log_copies

Bend = Callable[[list[bytes]], list[bytes]]
BENDS: dict[str, Bend] = {
    "another entry at the end": lambda leaves: [*leaves[:-1], b"another"],
    "more entries than the others see": lambda leaves: [*leaves, *[b"another"] * 50],
}


def another_log(near: NearBroker, bend: Bend) -> Log:
    """Return a log that is signed by the broker's key, and is the true one but for what is bent."""
    with near.broker.database.read() as session:
        rows = session.execute(text("SELECT entry FROM log_leaf ORDER BY seq")).scalars()
        leaves = [bytes(row) for row in rows]
    signer = read_log_key(near.broker.settings.log_key_file)
    return Log(signer=signer, entries=bend(leaves))


def show_another_log(near: NearBroker, bend: Bend) -> None:
    """From the fetch of a release on, show another log to the person who asks next, as it grows from the true
    one.
    """
    is_fetched = False

    def lie(request: httpx2.Request) -> httpx2.Response | None:
        nonlocal is_fetched
        is_fetched |= request.url.path.endswith("/file")
        if is_fetched and request.url.path == "/v1/log/checkpoint":
            old = int(request.url.params["old"])
            made = another_log(near, bend)
            # What was pinned before is the true log, of which the other one is to be an extension.
            kept = another_log(near, lambda leaves: leaves).entries[:old]
            made.entries[:old] = kept
            return document(made.show(old))
        return None

    near.courier.before = lie


@pytest.mark.campaign("split-view", database="sqlite")
def test_whoever_was_shown_another_log_than_its_copy_says_nothing_to_a_partner(
    near: NearBroker, schools: Desk, welfare: Desk, moments: Moments
) -> None:
    assert schools.type("refresh").exit_code == 7
    begin = moments.keep(near)
    for name, bend in BENDS.items():
        moments.go_to(near, begin)
        show_another_log(near, bend)
        refused = welfare.type("refresh")
        assert refused.exit_code == 1, name
        assert "the broker's copy of the match log" in refused.stderr, name
        near.courier.before = lambda _: None
        assert schools.type("refresh").exit_code == 7, name


@pytest.mark.parametrize("bend", BENDS.values(), ids=BENDS)
@pytest.mark.campaign("split-view", database="sqlite")
def test_a_partner_that_was_shown_another_log_is_an_alarm_and_nothing_is_stored(
    near: NearBroker, schools: Desk, welfare: Desk, bend: Bend, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert schools.type("refresh").exit_code == 7
    show_another_log(near, bend)
    with monkeypatch.context() as bent_alike:
        # A broker that bends the copy of the log, too: here the copy is held to no pin in its place.
        bent_alike.setattr(
            log_copies, "read_log_copy", lambda source, keys, *_: read_log_copy(source, keys, ())
        )
        welfare.type("refresh")
    near.courier.before = lambda _: None
    for _ in range(2):
        refused = schools.type("refresh")
        assert refused.exit_code == 9, refused.stderr
        assert "welfare was shown a different match log" in refused.stderr
    assert not (schools.folder / "links.csv").exists()
    assert list((schools.folder / "workspace" / "pins").glob("evidence-*"))
    # It may be looked into with what is kept, and the true log still stands.
    assert schools.type("pin").exit_code == 0
