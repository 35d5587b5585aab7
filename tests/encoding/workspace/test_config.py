"""blindlink.toml: what is written reads back, and every mistake is named without its content.
A sealed file of the workspace: written and read in pieces, and no piece is given of one that was changed.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.errors import ConfigError, WorkspaceError
from encoding.workspace.config import parse_sections, read_config, render_config
from encoding.workspace.sealed_record import MAGIC, NONCE_BYTES, PIECE_BYTES, SealedRecord

LEAST: dict[str, dict[str, Any]] = {
    "broker": {"url": "https://broker.example.gov"},
    "identity": {"file": "identity.txt"},
    "project": {"name": "foster-pupils", "party": "child-welfare"},
    "input": {"file": "children.csv", "id_column": "ID", "population": "in-care"},
}
toml_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def with_field(section: str, field: str, value: object) -> dict[str, dict[str, Any]]:
    return LEAST | {section: LEAST.get(section, {}) | {field: value}}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "blindlink.toml"
    path.write_text(text, encoding="utf-8")
    return path


@given(file=toml_text, column=toml_text, names=st.dictionaries(toml_text, toml_text, max_size=3))
def test_rendered_file_reads_back(tmp_path_factory, file, column, names) -> None:
    raw = with_field("input", "file", file) | {"columns": names, "share": {"columns": [column]}}
    sections = parse_sections(raw)
    path = write(tmp_path_factory.mktemp("config"), render_config(sections))
    assert read_config(path).sections == sections


def test_rendered_file_reads_back_with_every_optional_field() -> None:
    raw = with_field("broker", "ca_file", "C:\\keys\\ca.pem")
    raw["broker"]["log_key"] = "broker.example.gov+0a1b2c3d+AAAA"
    raw["input"] = raw["input"] | {"sheet": "Blatt 1", "date_format": "MM/DD/YYYY"}
    sections = parse_sections(raw)
    assert 'ca_file = "C:\\\\keys\\\\ca.pem"' in render_config(sections)


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("broker", "url", "http://broker.example.gov"),
        ("broker", "url", "https://user@broker.example.gov"),
        ("broker", "url", "https://broker.example.gov/?token=1"),
        ("project", "name", "Foster Pupils"),
        ("input", "delimiter", ";;"),
        ("input", "as_of", "2026-02-30"),
        ("input", "as_of", "20260228"),
        ("input", "file", 7),
        ("share", "columns", "school"),
    ],
)
def test_impossible_field_is_named_without_its_content(section, field, value) -> None:
    with raises(ConfigError, match=rf"\[{section}\] {field}") as caught:
        parse_sections(with_field(section, field, value))
    # None of them is said in the words of the library that checks.
    assert "should" not in str(caught.value)
    assert f"{value}" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"broker": {"urll": "x"}}, r"section \[broker\] has no key urll; did you mean url\?"),
        ({"brokr": {}}, r"the file has no section brokr; did you mean broker\?"),
        ({"broker": {"surprise": "birthday"}}, r"section \[broker\] has no key surprise$"),
        (
            {"report": {"eligible": {"colum": "x"}}},
            r"section \[report\.eligible\] has no key colum; did you mean column\?",
        ),
        ({"broker": {}}, r"section \[broker\] lacks the key url"),
    ],
)
def test_an_unknown_or_missing_key_is_told_in_the_files_own_words(raw, said) -> None:
    with raises(ConfigError, match=said) as caught:
        parse_sections(raw)
    assert "birthday" not in str(caught.value)


def test_the_line_of_a_wrong_setting_is_named(tmp_path: Path) -> None:
    text = render_config(parse_sections(LEAST)).replace('delimiter = ","', "delimiter = 7")
    (tmp_path / "blindlink.toml").write_text(text, "utf-8")
    line = text.splitlines().index("delimiter = 7") + 1
    with raises(ConfigError, match=rf"line {line}, \[input\] delimiter is not a text in quotation"):
        read_config(tmp_path / "blindlink.toml")


def test_an_address_without_https_is_named_in_plain_words() -> None:
    with raises(ConfigError, match="must be an address that begins with https://") as caught:
        parse_sections(with_field("broker", "url", "http://broker.example.gov"))
    assert "^" not in str(caught.value)


def test_days_are_toml_dates_or_that_of_the_command_and_paths_start_from_the_folder(
    tmp_path: Path,
) -> None:
    dated = parse_sections(with_field("input", "as_of", date(2026, 1, 31)))
    assert dated.input.as_of == "2026-01-31"
    text = render_config(parse_sections(LEAST))
    config = read_config(write(tmp_path, text))
    assert config.as_of(date(2026, 11, 20)) == "2026-11-20"
    assert config.resolve("a/b.csv") == tmp_path / "a" / "b.csv"
    assert config.resolve(str(tmp_path / "c.csv")) == tmp_path / "c.csv"
    # The byte order mark of an editor of Windows is taken.
    (tmp_path / "blindlink.toml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_config(tmp_path / "blindlink.toml").sections == parse_sections(LEAST)


def test_settings_that_are_missing_or_cannot_be_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "blindlink.toml"
    with raises(ConfigError) as caught:
        read_config(path)
    assert caught.value.hint == "begin with the invitation that you got: blindlink start FILE"
    for content in (b"\xff\xfe", b"[broker", b"x = 1 # \xe9"):
        path.write_bytes(content)
        with raises(ConfigError):
            read_config(path)
    path.unlink()
    path.mkdir()
    with raises(ConfigError, match="is a folder, not a file"):
        read_config(path)


KEY = bytes(range(32))
CONTENT = bytes(range(251)) * (3 * PIECE_BYTES // 251)


@pytest.fixture
def record(tmp_path: Path) -> SealedRecord:
    return SealedRecord(tmp_path / "one.sealed", "kept/one", KEY)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT[:PIECE_BYTES], CONTENT])
def test_it_is_sealed_as_the_format_says_in_whatever_pieces_it_comes(
    record: SealedRecord, content: bytes
) -> None:
    record.write(content[:7], (content[at : at + 70_001] for at in range(7, len(content), 70_001)))
    raw = record.path.read_bytes()
    assert raw.startswith(MAGIC)
    nonce, sealed = raw[len(MAGIC) :][:NONCE_BYTES], raw[len(MAGIC) + NONCE_BYTES :]
    key = HKDF(SHA256(), 32, salt=None, info=b"blindlink/v1/workspace/record/kept/one").derive(KEY)
    assert AESGCM(key).decrypt(nonce, sealed, MAGIC + b"kept/one") == content
    pieces = record.pieces()
    assert pieces is not None
    found = list(pieces)
    assert b"".join(found) == content == record.read()
    assert max(map(len, found), default=0) <= PIECE_BYTES


@pytest.mark.parametrize("at", [0, len(MAGIC), PIECE_BYTES, -1])
def test_nothing_is_given_of_a_file_that_was_changed_anywhere(
    record: SealedRecord, at: int
) -> None:
    record.write(CONTENT)
    raw = bytearray(record.path.read_bytes())
    raw[at] ^= 1
    for changed in (raw, raw[:-1], raw[:20]):
        record.path.write_bytes(changed)
        pieces = record.pieces()
        assert pieces is not None
        with pytest.raises(WorkspaceError):
            next(pieces)
