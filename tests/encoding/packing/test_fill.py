"""Filling the outbox: what the slow twin makes of the same people, under handles that only the map can read."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rigs.agency import Agency
from samples.documents import stated_audit
from samples.refusals import raises
from samples.round_files import random_people
from twins import bsf1

from encoding.errors import (
    ConfigError,
    EmptyFileError,
    FileMissingError,
    InputError,
    InvalidRowsError,
    MissingColumnError,
    NotReadyError,
    RecordCountError,
)
from encoding.packing import fill
from encoding.packing.outbox import manifest_path, read_outbox
from encoding.packing.partition import Buckets
from encoding.recipe import Recipe
from encoding.records import Table
from encoding.records.agency_file import AgencyFile
from encoding.secret.secret import Secret
from schemas.api.projects import ProjectView
from schemas.linkage.counts import SMALLEST_COUNTED_FILE
from schemas.linkage.profile import SIDES, Side, memory_columns

Rows = list[tuple[str, ...]]


@pytest.fixture(params=SIDES)
def agency(request, tmp_path: Path, view: ProjectView, secret: Secret) -> Agency:
    return Agency(tmp_path, view, secret, request.param)


@pytest.fixture
def welfare(tmp_path: Path, view: ProjectView, secret: Secret) -> Agency:
    return Agency(tmp_path, view, secret)


def slow_tokens(agency: Agency, rows: Rows) -> dict[str, set[bytes]]:
    """Return the tokens of each record, as the slow twin says: of a block that is not full, all places."""
    profile = agency.view.profile
    derived = Recipe.load(profile.recipe).derive(
        {
            name: [row[at] for row in rows]
            for at, name in enumerate(("first_name", "last_name", "birth_date"), 1)
        },
        date_format="YYYY-MM-DD",
        first_row=0,
    )
    spellings: dict[str, list[bsf1.Columns]] = {}
    for at, row in enumerate(derived.row_of):
        columns = {name: cells[at] for name, cells in derived.columns.items()}
        columns |= dict.fromkeys(memory_columns(profile), "")
        spellings.setdefault(rows[row][0], []).append(columns)
    terms, pair = agency.view.terms, agency.turn.pair
    key = bsf1.round_key(
        bytes(range(32)),
        terms.project,
        str(terms.epoch),
        "schools",
        "welfare",
        bytes.fromhex(profile.digest()),
        str(agency.turn.round),
        bytes.fromhex(pair.nonce_larger.nonce),
        bytes.fromhex(pair.nonce_smaller.nonce),
    )
    stated: dict[str, Any] = profile.to_json()
    return {
        record: {
            bsf1.token_and_key(cell, place)[0]
            for _, _, cell in bsf1.cells(stated, key, agency.turn.side, own)
            for place in range(stated["block_cap"])
        }
        for record, own in spellings.items()
    }


def all_tokens(agency: Agency) -> set[bytes]:
    return {token for token, _, _ in agency.container().rows}


def handle(agency: Agency, record_id: str) -> bytes:
    found = agency.handle_of(record_id)
    assert found is not None
    return found


def test_every_record_stands_under_the_tokens_of_the_slow_twin(
    agency: Agency, people, write_people
) -> None:
    agency.encode(write_people(people))
    made = agency.container()
    for record, expected in slow_tokens(agency, people).items():
        found = made.tokens_of(handle(agency, record)) & expected
        cap = agency.view.profile.block_cap
        n_cells = len(expected) // cap
        # In the larger file each cell of a record gets one place, in the smaller all of them.
        assert len(found) == (n_cells if agency.turn.side == "larger" else n_cells * cap)


def test_head_and_manifest_state_what_the_slow_reader_counts(
    agency: Agency, people, write_people
) -> None:
    filled = agency.encode(write_people(people))
    manifest, raw, made = filled.outbox.manifest, agency.raw(), agency.container()
    side = agency.turn.side
    assert made.handles == sorted(set(made.handles))
    assert made.rows == sorted(made.rows, key=lambda row: row[:2])
    assert made.header["root"] == made.root == manifest.root
    assert manifest.container_sha256 == hashlib.sha256(made.head).hexdigest()
    assert (manifest.container_bytes, manifest.records) == (len(raw), 4)
    assert manifest.rows == len(made.rows) == 4 * agency.view.profile.rows(side)
    stated = {name: made.header[name] for name in ("round", "party", "partner", "side", "key_id")}
    assert stated == {name: getattr(manifest, name) for name in stated}
    assert (manifest.agreement, manifest.key_id) == (agency.view.agreement, agency.secret.key_id)
    assert (manifest.created, manifest.partner_root) == ("2026-11-20T22:30:00Z", None)
    again = read_outbox(agency.workspace, "foster-pupils", 1, agency.turn.partner)
    assert again == filled.outbox


def test_two_fills_of_a_file_have_the_same_records_under_other_handles(
    agency: Agency, people, write_people
) -> None:
    path = write_people(people)
    first, second = [], []
    for made in (first, second):
        agency.encode(path)
        container = agency.container()
        handles = {row[0]: handle(agency, row[0]) for row in people}
        assert sorted(handles.values()) == container.handles
        made += [container, handles]
    assert not set(first[0].handles) & set(second[0].handles)
    assert first[0].root != second[0].root
    expected = slow_tokens(agency, people)
    for record, tokens in expected.items():
        for container, handles in (first, second):
            assert container.tokens_of(handles[record]) & tokens


def test_the_order_of_the_container_is_not_that_of_the_file(welfare: Agency, write_people) -> None:
    rows = [(f"{number:03}", f"Name{number}", "Lee", "2011-01-01") for number in range(60)]
    welfare.encode(write_people(rows))
    assert welfare.container().handles != [handle(welfare, row[0]) for row in rows]
    # Both readings tell that they reach the end.
    assert {("reading record IDs", 1.0), ("encoding", 1.0)} <= {*welfare.progress}


def test_how_many_rows_a_record_had_does_not_show(agency: Agency, people, write_people) -> None:
    """Also a record without any key has the same number of rows as all others."""
    # In a file without a sex, a main spelling of both names leaves no room for another.
    main = ("7", "", "Ortiz", "2011-04-09")
    rows = [
        *(one for one in people if one[0] != "7"),
        main,
        ("7", "Anna", "Ortiz", "2011-04-09"),
        ("7", "Ana", "Perez", "2011-04-09"),
        ("5", "", "Solo", ""),
    ]
    filled = agency.encode(write_people(rows))
    made = agency.container()
    assert (filled.rows, filled.outbox.manifest.records) == (7, 5)
    each = agency.view.profile.rows(agency.turn.side)
    assert made.rows_of_record() == Counter(dict.fromkeys(range(5), each))
    tokens = slow_tokens(agency, rows)["7"]
    more = tokens - slow_tokens(agency, [main])["7"]
    assert more
    assert made.tokens_of(handle(agency, "7")) & more


def test_another_secret_round_or_epoch_shares_no_token(
    welfare: Agency, people, write_people, view_with
) -> None:
    path = write_people(people)
    welfare.encode(path)
    before = all_tokens(welfare)
    welfare.encode(path)
    assert len(all_tokens(welfare) & before) >= len(slow_tokens(welfare, people)["7"])
    welfare.encode(path, view=view_with(epoch=2))
    assert not before & all_tokens(welfare)
    welfare.secret = Secret(bytes(range(1, 33)))
    welfare.encode(path)
    assert not before & all_tokens(welfare)


def test_headers_of_the_agency_are_mapped(welfare: Agency, people, tmp_path: Path) -> None:
    path = tmp_path / "mapped.csv"
    lines = ["DOB;CID;Vorname;Name", *(f"{b};{i};{f};{n}" for i, f, n, b in people)]
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    welfare.encode(
        path,
        file=AgencyFile(path, "CID", encoding="cp1252", delimiter=";"),
        columns={"first_name": "Vorname", "last_name": "Name", "birth_date": "DOB"},
    )
    made = welfare.container()
    for record, tokens in slow_tokens(welfare, people).items():
        assert tokens <= made.tokens_of(handle(welfare, record))


def test_chunks_change_no_record(agency: Agency, people, write_people, monkeypatch) -> None:
    rows = [*people, *((record, f"X{first}", last, born) for record, first, last, born in people)]
    chunks = Table.chunks
    monkeypatch.setattr(Table, "chunks", lambda table: chunks(table, 3))
    agency.encode(write_people(rows))
    made = agency.container()
    for record, tokens in slow_tokens(agency, rows).items():
        n_cells = len(tokens) // agency.view.profile.block_cap
        assert len(made.tokens_of(handle(agency, record)) & tokens) >= n_cells


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("missing", [0, 1])
def test_only_a_larger_file_of_enough_records_states_counts(
    tmp_path, view, secret, write_people, side: Side, missing: int
) -> None:
    import random

    agency = Agency(tmp_path, view, secret, side)
    many = random_people(random.Random(4), SMALLEST_COUNTED_FILE - missing)
    rows = [
        (str(at), one["first_name"], one["surname_1"], f"{one['birth_year']}-01-{at % 28 + 1:02}")
        for at, one in enumerate(many)
    ]
    if side == "smaller":
        rows = rows[: agency.view.terms.file_size("welfare").most]
    audit = stated_audit(agency.view.terms.profile, side, len(rows))
    manifest = agency.encode(write_people(rows), audit=audit).outbox.manifest
    assert (manifest.counts is not None) == (side == "larger" and not missing)
    if manifest.counts is not None:
        # The file has no column for it: nothing was counted, and the profile's own stand there.
        (sex,) = (one for one in agency.view.profile.fields if one.name == "sex")
        (stated,) = (one for one in manifest.counts.fields if one.field == "sex")
        assert stated.strangers == tuple(level.u for level in sex.levels)


WITHOUT_ID = ("", "Flo", "May", "2010-01-01")
WRONG_DATE = ("5", "Eve", "CANARY", "31/12/2010")


def test_invalid_row_stops_before_anything_is_written_and_leaves_the_former_outbox(
    welfare: Agency, people, write_people
) -> None:
    with pytest.raises(InvalidRowsError) as caught:
        welfare.encode(write_people([*people, WRONG_DATE, WITHOUT_ID]))
    assert str(caught.value).startswith("row 5, column born: ")
    assert [problem.row for problem in caught.value.problems] == [5, 6]
    assert "CANARY" not in str(caught.value)
    assert "31/12" not in str(caught.value)
    assert not [
        path
        for folder in ("outbox", "handles", "scratch")
        for path in (welfare.workspace.folder / folder).rglob("*")
    ]
    before = welfare.encode(write_people(people)).outbox
    map_before = welfare.handle_map.read_bytes()
    with pytest.raises(InvalidRowsError):
        welfare.encode(write_people([*people, WITHOUT_ID]))
    assert read_outbox(welfare.workspace, "foster-pupils", 1, "schools") == before
    assert welfare.handle_map.read_bytes() == map_before
    assert not (welfare.workspace.folder / "scratch").exists()


def test_skipped_rows_are_listed_without_values_unless_no_row_is_valid(
    welfare: Agency, people, write_people, tmp_path
):
    """As where the date format is another one: nothing but padding would be sent."""
    skipped = tmp_path / "skipped.csv"
    with pytest.raises(InvalidRowsError):
        welfare.encode(write_people([WRONG_DATE, WRONG_DATE]), skip_invalid=skipped)
    for rows in ([WITHOUT_ID], []):
        with raises((RecordCountError, EmptyFileError)):
            welfare.encode(write_people(rows), skip_invalid=skipped)
    assert not skipped.exists()
    assert not welfare.handle_map.exists()
    filled = welfare.encode(write_people([WRONG_DATE, *people, WITHOUT_ID]), skip_invalid=skipped)
    text = skipped.read_text(encoding="utf-8")
    listed = list(csv.DictReader(text.splitlines()))
    assert [(line["row"], line["column"]) for line in listed] == [("1", "born"), ("6", "ID")]
    assert "CANARY" not in text
    assert (filled.rows, filled.rows_skipped) == (6, 2)


def test_a_cell_that_is_too_long_is_refused_without_its_text(
    welfare: Agency, people, write_people
) -> None:
    long = "CANARY" * 12_000
    for names in ((long, "Lee"), ("Ana", long)):
        with pytest.raises(InputError) as caught:
            welfare.encode(write_people([*people, ("5", *names, "2011-01-01")]))
        assert "CANARY" not in f"{caught.value} {caught.value.hint}"
        assert not welfare.handle_map.exists()


def test_more_spellings_than_there_is_room_for_are_dropped(
    welfare: Agency, people, write_people
) -> None:
    rows = [*people, *(("7", f"Na{at}me", f"O{at}r", "2011-04-09") for at in "BCDFGHKLMP")]
    welfare.encode(write_people(rows))
    each = welfare.view.profile.rows("smaller")
    assert welfare.container().rows_of_record() == Counter(dict.fromkeys(range(4), each))


def test_too_few_or_too_many_records_are_refused(
    welfare: Agency, people, write_people, view
) -> None:
    for size in ({"least": 5, "most": 9}, {"least": 1, "most": 3}):
        files = tuple(one.model_copy(update=size) for one in view.terms.files)
        terms = view.terms.model_copy(update={"files": files})
        with raises(RecordCountError):
            welfare.encode(write_people(people), view=view.model_copy(update={"terms": terms}))


COLUMNS = {"first_name": "first", "last_name": "last", "birth_date": "born"}


def test_a_file_or_columns_that_are_not_there_are_named_as_the_settings_call_them(
    welfare: Agency, people, write_people, tmp_path: Path
) -> None:
    path = write_people(people)
    for columns, error, said in (
        ({"birth_date": "BIRTH"}, MissingColumnError, "column BIRTH, which stands for birth_date"),
        ({"nickname": "first"}, ConfigError, "names nickname"),
    ):
        with raises(error, match=said):
            welfare.encode(path, columns=COLUMNS | columns)
    with raises(MissingColumnError, match="no column NUMBER"):
        welfare.encode(path, file=AgencyFile(path, "NUMBER"))
    with raises(FileMissingError):
        welfare.encode(tmp_path / "none.csv")


def test_killed_between_map_and_manifest_no_container_goes_out_that_the_map_cannot_read(
    welfare: Agency, people, write_people, monkeypatch
) -> None:
    """A map that was replaced could not read the former container's handles."""
    path, write = write_people(people), fill.write_handle_map

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def killed_after(*given: Any) -> None:
        write(*given)
        raise KeyboardInterrupt

    for at, dying in (
        ("write_container", killed),
        ("write_durably", killed),
        ("write_handle_map", killed_after),
    ):
        welfare.encode(path)
        with monkeypatch.context() as patch:
            patch.setattr(fill, at, dying)
            with pytest.raises(KeyboardInterrupt):
                welfare.encode(path)
        with pytest.raises(NotReadyError):
            read_outbox(welfare.workspace, "foster-pupils", 1, "schools")
        welfare.encode(path)
        expected = sorted(handle(welfare, row[0]) for row in people)
        assert welfare.container().handles == expected, at


