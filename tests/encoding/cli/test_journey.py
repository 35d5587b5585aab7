"""The analyst's commands in their order, at two desks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from breaks.false_log import Log
from rigs.desk import Desk
from rigs.near_broker import HIGH_RATE, NearBroker, document, problem

from encoding.destruction.written_files import read_written
from encoding.evidence.person_disclosures import find_record
from encoding.workspace.workspace import open_workspace
from schemas.api import ProjectView

LINKED = ["4", "7", "x-3"]


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture
def uploaded(ready: NearBroker, welfare: Desk, schools: Desk, reach: Callable[..., Any]) -> Desk:
    def upload() -> None:
        for desk in (welfare, schools):
            desk.ok("encode")
            desk.ok("upload")

    reach(ready, "uploaded", upload)
    return welfare


@pytest.fixture
def ran(uploaded: Desk, ready: NearBroker, reach: Callable[..., Any]) -> Desk:
    reach(ready, "ran", lambda: uploaded.ok("run", "--wait"))
    return uploaded


@pytest.fixture
def linked(ran: Desk, ready: NearBroker, reach: Callable[..., Any]) -> Desk:
    """Child welfare has sent its claims, so that the schools' first `links` closes the round."""

    def claim() -> None:
        assert ran.type("links").exit_code == 7

    reach(ready, "claimed", claim)
    return ran


def agree(linked: Desk, schools: Desk) -> None:
    schools.ok("links")
    linked.ok("links")


def test_commands_lead_from_file_to_links(linked: Desk, schools: Desk) -> None:
    agree(linked, schools)
    mine = {row["record_id"]: row["link_id"] for row in read_csv(linked.folder / "links.csv")}
    theirs = {row["record_id"]: row["link_id"] for row in read_csv(schools.folder / "links.csv")}
    assert list(mine) == LINKED
    assert [theirs["p4"], theirs["p1"], theirs["p2"]] == list(mine.values())


def test_a_row_without_a_record_of_ours_is_kept_and_counted(linked: Desk) -> None:
    listed, out = linked.folder / "worksheet.csv", linked.folder / "visit.csv"
    workspace = open_workspace(linked.folder / "workspace")
    known = find_record(workspace, "foster-pupils", "4").handles[1, "schools"].hex()
    listed.write_text(f"link,handle\n1,{'0' * 32}\n2,{known}\n", encoding="utf-8")
    said = linked.ok("resolve", str(listed), "-o", str(out))
    assert "warning: rows without a record ID: 1;" in said.stderr
    assert read_csv(out) == [
        {"record_id": "", "unknown_handle": "0" * 32, "link": "1"},
        {"record_id": "4", "unknown_handle": "", "link": "2"},
    ]


def test_a_list_of_which_nothing_is_ours_is_refused(linked: Desk) -> None:
    listed, out = linked.folder / "worksheet.csv", linked.folder / "visit.csv"
    listed.write_text(f"link,handle\n1,{'0' * 32}\n", encoding="utf-8")
    refused = linked.type("resolve", str(listed), "-o", str(out))
    assert refused.exit_code == 1
    assert "none of the 1 handles" in refused.stderr
    assert not out.exists()


def test_listed_columns_travel_by_link_id(linked: Desk, schools: Desk) -> None:
    agree(linked, schools)
    out = schools.folder / "out.csv"
    schools.ok("extract", "--columns", "last", "-o", str(out))
    assert list(read_csv(out)[0]) == ["link_id", "last"]
    joined = linked.folder / "joined.csv"
    linked.ok("join", str(out), "--columns", "last", "-o", str(joined), "--all")
    assert [(row["ID"], row["last"]) for row in read_csv(joined)] == [
        ("7", "Ortiz"),
        ("07", ""),
        ("x-3", "O'Neal"),
        ("4", "Lee"),
    ]


def test_what_was_written_and_received_is_found_again(linked: Desk, schools: Desk) -> None:
    agree(linked, schools)
    out, joined = schools.folder / "out.csv", linked.folder / "joined.csv"
    schools.ok("extract", "--columns", "last", "-o", str(out))
    linked.ok("join", str(out), "--columns", "last", "-o", str(joined), "--all")
    noted = {
        (one.what, Path(one.path))
        for desk in (linked, schools)
        for one in read_written(open_workspace(desk.folder / "workspace"))
    }
    assert noted == {
        *(
            ("link-table", desk.folder / name)
            for desk in (linked, schools)
            for name in (
                "links.csv",
                "changes.csv",
                "unmatched.csv",
                "round-report.html",
                "round-report.json",
            )
        ),
        ("extract", out),
        ("received", out),
        ("received", joined),
    }


