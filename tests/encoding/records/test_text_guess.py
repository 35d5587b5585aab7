"""How a text file is written, told by its bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples.refusals import raises

from encoding.errors import FileMissingError
from encoding.records import open_table
from encoding.records.text_guess import guess_delimiter, guess_encoding

TEXT = "ID;Name\n1;José\n2;Núñez\n"


@pytest.mark.parametrize(
    ("written", "guessed"),
    [
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
    ],
)
def test_the_encoding_is_one_that_reads_every_letter(
    tmp_path: Path, written: str, guessed: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(TEXT.encode(written))
    assert guess_encoding(file) == guessed
    table = open_table(file, encoding=guessed, delimiter=guess_delimiter(file, guessed))
    (chunk,) = table.chunks()
    assert chunk.columns["Name"] == ["José", "Núñez"]


def test_a_byte_that_windows_does_not_have_makes_it_latin_1(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"ID,Name\n1,Jos\x81\n")
    assert guess_encoding(tmp_path / "a.csv") == "latin-1"


def test_the_last_letter_of_a_large_file_counts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"ID\n" + b"x" * (1 << 20) + "é".encode("latin-1"))
    assert guess_encoding(tmp_path / "a.csv") == "cp1252"


def test_a_letter_of_two_bytes_may_stand_across_two_blocks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x" * ((1 << 20) - 1) + "é".encode())
    assert guess_encoding(tmp_path / "a.csv") == "utf-8-sig"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_cuts_every_row_alike(tmp_path: Path, delimiter: str) -> None:
    rows = [
        ["ID", "Last, First", "a;b", "c|d"],
        *[[str(n), "Lee, Ana", "x;y", "|"] for n in range(80)],
    ]
    lines = [delimiter.join(f'"{cell}"' for cell in row) for row in rows]
    (tmp_path / "a.csv").write_text("\n".join(lines), "utf-8")
    assert guess_delimiter(tmp_path / "a.csv", "utf-8-sig") == delimiter


@pytest.mark.parametrize("content", ["", "name\nAna\n", 'a,"b\n'])
def test_without_one_it_is_a_comma(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content, "utf-8")
    assert guess_delimiter(tmp_path / "a.csv", "utf-8-sig") == ","


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with raises(FileMissingError, match="there is no file"):
        guess_encoding(tmp_path / "a.csv")
