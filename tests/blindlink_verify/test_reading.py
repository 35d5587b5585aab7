"""What an outside reviewer is given: claims with their files, short copies, an archive with digests."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from benchmarks.house import closures
from install.reading import PAGE, ROOT, contents

COPIES = {
    "bsf1": "bsf1",
    "matching": "block_matching",
    "matching from section 5": "decision",
    "claims": "ledger",
}


def test_the_page_has_each_claim_and_growth_shows() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    told = dict(re.findall(r"^\| ([^|]+) \| [^|]*\| \d+ \| ([\d,]+) \|", page, re.MULTILINE))
    today = {claim: sum(files.values()) for claim, files in closures(ROOT).items()}
    assert told.keys() == today.keys()
    grown = {claim: n for claim, n in today.items() if n > 1.1 * int(told[claim].replace(",", ""))}
    assert grown == {}, "write the numbers of `python -m benchmarks.house` into the page"


def test_each_reading_copy_is_short_and_named_by_the_page_that_it_mirrors() -> None:
    for page, name in COPIES.items():
        spec = (ROOT / "schemas/spec" / f"{page.split()[0]}.md").read_text("utf-8")
        assert f"`tests/twins/{name}.py`" in spec
        copy = (ROOT / "tests/twins" / f"{name}.py").read_text("utf-8")
        assert len(copy.splitlines()) <= 300


def test_the_second_verifier_is_short_and_names_every_rule_of_the_page() -> None:
    sources = [one.read_text("utf-8") for one in sorted((ROOT / "blindlink_verify").glob("*.py"))]
    assert sum(len(one.splitlines()) for one in sources) <= 2600
    rules = (ROOT / "schemas/spec/entry.md").read_text("utf-8").split("## Rules")[1]
    codes = set(re.findall(r"\(`([a-z-]+)`[;),]", rules))
    assert len(codes) > 130
    assert {code for code in codes if f'"{code}"' not in "".join(sources)} == set()


def test_the_archive_has_what_the_page_names_and_the_digest_of_each_file() -> None:
    found = contents()
    page = found[PAGE].decode()
    named = {name for name in re.findall(r"`([a-z_0-9/]+\.py)`", page) if "/" in name}
    named -= {"tests/app/auditor/test_rule_verifier.py", "tests/app/auditor/test_rules.py"}
    named -= {"tests/app/matching/blocks/test_twin.py"}
    assert named - found.keys() == set()
    sums = dict(line.split("  ")[::-1] for line in found["SHA256SUMS"].decode().splitlines())
    assert sums == {
        name: hashlib.sha256(raw).hexdigest() for name, raw in found.items() if name != "SHA256SUMS"
    }
    assert "schemas/vectors/entry.json" in found
    assert b"blindlink_verify/rules.py" in found["CLOSURES"]
    assert Path("tests/breaks/every.py").as_posix() in found