def test_extract_refuses_what_is_not_listed(linked: Desk, schools: Desk) -> None:
    agree(linked, schools)
    result = linked.type("extract", "--columns", "last", "-o", str(linked.folder / "out.csv"))
    assert result.exit_code == 2
    assert "the column last is not listed for sharing" in result.stderr
    assert not (linked.folder / "out.csv").exists()


def test_extract_warns_of_a_listed_identifier(linked: Desk, schools: Desk) -> None:
    schools.ok("links")
    result = schools.ok("extract", "--columns", "last", "-o", str(schools.folder / "out.csv"))
    assert "warning: the column last tells who someone is" in result.stderr


def test_extract_does_not_overwrite(linked: Desk, schools: Desk) -> None:
    agree(linked, schools)
    out = linked.folder / "out.csv"
    out.write_text("mine")
    assert linked.type("extract", "-o", str(out)).exit_code == 1
    assert out.read_text() == "mine"
    linked.ok("extract", "-o", str(out), "--force")


def test_every_reporting_command_prints_json(ran: Desk, schools: Desk) -> None:
    encoded = schools.type("encode", "--json")
    assert encoded.exit_code == 1
    run = ran.json("run", "--wait")["runs"][0]
    assert (run["state"], run["counts"]["auto_pairs"]) == ("succeeded", 3)
    assert ran.type("links", "--json").exit_code == 7
    written = schools.json("links")
    assert (written["round"], written["links"], written["missing"]) == (1, 3, 0)
    ran.ok("links")
    assert len(ran.json("receipt", "verify")) == 2
    extracted = ran.json("extract", "-o", str(ran.folder / "x.csv"))
    assert (extracted["rows"], extracted["columns"]) == (3, ["born"])


def test_encode_and_upload_print_json(ready: NearBroker, welfare: Desk) -> None:
    (container,) = welfare.json("encode")["containers"]
    assert (container["partner"], container["side"]) == ("schools", "smaller")
    assert (container["rows_of_file"], container["records"], container["rows_skipped"]) == (4, 4, 0)
    assert list(welfare.json("upload")["uploads"]) == ["schools"]
    assert welfare.json("status")["stage"] == "waiting"


def test_results_are_on_standard_output_and_remarks_are_not(linked: Desk, schools: Desk) -> None:
    result = schools.ok("links")
    assert result.stdout == ""
    assert "3 records have a link ID" in result.stderr
    assert linked.ok("--quiet", "links").stderr == ""
    assert linked.ok("links", "--quiet").stderr == ""


def test_links_leave_a_strange_file_alone(linked: Desk, schools: Desk) -> None:
    schools.ok("links")
    (linked.folder / "links.csv").write_text("my thesis")
    result = linked.type("links")
    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert (linked.folder / "links.csv").read_text() == "my thesis"


def test_receipts_verify_without_the_broker(linked: Desk, broker: NearBroker) -> None:
    n_requests = len(broker.courier.requests)
    result = linked.ok("receipt", "verify")
    assert len(broker.courier.requests) == n_requests
    kinds = sorted(line.split()[1] for line in result.stdout.splitlines())
    assert kinds == ["release-prepared", "upload-received"]


def test_tampered_receipt_is_named(linked: Desk) -> None:
    (path,) = (linked.folder / "workspace" / "receipts").glob("upl-*[0-9a-f].json")
    kept = json.loads(path.read_bytes())
    kept["entry"] = kept["entry"].replace('"records":4', '"records":9')
    from schemas.canonical import canonical_bytes

    path.write_bytes(canonical_bytes(kept))
    result = linked.type("receipt", "verify")
    assert result.exit_code == 1
    assert f"receipt {path.stem}: the receipt proves nothing" in result.stderr


def test_receipt_verify_before_any_upload_is_not_ready(welfare: Desk) -> None:
    result = welfare.type("receipt", "verify")
    assert result.exit_code == 1
    assert "log key is not known" in result.stderr