def test_outbox_of_which_a_part_is_not_there_is_not_ready(
    welfare: Agency, people, write_people
) -> None:
    path = welfare.workspace.container("foster-pupils", 1, "schools")
    welfare.encode(write_people(people))
    former = path.read_bytes()
    for damage in (
        lambda: manifest_path(path).unlink(),
        lambda: path.write_bytes(path.read_bytes()[:-1]),
        lambda: path.write_bytes(former),
    ):
        welfare.encode(write_people(people))
        damage()
        with pytest.raises(NotReadyError):
            read_outbox(welfare.workspace, "foster-pupils", 1, "schools")


def test_the_asked_agencys_handles_begin_with_the_label_of_their_bucket(
    welfare: Agency, write_people
) -> None:
    rows = [(f"{number}", "Ana", "Ortiz", "2011-04-09") for number in range(50)]
    path, buckets = write_people(rows), Buckets(5, frozenset())
    dealt = []
    for _ in range(2):
        welfare.encode(path, buckets=buckets)
        label_of = {record: handle(welfare, record)[:4] for record, *_ in rows}
        assert {one[:4] for one in welfare.container().handles} == {*label_of.values()}
        dealt.append(label_of)
    assert min(Counter(dealt[0].values()).values()) >= 10
    assert {*dealt[0].values()}.isdisjoint(dealt[1].values())
    # Under other labels the same are together.
    together = [
        {frozenset(r for r in found if found[r] == label) for label in found.values()}
        for found in dealt
    ]
    assert together[0] == together[1]
    welfare.encode(path)
    assert len({one[:4] for one in welfare.container().handles}) == 50
