"""Filling the outbox: clkhash's bits, handles that stay, and no trace of the file's order."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from clkhash import clk
from clkhash import schema as clkhash_schema
from oracles.agency import NOW, Agency

from encoding.agency_file import AgencyFile
from encoding.errors import (
    ConfigError,
    FileMissingError,
    HandleMapError,
    InvalidRowsError,
    LinkageSchemaError,
    MissingColumnError,
    NotReadyError,
    RecordCountError,
)
from encoding.outbox import read_outbox
from encoding.secret import Secret
from schemas.api import ProjectView
from schemas.profile import Hardening


@pytest.fixture
def agency(tmp_path: Path, view: ProjectView, secret: Secret) -> Agency:
    return Agency(tmp_path, view, secret)


def clkhash_bytes(view: ProjectView, secret: Secret, rows: list[tuple[str, ...]]) -> list[bytes]:
    """Encode rows without their record ID with clkhash itself."""
    text = "first,last,born\n" + "".join(",".join(row[1:]) + "\n" for row in rows)
    schema = clkhash_schema.from_json_dict(json.loads(view.profile.linkage_schema))
    made = clk.generate_clk_from_csv(
        io.StringIO(text), secret.clk_key, schema, progress_bar=False, max_workers=1
    )
    return [bits.tobytes() for bits in made]


def test_every_record_carries_the_bits_of_clkhash(agency: Agency, people, write_people) -> None:
    agency.encode(write_people(people))
    expected = clkhash_bytes(agency.view, agency.secret, people)
    found = agency.encodings()
    assert [found[agency.handle_of(row[0])] for row in people] == [[e] for e in expected]


def test_manifest_states_what_the_container_holds(agency: Agency, people, write_people) -> None:
    filled = agency.encode(write_people(people))
    manifest, raw = filled.outbox.manifest, agency.container()
    assert manifest.container_sha256 == hashlib.sha256(raw).hexdigest()
    assert manifest.container_bytes == len(raw)
    assert (manifest.records, manifest.encodings) == (4, 4)
    assert manifest.agreement == agency.view.agreement
    assert manifest.key_id == agency.secret.key_id
    assert manifest.created == "2026-11-20T22:30:00Z"
    assert read_outbox(agency.workspace, "foster-pupils") == filled.outbox


@pytest.mark.parametrize("seed", range(5))
def test_resorted_file_gives_the_same_container(agency: Agency, people, write_people, seed) -> None:
    rows = [*people, ("7", "Anna", "Ortiz", "2011-04-09"), ("7", "Ana", "Perez", "2011-04-09")]
    agency.encode(write_people(rows))
    before = agency.container()
    random.Random(seed).shuffle(rows)
    agency.encode(write_people(rows, "again.csv"))
    assert agency.container() == before


def test_order_of_the_container_is_not_that_of_the_file(agency: Agency, write_people) -> None:
    rows = [(f"{number:03}", f"Name{number}", "Lee", "2011-01-01") for number in range(200)]
    agency.encode(write_people(rows))
    handles = list(agency.encodings())
    assert handles != [agency.handle_of(row[0]) for row in rows]


def test_rows_of_one_record_id_are_variants_of_one_handle(agency: Agency, people, write_people):
    rows = [*people, ("7", "Anna", "Ortiz", "2011-04-09"), ("7", "Ana", "Ortiz", "2011-04-09")]
    agency.encode(write_people(rows))
    expected = clkhash_bytes(agency.view, agency.secret, [rows[0], rows[4]])
    assert agency.encodings()[agency.handle_of("7")] == sorted(expected)


def test_handles_are_kept_for_the_next_file(agency: Agency, people, write_people) -> None:
    agency.encode(write_people(people[:3]))
    before = [agency.handle_of(row[0]) for row in people[:3]]
    agency.encode(write_people(people[1:]))
    assert [agency.handle_of(row[0]) for row in people[:3]] == before


def test_another_epoch_draws_other_handles(agency: Agency, people, write_people, view_with) -> None:
    agency.encode(write_people(people))
    first = set(agency.encodings())
    agency.encode(write_people(people), view=view_with(epoch=2))
    assert not first & set(agency.encodings())


def test_headers_of_the_agency_are_mapped(agency: Agency, people, tmp_path: Path) -> None:
    path = tmp_path / "mapped.csv"
    lines = ["DOB;CID;Vorname;Name", *(f"{b};{i};{f};{n}" for i, f, n, b in people)]
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    agency.encode(
        path,
        file=AgencyFile(path, "CID", encoding="cp1252", delimiter=";"),
        columns={"first": "Vorname", "last": "Name", "born": "DOB"},
    )
    expected = clkhash_bytes(agency.view, agency.secret, people)
    found = agency.encodings()
    assert [found[agency.handle_of(row[0])] for row in people] == [[e] for e in expected]


def test_invalid_row_stops_before_anything_is_written(agency: Agency, people, write_people) -> None:
    rows = [*people, ("5", "Eve", "CANARY", "31/12/2010"), ("", "Flo", "May", "2010-01-01")]
    with pytest.raises(InvalidRowsError) as caught:
        agency.encode(write_people(rows))
    assert str(caught.value).startswith("row 5, column born: ")
    assert [problem.row for problem in caught.value.problems] == [5, 6]
    assert "CANARY" not in str(caught.value)
    assert "31/12" not in str(caught.value)
    for folder in ("outbox", "handles", "scratch"):
        assert not any(
            path.suffix in {".enc", ".json", ".map"}
            for path in (agency.workspace.folder / folder).rglob("*")
        )


def test_invalid_row_leaves_the_former_outbox(agency: Agency, people, write_people) -> None:
    before = agency.encode(write_people(people)).outbox
    with pytest.raises(InvalidRowsError):
        agency.encode(write_people([*people, ("", "Flo", "May", "2010-01-01")]))
    assert read_outbox(agency.workspace, "foster-pupils") == before


def test_skipped_rows_are_listed_without_values(agency: Agency, people, write_people, tmp_path):
    rows = [("5", "Eve", "CANARY", "31/12/2010"), *people, ("", "Flo", "May", "2010-01-01")]
    filled = agency.encode(write_people(rows), skip_invalid=tmp_path / "skipped.csv")
    text = (tmp_path / "skipped.csv").read_text(encoding="utf-8")
    listed = list(csv.DictReader(text.splitlines()))
    assert [(line["row"], line["column"]) for line in listed] == [("1", "born"), ("6", "ID")]
    assert "CANARY" not in text
    assert (filled.rows, filled.rows_skipped, filled.outbox.manifest.records) == (6, 2, 4)


def test_file_without_one_valid_row_is_refused_even_when_skipping(agency, write_people, tmp_path):
    rows = [("1", "A", "B", "01/02/2003"), ("2", "A", "B", "01/02/2003")]
    with pytest.raises(InvalidRowsError):
        agency.encode(write_people(rows), skip_invalid=tmp_path / "skipped.csv")
    assert not (tmp_path / "skipped.csv").exists()


def test_more_rows_of_a_record_than_the_agreement_allows_are_reported(agency, write_people) -> None:
    rows = [("1", f"Name{number}", "Lee", "2011-01-01") for number in range(5)]
    with pytest.raises(InvalidRowsError, match="more different rows than the 3") as caught:
        agency.encode(write_people(rows))
    assert caught.value.n_problems == 2


def test_empty_row_is_too_sparse(agency: Agency, people, write_people, view_of, profile_with):
    schema = json.loads(profile_with().linkage_schema)
    schema["features"] = schema["features"][:2]
    agency.view = view_of(profile_with(linkage_schema=json.dumps(schema)))
    with pytest.raises(InvalidRowsError, match=r"^row 5: too little is in this row"):
        agency.encode(write_people([*people, ("5", "", "", "2010-01-01")]))


def test_hardened_encodings_have_the_length_of_the_profile(
    agency, write_people, view_of, profile_with
):
    hardening = Hardening(kind="eld1", taps=4, output_bits=512)
    agency.view = view_of(profile_with(hardening=hardening))
    rows = [(str(n), f"Name{n}", f"Maria de la Cruz {n}", f"2011-02-{n:02}") for n in range(1, 9)]
    filled = agency.encode(write_people(rows))
    assert {len(e) for encodings in agency.encodings().values() for e in encodings} == {64}
    (warning,) = filled.warnings
    assert "eld1 is broken" in warning
    assert "do not use real records" in warning


def test_hardened_encodings_depend_on_the_secret(
    tmp_path, secret, write_people, view_of, profile_with
) -> None:
    view = view_of(profile_with(hardening=Hardening(kind="eld1", taps=4, output_bits=512)))
    path = write_people([("1", "Maria Josefina", "de la Cruz Rodriguez", "2011-02-03")])
    made = []
    for number, used in enumerate([secret, secret, Secret(bytes(range(1, 33)))]):
        agency = Agency(tmp_path / str(number), view, used)
        agency.encode(path)
        made.append(agency.container()[-64:])
    assert made[0] == made[1] != made[2]


def test_salt_that_the_recipe_does_not_make_is_refused(
    agency: Agency, people, write_people, view_of, profile_with
) -> None:
    hardening = Hardening(kind="eld1", taps=4, output_bits=512, salt="birth-year")
    agency.view = view_of(profile_with(hardening=hardening))
    with pytest.raises(LinkageSchemaError, match="salt"):
        agency.encode(write_people(people))


def test_plain_encodings_come_with_a_warning(agency: Agency, people, write_people) -> None:
    assert "not hardened" in agency.encode(write_people(people)).warnings[0]


def test_same_content_keeps_its_manifest(agency: Agency, people, write_people) -> None:
    first = agency.encode(write_people(people)).outbox.manifest
    again = agency.encode(write_people(people), now=NOW + timedelta(hours=3)).outbox.manifest
    assert again == first


def test_another_day_makes_another_manifest(agency: Agency, people, write_people) -> None:
    first = agency.encode(write_people(people)).outbox.manifest
    again = agency.encode(write_people(people), as_of="2026-11-27").outbox.manifest
    assert (again.as_of, again.container_sha256) == ("2026-11-27", first.container_sha256)


@pytest.mark.parametrize("limits", [{"min_records": 5}, {"max_records": 3}])
def test_too_few_or_too_many_records_are_refused(
    agency: Agency, people, write_people, view_with, limits
) -> None:
    with pytest.raises(RecordCountError):
        agency.encode(write_people(people), view=view_with(**limits))


def test_missing_column_is_named_as_the_settings_call_it(agency: Agency, people, write_people):
    with pytest.raises(MissingColumnError, match="no column BIRTH, which stands for born"):
        agency.encode(write_people(people), columns={"born": "BIRTH"})


def test_mapping_of_an_unknown_name_is_refused(agency: Agency, people, write_people) -> None:
    with pytest.raises(ConfigError, match="names nickname"):
        agency.encode(write_people(people), columns={"nickname": "first"})


def test_missing_record_id_column_is_refused(agency: Agency, people, write_people) -> None:
    path = write_people(people)
    with pytest.raises(MissingColumnError, match="no column NUMBER"):
        agency.encode(path, file=AgencyFile(path, "NUMBER"))


def test_missing_file_is_named(agency: Agency, tmp_path: Path) -> None:
    with pytest.raises(FileMissingError):
        agency.encode(tmp_path / "none.csv")


def test_damaged_handle_map_stops_everything(agency: Agency, people, write_people) -> None:
    agency.encode(write_people(people))
    path = agency.workspace.handle_map("foster-pupils", 1)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(HandleMapError):
        agency.encode(write_people(people))


def test_nothing_is_left_in_scratch(agency: Agency, people, write_people) -> None:
    agency.encode(write_people(people))
    with pytest.raises(InvalidRowsError):
        agency.encode(write_people([*people, ("", "Flo", "May", "2010-01-01")]))
    assert not (agency.workspace.folder / "scratch").exists()


def test_progress_of_both_readings_reaches_the_end(agency: Agency, people, write_people) -> None:
    agency.encode(write_people(people))
    assert agency.progress[0][0] == "reading record IDs"
    assert agency.progress[-1] == ("encoding", 1.0)


def test_outbox_without_manifest_is_not_ready(agency: Agency, people, write_people) -> None:
    agency.encode(write_people(people))
    agency.workspace.container("foster-pupils").with_suffix(".json").unlink()
    with pytest.raises(NotReadyError):
        read_outbox(agency.workspace, "foster-pupils")


def test_chunks_do_not_change_the_container(agency, write_people, monkeypatch) -> None:
    rows = [(str(n % 70), f"Name{n % 90}", "Lee", "2011-01-01") for n in range(100)]
    agency.encode(write_people(rows))
    whole = agency.container()
    from encoding.records import Table

    chunks = Table.chunks
    monkeypatch.setattr(Table, "chunks", lambda table: chunks(table, 7))
    agency.encode(write_people(rows))
    assert agency.container() == whole
