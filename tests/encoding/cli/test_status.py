"""`blindlink status`: every stage, in words, with the command that comes next."""

from __future__ import annotations

from oracles.desk import Desk
from oracles.near_broker import NearBroker
from oracles.share_desks import give_keys


def stage(desk: Desk) -> tuple[str, str | None]:
    found = desk.json("status")
    return found["stage"], found["next"]


def test_status_leads_through_the_whole_linkage(welfare: Desk, schools: Desk) -> None:
    assert stage(welfare) == ("encode", "blindlink encode")
    welfare.ok("encode")
    assert stage(welfare) == ("upload", "blindlink upload")
    welfare.ok("upload")
    assert stage(welfare) == ("waiting", None)
    schools.ok("encode")
    schools.ok("upload")
    assert stage(welfare) == ("run", "blindlink run --wait")
    schools.ok("run")
    assert stage(welfare) == ("running", "blindlink run --wait")
    schools.ok("run", "--wait")
    assert stage(welfare) == ("links", "blindlink links")
    welfare.ok("links")
    assert stage(welfare) == ("done", "blindlink refresh")


def test_new_encodings_are_noticed(welfare: Desk, people, write_people) -> None:
    welfare.ok("encode")
    welfare.ok("upload")
    write_people(people[1:])
    welfare.ok("encode")
    assert stage(welfare)[0] == "upload"


def test_failed_run_is_told_with_its_reason(welfare: Desk, schools: Desk, broker) -> None:
    for desk in (welfare, schools):
        desk.ok("encode")
        desk.ok("upload")
    broker.run_ends = "failed"
    assert welfare.type("run", "--wait").exit_code == 6
    assert "The newest run has failed (too-many-pairs)." in welfare.ok("status").stdout
    assert stage(welfare) == ("failed", "blindlink run --wait")


def test_project_that_is_not_in_force_is_told(welfare: Desk, broker: NearBroker) -> None:
    broker.view = broker.view.model_copy(update={"in_force": False})
    assert stage(welfare) == ("not-in-force", None)
    assert "is not in force" in welfare.ok("status").stdout


def test_the_agency_that_is_waited_for_is_named(welfare: Desk) -> None:
    welfare.ok("encode")
    welfare.ok("upload")
    assert "waits for an upload of schools." in welfare.ok("status").stdout


def test_agency_that_receives_nothing_is_told_so(welfare: Desk, schools: Desk, broker, view_with):
    for desk in (welfare, schools):
        desk.ok("encode")
        desk.ok("upload")
    schools_only = broker.view.terms.recipients[:1]
    terms = broker.view.terms.model_copy(update={"recipients": schools_only})
    changed = {"terms": terms, "agreement": terms.digest()}
    broker.view = broker.view.model_copy(update=changed)
    welfare.ok("run", "--wait")
    assert stage(welfare) == ("done", None)


def test_an_unnamed_key_file_is_asked_for_where_the_command_can_take_it(
    welfare: Desk, secret, people, write_people
) -> None:
    give_keys(welfare)
    (welfare.folder / "secret.txt").unlink()
    mine = {"broker": {"token_file": None}, "identity": {"file": "identity.txt"}}
    welfare.set_up(write_people(people), secret, **mine)
    result = welfare.type("status")
    assert result.exit_code == 2
    assert "name it as key_file in the section [identity]" in result.stderr
    assert "--key-file" not in result.stderr
    assert "or give it with --key-file" in welfare.type("secret", "share").stderr
