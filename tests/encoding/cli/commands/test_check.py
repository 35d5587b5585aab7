"""`blindlink check` on a file, with settings and without."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from encoding.cli.main import main
from encoding.synth import write_rehearsal
from encoding.workspace.config import parse_sections, render_config

HEADER = ("ID", "given", "last_name", "birth_date", "sex")
FIRST = ("Ana", "Boris", "Chloe", "Dmitri", "Esther", "Frank", "Gloria", "Hugo")
LAST = ("Underhill", "Vance", "Whitlock", "Xiong", "Yancey", "Zapata", "Abbott")
Row = tuple[str, ...]
MANY: list[Row] = [
    (str(n), FIRST[n % 8], LAST[n % 7], f"20{n % 10 + 10}-04-{n % 28 + 1:02d}", "FM"[n % 2])
    for n in range(40)
]
TWICE: list[Row] = [
    ("d1", "Maribel", "Quintanilla", "2012-03-04", "F"),
    ("d2", "Maribel", "Quintanilla", "2012-03-04", "F"),
]


class Analyst:
    """A folder with settings and a file of people."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.set_up()
        self.write(MANY)

    def set_up(self, **layout: str) -> None:
        raw: dict[str, Any] = {
            "broker": {"url": "https://broker.test"},
            "identity": {"file": "identity.txt"},
            "project": {"name": "pupils", "party": "welfare"},
            "input": {
                "file": "people.csv",
                "id_column": "ID",
                "date_format": "YYYY-MM-DD",
                "population": "in-care",
                **layout,
            },
            "columns": {"first_name": "given"},
        }
        settings = render_config(parse_sections(raw))
        (self.folder / "blindlink.toml").write_text(settings, "utf-8")

    def write(self, rows: list[Row]) -> None:
        with (self.folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *rows])

    def type(self, *words: str) -> Result:
        config = str(self.folder / "blindlink.toml")
        fixed = ("--config", config, "check", "--linkage-schema", "children")
        return CliRunner().invoke(main, [*fixed, "--as-of", "2025-10-01", *words])

    def ok(self, *words: str) -> Result:
        result = self.type(*words)
        assert result.exit_code == 0, result.stderr
        return result

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json").stdout)


@pytest.fixture
def analyst(tmp_path: Path) -> Analyst:
    return Analyst(tmp_path)