def test_invalid_rows_end_with_3_and_write_nothing(
    ready: NearBroker, welfare: Desk, people, write_people
) -> None:
    write_people([*people, ("5", "Eve", "CANARY", "31.12.2010")])
    before = welfare.files()
    result = welfare.type("encode")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-2].startswith("blindlink: error: row 5, column born: ")
    assert result.stderr.splitlines()[-1].startswith("hint: ")
    assert "CANARY" not in result.stderr
    written = {name for name in welfare.files() - before if not name.startswith("workspace/")}
    assert written == set()
    assert not any(name.endswith((".enc", ".map")) for name in welfare.files())


def test_invalid_rows_can_be_skipped(
    ready: NearBroker, welfare: Desk, people, write_people
) -> None:
    write_people([*people, ("5", "Eve", "CANARY", "31.12.2010")])
    skipped = welfare.folder / "skipped.csv"
    result = welfare.ok("encode", "--skip-invalid", str(skipped))
    assert "1 rows were left out" in result.stderr
    assert [row["row"] for row in read_csv(skipped)] == ["5"]


def test_options_take_precedence_over_the_settings(
    ready: NearBroker, welfare: Desk, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("N,a,b,c\n1,Ana,Ortiz,04/09/2011\n")
    columns = [
        word
        for pair in ("first_name=a", "last_name=b", "birth_date=c")
        for word in ("--column", pair)
    ]
    (container,) = welfare.json(
        "encode", str(other), "--id-column", "N", *columns, "--date-format", "MM/DD/YYYY",
        "--as-of", "2026-10-01",
    )["containers"]  # fmt: skip
    assert container["records"] == 1
    manifest = json.loads(Path(container["container"]).with_suffix(".json").read_bytes())
    assert manifest["as_of"] == "2026-10-01"


def test_columns_can_come_as_a_file(ready: NearBroker, welfare: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("ID,a,b,c\n1,Ana,Ortiz,2011-04-09\n")
    mapping = tmp_path / "columns.toml"
    mapping.write_text('first_name = "a"\nlast_name = "b"\nbirth_date = "c"\n')
    made = welfare.json("encode", str(other), "--columns", str(mapping))
    assert made["containers"][0]["records"] == 1


@pytest.mark.parametrize("pair", ["first_name", "=a", "first_name="])
def test_malformed_mapping_is_a_usage_error(welfare: Desk, pair: str) -> None:
    assert welfare.type("encode", "--column", pair).exit_code == 2


def test_population_that_the_agreement_does_not_name_is_refused(
    ready: NearBroker, welfare: Desk
) -> None:
    result = welfare.type("encode", "--population", "all-pupils")
    assert result.exit_code == 2
    assert "the agreement is about the population in-care" in result.stderr


def test_upload_before_encode_says_what_comes_first(ready: NearBroker, welfare: Desk) -> None:
    result = welfare.type("upload")
    assert result.exit_code == 1
    assert "hint: encode the file first: blindlink encode" in result.stderr


def test_run_before_the_other_agency_has_uploaded_says_whom_it_waits_for(
    ready: NearBroker, welfare: Desk
) -> None:
    welfare.ok("encode")
    welfare.ok("upload")
    result = welfare.type("run", "--wait")
    assert result.exit_code == 7
    assert "round 1 waits for the upload of schools" in result.stderr


def test_a_round_begins_once_all_are_ready(
    broker: NearBroker, welfare: Desk, schools: Desk
) -> None:
    refused = welfare.type("encode")
    assert refused.exit_code == 7
    assert "schools has yet to get ready" in refused.stderr
    assert "all agencies are ready" in schools.ok("round", "ready").stderr
    welfare.ok("encode")


@pytest.mark.parametrize("terms", [{"policy": HIGH_RATE}])
def test_failed_run_ends_with_6(uploaded: Desk) -> None:
    result = uploaded.type("run", "--wait")
    assert result.exit_code == 6
    assert "more or fewer records are linked than the agreement expects" in result.stderr


def test_a_person_who_was_revoked_ends_with_4(welfare: Desk, broker: NearBroker) -> None:
    broker.revoke("welfare")
    assert welfare.type("status").exit_code == 4


def test_unreachable_broker_ends_with_5(welfare: Desk, broker: NearBroker) -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no network")

    broker.courier.before = refuse
    result = welfare.type("run")
    assert result.exit_code == 5
    assert result.stderr.count("trying again for up to") == 1


def test_status_shows_what_the_broker_said_last_where_it_does_not_answer(
    linked: Desk, broker: NearBroker
) -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no network")

    said = linked.ok("status").stdout
    broker.courier.before = refuse
    result = linked.type("status")
    assert result.exit_code == 5
    first, rest = result.stdout.split("\n", 1)
    assert first.startswith("The broker does not answer. This is what it said last, at 2")
    assert rest == said
    assert "trying again" not in result.stderr
    assert linked.type("status", "--json").exit_code == 5


def test_rewritten_log_stops_every_command_that_asks_the_broker(linked: Desk, broker) -> None:
    broker.rewrite_log()
    linked_before = linked.files()
    for words in (["upload"], ["run"], ["links"], ["status"], ["refresh"], ["encode"]):
        result = linked.type(*words)
        assert result.exit_code == 1, words
        assert "rewritten or cut off" in result.stderr
    # A lock's file stays, empty.
    new = {name for name in linked.files() - linked_before if not name.endswith("/refresh-lock")}
    assert new
    assert all("pins/evidence-" in name for name in new)


def test_first_log_key_is_shown_to_be_compared(welfare: Desk, broker: NearBroker) -> None:
    assert broker.broker.log.key.text in welfare.ok("status").stderr
    assert broker.broker.log.key.text not in welfare.ok("status").stderr


def test_log_key_of_the_settings_is_held_against_the_broker(welfare: Desk, broker) -> None:
    config = welfare.folder / "blindlink.toml"
    other = Log().key
    text = config.read_text().replace(
        '# log_key = "broker.example.gov+..."', f'log_key = "{other}"'
    )
    config.write_text(text)
    result = welfare.type("status")
    assert result.exit_code == 1
    assert "signed by a different key" in result.stderr


def test_refusal_of_the_broker_shows_its_clause(uploaded: Desk, broker: NearBroker) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path != "/v1/projects/foster-pupils/rounds":
            return None
        return problem(409, "not-in-force", detail="The project has ended.", clause="end")

    broker.courier.before = refuse
    result = uploaded.type("run")
    assert result.exit_code == 1
    assert "the project has ended (clause end)" in result.stderr


def test_two_commands_at_once_are_refused(uploaded: Desk) -> None:
    from encoding.workspace.workspace import open_workspace

    with open_workspace(uploaded.folder / "workspace").lock():
        result = uploaded.type("encode")
    assert result.exit_code == 1
    assert "another blindlink command is using this workspace" in result.stderr


def test_a_sealed_file_of_columns_is_joined_without_opening_it_first(
    linked: Desk, schools: Desk
) -> None:
    agree(linked, schools)
    out = schools.folder / "out.csv"
    schools.ok("extract", "--columns", "last", "-o", str(out))
    schools.ok("seal", str(out), "--to", "welfare", "--offline")
    words = ("join", str(schools.folder / "out.csv.sealed"), "--columns", "last", "-o")
    linked.ok(*words, str(linked.folder / "joined.csv"))
    assert [row["last"] for row in read_csv(linked.folder / "joined.csv")] == [
        "Ortiz",
        "O'Neal",
        "Lee",
    ]
    refused = linked.type(
        "join", str(schools.folder / "out.csv.sealed"), "--columns", "first", "-o", "no.csv"
    )
    assert "out.csv holds the column last" in refused.stderr
    assert not any("out.csv" in name for name in linked.files())


def test_terms_that_nobody_has_signed_lead_nowhere(ready: NearBroker, welfare: Desk) -> None:
    def unsigned(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path != "/v1/projects/foster-pupils":
            return response
        view = ProjectView.from_json(json.loads(response.read()))
        return document(view.model_copy(update={"agreement": view.terms.digest()}))

    ready.courier.after = unsigned
    for words in (("encode",), ("upload",), ("run",), ("links",), ("refresh",)):
        refused = welfare.type(*words)
        assert refused.exit_code != 0, words
    assert not any(name.endswith(".enc") for name in welfare.files())
    ready.courier.after = lambda _, response: response
    welfare.ok("encode")
