"""`blindlink-broker open`: from one file to parties, a project and an invitation for each person."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.agencies.models import Invitation as Invited
from app.agencies.persons import enrol_person
from app.broker import open_broker
from app.cli.parties_file import TEMPLATE
from app.cli.spokes_file import HUB_TEMPLATE
from app.clock import utc_text
from app.settings import read_settings
from encoding.people.identity import new_identity
from schemas.api.sign_in import EnrolmentRequest
from schemas.signing.invitation import Invitation

FILES = {
    "child-welfare-ann.invitation",
    "child-welfare-sam.invitation",
    "data-center-eve.invitation",
    "k12-bob.invitation",
    "k12-kim.invitation",
    "state-auditor-ida.invitation",
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def founded(command: Any, state: Path) -> Any:
    from services.migrated import lay_tables

    lay_tables(read_settings(state))
    done = command("init", "--self-signed", "--operator", "data-center",
                   "--title", "State Data Center")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    Path("parties.toml").write_text(TEMPLATE, "utf-8")
    return command


def opened(command: Any, text: str = TEMPLATE, *more: str) -> Any:
    Path("parties.toml").write_text(text, "utf-8")
    return command("open", "--from", "parties.toml", *more)


def written() -> dict[str, Invitation]:
    folder = Path("invitations")
    return {file.name: Invitation.from_file(file.read_bytes()) for file in folder.iterdir()}


def people(command: Any) -> list[Any]:
    found: list[Any] = json.loads(command("person", "list", "--json").stdout)
    return found


def test_the_template_is_a_file_that_is_taken(founded: Any) -> None:
    assert founded("open", "--template").stdout == TEMPLATE
    done = opened(founded)
    assert done.exit_code == 0, done.stderr
    invitations = written()
    assert invitations.keys() == FILES
    ida = invitations["state-auditor-ida.invitation"]
    assert (ida.project, ida.party, ida.label) == ("foster-k12", "state-auditor", "Ida")
    assert ida.duties == ("auditor", "steward")
    assert len({one.code for one in invitations.values()}) == len(FILES)
    assert not [one for one in invitations.values() if one.code in done.output]
    if os.name == "posix":
        assert Path("invitations").stat().st_mode & 0o077 == 0
        assert all(p.stat().st_mode & 0o077 == 0 for p in Path("invitations").iterdir())
    titles = {p["name"]: p["title"] for p in json.loads(founded("agency", "list", "--json").stdout)}
    assert titles["k12"] == "Department of Education"
    assert len(people(founded)) == len(FILES)


def test_once_more_with_one_person_more_adds_only_that_one(founded: Any) -> None:
    assert opened(founded).exit_code == 0
    before = {p.name: p.read_bytes() for p in Path("invitations").iterdir()}
    again = opened(founded)
    assert again.exit_code == 0
    assert "nothing is new" in again.stdout
    more = TEMPLATE.replace(
        'label = "Bob"', 'label = "Bea"\nduties = ["reviewer"]\n\n[[parties.people]]\nlabel = "Bob"'
    )
    done = opened(founded, more, "--json")
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert [one["label"] for one in report["people_invited"]] == ["Bea"]
    assert (report["projects_opened"], report["parties_enrolled"]) == ([], [])
    assert len(report["people_there"]) == len(FILES)
    after = {p.name: p.read_bytes() for p in Path("invitations").iterdir()}
    assert after.pop("k12-bea.invitation")
    assert after == before


def test_whoever_enrolled_or_was_revoked_is_not_invited_again(founded: Any, state: Path) -> None:
    assert opened(founded).exit_code == 0
    invitation = written()["k12-bob.invitation"]
    now = datetime.now(UTC)
    identity = new_identity("k12", invitation.duties, now)
    broker = open_broker(read_settings(state))
    with broker.database.write() as session:
        enrol_person(session, EnrolmentRequest(code=invitation.code, identity=identity.signed), now)
    broker.close()
    assert "Bob of k12: awaiting" in opened(founded).stdout
    assert founded("person", "revoke", identity.public.person).exit_code == 0
    again = opened(founded)
    assert "Bob of k12: revoked" in again.stdout
    assert "nothing is new" in again.stdout


def test_an_invitation_that_ended_unused_is_written_anew(founded: Any, state: Path) -> None:
    assert opened(founded).exit_code == 0
    old = written()["k12-bob.invitation"].code
    broker = open_broker(read_settings(state))
    with broker.database.write() as session:
        (row,) = session.query(Invited).where(Invited.label == "Bob")
        row.expires = utc_text(datetime.now(UTC) - timedelta(days=1))
    broker.close()
    done = opened(founded)
    assert done.stdout.count("invited   ") == 1
    assert written()["k12-bob.invitation"].code != old


# What is written in place of what, and the sentence.
WRONG = {
    "a duty": ('"approver", "steward"', '"aprover"', "people (line 1) duties (line 1) is none of"),
    "a name": ('name = "k12"', 'name = "K 12"', "parties (line 2) name is not a name of"),
    "no title": ('title = "Department of Education"\n', "", "parties (k12) title is missing"),
    "a role": ('role = "auditor"', 'role = "judge"', "parties (state-auditor) role is none of"),
    "a slip": ('label = "Kim"', 'lable = "Kim"', "people (line 1) lable is none that belongs"),
    "duties apart": ('["auditor", "steward"]', '["auditor", "analyst"]', "the duties of Ida: auditor"),
    "labels alike": ('label = "Kim"', 'label = "BOB"', "k12 has two people whose labels are alike"),
    "a party twice": ('name = "k12"', 'name = "child-welfare"', "child-welfare stands there twice"),
    "no operator": ('role = "operator"', 'role = "agency"', "Eve of data-center has the duty operator"),
    "not its operator": ('name = "data-center"', 'name = "other-center"',
                         "parties (other-center) role: data-center alone runs"),
    "another operator's title": ('"State Data Center"', '"Data Center"',
                                 "parties (data-center) title: the party is enrolled already"),
    "no TOML": ("[[parties]]", "[[parties", "is not TOML"),
}  # fmt: skip


def test_what_is_wrong_is_named_in_the_words_of_the_file_and_opens_nothing(founded: Any) -> None:
    for which, (old, new, sentence) in WRONG.items():
        assert old in TEMPLATE, which
        done = opened(founded, TEMPLATE.replace(old, new, 1 if which == "a duty" else -1))
        assert (done.exit_code, sentence in done.stderr) == (1, True), (which, done.stderr)
        assert "pydantic" not in done.stderr, which
        assert not Path("invitations").exists() or not list(Path("invitations").iterdir()), which
    assert people(founded) == []
    assert [p["name"] for p in json.loads(founded("agency", "list", "--json").stdout)] == [
        "data-center"
    ]
    for former, wrong, sentence in WRONG_SPOKES.values():
        done = opened_hub(founded, DISTRICTS.replace(former, wrong))
        assert (done.exit_code, sentence in done.stderr) == (1, True), (sentence, done.stderr)
        assert not Path("invitations").exists() or not list(Path("invitations").iterdir()), sentence


CONTRADICTIONS = {
    "another title": ('"Department of Education"', '"Education"', "parties (k12) title"),
    "another role": ('role = "auditor"\n', "", "parties (state-auditor) role"),
    "other duties": ('"analyst", "recipient"', '"analyst"', "Ann is there already, with other duties"),
    "a party more": ('[[parties]]\nname = "k12"', '[[parties]]\nname = "county"\ntitle = "County"\n'
                     '[[parties]]\nname = "k12"', "the project foster-k12 is open already, without it"),
}  # fmt: skip


def test_what_contradicts_what_is_there_changes_nothing(founded: Any) -> None:
    assert opened(founded).exit_code == 0
    before = people(founded), written()
    for which, (old, new, sentence) in CONTRADICTIONS.items():
        text = TEMPLATE.replace(old, new, 1).replace('label = "Kim"', 'label = "New"')
        done = opened(founded, text)
        assert (done.exit_code, sentence in done.stderr) == (1, True), (which, done.stderr)
        assert (people(founded), written()) == before, which


def test_where_a_file_cannot_be_written_nobody_is_invited(founded: Any) -> None:
    Path("invitations").mkdir()
    (Path("invitations") / "k12-kim.invitation").write_text("mine")
    done = opened(founded)
    assert done.exit_code == 1
    assert "is no invitation" in done.stderr
    assert people(founded) == []
    assert [p.name for p in Path("invitations").iterdir()] == ["k12-kim.invitation"]


def test_a_file_or_the_template_is_asked_for(founded: Any) -> None:
    assert founded("open").exit_code == 2
    missing = founded("open", "--from", "nothing.toml")
    assert missing.exit_code == 1
    assert "--template" in missing.stderr


DISTRICTS = "name,title,person,second\nd-001,District 1,Kim,\nd-002,District 2,Lee,Bob\n"


def opened_hub(command: Any, districts: str = DISTRICTS, text: str = HUB_TEMPLATE) -> Any:
    Path("districts.csv").write_text(districts, "utf-8")
    return opened(command, text)


def test_a_hub_has_a_project_with_each_spoke_and_one_invitation_a_person(founded: Any) -> None:
    assert founded("open", "--template", "--hub").stdout == HUB_TEMPLATE
    done = opened_hub(founded)
    assert done.exit_code == 0, done.stderr
    found = written()
    assert {one.project for one in found.values() if one.party == "child-welfare"} == {None}
    kim = found["d-001-kim.invitation"]
    assert (kim.project, kim.party) == ("child-welfare-d-001", "d-001")
    assert kim.duties == ("analyst", "approver", "recipient", "steward")
    assert found["d-002-lee.invitation"].duties == ("approver", "steward")
    assert found["d-002-bob.invitation"].duties == ("analyst", "recipient")
    assert len(found) == 6

    more = json.loads(opened_hub_more(founded).stdout)
    assert more["projects_opened"] == ["child-welfare-d-003"]
    assert [one["label"] for one in more["people_invited"]] == ["Max"]


def opened_hub_more(command: Any) -> Any:
    Path("districts.csv").write_text(f"{DISTRICTS}d-003,District 3,Max,\n", "utf-8")
    return opened(command, HUB_TEMPLATE, "--json")


WRONG_SPOKES = {
    "a name": ("d-001,", "District One,", "line 2: the setting name is not a name"),
    "twice": ("d-002,", "d-001,", "the party d-001 stands there twice"),
    "the hub": ("d-002,", "child-welfare,", "the party child-welfare stands there twice"),
    "a cell too many": ("Kim,", "Kim,,", "line 2: it has not as many cells"),
    "no person": ("Kim", "", "line 2: the setting person is missing"),
    "another column": ("second", "phone", "has a column that does not belong there"),
    "nobody": ("d-001,District 1,Kim,\nd-002,District 2,Lee,Bob\n", "", "has not 1 to 5,000 lines"),
}
