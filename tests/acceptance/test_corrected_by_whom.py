"""Who corrects a round: an analyst of a version that begins later, or one whose keys ended the same night."""

from __future__ import annotations

import json

import pytest
from rigs.agreed import amend
from rigs.agreement import PROJECT, AgreementRig
from rigs.agreement_moments import verified
from rigs.desk import Desk
from rigs.enrolled import revoke
from rigs.near_broker import ROWS, SETTINGS
from rigs.persons import lay_down_keys

from app.agreements.service import all_versions
from encoding.people.identity import Identity

CORRECT = ("round", "--correct", "wrong-file")


@pytest.fixture
def rig(agreed: AgreementRig) -> AgreementRig:
    agreed.get_ready()
    return agreed


def sign_next_year(rig: AgreementRig, newcomer: Identity) -> None:
    """Let all parties sign a version that begins in a month, and lists someone new for child welfare."""
    with rig.broker.database.read() as session:
        newest = all_versions(session, PROJECT)[0]
    parties = newest.agreement.to_json()["parties"]
    for party in parties:
        if party["name"] == "welfare":
            persons = [*party["persons"], newcomer.public.to_json()]
            party["persons"] = sorted(persons, key=lambda one: one["person"])
    people, start = [*rig.people.values(), newcomer], "2026-12-20"
    amend(rig.broker, newest.agreement, newest.profile, people, parties=parties, start=start)


def desk_of(rig: AgreementRig, person: Identity) -> Desk:
    folder = rig.near.folder / "rae"
    folder.mkdir()
    rows = folder / "people.csv"
    rows.write_text(ROWS["welfare"], "utf-8")
    desk = Desk(folder, rig.near, "welfare")
    desk.set_up(rows, **SETTINGS, project={"name": PROJECT})
    lay_down_keys(folder, person)
    return desk


def require_encoded_again(rig: AgreementRig) -> None:
    """The other agency's job encodes for the round that takes the place of the first one."""
    again = rig.desks["kim"].type("refresh")
    assert again.exit_code == 7, again.stderr
    assert rig.near.log_kinds().count("upload-received") == 2
    verified(rig)


def test_who_is_listed_by_a_version_that_begins_later_corrects_a_round(rig: AgreementRig) -> None:
    kim = rig.desks["kim"]
    assert kim.type("refresh", "--begin").exit_code == 7
    rae = rig.near.person("welfare", "analyst", "recipient")
    sign_next_year(rig, rae)
    desk_of(rig, rae).ok(*CORRECT)
    require_encoded_again(rig)
    # Nothing else goes by that version before it begins.
    kept = kim.folder / "workspace" / "agreements" / f"{PROJECT}.json"
    assert len(json.loads(kept.read_text("utf-8"))["agreements"]) == 1


def test_who_has_new_keys_and_is_revoked_the_same_night_has_corrected_a_round(
    rig: AgreementRig,
) -> None:
    assert rig.desks["kim"].type("refresh", "--begin").exit_code == 7
    bob = rig.desks["bob"]
    bob.ok("people", "rotate")
    bob.ok(*CORRECT)
    revoke(rig.near, rig.people["bob"].public.person)
    require_encoded_again(rig)
