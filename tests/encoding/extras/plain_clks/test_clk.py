"""`blindlink clk`: plain CLKs, held against clkhash's own output.
Masks, tokens and their numbers against the obvious way of making them.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from clkhash.clk import generate_clk_from_csv
from clkhash.comparators import NgramComparison
from clkhash.randomnames import NameList
from clkhash.schema import from_json_dict
from clkhash.serialization import serialize_bitarray
from hypothesis import given
from hypothesis import strategies as st

from app.extras.match.files import read_encodings
from encoding.cli.main import main
from encoding.encoder.tokens import tokeniser
from encoding.extras.plain_clks import memory as masks_module
from encoding.extras.plain_clks.memory import masks_of, n_words, unions
from encoding.secret.secret import new_secret, write_secret

PEOPLE = NameList(300)
TEXT_SECRET = "horse staple battery"


def schema_document() -> dict[str, Any]:
    """Return the linkage schema of clkhash's example, its random names."""
    name = {"strategy": {"bitsPerFeature": 100}, "hash": {"type": "blakeHash"}}
    return {
        "version": 3,
        "clkConfig": {
            "l": 1024,
            "kdf": {"type": "HKDF", "hash": "SHA256", "salt": "", "info": "", "keySize": 64},
        },
        "features": [
            {"identifier": "INDEX", "ignored": True},
            {
                "identifier": "NAME freetext",
                "format": {"type": "string", "encoding": "utf-8", "case": "mixed"},
                "hashing": {"comparison": {"type": "ngram", "n": 2}, **name},
            },
            {
                "identifier": "DOB YYYY/MM/DD",
                "format": {"type": "date", "format": "%Y/%m/%d"},
                "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": True}, **name},
            },
            {
                "identifier": "GENDER M or F",
                "format": {"type": "enum", "values": ["M", "F"]},
                "hashing": {"comparison": {"type": "ngram", "n": 1}, **name},
            },
        ],
    }


class Exchange:
    """A folder with clkhash's example file, its linkage schema and a text secret."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([[field.identifier for field in PEOPLE.SCHEMA.fields], *PEOPLE.names])
        self.text = text.getvalue()
        self.people = folder / "people.csv"
        self.people.write_text(self.text, "utf-8")
        self.schema = folder / "schema.json"
        self.schema.write_text(json.dumps(schema_document()))
        self.secret = folder / "text-secret.txt"
        self.secret.write_text(TEXT_SECRET + "\n")
        self.secret.chmod(0o600)
        self.out = folder / "out.json"
        self.records = folder / "out.json.records.csv"

    def type(self, *words: str, secret: Path | None = None) -> Result:
        files = ["--linkage-schema", str(self.schema), "--secret-file", str(secret or self.secret)]
        fixed = ["clk", str(self.people), *files, "-o", str(self.out)]
        return CliRunner().invoke(main, [*fixed, *words])

    def ok(self, *words: str, secret: Path | None = None) -> Result:
        result = self.type(*words, secret=secret)
        assert result.exit_code == 0, result.stderr
        return result

    def by_clkhash(self, key: str) -> str:
        """Return what clkhash's own command writes."""
        schema = from_json_dict(json.loads(self.schema.read_text()))
        made = generate_clk_from_csv(
            io.StringIO(self.text, newline=""), key, schema, progress_bar=False, max_workers=1
        )
        return json.dumps({"clks": [serialize_bitarray(one) for one in made]})


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


def test_a_text_secret_gives_the_file_that_clkhash_writes_and_the_broker_reads(
    exchange: Exchange,
) -> None:
    exchange.ok()
    assert exchange.out.read_text() == exchange.by_clkhash(TEXT_SECRET)
    dataset = read_encodings(exchange.out, None)
    first = base64.b64decode(json.loads(exchange.out.read_text())["clks"][0])
    assert len(first) == 128
    assert len(dataset) == 300
    found = exchange.ok("--id-column", "INDEX", "--json")
    assert json.loads(found.stdout)["rows"] == 300
    with exchange.records.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["row", "record_id"]
    assert rows == [[str(at), str(row[0])] for at, row in enumerate(PEOPLE.names, start=1)]
    for path in (exchange.out, exchange.records):
        assert path.stat().st_mode & 0o077 == 0
    stderr = exchange.ok("--quiet").stderr
    assert "plain CLKs do not protect" in stderr
    assert "the secret is a text" in stderr
    assert TEXT_SECRET not in stderr
    exchange.records.write_text("mine")
    assert exchange.type().exit_code == 1
    assert exchange.records.read_text() == "mine"
    exchange.ok("--force")
    assert exchange.type("--records", str(exchange.out)).exit_code == 2
    exchange.secret.chmod(0o644)
    assert exchange.type().exit_code == 1


