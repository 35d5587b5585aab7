"""Messages that one agency never read: the round is lost, and the next one goes on, whatever the reason."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker
from rigs.persons import lay_down_keys
from rigs.weeks import links, settle

from encoding.ledger import messages
from encoding.ledger.values import MessagePlace
from encoding.rounds import space
from encoding.rounds.history import RoundHistory
from schemas.signing.identity import PublicIdentity

pytestmark = pytest.mark.long


@pytest.fixture
def near(ready_desks: NearBroker, reach: Callable[..., Any]) -> NearBroker:
    """The broker after the first week."""
    reach(ready_desks, "settled", lambda: settle(ready_desks))
    return ready_desks


@pytest.fixture
def schools(near: NearBroker) -> Desk:
    return near.desks["schools"]


@pytest.fixture
def welfare(near: NearBroker) -> Desk:
    return near.desks["welfare"]


def send_claims_of_schools(near: NearBroker) -> None:
    """Let a week pass, both upload, and the schools send their claims."""
    near.move(days=7)
    schools, welfare = near.desks["schools"], near.desks["welfare"]
    assert schools.type("refresh").exit_code == 7
    welfare.ok("encode")
    welfare.ok("upload")
    near.work()
    assert schools.type("refresh").exit_code == 7
    assert near.log_kinds().count("claims-received") == 3


def require_next_weeks(near: NearBroker, before: dict[str, str]) -> None:
    """Require that the next rounds go on, and link as before."""
    for _ in range(2):
        near.move(days=7)
        near.sweep()
        settle(near)
        assert {desk.party: links(desk) for desk in near.desks.values()} == before


def all_links(near: NearBroker) -> dict[str, Any]:
    return {desk.party: links(desk) for desk in near.desks.values()}


# Keys that have changed since: the message counts.


def test_a_message_is_opened_with_the_keys_that_were_replaced_since_it_was_sealed(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    before = all_links(near)
    send_claims_of_schools(near)
    welfare.ok("people", "rotate")
    assert "round 2: 3 records have a link ID" in welfare.ok("refresh").stderr
    require_next_weeks(near, before)


def test_a_message_is_verified_with_the_keys_that_its_sender_had_when_the_log_took_it(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    before = all_links(near)
    send_claims_of_schools(near)
    schools.ok("people", "rotate")
    assert "round 2: 3 records have a link ID" in welfare.ok("refresh").stderr
    require_next_weeks(near, before)


def test_a_message_of_somebody_who_left_after_the_log_took_it_counts(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    before = all_links(near)
    send_claims_of_schools(near)
    replace_person(near, "schools")
    assert "round 2: 3 records have a link ID" in welfare.ok("refresh").stderr
    require_next_weeks(near, before)


def replace_person(near: NearBroker, party: str) -> None:
    """Put another person on a party's list of authorized users, and end the keys of the one before."""
    joined, desk = near.joining(party), near.desks[party]
    near.revoke(party)
    for name in ("identity.txt", "identity.key"):
        (desk.folder / name).unlink()
    lay_down_keys(desk.folder, joined)
    near.people[party] = joined


def lost_by_report(desk: Desk) -> list[tuple[int, str, bool]]:
    report = json.loads((desk.folder / "round-report.json").read_bytes())
    return [(one["round"], one["code"], one["given_up"]) for one in report["lost"]]


# Messages that cannot be read: told once, and the round is as one in which they came too late.


def require_told_once(near: NearBroker, desk: Desk, before: dict[str, Any]) -> None:
    """Require that a desk's next job ends with the alarm, no later one does, and the links stand."""
    require_told(desk, "round 2 is not applied here")
    said = desk.ok("status").stdout
    assert "Round 2 is not applied here: a message " in said
    assert links(desk) == before[desk.party]
    kept = [*(desk.folder / "workspace" / "said").glob("*.unread.sealed")]
    assert [hashlib.sha256(one.read_bytes()).hexdigest() for one in kept] == [
        entry["body"]["sha256"]
        for entry in near.log_entries()
        if entry["kind"] == "claims-received" and entry["body"]["round"] == 2
        if entry["actor"]["party"] != desk.party
    ]
    assert lost_by_report(desk) == [(2, "message-unreadable", False)]
    page = (desk.folder / "round-report.html").read_text("utf-8")
    assert "Round 2 was not applied here because of an alarm (message-unreadable)" in page
    assert desk.type("refresh").exit_code == 0
    require_next_weeks(near, before)
    assert "not applied here" not in desk.ok("status").stdout
    # What was sent stays, as evidence.
    assert all(one.exists() for one in kept)


def test_a_message_that_was_sealed_to_lost_keys_costs_its_round_alone(
    near: NearBroker, welfare: Desk
) -> None:
    before = all_links(near)
    send_claims_of_schools(near)
    replace_person(near, "welfare")
    require_told_once(near, welfare, before)


def test_a_message_that_was_sealed_to_whoever_handed_over_costs_its_round_alone(
    near: NearBroker, welfare: Desk, tmp_path: Path
) -> None:
    before = all_links(near)
    welfare.ok("workspace", "protect")
    send_claims_of_schools(near)
    ann, cleo = near.people["welfare"], near.joining("welfare")
    backup, folder = tmp_path / "to-cleo.backup", tmp_path / "cleo"
    fingerprint = cleo.public.fingerprint()
    to_cleo = ("--to", cleo.public.person, "--fingerprint", fingerprint)
    welfare.ok("workspace", "backup", str(backup), *to_cleo)
    folder.mkdir()
    desk = Desk(folder, near, "welfare", now=near.now)
    shutil.copy(welfare.folder / "blindlink.toml", folder)
    lay_down_keys(folder, cleo)
    desk.ok("workspace", "restore", str(backup), "--made-by", ann.public.fingerprint())
    for name in ("links.csv", "secret.txt"):
        shutil.copy(welfare.folder / name, folder)
    near.revoke("welfare")
    near.people["welfare"], near.desks["welfare"] = cleo, desk
    desk.ok("round", "--ready")
    require_told(desk, "round 2 is not applied here")
    assert desk.type("refresh").exit_code == 0
    require_next_weeks(near, before)


