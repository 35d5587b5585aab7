"""Handles become record IDs again at the agency that drew them, and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rigs.agency import Agency, turn_of
from samples.refusals import raises

from encoding.errors import HandleMapError, LinksFileError, NotReadyError
from encoding.records.agency_file import AgencyFile
from encoding.sharing.handle_resolution import Resolved, resolve_handles


@pytest.fixture
def agency(tmp_path: Path, view, secret) -> Agency:
    agency = Agency(tmp_path / "welfare", view, secret)
    agency.workspace.keep_project(view)
    return agency


def resolved(agency: Agency, people_file: Path, text: str) -> str:
    listed, output = (people_file.with_name(name) for name in ("listed.csv", "resolved.csv"))
    listed.write_text(text, encoding="utf-8")
    resolve_handles(agency.workspace, AgencyFile(people_file, "ID"), listed, output)
    return output.read_text(encoding="utf-8")


def test_rows_get_the_record_id_in_place_of_the_handle(agency, people, write_people):
    path = write_people(people)
    agency.encode(path)
    record_id, handle = people[0][0], agency.handle_of(people[0][0]).hex()
    unknown = "0" * 32
    text = f"pair,handle,band\n7,{handle},review\n8,{unknown},auto\n"
    assert resolved(agency, path, text) == (
        f"record_id,unknown_handle,pair,band\n{record_id},,7,review\n,{unknown},8,auto\n"
    )
    alone = resolved(agency, path, f"handle\n{handle}\n")
    assert alone == f"record_id,unknown_handle\n{record_id},\n"
    # What someone else wrote is no formula.
    formula = resolved(agency, path, f"handle,=x,band\n{handle},=A1,-1\n")
    assert formula == f"record_id,unknown_handle,'=x,band\n{record_id},,'=A1,-1\n"


def test_a_record_that_has_left_the_file_leaves_its_row(agency, tmp_path, people, write_people):
    path = write_people(people)
    agency.encode(path)
    gone, there = (agency.handle_of(people[place][0]).hex() for place in (0, 1))
    listed, output = tmp_path / "worksheet.csv", tmp_path / "visit.csv"
    listed.write_text(f"link,handle\n1,{gone}\n2,{there}\n", encoding="utf-8")
    file = AgencyFile(write_people(people[1:]), "ID")
    assert resolve_handles(agency.workspace, file, listed, output) == Resolved(2, 1)
    rows = output.read_text(encoding="utf-8").splitlines()
    assert rows[1:] == [f",{gone},1", f"{people[1][0]},,2"]


def test_handles_of_every_round_and_partner_are_found(agency, people, write_people):
    path = write_people(people)
    found = []
    for number in (1, 2):
        agency.turn = turn_of("smaller", number)
        agency.encode(path)
        found.append(agency.handle_of("7"))
    assert found[0] != found[1]
    text = "handle\n" + "".join(f"{handle.hex()}\n" for handle in found)
    assert resolved(agency, path, text) == "record_id,unknown_handle\n7,\n7,\n"


def test_what_cannot_be_resolved_is_refused_and_leaves_no_file(
    agency, tmp_path, view, secret, people, write_people
):
    path, of_nobody = write_people(people), f"handle\n{'0' * 32}\n"
    with pytest.raises(NotReadyError):
        resolved(Agency(tmp_path / "new", view, secret), path, of_nobody)
    agency.encode(path)
    for text in ("name\nx\n", "handle\nnot-one\n"):
        with raises(LinksFileError):
            resolved(agency, path, text)
    with raises(HandleMapError, match="none of the 1 handles"):
        resolved(agency, path, of_nobody)
    own = f"handle\n{agency.handle_of(people[0][0]).hex()}\n"
    shutil.rmtree(agency.workspace.folder / "handles")
    with raises(HandleMapError, match="none of the 1 handles"):
        resolved(agency, path, own)
    assert not path.with_name("resolved.csv").exists()
