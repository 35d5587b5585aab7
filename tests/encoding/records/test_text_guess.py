"""How a text file is written, told by its bytes."""

from __future__ import annotations

from pathlib import Path

from samples.refusals import raises

from encoding.errors import FileMissingError
from encoding.records import open_table
from encoding.records.text_guess import guess_delimiter, guess_encoding

TEXT = "ID;Name\n1;José\n2;Núñez\n"


def test_the_encoding_is_one_that_reads_every_letter(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with raises(FileMissingError, match="there is no file"):
        guess_encoding(file)
    for written, guessed in (
        *(("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig")),
        *(("cp1252", "cp1252"), ("utf-16", "utf-16")),
    ):
        file.write_bytes(TEXT.encode(written))
        assert guess_encoding(file) == guessed, written
        table = open_table(file, encoding=guessed, delimiter=guess_delimiter(file, guessed))
        (chunk,) = table.chunks()
        assert chunk.columns["Name"] == ["José", "Núñez"]
    for content, guessed in (
        # A byte that Windows does not have; the last letter of a large file; a letter across two blocks.
        (b"ID,Name\n1,Jos\x81\n", "latin-1"),
        (b"ID\n" + b"x" * (1 << 20) + "é".encode("latin-1"), "cp1252"),
        (b"x" * ((1 << 20) - 1) + "é".encode(), "utf-8-sig"),
    ):
        file.write_bytes(content)
        assert guess_encoding(file) == guessed


def test_the_delimiter_cuts_every_row_alike_and_is_a_comma_without_one(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    rows = [
        ["ID", "Last, First", "a;b", "c|d"],
        *[[str(n), "Lee, Ana", "x;y", "|"] for n in range(80)],
    ]
    for delimiter in (",", ";", "\t", "|"):
        lines = [delimiter.join(f'"{cell}"' for cell in row) for row in rows]
        file.write_text("\n".join(lines), "utf-8")
        assert guess_delimiter(file, "utf-8-sig") == delimiter
    for content in ("", "name\nAna\n", 'a,"b\n'):
        file.write_text(content, "utf-8")
        assert guess_delimiter(file, "utf-8-sig") == ",", content
