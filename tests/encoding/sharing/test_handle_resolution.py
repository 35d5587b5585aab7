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


def resolved(agency: Agency, people_file: Path, listed: Path, text: str) -> str:
    listed.write_text(text, encoding="utf-8")
    output = listed.with_name("resolved.csv")
    resolve_handles(agency.workspace, AgencyFile(people_file, "ID"), listed, output)
    return output.read_text(encoding="utf-8")


def test_rows_get_the_record_id_in_place_of_the_handle(agency, tmp_path, people, write_people):
    path = write_people(people)
    agency.encode(path)
    record_id = people[0][0]
    text = f"pair,handle,band\n7,{agency.handle_of(record_id).hex()},review\n8,{'0' * 32},auto\n"
    found = resolved(agency, path, tmp_path / "pairs.csv", text)
    assert found == (
        f"record_id,unknown_handle,pair,band\n{record_id},,7,review\n,{'0' * 32},8,auto\n"
    )


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


def test_handles_of_every_round_and_partner_are_found(agency, tmp_path, people, write_people):
    path = write_people(people)
    found = []
    for number in (1, 2):
        agency.turn = turn_of("smaller", number)
        agency.encode(path)
        found.append(agency.handle_of("7"))
    assert found[0] != found[1]
    text = "handle\n" + "".join(f"{handle.hex()}\n" for handle in found)
    assert resolved(agency, path, tmp_path / "h.csv", text) == (
        "record_id,unknown_handle\n7,\n7,\n"
    )


def test_handles_alone_are_enough(agency, tmp_path, people, write_people):
    path = write_people(people)
    agency.encode(path)
    record_id = people[1][0]
    text = f"handle\n{agency.handle_of(record_id).hex()}\n"
    assert resolved(agency, path, tmp_path / "h.csv", text) == (
        f"record_id,unknown_handle\n{record_id},\n"
    )


def test_what_somebody_else_wrote_is_no_formula(agency, tmp_path, people, write_people):
    path = write_people(people)
    agency.encode(path)
    record_id = people[0][0]
    text = f"handle,=x,band\n{agency.handle_of(record_id).hex()},=A1,-1\n"
    found = resolved(agency, path, tmp_path / "pairs.csv", text)
    assert found == f"record_id,unknown_handle,'=x,band\n{record_id},,'=A1,-1\n"


@pytest.mark.parametrize("text", ["name\nx\n", "handle\nnot-one\n"])
def test_a_table_without_handles_is_refused(agency, tmp_path, people, write_people, text):
    path = write_people(people)
    agency.encode(path)
    with raises(LinksFileError):
        resolved(agency, path, tmp_path / "pairs.csv", text)


def test_handles_of_nobody_here_leave_no_file(agency, tmp_path, people, write_people):
    path = write_people(people)
    agency.encode(path)
    with raises(HandleMapError, match="none of the 1 handles"):
        resolved(agency, path, tmp_path / "pairs.csv", f"handle\n{'0' * 32}\n")
    assert not (tmp_path / "resolved.csv").exists()


def test_nothing_resolves_without_a_handle_map(agency, tmp_path, people, write_people):
    path = write_people(people)
    agency.encode(path)
    shutil.rmtree(agency.workspace.folder / "handles")
    with raises(HandleMapError, match="none of the 1 handles"):
        resolved(agency, path, tmp_path / "pairs.csv", f"handle\n{'0' * 32}\n")


def test_nothing_resolves_before_anything_was_encoded(tmp_path, view, secret, people, write_people):
    agency = Agency(tmp_path / "welfare", view, secret)
    with pytest.raises(NotReadyError):
        resolved(agency, write_people(people), tmp_path / "h.csv", "handle\n")