def test_a_file_is_found_in_order_or_not_and_the_report_is_printed_either_way(
    analyst: Analyst,
) -> None:
    found = analyst.json()
    assert found["may_be_encoded"]
    assert {finding["standing"] for finding in found["findings"]} <= {"note"}
    assert found["counts"]["rows"] == 40
    assert [one["name"] for one in found["counts"]["blocks"]["passes"]] == [
        "any-sound",
        "sounds",
        "sounds-month",
        "names-year",
    ]
    assert "before an agreement is drafted: blindlink privacy-audit" in analyst.type().stderr
    # One record with a sex is enough, none is told by name.
    for n_with, is_told in ((1, False), (0, True)):
        analyst.write([(*row[:4], row[4] if at < n_with else "") for at, row in enumerate(MANY)])
        rules = [one["rule"] for one in json.loads(analyst.type("--json").stdout)["findings"]]
        assert ("no-sex" in rules) == is_told
    analyst.write([*MANY, *((f"x{n}", "Bo", "Lee", "04/05/2011", "F") for n in range(20))])
    result = analyst.type("--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["may_be_encoded"] is False
    assert "column birth_date" in result.stderr
    assert "--accept" in result.stderr
    # What each pass makes of the file is said, and how many records none gives a key.
    analyst.write([(f"x{n}", "Bo", "Lee", "2011-04-05", "F") for n in range(30)])
    shown = analyst.type().stdout
    for text in (
        "names-year",
        "keys of the pass any-sound",
        "the larger file of a pair leaves them out",
    ):
        assert text in shown
    analyst.write([*MANY, *((f"x{n}", f"Bo{n}", "Lee", "", "") for n in range(12))])
    result = analyst.type()
    assert "12 of 52 (23.1%) records have no blocking key" in result.stdout
    assert result.exit_code == 3
    assert analyst.type("--id-column", "NUMBER").exit_code == 3
    # A shareable one hides small counts where it refuses the file, too.
    analyst.write([(*row[:3], "" if n else row[3], row[4]) for n, row in enumerate(MANY)])
    told, hidden = analyst.type(), analyst.type("--shareable")
    assert told.exit_code == hidden.exit_code == 3
    assert "39 of 40" in told.stderr
    assert "39" not in hidden.output


def test_rows_are_compared_with_the_last_check_that_let_the_file_pass(analyst: Analyst) -> None:
    analyst.ok()
    analyst.write(MANY[:20])
    # One that stops is not remembered.
    for _ in range(2):
        result = analyst.type()
        assert (result.exit_code, "fewer than at the last check" in result.stderr) == (3, True)
    assert analyst.json("--accept")["former_rows"] == 40
    assert analyst.json()["former_rows"] == 20
    # Accepting more rows lets no truncated file pass.
    analyst.write(MANY)
    assert "accepted this once: 20 of 20" in analyst.ok("--accept").stderr
    analyst.ok()
    analyst.write(MANY[:20])
    result = analyst.type()
    assert (result.exit_code, "fewer than at the last check" in result.stderr) == (3, True)
    # A damaged memory of it is no obstacle.
    (kept,) = (analyst.folder / "workspace" / "reports").glob("*.check.json")
    kept.write_text('{"version": "blindlink/kept-check/1", "rows": []}')
    assert analyst.json()["former_rows"] is None


def test_what_was_accepted_is_said_and_stays_accepted(analyst: Analyst) -> None:
    analyst.write(
        [*MANY, *((f"x{n}", "", LAST[n % 7], f"2011-{n % 12 + 1:02d}-05", "F") for n in range(12))]
    )
    assert analyst.type().exit_code == 3
    result = analyst.ok("--accept")
    assert "can be encoded" in result.stdout
    assert "look at what was found before you encode" not in result.stdout
    assert "accepted until it becomes a quarter worse: column given: 12 of 52" in result.stderr
    analyst.ok()
    assert analyst.json("--accept")["may_be_encoded"] is True


def test_the_page_shows_no_value_and_is_written_only_over_a_report(analyst: Analyst) -> None:
    path = analyst.folder / "check.html"
    analyst.ok("--html", str(path))
    page = path.read_text("utf-8")
    assert "Check of people.csv" in page
    assert not any(name in page for name in (*FIRST, *LAST))
    assert path.stat().st_mode & 0o077 == 0
    analyst.ok("--html", str(path))
    path.write_text("mine")
    assert analyst.type("--html", str(path)).exit_code == 1


def test_probable_duplicates_are_counted_and_listed_for_the_owner_alone(analyst: Analyst) -> None:
    analyst.write([*MANY, *TWICE])
    assert "probably in the file twice" in analyst.ok().stdout
    assert analyst.json()["counts"]["duplicates"] >= 1
    path = analyst.folder / "duplicates.csv"
    result = analyst.ok("--duplicates", str(path))
    header, *listed = path.read_text().splitlines()
    assert header == "record_id,other_record_id,probability,differs"
    assert any(line.startswith("d1,d2,at least 0.9") for line in listed)
    assert "MARIBEL" not in path.read_text().upper()
    assert path.stat().st_mode & 0o077 == 0
    assert "pairs of records are listed in" in result.stderr
    path.write_text("mine")
    assert analyst.type("--duplicates", str(path)).exit_code == 1
    assert path.read_text() == "mine"


def test_a_file_that_is_read_wrongly_is_told_how_to_read_it(analyst: Analyst) -> None:
    bom = "\ufeffgiven,ID,last\nA,1,B\n".encode()
    two_bytes, told = "ID,given\n1,A\n".encode("utf-16"), 'encoding = "utf-16"'
    for content, layout, said in (
        (b"ID;given;last\n1;A;B\n", {}, "cell with semicolons in it"),
        (b"ID\tgiven\tlast\n1\tA\tB\n", {}, "cell with tabs in it"),
        (bom, {"encoding": "cp1252"}, "as a file in UTF-8"),
        (two_bytes, {"encoding": "utf-8-sig"}, told),
        (two_bytes, {"encoding": "cp1252"}, told),
    ):
        analyst.set_up(**layout)
        (analyst.folder / "people.csv").write_bytes(content)
        result = analyst.type()
        assert (result.exit_code, said in result.stderr) == (3, True), (content, result.stderr)
        assert said == told or "in the section [input]" in result.stderr, content


def alone(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words])


def test_without_settings_a_file_and_its_layout_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = write_rehearsal(
        tmp_path, seed=3, n_children=400, n_students=600, overlap=0.6, error_level="mid"
    )
    (tmp_path / "people.csv").write_text("a,b\n1,2\n")
    # The column of record IDs must be named.
    assert alone("people.csv").exit_code == 2
    layout = ("--preset", "rehearsal-child-welfare", "--encoding", "cp1252")
    layout += ("--as-of", "2025-10-01")
    result = alone(str(files.child_welfare), *layout, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["may_be_encoded"] is True
    swapped = alone(str(files.child_welfare), *layout, "--date-format", "DD/MM/YYYY")
    assert swapped.exit_code == 3
    assert not (tmp_path / "workspace").exists()
