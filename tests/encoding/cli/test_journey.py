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
from rigs.near_broker import NearBroker, problem

from encoding.evidence.person_disclosures import find_record
from encoding.workspace.workspace import open_workspace
from encoding.workspace.written_files import read_written
from schemas.documents.canonical import canonical_bytes

LINKED = ["4", "7", "x-3"]
WITH_EVE = ("5", "Eve", "CANARY", "31.12.2010")


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def no_network(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("no network")


@pytest.fixture
def ran(near: NearBroker, welfare: Desk, schools: Desk, reach: Callable[..., Any]) -> Desk:
    """Child welfare's desk once a run has found the links."""

    def run() -> None:
        for desk in (welfare, schools):
            desk.ok("encode")
            desk.ok("upload")
        welfare.ok("round", "--wait")

    reach(near, "ran", run)
    return welfare


def test_a_round_begins_once_all_are_ready(
    broker: NearBroker, welfare: Desk, schools: Desk
) -> None:
    broker.compare()
    welfare.ok("round", "--ready")
    assert "schools" in welfare.ok("status").stdout
    for command in ("encode", "refresh"):
        refused = welfare.type(command)
        assert refused.exit_code == 7, command
        assert "schools has yet to get ready" in refused.stderr, command
    assert not (welfare.folder / "links.csv").exists()
    assert "all agencies are ready" in schools.ok("round", "--ready").stderr
    welfare.ok("encode")


def test_a_file_is_encoded_as_settings_and_options_say_and_uploaded(
    near: NearBroker, welfare: Desk, people: Any, write_people: Callable[..., Path], tmp_path: Path
) -> None:
    early = welfare.type("upload")
    assert early.exit_code == 1
    assert "hint: encode the file first: blindlink encode" in early.stderr
    for pair in ("first_name", "=a", "first_name="):
        assert welfare.type("encode", "--column", pair).exit_code == 2, pair
    other_population = welfare.type("encode", "--population", "all-pupils")
    assert other_population.exit_code == 2
    assert "the agreement is about the population in-care" in other_population.stderr
    # Invalid rows end with 3 and write nothing.
    write_people([*people, WITH_EVE])
    before = welfare.files()
    invalid = welfare.type("encode")
    assert invalid.exit_code == 3
    assert invalid.stderr.splitlines()[-2].startswith("blindlink: error: row 5, column born: ")
    assert invalid.stderr.splitlines()[-1].startswith("hint: ")
    assert "CANARY" not in invalid.stderr
    written = {name for name in welfare.files() - before if not name.startswith("workspace/")}
    assert written == set()
    assert not any(name.endswith((".enc", ".map")) for name in welfare.files())
    skipped = welfare.folder / "skipped.csv"
    assert "1 rows were left out" in welfare.ok("encode", "--skip-invalid", str(skipped)).stderr
    assert [row["row"] for row in read_csv(skipped)] == ["5"]
    # Options take precedence over the settings.
    other = tmp_path / "other.csv"
    other.write_text("N,a,b,c\n1,Ana,Ortiz,04/09/2011\n")
    columns = {"first_name": "a", "last_name": "b", "birth_date": "c"}
    named = [word for name, column in columns.items() for word in ("--column", f"{name}={column}")]
    (container,) = welfare.json(
        "encode", str(other), "--id-column", "N", *named, "--date-format", "MM/DD/YYYY",
        "--as-of", "2026-10-01",
    )["containers"]  # fmt: skip
    assert container["records"] == 1
    manifest = json.loads(Path(container["container"]).with_suffix(".json").read_bytes())
    assert manifest["as_of"] == "2026-10-01"
    other.write_text("ID,a,b,c\n1,Ana,Ortiz,2011-04-09\n")
    mapping = tmp_path / "columns.toml"
    mapping.write_text("".join(f'{name} = "{column}"\n' for name, column in columns.items()))
    made = welfare.json("encode", str(other), "--columns", str(mapping))
    assert made["containers"][0]["records"] == 1
    write_people(people)
    (container,) = welfare.json("encode")["containers"]
    assert (container["partner"], container["side"]) == ("schools", "smaller")
    assert (container["rows_of_file"], container["records"], container["rows_skipped"]) == (4, 4, 0)
    assert list(welfare.json("upload")["uploads"]) == ["schools"]
    assert welfare.json("status")["stage"] == "waiting"
    waiting = welfare.type("round", "--wait")
    assert waiting.exit_code == 7
    assert "round 1 waits for the upload of schools" in waiting.stderr
    with open_workspace(welfare.folder / "workspace").lock():
        busy = welfare.type("encode")
    assert busy.exit_code == 1
    assert "another blindlink command is using this workspace" in busy.stderr

    def refuse(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path != "/v1/projects/foster-pupils/rounds":
            return None
        return problem(409, "not-in-force", detail="The project has ended.", clause="end")

    near.courier.before = refuse
    refused = welfare.type("round", "--runs")
    assert refused.exit_code == 1
    assert "the project has ended (clause end)" in refused.stderr


def test_commands_lead_from_file_to_links_and_receipts(
    near: NearBroker, ran: Desk, schools: Desk
) -> None:
    assert schools.type("encode", "--json").exit_code == 1
    run = ran.json("round", "--wait")["runs"][0]
    assert (run["state"], run["counts"]["auto_pairs"]) == ("succeeded", 3)
    assert ran.type("links", "--json").exit_code == 7
    # Receipts verify without the broker, and one that was tampered with is named.
    n_requests = len(near.courier.requests)
    kinds = sorted(line.split()[1] for line in ran.ok("receipts").stdout.splitlines())
    assert kinds == ["release-prepared", "upload-received"]
    assert len(near.courier.requests) == n_requests
    (path,) = (ran.folder / "workspace" / "receipts").glob("upl-*[0-9a-f].json")
    true = path.read_bytes()
    false = json.loads(true)
    false["entry"] = false["entry"].replace('"records":4', '"records":9')
    path.write_bytes(canonical_bytes(false))
    result = ran.type("receipts")
    assert result.exit_code == 1
    assert f"receipt {path.stem}: the receipt proves nothing" in result.stderr
    path.write_bytes(true)
    assert len(ran.json("receipts")) == 2
    # Results are on standard output, and remarks are not.
    done = schools.ok("links")
    assert (done.stdout, "3 records have a link ID" in done.stderr) == ("", True)
    written = schools.json("links")
    assert (written["round"], written["links"], written["missing"]) == (1, 3, 0)
    strange = ran.folder / "links.csv"
    strange.write_text("my thesis")
    refused = ran.type("links")
    assert (refused.exit_code, "--force" in refused.stderr) == (1, True)
    assert strange.read_text() == "my thesis"
    strange.unlink()
    assert ran.ok("--quiet", "links").stderr == ""
    assert ran.ok("links", "--quiet").stderr == ""
    mine, theirs = (
        {row["record_id"]: row["link_id"] for row in read_csv(desk.folder / "links.csv")}
        for desk in (ran, schools)
    )
    assert list(mine) == LINKED
    assert [theirs["p4"], theirs["p1"], theirs["p2"]] == list(mine.values())
    # Handles that an auditor asks about: what is not ours is kept and counted, unless nothing is.
    listed, out = ran.folder / "worksheet.csv", ran.folder / "visit.csv"
    listed.write_text(f"link,handle\n1,{'0' * 32}\n", encoding="utf-8")
    refused = ran.type("resolve", str(listed), "-o", str(out))
    assert (refused.exit_code, "none of the 1 handles" in refused.stderr) == (1, True)
    assert not out.exists()
    workspace = open_workspace(ran.folder / "workspace")
    known = find_record(workspace, "foster-pupils", "4").handles[1, "schools"].hex()
    listed.write_text(f"link,handle\n1,{'0' * 32}\n2,{known}\n", encoding="utf-8")
    said = ran.ok("resolve", str(listed), "-o", str(out))
    assert "warning: rows without a record ID: 1;" in said.stderr
    assert read_csv(out) == [
        {"record_id": "", "unknown_handle": "0" * 32, "link": "1"},
        {"record_id": "4", "unknown_handle": "", "link": "2"},
    ]


def test_what_links_wrote_is_found_again(ran: Desk, schools: Desk) -> None:
    assert ran.type("links").exit_code == 7
    schools.ok("links")
    ran.ok("links")
    noted = {
        (one.what, Path(one.path))
        for desk in (ran, schools)
        for one in read_written(open_workspace(desk.folder / "workspace"))
    }
    names = ("links.csv", "changes.csv", "unmatched.csv", "round-report.html", "round-report.json")
    tables = {("link-table", desk.folder / name) for desk in (ran, schools) for name in names}
    assert noted == tables


def test_a_broker_that_does_not_answer_or_has_rewritten_its_log_stops_every_command(
    near: NearBroker, ran: Desk
) -> None:
    said = ran.ok("status").stdout
    near.courier.before = no_network
    result = ran.type("round", "--runs")
    assert (result.exit_code, result.stderr.count("trying again for up to")) == (5, 1)
    # Status shows what the broker said last.
    result = ran.type("status")
    assert result.exit_code == 5
    first, rest = result.stdout.split("\n", 1)
    assert first.startswith("The broker does not answer. This is what it said last, at 2")
    assert rest == said
    assert "trying again" not in result.stderr
    assert ran.type("status", "--json").exit_code == 5
    near.rewrite_log()
    before = ran.files()
    for words in (["upload"], ["round", "--wait"], ["links"], ["status"], ["refresh"], ["encode"]):
        result = ran.type(*words)
        assert result.exit_code == 1, words
        assert "rewritten or cut off" in result.stderr, words
    # A lock's file stays, empty.
    new = {name for name in ran.files() - before if not name.endswith("/refresh-lock")}
    assert new
    assert all("pins/evidence-" in name for name in new)


def test_the_first_log_key_is_shown_and_held_against_that_of_the_settings(
    welfare: Desk, schools: Desk, broker: NearBroker
) -> None:
    early = welfare.type("receipts")
    assert (early.exit_code, "log key is not known" in early.stderr) == (1, True)
    assert broker.broker.log.key.text in welfare.ok("status").stderr
    assert broker.broker.log.key.text not in welfare.ok("status").stderr
    config = schools.folder / "blindlink.toml"
    unset, other = '# log_key = "broker.example.gov+..."', Log().key
    config.write_text(config.read_text().replace(unset, f'log_key = "{other}"'))
    result = schools.type("status")
    assert result.exit_code == 1
    assert "signed by a different key" in result.stderr
