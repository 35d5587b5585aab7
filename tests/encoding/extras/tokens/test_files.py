"""Files of exact tokens: told by their columns, and refused where no two of them can be compared."""

from __future__ import annotations

import secrets
from base64 import b64encode
from pathlib import Path

import pytest
from samples.openlinktoken import BLANK, HEADER, RULES, token, token_rows, write_rows, write_tokens
from samples.refusals import raises

from encoding.errors import MissingColumnError, TokensError
from encoding.extras.tokens.files import TokenFile, common_rules, find_token_columns, read_tokens

ANA = {"first": "Ana", "last": "Ortiz", "born": "2012-03-14", "sex": "F", "zip": "27601"}
BO = {"first": "Bo", "last": "Nguyen", "born": "2011-04-19", "sex": "M", "ssn": "452-38-7291"}
HASH = token("T1", ANA)
# As the two formats of encrypted tokens are written; what they hold is beside the point.
JWE = "olt.V1.eyJhbGciOiJkaXIifQ..6Iyzr7KYmxmrrwtK.07qcGnSiBy4wRQbum5VWaVB2ptFVN.AAAA"
AES = b64encode(secrets.token_bytes(72)).decode()


def read(path: Path) -> TokenFile:
    columns = find_token_columns(path)
    assert columns is not None
    return read_tokens(columns)


def test_tokens_are_made_as_the_published_sample_was() -> None:
    # The first record of OpenLinkToken's own sample file, and what it publishes for it.
    person = {"first": "John", "last": "Doe", "born": "2000-01-01", "sex": "M", "zip": "980"}
    assert [token(rule, person, b"HashingKey") for rule in RULES] == [
        "qp4RJ0pgGXH4DZ5BJjYsmlLNHC1oXOGuo9a71naJPSQ=",
        "5mXl84IfqnLvEASqZKNID3pZt8EDe6aY4FiD5Gu8v3w=",
        "KBYKMGxX8EV3XKyYu3Elv0NH3brRwveP17JDbpScA0c=",
        BLANK,
        "uoerYxyURvlgNc4SV061WJ8ww5kOkNBjYeUhOuzVnAY=",
    ]


def test_a_file_of_tokens_is_told_by_its_columns_in_any_order(tmp_path: Path) -> None:
    path = write_tokens(tmp_path / "t.csv", [("r1", ANA), ("r2", BO)])
    file = read(path)
    assert (file.ids, file.rules) == (["r1", "r2"], ("T1", "T2", "T3", "T4", "T5"))
    # Ana has no Social Security number, and Bo no ZIP code.
    assert file.shares == (1.0, 0.5, 1.0, 0.5, 1.0)
    turned = [(one, rule, cell) for rule, cell, one in token_rows([("r1", ANA), ("r2", BO)])]
    other = write_rows(tmp_path / "o.csv", turned, ("RECORD_ID", "rule id", "Token"))
    assert (read(other).tokens == file.tokens).all()


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = list(zip(*token_rows([("r1", ANA), ("r2", BO)]), strict=True))
    parquet.write_table(arrow.table(dict(zip(HEADER, rows, strict=True))), tmp_path / "t.parquet")
    file = read(write_tokens(tmp_path / "t.csv", [("r1", ANA), ("r2", BO)]))
    assert (read(tmp_path / "t.parquet").tokens == file.tokens).all()


def test_blank_tokens_are_missing_and_never_a_match(tmp_path: Path) -> None:
    rows = [("T1", HASH, "r1"), ("T2", BLANK, "r1"), ("T2", "", "r2"), ("T1", BLANK, "r2")]
    file = read(write_rows(tmp_path / "t.csv", rows))
    assert file.tokens.astype(bool).tolist() == [[True, False], [False, False]]
    blanks = read(write_rows(tmp_path / "o.csv", [("T1", BLANK, "x"), ("T2", "", "x")]))
    with raises(TokensError, match=r"not one token of t\.csv is in o\.csv"):
        common_rules(file, blanks)


def test_a_file_of_tokens_has_their_three_columns_whatever_else_it_has(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for header in (
        ("First", "Last", "DOB"),
        ("RecordId", "First", "Last", "DOB", "Sex", "Token"),
        ("ID", "Token", "When"),
    ):
        assert find_token_columns(write_rows(path, [("x",) * len(header)], header)) is None, header
    more = write_rows(path, [("T1", HASH, "r1", "x", "y")], (*HEADER, "Site", "Batch"))
    assert read(more).ids == ["r1"]
    write_rows(path, [("T1", HASH)], ("RuleId", "Token"))
    with raises(MissingColumnError, match=r"t\.csv looks like .* has no column RecordId"):
        find_token_columns(path)


def test_what_cannot_be_compared_is_refused_without_a_token(tmp_path: Path) -> None:
    again = [("T1", HASH, "r1"), ("T2", HASH, "r1"), ("T1", HASH, "r1")]
    for rows, said in (
        ([("T1", HASH, "r1"), ("T2", JWE, "r1")], r"t\.csv holds encrypted tokens \(row 2\)"),
        ([("T1", AES, "r1")], "holds encrypted tokens"),
        ([("T1", "ORTIZ|A|F|2012-03-14", "r1")], r"row 1: the token is not a hash"),
        ([("T1", HASH, "")], r"row 1: there is no RecordId"),
        ([("T1", HASH, "r1"), ("", HASH, "r1")], r"row 2: there is no RuleId"),
        (again, r"row 3: an earlier row has this record's token"),
        ([(f"R{n}", HASH, "r1") for n in range(17)], "more than 16 rules"),
    ):
        columns = find_token_columns(write_rows(tmp_path / "t.csv", rows))
        assert columns is not None
        with raises(TokensError, match=said) as caught:
            read_tokens(columns)
        assert not any(cell in str(caught.value) for _, cell, _ in rows)


def test_two_files_need_a_rule_and_a_token_in_common(tmp_path: Path) -> None:
    ours = read(write_tokens(tmp_path / "a.csv", [("r1", ANA)]))
    same = read(write_tokens(tmp_path / "b.csv", [("x", ANA), ("y", BO)]))
    assert common_rules(ours, same) == ours.rules
    secret = read(write_tokens(tmp_path / "c.csv", [("x", ANA)], b"another secret"))
    with raises(TokensError, match=r"not one token of a\.csv is in c\.csv"):
        common_rules(ours, secret)
    rules = read(write_rows(tmp_path / "d.csv", [("T9", HASH, "x")]))
    with raises(TokensError, match=r"no rule is in both"):
        common_rules(ours, rules)


@pytest.mark.parametrize("cell", ["8d0f" * 16, "8D0F" * 16, "8d0f" * 32])
def test_tokens_made_without_a_secret_are_told(tmp_path: Path, cell: str) -> None:
    # The last one is of SHA-512: as long as an encrypted one, and none.
    assert read(write_rows(tmp_path / "t.csv", [("T1", cell, "r1")])).is_keyless
    assert not read(
        write_rows(tmp_path / "u.csv", [("T1", BLANK, "r"), ("T2", HASH, "r")])
    ).is_keyless


def test_records_with_the_same_tokens_are_counted(tmp_path: Path) -> None:
    people = [("r1", ANA), ("r2", ANA), ("r3", BO), ("r4", {}), ("r5", {})]
    assert read(write_tokens(tmp_path / "t.csv", people)).n_repeated == 1


def test_no_repr_holds_a_record_or_a_token(tmp_path: Path) -> None:
    file = read(write_tokens(tmp_path / "t.csv", [("record-one", ANA)]))
    assert "record-one" not in repr(file)
