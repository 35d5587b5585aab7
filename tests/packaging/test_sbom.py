"""The bills of materials list exactly what the locks pin and what is installed, and what is vendored."""

from __future__ import annotations

import hashlib
import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

from install import sbom

ROOT = Path(__file__).resolve().parents[2]
# Read here as plain text, so that the reader of the locks is not its own witness.
LOCKED = re.compile(r"^([a-z0-9.-]+)==(\S+?)(?: ; [^\\]+)?((?: \\\n +--hash=\S+)+)$", re.MULTILINE)
LOCKS = {
    "broker": {"broker", "store", "traces"},
    "agency": {"agency", "parquet", "review", "tables"},
    "auditor": {"agency"},
}


def locked(locks: set[str]) -> set[tuple[str, str, frozenset[str]]]:
    text = "\n".join((ROOT / "requirements" / f"{lock}.txt").read_text() for lock in locks)
    return {
        (name, version, frozenset(re.findall(r"sha256:([0-9a-f]{64})", digests)))
        for name, version, digests in LOCKED.findall(re.sub(r"\n +#.*", "", text))
    }


def packages(name: str) -> list[dict[str, Any]]:
    parts = sbom.bill_of(name)["components"]
    return [part for part in parts if part["purl"].startswith("pkg:pypi/")]


def test_there_is_a_bill_for_each_kind_of_install() -> None:
    assert set(sbom.BILLS) == set(LOCKS)
    for name in LOCKS:
        head = sbom.bill_of(name)
        assert (head["bomFormat"], head["specVersion"]) == ("CycloneDX", "1.6")
        assert head["metadata"]["component"]["version"] == metadata.version("blindlink")


def test_a_bill_lists_exactly_what_is_locked() -> None:
    for name, locks in LOCKS.items():
        listed = [
            (part["name"], part["version"], frozenset(one["content"] for one in told["hashes"]))
            for part in packages(name)
            for told in part["externalReferences"]
        ]
        assert len(listed) == len(set(listed)) > 30, name
        assert set(listed) == locked(locks), name
        # What is installed is what a bill says.
        applying = {
            part["name"]: part["version"]
            for part in packages(name)
            if part["properties"][0]["value"] == "everywhere"
            or Marker(part["properties"][0]["value"]).evaluate()
        }
        assert {package: metadata.version(package) for package in applying} == applying, name


def test_what_an_extra_brings_is_optional() -> None:
    optional = {part["name"] for part in packages("agency") if part["scope"] == "optional"}
    assert {"pyarrow", "textual", "highspy"} <= optional
    assert {part["scope"] for part in packages("auditor")} == {"required"}


def test_what_is_vendored_is_listed_with_its_digest() -> None:
    scripts = {file.name for file in sbom.VENDORED.glob("*.min.js")}
    parts = sbom.bill_of("broker")["components"]
    (listed,) = (part for part in parts if not part["purl"].startswith("pkg:pypi/"))
    digest = hashlib.sha256((sbom.VENDORED / "htmx.min.js").read_bytes()).hexdigest()
    assert scripts == {"htmx.min.js"}
    assert listed["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert (sbom.VENDORED / "htmx.min.js").read_text("utf-8").count(f'"{listed["version"]}"') == 1


def test_the_same_bills_are_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for _ in range(2):
        sbom.main(tmp_path / "sbom")
        texts.append({file.name: file.read_bytes() for file in (tmp_path / "sbom").iterdir()})
    assert texts[0] == texts[1]
    assert set(texts[0]) == {f"blindlink-{name}.cdx.json" for name in LOCKS}
    printed = capsys.readouterr().out
    for name, text in texts[0].items():
        assert json.loads(text)["components"]
        assert f"{hashlib.sha256(text).hexdigest()}  sbom/{name}\n" in printed
