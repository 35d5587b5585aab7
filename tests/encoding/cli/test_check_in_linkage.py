"""`blindlink check` as a step of a linkage: before `encode` and in `refresh`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oracles.desk import Desk


@pytest.fixture
def many(people, write_people) -> list[tuple[str, ...]]:
    """Forty people in the agency's file."""
    rows = [
        (str(n), f"Ana{n}", f"Ortiz{n}", f"20{n % 10 + 10}-04-{n % 28 + 1:02d}") for n in range(40)
    ]
    write_people(rows)
    return rows


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
