"""`blindlink check`, alone and as the first step of `refresh`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from oracles.desk import Desk
from oracles.near_broker import NearBroker

from encoding.cli.main import main
from encoding.synth import write_rehearsal


@pytest.fixture
def many(people, write_people) -> list[tuple[str, ...]]:
    """Forty people in the agency's file."""
    rows = [
        (str(n), f"Ana{n}", f"Ortiz{n}", f"20{n % 10 + 10}-04-{n % 28 + 1:02d}") for n in range(40)
    ]
    write_people(rows)
    return rows


def test_a_good_file_is_in_order(welfare: Desk, many) -> None:
    found = welfare.json("check")
    assert found["may_be_encoded"]
    # The linkage schema of these tests has three fields and no hardening.
    assert [finding["rule"] for finding in found["findings"]] == ["weak-settings-few-fields"]
    assert found["counts"]["rows"] == 40


def test_a_bad_file_ends_with_3_and_the_report_is_still_printed(
    welfare: Desk, many, write_people
) -> None:
    write_people([*many, *((f"x{n}", "Bo", "Lee", "04/05/2011") for n in range(20))])
    result = welfare.type("check", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["may_be_encoded"] is False
    assert "column born" in result.stderr
    assert "--accept" in result.stderr


def test_rows_are_compared_with_the_last_check(welfare: Desk, many, write_people) -> None:
    welfare.ok("check")
    write_people(many[:20])
    result = welfare.type("check")
    assert result.exit_code == 3
    assert "fewer than at the last check" in result.stderr
    assert welfare.json("check", "--accept")["former_rows"] == 40
    assert welfare.json("check")["former_rows"] == 20


def test_a_check_that_stops_is_not_remembered(welfare: Desk, many, write_people) -> None:
    welfare.ok("check")
    write_people(many[:20])
    assert welfare.type("check").exit_code == 3
    assert welfare.type("check").exit_code == 3


def test_what_is_accepted_stays_accepted(welfare: Desk, many, write_people) -> None:
    write_people([*many, *((f"x{n}", "", "Lee", "2011-04-05") for n in range(20))])
    assert welfare.type("check").exit_code == 3
    welfare.ok("check", "--accept")
    welfare.ok("check")


def test_what_was_accepted_is_said(welfare: Desk, many, write_people) -> None:
    write_people([*many, *((f"x{n}", "", "Lee", "2011-04-05") for n in range(20))])
    result = welfare.ok("check", "--accept")
    assert "can be encoded" in result.stdout
    assert "do not encode" not in result.stdout
    assert "accepted until it becomes a quarter worse: column first: 20 of 60" in result.stderr
    assert welfare.json("check", "--accept")["may_be_encoded"] is True


def test_accepting_more_rows_lets_no_truncated_file_pass(welfare: Desk, many, write_people) -> None:
    write_people(many[:12])
    welfare.ok("check")
    write_people(many)
    assert "accepted this once: 28 of 12" in welfare.ok("check", "--accept").stderr
    welfare.ok("check")
    write_people(many[:12])
    result = welfare.type("check")
    assert result.exit_code == 3
    assert "fewer than at the last check" in result.stderr


def test_refresh_stops_before_it_encodes_what_the_check_refuses(
    welfare: Desk, schools: Desk, many, write_people
) -> None:
    schools.ok("encode")
    schools.ok("upload")
    welfare.ok("refresh")
    before = (welfare.folder / "links.csv").read_bytes()
    write_people(many[:20])
    result = welfare.type("refresh")
    assert result.exit_code == 3
    assert "fewer than at the last check" in result.stderr
    assert (welfare.folder / "links.csv").read_bytes() == before
    welfare.ok("check", "--accept")
    welfare.ok("refresh")


def test_the_manifest_carries_the_digest_of_the_check_of_this_very_file(
    welfare: Desk, many, write_people
) -> None:
    def digest() -> str | None:
        welfare.ok("encode")
        manifest = next((welfare.folder / "workspace" / "outbox").glob("*.json"))
        return json.loads(manifest.read_bytes())["quality_digest"]

    assert digest() is None
    expected = welfare.json("check")["digest"]
    assert digest() == expected
    write_people([*many, ("41", "Bo", "Lee", "2011-04-05")])
    assert digest() is None


def test_the_page_shows_no_value_and_is_written_only_over_a_report(welfare: Desk, many) -> None:
    path: Path = welfare.folder / "check.html"
    welfare.ok("check", "--html", str(path))
    page = path.read_text("utf-8")
    assert "Check of people.csv" in page
    assert "Ortiz" not in page
    assert path.stat().st_mode & 0o077 == 0
    welfare.ok("check", "--html", str(path))
    path.write_text("mine")
    assert welfare.type("check", "--html", str(path)).exit_code == 1


def test_a_damaged_memory_of_the_last_check_is_no_obstacle(welfare: Desk, many) -> None:
    welfare.ok("check")
    (kept,) = (welfare.folder / "workspace" / "reports").glob("*.check.json")
    kept.write_text('{"version": "blindlink/kept-check/1", "rows": []}')
    assert welfare.json("check")["former_rows"] is None


def alone(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words])