def test_a_random_secret_is_the_text_of_its_key_for_clkhash(exchange: Exchange) -> None:
    secret, path = new_secret(), exchange.folder / "secret.txt"
    write_secret(path, secret)
    exchange.ok(secret=path)
    assert exchange.out.read_text() == exchange.by_clkhash(secret.clk_key)


def test_columns_may_have_other_headers(exchange: Exchange) -> None:
    exchange.people.write_text(exchange.text.replace("NAME freetext", "NAME"), "utf-8")
    assert exchange.type().exit_code == 3
    exchange.ok("--column", "NAME freetext=NAME")
    assert exchange.out.read_text() == exchange.by_clkhash(TEXT_SECRET)


def test_a_row_that_breaks_a_format_leaves_no_file(exchange: Exchange) -> None:
    exchange.people.write_text(exchange.text + "300,Secretive Person,1999/31/12,X\n", "utf-8")
    result = exchange.type()
    assert result.exit_code == 3
    assert "row 301" in result.stderr
    assert "and 1 more" in result.stderr
    assert "Secretive" not in result.stderr
    assert {path.name for path in exchange.folder.iterdir()} == {
        "people.csv",
        "schema.json",
        "text-secret.txt",
    }


def test_what_is_no_linkage_schema_is_refused_and_what_clkhash_ignores_is_told(
    exchange: Exchange,
) -> None:
    for content in ("[]", "{", '{"version": 9}'):
        exchange.schema.write_text(content)
        result = exchange.type()
        assert (result.exit_code, "linkage schema" in result.stderr) == (1, True), content
        assert not exchange.out.exists()
    document = schema_document()
    document["clkConfig"]["xorFolds"] = 1
    exchange.schema.write_text(json.dumps(document))
    assert "xorFolds" in exchange.ok().stderr


def bits_of(mask: np.ndarray, hash_bits: int) -> set[int]:
    return set(np.flatnonzero(np.unpackbits(mask.view(np.uint8), count=hash_bits)).tolist())


@given(st.sampled_from([1, 8, 63, 64, 65, 1000]), st.data())
def test_a_mask_has_the_bits_of_its_positions(hash_bits: int, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(st.integers(0, hash_bits - 1), min_size=3, max_size=3)))
    positions = np.array(rows, dtype=np.int64).reshape(-1, 3)
    masks = masks_of(positions, hash_bits)
    assert masks.shape == (len(rows), n_words(hash_bits))
    assert [bits_of(mask, hash_bits) for mask in masks] == [set(row) for row in rows]


def test_masks_are_the_same_made_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = np.random.default_rng(1).integers(0, 128, (50, 7))
    whole = masks_of(positions, 128)
    monkeypatch.setattr(masks_module, "_SCATTER_BYTES", 300)
    assert np.array_equal(whole, masks_of(positions, 128))


@pytest.mark.parametrize("n_members", [0, 1, 5, 256, 257, 700])
def test_a_union_has_the_bits_of_all_its_members(n_members: int) -> None:
    random = np.random.default_rng(n_members)
    masks = random.integers(0, 2**63, (40, 3)).astype(np.uint64)
    members = random.integers(0, 40, (6, n_members))
    united = unions(masks, members)
    for row, union in zip(members, united, strict=True):
        expected = np.zeros(3, dtype=np.uint64)
        for member in row:
            expected |= masks[member]
        assert np.array_equal(union, expected)


@given(
    st.sampled_from([(2, False), (1, True)]),
    st.integers(1, 64).flatmap(
        lambda length: st.lists(
            st.text(st.characters(max_codepoint=127), min_size=length, max_size=length), min_size=1
        )
    ),
)
def test_numbered_tokens_are_the_tokens(kind: tuple[int, bool], texts: list[str]) -> None:
    tokens = tokeniser(NgramComparison(*kind))
    assert tokens.has_codes(len(texts[0]))
    codes = tokens.codes(texts)
    assert codes.max() < tokens.n_codes
    spelled = [[tokens.token(code) for code in row] for row in codes.tolist()]
    assert spelled == [tokens.tokens(text) for text in texts]


@given(st.integers(1, 4), st.booleans(), st.text(max_size=9))
def test_tokens_are_those_of_clkhash(n: int, is_positional: bool, text: str) -> None:
    comparison = NgramComparison(n, is_positional)
    assert tokeniser(comparison).tokens(text) == list(comparison.tokenize(text))
