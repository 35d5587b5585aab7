"""Agencies agree on a secret through a broker that is honest, or not; commands refuse with a reason."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from rigs.desk import NOW, Desk
from rigs.moments import Moments
from rigs.near_broker import (
    PARTIES,
    PROJECT,
    ROWS,
    NearBroker,
    answer_with,
    near_broker,
    two_agencies,
)
from samples.refusals import raises
from sqlalchemy import text

from encoding.epoch.epoch_secret import epoch_secret
from encoding.epoch.self_test import run_self_test
from encoding.errors import OthersWaitedForError, SecretsDifferError
from encoding.people.identity import new_identity
from encoding.project.agreement.project_view import project_view
from encoding.project.secret.secret_progress import settle_secrets
from encoding.project.session import Session
from encoding.secret.kept_secret import KeptSecret, read_kept
from encoding.workspace.workspace import open_workspace
from schemas.documents.problem import MEDIA_TYPE
from schemas.signing.identity import IdentityHistory
from schemas.signing.secret_share import SEALED_BYTES, SelfTest

Change = Callable[[Any], Any]


@pytest.fixture
def rig(tmp_path: Path, moments: Moments) -> Iterator[NearBroker]:
    def compare() -> None:
        for party in PARTIES:
            near.add(party)
        near.add_project()
        near.compare()

    with near_broker(tmp_path / "broker") as near:
        moments.reach(near, "compared", compare, __name__)
        yield near


@pytest.fixture
def shared(rig: NearBroker, moments: Moments) -> NearBroker:
    """Both agencies' parts are at the broker."""

    def share() -> None:
        for desk in rig.desks.values():
            desk.ok("secret", "share")

    moments.reach(rig, "shared", share, __name__)
    return rig


def kept(desk: Desk, epoch: int = 1) -> KeptSecret:
    workspace = open_workspace(desk.folder / "workspace")
    found = read_kept(workspace.kept_secret(PROJECT, epoch), PROJECT, epoch, workspace.key())
    assert found is not None
    return found