def test_without_settings_a_file_and_its_layout_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = write_rehearsal(
        tmp_path, seed=3, n_children=400, n_students=600, overlap=0.6, error_level="mid"
    )
    layout = (
        "--preset",
        "rehearsal-child-welfare",
        "--encoding",
        "cp1252",
        "--as-of",
        "2025-10-01",
    )
    result = alone(str(files.child_welfare), *layout, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["may_be_encoded"] is True
    swapped = alone(str(files.child_welfare), *layout, "--date-format", "DD/MM/YYYY")
    assert swapped.exit_code == 3
    assert not (tmp_path / "workspace").exists()


def test_without_settings_the_column_of_record_ids_must_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("a,b\n1,2\n")
    result = alone("people.csv")
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        ("ID;first;last;born\n1;A;B;2011-04-05\n", {}, "cell with semicolons in it"),
        ("ID\tfirst\tlast\tborn\n1\tA\tB\t2011-04-05\n", {}, "cell with tabs in it"),
        (
            "\ufefffirst,ID,last,born\nA,1,B,2011-04-05\n",
            {"encoding": "cp1252"},
            "as a file in UTF-8",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "encode"])
def test_a_file_that_is_read_wrongly_is_told_how_to_read_it(
    welfare: Desk, secret, write_people, people, text: str, settings, said: str, command: str
) -> None:
    path: Path = write_people(people)
    path.write_text(text, "utf-8")
    (welfare.folder / "secret.txt").unlink()
    welfare.set_up(path, secret, input=settings)
    result = welfare.type(command)
    assert result.exit_code == 3
    assert said in result.stderr
    assert "in the section [input]" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_a_file_of_two_byte_letters_is_told_so(
    welfare: Desk, secret, write_people, people, encoding: str
) -> None:
    path: Path = write_people(people)
    path.write_text("ID,first,last,born\n1,A,B,2011-04-05\n", "utf-16")
    (welfare.folder / "secret.txt").unlink()
    welfare.set_up(path, secret, input={"encoding": encoding})
    result = welfare.type("check")
    assert result.exit_code == 3
    assert 'encoding = "utf-16"' in result.stderr


def test_a_missing_column_of_record_ids_is_a_fault_of_the_file(welfare: Desk) -> None:
    assert welfare.type("check", "--id-column", "NUMBER").exit_code == 3


def test_a_weak_profile_is_refused_before_it_encodes(
    welfare: Desk, broker: NearBroker, view_of, profile_with
) -> None:
    from schemas.profile import Hardening

    hardened = Hardening(kind="eld1", taps=4, output_bits=256)
    broker.view = view_of(profile_with(hardening=hardened))
    for command in ("encode", "check"):
        result = welfare.type(command)
        assert result.exit_code in {1, 3}, result.stderr
        assert "3 fields" in result.stderr or "too few columns" in result.stderr
