"""`blindlink status`: every stage, in words, with the command that comes next."""

from __future__ import annotations

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker

from schemas.linkage.run import Recipient


def stage(desk: Desk) -> tuple[str, str | None]:
    found = desk.json("status")
    return found["stage"], found["next"]


def test_status_leads_through_the_whole_linkage(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    assert stage(welfare) == ("round", "blindlink refresh")
    schools.ok("encode")
    assert stage(welfare) == ("encode", "blindlink encode")
    welfare.ok("encode")
    assert stage(welfare) == ("upload", "blindlink upload")
    welfare.ok("upload")
    assert stage(welfare) == ("waiting", None)
    assert "waits for the upload of schools" in welfare.ok("status").stdout
    schools.ok("encode")
    schools.ok("upload")
    assert stage(welfare) == ("running", "blindlink round --wait")
    schools.ok("round", "--wait")
    assert stage(welfare) == ("links", "blindlink links")
    welfare.type("links")
    schools.ok("links")
    assert stage(welfare) == ("links", "blindlink links")
    welfare.ok("links")
    assert stage(welfare) == ("done", None)
    near.move(days=7)
    assert stage(welfare) == ("round", "blindlink refresh")


@pytest.mark.parametrize("terms", [{"start": "2026-12-01"}])
def test_project_that_is_not_in_force_is_told(welfare: Desk) -> None:
    assert stage(welfare) == ("not-in-force", None)
    said = welfare.ok("status").stdout
    assert "is not in force" in said
    assert "begins on 2026-12-01" in said


@pytest.mark.parametrize("terms", [{"due": "22:00"}])
def test_what_is_overdue_is_told_with_whose_hands_it_is_in(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    assert welfare.json("status")["overdue"] == []
    for command in ("encode", "upload"):
        welfare.ok(command)
    near.move(days=1)
    missing = "schools has not uploaded for round 1, which was due by"
    said = welfare.ok("status").stdout
    assert f"Overdue, in the hands of schools (duty analyst): {missing}" in said
    said = schools.ok("status").stdout
    assert f"Overdue, in your hands (duty analyst): {missing}" in said
    (late,) = schools.json("status")["overdue"]
    assert (late["what"], late["object"], late["party"]) == ("upload", "round-1", "schools")


SCHOOLS_ALONE = (Recipient(party="schools", mode="linked", space="shared"),)


@pytest.mark.parametrize("terms", [{"recipients": SCHOOLS_ALONE}])
def test_agency_that_receives_nothing_is_told_so(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    for desk in (welfare, schools):
        desk.ok("encode")
        desk.ok("upload")
    welfare.ok("round", "--wait")
    assert stage(welfare) == ("done", None)
    schools.ok("links")


def test_an_unnamed_key_file_is_asked_for_and_taken_before_or_after_the_command(
    welfare: Desk,
) -> None:
    settings = welfare.folder / "blindlink.toml"
    settings.write_text(settings.read_text().replace('key_file = "identity.key"', ""))
    (welfare.folder / "secret.txt").unlink()
    result = welfare.type("status")
    assert result.exit_code == 2
    assert (
        "name it as key_file in the section [identity], or give it with --key-file" in result.stderr
    )
    named = ("--key-file", str(welfare.folder / "identity.key"))
    assert welfare.ok(*named, "status").stdout == welfare.ok("status", *named).stdout
