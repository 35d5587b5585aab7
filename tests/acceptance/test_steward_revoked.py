"""Someone replaces their keys, signs the next agreement, and is revoked: the agencies go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rigs.agreed import actor_of, amend
from rigs.agreement import PROJECT, AgreementRig, agreement_rig
from rigs.enrolled import revoke

from app.agencies.persons import replace_keys as replace_at_broker
from app.agreements.service import all_versions
from encoding.people.identity import replace_keys
from encoding.people.identity_lock import read_key_file
from encoding.people.key_rotation import begin_rotation


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[AgreementRig]:
    with agreement_rig(tmp_path, amy=("welfare", ("approver", "steward"))) as made:
        answers = made.desks["ann"].folder / "answers.toml"
        written = answers.read_text("utf-8")
        answers.write_text(written.replace('["ann.json"', '["amy.json", "ann.json"'), "utf-8")
        fingerprint = made.agree()
        made.desks["bob"].ok("agreement", "accept", *fingerprint.split())
        made.get_ready()
        yield made


def with_new_keys(rig: AgreementRig, name: str) -> None:
    """Let someone replace their keys, a day later."""
    rig.pass_time(days=1)
    old, now = rig.people[name], rig.near.now
    rig.people[name], change = replace_keys(old, now)
    with rig.broker.database.write() as session:
        actor = actor_of(old, now)
        replace_at_broker(session, rig.broker.log, change=change, actor=actor, now=now)
    rig.pass_time(days=1)


def amended(rig: AgreementRig, **changes: Any) -> str:
    """Let ann, kim and eve sign the next agreement, with everybody's newest keys; returns its fingerprint."""
    with rig.broker.database.read() as session:
        newest = all_versions(session, PROJECT)[0]
    people = {one.public.person: one for one in rig.people.values()}
    parties = newest.agreement.to_json()["parties"]
    for party in parties:
        party["persons"] = [people[one["person"]].public.to_json() for one in party["persons"]]
    signers = [rig.people[name] for name in ("ann", "kim", "eve")]
    made = newest.agreement, newest.profile, signers
    return amend(rig.broker, *made, parties=parties, **changes).digest()


def leaves(rig: AgreementRig, name: str) -> str:
    """Let the operator revoke someone who has left; returns who that is."""
    person = rig.people.pop(name).public.person
    revoke(rig.near, person)
    return person


def without(shown: Any, person: str) -> Any:
    """Return the list of persons without the one."""
    listed = [one for one in shown["identities"] if person not in str(one)]
    return shown | {"identities": listed}


@pytest.mark.parametrize("was_away", [False, True])
def test_a_steward_who_was_revoked_has_signed_what_counts_on(
    rig: AgreementRig, was_away: bool
) -> None:
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    with_new_keys(rig, "ann")
    second = amended(rig, end="2027-08-30")
    if not was_away:
        kim.ok("round", "--ready")
        bob.ok("agreement", "accept", second)
        rig.desks["eve"].ok("agreement", "status", *rig.unlocked("eve"))
    gone = leaves(rig, "ann")
    if was_away:
        # It is her own agency's key that is new, so someone compares the sheet.
        bob.ok("agreement", "accept", second)
    for desk in (bob, kim):
        assert desk.type("refresh", "--begin").exit_code == 7
        assert len(desk.json("agreement", "status")["agreements"]) == 2
    kim.ok("agreement", "halt", "--reason", "A suspected breach.", "--yes")
    rig.pass_time(minutes=1)
    kim.ok("agreement", "halt", "--lift", "--reason", "It was nothing.", "--yes")
    amy = rig.desks["amy"]
    amy.ok("people", "change", "--remove", gone)
    before, after = str(amy.folder / "third.json"), str(amy.folder / "fourth.json")
    amy.ok("agreement", "show", "--save", before)
    draft = ("agreement", "draft", "--amends", before, "--set", "end=2027-09-30", "-o", after)
    fourth = amy.ok(*draft).stdout.strip()
    for name, source in (("amy", (after,)), ("kim", ()), ("eve", ())):
        signed = rig.sign(name, fourth, *source)
        assert signed.exit_code == 0, signed.output
    bob.ok("round", "--ready")
    assert len(bob.json("agreement", "status")["agreements"]) == 4


def test_a_partner_whose_keys_are_new_is_followed_day_after_day(rig: AgreementRig) -> None:
    bob = rig.desks["bob"]
    with_new_keys(rig, "kim")
    amended(rig)
    for _ in range(2):
        bob.ok("round", "--ready")
    leaves(rig, "kim")
    bob.ok("round", "--ready")


def test_keys_that_nobody_shows_the_way_to_are_taken_by_the_sheet_alone(rig: AgreementRig) -> None:
    kim = rig.desks["kim"]
    with_new_keys(rig, "ann")
    second = amended(rig)
    ann = rig.people["ann"].public.person
    rig.meddle("identities", lambda shown: without(shown, ann))
    said = kim.type("round", "--ready")
    assert said.exit_code == 1
    assert "signed for welfare by someone who was not its steward before" in said.stderr
    assert "agreement accept FINGERPRINT" in said.stderr
    kim.ok("agreement", "accept", second)
    kim.ok("round", "--ready")


def test_a_change_of_keys_that_was_begun_before_a_signature_is_dated_after_it(
    rig: AgreementRig,
) -> None:
    """The broker did not answer when kim began to replace her keys; she signed with the old ones since."""
    kim, bob = rig.desks["kim"], rig.desks["bob"]
    key = read_key_file(kim.folder / "identity.key")
    begin_rotation(kim.folder / "identity.txt", rig.people["kim"], key, rig.near.now)
    rig.pass_time(hours=1)
    amended(rig, end="2027-08-30")
    bob.ok("round", "--ready")
    rig.pass_time(hours=1)
    kim.ok("people", "rotate")
    for desk in (bob, kim):
        desk.ok("agreement", "status")
        desk.ok("round", "--ready")
