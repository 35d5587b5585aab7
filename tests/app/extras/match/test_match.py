from __future__ import annotations

import base64
import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from click.testing import CliRunner, Result
from samples.encodings import seeded_rows
from twins.dice import all_pairs
from twins.linking import Link, greedy_groups, one_to_one

from app.cli.main import main
from app.extras.match import files as encoding_files

N_BITS = 128


@pytest.fixture(scope="module")
def rows() -> list[np.ndarray]:
    left, right = seeded_rows(60, N_BITS, 0.4, seed=9)
    third, _ = seeded_rows(40, N_BITS, 0.4, seed=9)
    return [left, right, np.concatenate([third, right[:10]])]


@pytest.fixture
def json_files(tmp_path, rows) -> list[str]:
    paths = [tmp_path / f"{name}.json" for name in "abc"]
    for path, file in zip(paths, rows, strict=True):
        path.write_text(json.dumps({"clks": [base64.b64encode(row).decode() for row in file]}))
    return [str(path) for path in paths]


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["match", *args])


def links(rows, threshold: Fraction) -> list[Link]:
    as_int = [[int.from_bytes(row.tobytes(), "little") for row in file] for file in rows]
    return [
        Link((i, pair.left), (j, pair.right), pair.common, pair.total)
        for i in range(len(rows))
        for j in range(i + 1, len(rows))
        for pair in all_pairs(as_int[i], as_int[j], threshold)
    ]


def test_groups_are_printed_in_the_shape_of_anonlink(json_files, rows):
    result = run(*json_files, "--threshold", "0.8")
    expected = [
        [list(record) for record in group] for group in greedy_groups(links(rows, Fraction(4, 5)))
    ]
    assert json.loads(result.stdout) == {"groups": expected}
    assert len(expected) > 20


def test_it_needs_none_of_the_brokers_packages_and_other_commands_name_them(json_files, rows):
    packages = ["sqlalchemy", "structlog", "fastapi", "alembic", "pydantic_settings"]
    code = f"import sys; sys.modules.update(dict.fromkeys({packages})); from blindlink.programs import broker"
    for words, status, said in (
        (["match", *json_files, "--threshold", "0.8"], 0, ""),
        (["serve"], 1, "needs the package"),
        (["doctor"], 1, "needs the package"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", f"{code}; broker()", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, said in done.stderr) == (status, True), done.stderr
        assert "Traceback" not in done.stderr


def test_one_to_one_gives_each_record_one_partner(json_files, rows):
    result = run(*json_files[:2], "--threshold", "0.7", "--solver", "one-to-one")
    picked = one_to_one(links(rows[:2], Fraction(7, 10)))
    expected = sorted([list(link.left), list(link.right)] for link in picked)
    assert json.loads(result.stdout) == {"groups": expected}


def test_similarities_are_printed_best_first(json_files, rows):
    result = run(*json_files, "--threshold", "0.75", "--similarities")
    scores = json.loads(result.stdout)["similarity_scores"]
    expected = sorted(
        (
            [list(link.left), list(link.right), float(link.similarity)]
            for link in links(rows, Fraction(3, 4))
        ),
        key=lambda row: (-row[2], row[0][0], row[1][0], row[0][1], row[1][1]),
    )
    assert scores == expected


def test_no_pairs_are_an_empty_list(json_files):
    assert run(*json_files[:2], "--threshold", "1").stdout == '{"groups": []}\n'


def test_raw_binary_gives_what_json_gives(tmp_path, json_files, rows):
    paths = [tmp_path / f"{name}.bin" for name in "abc"]
    for path, file in zip(paths, rows, strict=True):
        path.write_bytes(file.tobytes())
    binary = run(*map(str, paths), "--threshold", "0.8", "--bits", str(N_BITS))
    assert binary.stdout == run(*json_files, "--threshold", "0.8").stdout


BAD_FILES = {
    "empty": b"",
    "cut": b"{",
    "list": b"[]",
    "no clks": b'{"clks": []}',
    "text": b'{"clks": "AAAA"}',
    "numbers": b'{"clks": [1, 2]}',
    "not base64": b'{"clks": ["?"]}',
    "widths": b'{"clks": ["AAAA", "AAAAAAAA"]}',
    "no bits": b'{"clks": [""]}',
    "deep": b"[" * 100_000,
    "binary": b"\xff\xfe\x00",
    "a cut container": b"blindlink/container/1\n",
}


def test_a_file_that_is_not_encodings_is_refused(tmp_path, json_files):
    path = tmp_path / "bad.json"
    for name, content in BAD_FILES.items():
        path.write_bytes(content)
        result = run(json_files[0], str(path), "--threshold", "0.8")
        assert (result.exit_code, result.stdout) == (3, ""), name
        assert result.stderr.startswith("blindlink-broker: error: "), name


def test_a_threshold_that_is_no_decimal_in_range_is_refused(json_files):
    for threshold in ("nan", "0", "1.1", "-0.5", "inf", "", "4/5", "1e-1", "0,8"):
        result = run(*json_files, f"--threshold={threshold}")
        assert (result.exit_code, result.stdout) == (3, ""), threshold


def test_bits_that_do_not_fit_the_file_are_refused(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(1024))
    for bits in ("0", "7", "-8", "8192", "1000"):
        assert run(str(path), str(path), "--threshold=0.8", f"--bits={bits}").exit_code == 3, bits


def test_different_widths_are_refused(tmp_path, json_files):
    wide = tmp_path / "wide.json"
    wide.write_text(json.dumps({"clks": [base64.b64encode(bytes(64)).decode()]}))
    result = run(json_files[0], str(wide), "--threshold", "0.8")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "same width" in result.stderr


def test_equal_records_meet_the_cap(tmp_path):
    path = tmp_path / "equal.bin"
    path.write_bytes(bytes([85]) * 16 * 2000)
    result = run(str(path), str(path), "--threshold=0.8", "--bits=128", "--max-pairs=1000")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "more than 1,000 pairs reach the threshold 0.8" in result.stderr


def test_wrong_usage_is_refused(json_files):
    assert run(json_files[0], "--threshold", "0.8").exit_code == 2
    # An unknown kernel is refused.
    assert run(*json_files, "--threshold", "0.8", "--kernel", "abacus").exit_code == 3


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, json_files, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(160))
    parse = encoding_files._parse_binary

    def parse_and_append(content, bits):
        path.write_bytes(bytes(320))
        return parse(content, bits)

    monkeypatch.setattr(encoding_files, "_parse_binary", parse_and_append)
    result = run(str(path), str(path), "--threshold=0.8", "--bits=128")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "changed while it was read" in result.stderr