def meddle(rig: NearBroker, path: str, change: Change) -> None:
    """Have the courier change what the broker answers to GET requests whose path ends or begins like this."""

    def changed(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        asked = request.url.path.removeprefix("/v1/")
        is_meant = asked.endswith(path) or asked.startswith(path)
        if request.method != "GET" or not is_meant or response.is_error:
            return response
        found = change(json.loads(response.read()))
        return found if isinstance(found, httpx2.Response) else answer_with(response, found)

    rig.courier.after = changed


def refused(desk: Desk, *words: str) -> str:
    result = desk.type(*words)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return str(result.stderr)


def get_ready(rig: NearBroker) -> None:
    """Put nonces of both agencies into the log, so that a round can begin."""
    for desk in rig.desks.values():
        desk.ok("round", "--ready")


def key_of_containers(desk: Desk) -> str:
    """Encode, and return the id of the secret that all containers were made with."""
    (key_id,) = {one["key_id"] for one in desk.json("encode")["containers"]}
    return str(key_id)


def sent_shares(rig: NearBroker) -> int:
    with rig.broker.database.read() as session:
        return len(session.execute(text("SELECT id FROM relayed_share")).all())


def test_both_agree_through_the_broker_encode_alike_and_upload_while_the_next_one_is_made(
    rig: NearBroker,
) -> None:
    rig.agree()
    shown = {party: rig.secret_status(party) for party in rig.desks}
    assert shown["welfare"] == shown["schools"]
    assert all(holder["confirmed"] for holder in shown["welfare"]["holders"])
    get_ready(rig)
    rig.agree("--next")
    second = rig.secret_status("welfare")
    assert (second["epoch"], rig.secret_status("schools")) == (2, second)
    assert second["key_id"] != shown["welfare"]["key_id"]
    for desk in rig.desks.values():
        assert key_of_containers(desk) == shown["welfare"]["key_id"]
        desk.ok("upload")


def test_every_step_may_be_repeated_and_an_answer_may_be_lost(rig: NearBroker) -> None:
    lost = set()

    def lose_once(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        place = (request.method, request.url.path)
        if ("share" in place[1] or "confirmations" in place[1]) and place not in lost:
            lost.add(place)
            raise httpx2.ReadError("lost", request=request)
        return response

    rig.courier.after = lose_once
    for words in (("share",), ("share",), ("accept",), ("accept",), ("accept",)):
        for desk in rig.desks.values():
            desk.ok("secret", *words)
    assert len(lost) >= 4
    assert rig.secret_status("welfare") == rig.secret_status("schools")


def test_an_agency_may_begin_anew_until_all_have_confirmed(rig: NearBroker) -> None:
    welfare, schools = rig.desks["welfare"], rig.desks["schools"]
    welfare.ok("secret", "share")
    first = kept(welfare).sent
    welfare.ok("secret", "share", "--again")
    assert kept(welfare).sent != first
    schools.ok("secret", "share")
    for _ in range(2):
        for desk in (welfare, schools):
            desk.ok("secret", "accept")
    assert rig.secret_status("welfare") == rig.secret_status("schools")
    assert "so it can't be replaced" in refused(welfare, "secret", "share", "--again")


def test_who_made_different_secrets_can_begin_anew_though_all_have_confirmed(
    shared: NearBroker,
) -> None:
    welfare, schools = shared.desks["welfare"], shared.desks["schools"]
    welfare.ok("secret", "accept")
    schools.ok("secret", "share", "--again")
    for desk in (schools, welfare):
        said = refused(desk, "secret", "accept")
        assert "a different secret" in said
        assert "all agencies type: blindlink secret share --again" in said
    for desk in (welfare, schools):
        desk.ok("secret", "share", "--again")
    for _ in range(2):
        for desk in (welfare, schools):
            desk.ok("secret", "accept")
    assert shared.secret_status("welfare") == shared.secret_status("schools")


def test_who_begins_anew_in_vain_keeps_the_secret(shared: NearBroker) -> None:
    welfare = shared.desks["welfare"]
    for desk in (welfare, shared.desks["schools"]):
        desk.ok("secret", "accept")
    # The broker knows that all have confirmed it, and this agency does not yet.
    made = kept(welfare)
    assert "all holders have confirmed" in refused(welfare, "secret", "share", "--again")
    assert kept(welfare) == made
    welfare.ok("secret", "accept")
    assert shared.secret_status("welfare") == shared.secret_status("schools")


def test_a_swapped_key_a_forged_change_of_keys_and_a_holder_whom_the_broker_adds_get_nothing(
    rig: NearBroker,
) -> None:
    true = rig.people["schools"].public
    false = new_identity("schools", ("analyst",), NOW, person=true.person)
    change = {
        "change": {
            "person": true.person,
            "old_key": true.signing_key,
            "successor": false.public.to_json(),
            "at": "2026-11-20T22:30:00Z",
        },
        "old_signature": false.signed.signature,
        "new_signature": false.signed.signature,
    }

    def with_schools(found: Callable[[Any], Any]) -> Change:
        def bend(answer: Any) -> Any:
            for place, history in enumerate(answer["identities"]):
                if history["enrolled"]["identity"]["party"] == "schools":
                    answer["identities"][place] = found(history)
            return answer

        return bend

    def add(answer: Any) -> Any:
        if "terms" in answer:
            answer["terms"]["providers"] = ["friend", *answer["terms"]["providers"]]
        return answer

    swapped = IdentityHistory(enrolled=false.signed).to_json()
    meddle(rig, "identities", with_schools(lambda _: swapped))
    said = refused(rig.desks["welfare"], "secret", "share")
    assert true.fingerprint() in said
    assert false.public.fingerprint() in said
    for path, bend in (
        ("identities", with_schools(lambda history: history | {"changes": [change]})),
        (f"projects/{PROJECT}", add),
    ):
        meddle(rig, path, bend)
        assert rig.desks["welfare"].type("secret", "share").exit_code != 0, path
    assert sent_shares(rig) == 0


SERVED = (
    b'{"clause":null,"detail":"It is gone.","hint":null,"request":"req-%s","status":410,'
    b'"title":"The share has already been used","type":"urn:blindlink:problem:share-served"}'
    % (b"0" * 32)
)
CONFIRMED_OTHERWISE = {
    "key_id": "0" * 16,
    "holders": "0" * 64,
    "created": "2026-11-20T22:29:00Z",
    "tag": base64.b64encode(bytes(32)).decode(),
}


def test_a_share_or_confirmation_that_is_dropped_served_or_changed_is_named(
    shared: NearBroker,
) -> None:
    welfare, schools = shared.desks["welfare"], shared.desks["schools"]
    headers = {"Content-Type": MEDIA_TYPE}

    def flip(place: str) -> Change:
        def bend(answer: Any) -> Any:
            part = answer if place == "signature" else answer["share"]
            raw = bytearray(base64.b64decode(part[place]))
            raw[7] ^= 1
            part[place] = base64.b64encode(raw).decode()
            return answer

        return bend

    not_theirs = "was not made by the person that you trust there"
    for path, bend, fault in (
        ("/shares", lambda _: {"shares": []}, "is missing"),
        ("shares/", lambda _: httpx2.Response(410, headers=headers, content=SERVED), "is missing"),
        ("shares/", flip("sealed"), not_theirs),
        ("shares/", flip("signature"), not_theirs),
    ):
        meddle(shared, path, bend)
        assert f"the share of schools {fault}" in refused(welfare, "secret", "accept"), path
    shared.courier.after = lambda _, response: response
    schools.ok("secret", "accept")
    for field, other in CONFIRMED_OTHERWISE.items():

        def forge(answer: Any, field: str = field, other: str = other) -> Any:
            for one in answer["confirmations"]:
                one["confirmation"][field] = other
            return answer

        meddle(shared, "/confirmations", forge)
        assert "the confirmation of schools" in refused(welfare, "secret", "accept"), field
    shared.courier.after = lambda _, response: response
    for desk in (welfare, schools):
        desk.ok("secret", "accept")
    assert shared.secret_status("welfare") == shared.secret_status("schools")


def test_a_share_of_one_that_is_sent_to_another_is_refused(tmp_path: Path) -> None:
    with two_agencies(tmp_path) as rig:
        rig.add("health", ROWS["schools"])
        rig.add_project(
            project="three-agencies", providers=("health", "schools", "welfare"), recipients=()
        )
        rig.compare()
        for desk in rig.desks.values():
            settings = desk.folder / "blindlink.toml"
            settings.write_text(settings.read_text("utf-8").replace(PROJECT, "three-agencies"))
            desk.ok("secret", "share")
        for_health = fetched_by(rig, "health")
        welfares = next(one for one in for_health if one["share"]["sender"] == "welfare")
        meddle(rig, "shares/", lambda _: welfares)
        said = refused(rig.desks["schools"], "secret", "accept")
        assert "the share of welfare was made for a different party" in said
        # In whatever order honest shares come, all make one secret.
        meddle(rig, "/shares", lambda answer: {"shares": answer["shares"][::-1]})
        for _ in range(2):
            for desk in rig.desks.values():
                desk.ok("secret", "accept")
        assert (
            rig.secret_status("health")
            == rig.secret_status("schools")
            == rig.secret_status("welfare")
        )


def fetched_by(rig: NearBroker, party: str) -> list[Any]:
    """Return what the broker gives a party when it accepts."""
    found: list[Any] = []
    meddle(rig, "shares/", lambda answer: found.append(answer) or answer)
    rig.desks[party].ok("secret", "accept")
    return found


def test_a_share_of_another_epoch_is_refused(rig: NearBroker) -> None:
    for words in ((), ("--next",)):
        for desk in rig.desks.values():
            desk.ok("secret", "share", *words)
    of_epoch_2 = kept(rig.desks["schools"], 2).sent[0].to_json()
    meddle(rig, "shares/", lambda _: of_epoch_2)
    said = refused(rig.desks["welfare"], "secret", "accept", "--epoch", "1")
    assert "of epoch 2, and yours is 1" in said


def test_a_share_that_was_withdrawn_and_comes_again_is_noticed(rig: NearBroker) -> None:
    welfare, schools = rig.desks["welfare"], rig.desks["schools"]
    welfare.ok("secret", "share")
    withdrawn = kept(welfare).sent[0].to_json()
    welfare.ok("secret", "share", "--again")
    schools.ok("secret", "share")
    welfare.ok("secret", "accept")
    meddle(rig, "shares/", lambda _: withdrawn)
    # Only the confirmations can tell: the old share is as good as the new one, but makes a different secret.
    said = refused(schools, "secret", "accept")
    assert "a different secret" in said
    assert "a different secret" in refused(welfare, "secret", "accept")
    get_ready(rig)
    for desk in (welfare, schools):
        assert "a different secret" in refused(desk, "encode")


def test_two_shares_of_one_agency_are_refused(rig: NearBroker) -> None:
    welfare, schools = rig.desks["welfare"], rig.desks["schools"]
    welfare.ok("secret", "share")
    withdrawn = kept(welfare).sent[0].to_json()
    welfare.ok("secret", "share", "--again")
    schools.ok("secret", "share")
    calls: list[Any] = []
    meddle(rig, "/shares", lambda a: {"shares": [s for s in a["shares"] for _ in (1, 2)]})
    twice = rig.courier.after

    def both(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path.startswith("/v1/shares/"):
            calls.append(request)
            return answer_with(response, withdrawn) if len(calls) == 2 else response
        return twice(request, response)

    rig.courier.after = both
    said = refused(schools, "secret", "accept")
    assert "two different shares of welfare" in said


def test_what_the_broker_sees_and_keeps_does_not_hold_the_secret(shared: NearBroker) -> None:
    parts = []
    for desk in shared.desks.values():
        contribution = kept(desk).own_contribution()
        assert contribution is not None
        parts.append(contribution.to_bytes())
    for _ in range(2):
        for desk in shared.desks.values():
            desk.ok("secret", "accept")
    workspace = open_workspace(shared.desks["welfare"].folder / "workspace")
    found = epoch_secret(workspace, PROJECT, 1, "welfare")
    assert found is not None
    secret = found.kept.present()
    assert secret is not None
    keys = [
        secret.sub_key(label, project=PROJECT, epoch=1) for label in ("clk", "canary", "confirm")
    ]
    seen = b"\n".join([*shared.courier.seen, shared.logs.getvalue().encode(), *files_of(shared)])
    assert b"secret-confirmed" in seen
    for raw in (secret.to_bytes(), *keys, *parts):
        urlsafe = base64.urlsafe_b64encode(raw).rstrip(b"=")
        for form in (raw, raw.hex().encode(), base64.b64encode(raw), urlsafe):
            assert form not in seen
    with shared.broker.database.read() as session:
        documents = session.execute(text("SELECT document FROM relayed_share")).scalars().all()
    assert documents == [None, None]


def files_of(rig: NearBroker) -> list[bytes]:
    """Return every file of the broker's: its database, write-ahead log and keys."""
    return [
        path.read_bytes() for path in rig.broker.settings.state_dir.rglob("*") if path.is_file()
    ]


def settled(desk: Desk) -> None:
    """Do what `refresh` does about secrets before it encodes."""
    session = Session(
        config_path=desk.folder / "blindlink.toml",
        transport=desk.near.courier,
        now=lambda: desk.now,
        sleep=desk.slept.append,
    )
    with session.connect() as client:
        session.trust(client)
        settle_secrets(session, client, project_view(session, client, must_bind=False))


def test_refresh_goes_on_where_an_agreement_on_a_secret_stands(rig: NearBroker) -> None:
    welfare, schools = rig.desks["welfare"], rig.desks["schools"]
    settled(welfare)
    assert not kept_epochs(welfare)
    welfare.ok("secret", "share")
    with pytest.raises(OthersWaitedForError):
        settled(welfare)
    schools.ok("secret", "share")
    for desk in (schools, welfare, schools):
        settled(desk)
    assert rig.secret_status("welfare") == rig.secret_status("schools")
    assert all(holder["confirmed"] for holder in rig.secret_status("welfare")["holders"])
    for desk in rig.desks.values():
        desk.ok("secret", "share", "--next")
        settled(desk)
    for desk in (schools, welfare, schools):
        settled(desk)
    assert rig.secret_status("welfare")["epoch"] == 2
    assert rig.secret_status("welfare") == rig.secret_status("schools")


def test_a_bad_share_for_the_next_epoch_stops_nothing_of_this_one(
    rig: NearBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.agree()
    welfare, schools = rig.desks["welfare"], rig.desks["schools"]
    welfare.ok("secret", "share", "--next")
    garbage = SimpleNamespace(encrypt=lambda *_: bytes(SEALED_BYTES))
    with monkeypatch.context() as patched:
        patched.setattr("encoding.secret.agreement.SUITE", garbage)
        schools.ok("secret", "share", "--next")
    settled(welfare)
    said = capsys.readouterr().err
    assert (
        "warning: the secret of epoch 2 is not agreed on yet: the share of schools does not open"
        in said
    )


def test_refresh_learns_that_another_agency_encodes_alike_by_now(
    shared: NearBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    welfare, schools = shared.desks["welfare"], shared.desks["schools"]

    def older(*given: Any) -> SelfTest:
        test = run_self_test(*given)
        return test.model_copy(update={"rows": test.rows.model_copy(update={"result": "0" * 64})})

    with monkeypatch.context() as patched:
        patched.setattr("encoding.epoch.exchange.run_self_test", older)
        schools.ok("secret", "accept")
    with raises(SecretsDifferError):
        settled(welfare)
    schools.ok("secret", "accept")
    settled(welfare)
    assert shared.secret_status("welfare") == shared.secret_status("schools")


def kept_epochs(desk: Desk) -> tuple[int, ...]:
    return open_workspace(desk.folder / "workspace").epochs_with_secret(PROJECT)