def test_a_message_that_somebody_seals_badly_costs_its_round_alone(
    near: NearBroker, welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_links(near)

    def seal_badly(claims: Any, receivers: list[PublicIdentity]) -> bytes:
        return messages.seal_claims(claims, receivers)[:-1] + b"\0"

    with monkeypatch.context() as patch:
        patch.setattr(space, "seal_claims", seal_badly)
        send_claims_of_schools(near)
    require_told_once(near, welfare, before)


def test_what_the_log_took_of_somebody_whom_it_shows_as_revoked_before_is_not_read(
    near: NearBroker, welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_links(near)
    send_claims_of_schools(near)
    sender = near.people["schools"].public.person
    monkeypatch.setattr(RoundHistory, "was_revoked", lambda _, __, person: person == sender)
    require_told(welfare, "is not from a person who could sign it")
    monkeypatch.undo()
    require_next_weeks(near, before)


# Messages that are gone before they were read.


@pytest.mark.parametrize("what", ["upload", "all"])
def test_a_message_that_was_destroyed_before_it_was_read_costs_its_round_alone(
    near: NearBroker, schools: Desk, welfare: Desk, what: str
) -> None:
    before = all_links(near)
    send_claims_of_schools(near)
    destroyed = ("--upload", own_upload(near, 2, "schools")) if what == "upload" else ()
    schools.ok("destroy", *destroyed, "--yes")
    near.work()
    near.sweep()
    for desk in (welfare, schools):
        assert desk.type("refresh").exit_code in {0, 1}
    near.move(days=4)
    near.sweep()
    near.work()
    require_next_weeks(near, before)


def own_upload(near: NearBroker, number: int, party: str) -> str:
    (found,) = (
        one["object"]
        for one in near.log_entries()
        if (one["kind"], one["actor"]["party"]) == ("upload-received", party)
        if one["body"]["round"] == number
    )
    return str(found)


@pytest.mark.parametrize("terms", [{"keep_links_days": 30}])
def test_a_message_that_expired_before_it_was_read_costs_its_round_alone(
    near: NearBroker, schools: Desk
) -> None:
    before = all_links(near)
    send_claims_of_schools(near)
    for _ in range(2):
        near.move(days=30)
        near.sweep()
        near.work()
        schools.type("refresh")
    near.move(days=4)
    near.sweep()
    near.work()
    require_next_weeks(near, before)


# What contradicts the log stops the next rounds until a person gives the round up.


def name_another_message_before(near: NearBroker, patch: pytest.MonkeyPatch) -> None:
    """Let the schools name a message before theirs that the log does not have."""
    real = space.Exchange.newest_place

    def another(at: space.Exchange, stream: str) -> MessagePlace | None:
        found = real(at, stream)
        if at.party != "schools" or found is None:
            return found
        return MessagePlace(found.sequence + 1, "ab" * 32)

    patch.setattr(space.Exchange, "newest_place", another)
    send_claims_of_schools(near)


def hand_out_other_bytes(near: NearBroker, patch: pytest.MonkeyPatch) -> None:
    """Let the broker hand out another message of the schools than the log lists."""
    send_claims_of_schools(near)

    def bend(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method == "GET" and request.url.path.endswith("/rounds/2/claims/schools"):
            return httpx2.Response(200, content=response.content[:-1] + b"\0")
        return response

    near.courier.after = bend


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (
            name_another_message_before,
            "names another message before its number 3 than the match log lists",
        ),
        (hand_out_other_bytes, "hands out another message than the match log lists"),
    ],
)
def test_what_contradicts_the_log_stops_the_next_round_until_somebody_gives_this_one_up(
    near: NearBroker,
    schools: Desk,
    welfare: Desk,
    monkeypatch: pytest.MonkeyPatch,
    lie: Callable[..., None],
    said: str,
) -> None:
    before = all_links(near)
    give_up = ("links", "--give-up-round", "2", "Their analyst knows of it.")
    with monkeypatch.context() as patch:
        lie(near, patch)
    assert welfare.type(*give_up).exit_code == 1
    require_told(welfare, said)
    near.move(days=7)
    for _ in range(2):
        assert schools.type("refresh").exit_code == 7
        require_told(welfare, said)
    assert f"{give_up[0]} {give_up[1]} 2 REASON" in welfare.ok("status").stdout
    assert welfare.type("links", "--give-up-round", "3", "Why not.").exit_code == 1
    assert "the next one goes on" in welfare.ok(*give_up).stderr
    assert "it was given up on 2026-12-" in welfare.ok("status").stdout
    settle(near)
    assert all_links(near) == before
    assert lost_by_report(welfare) == [(2, "message-withheld", True)]
    require_next_weeks(near, before)
    assert lost_by_report(welfare) == []


def require_told(desk: Desk, said: str) -> None:
    told = desk.type("refresh")
    assert told.exit_code == 9, told.stderr
    assert said in told.stderr
