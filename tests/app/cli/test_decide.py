"""Deciding two containers offline gives what a run would give, by handle."""

from __future__ import annotations

import csv
import json
import secrets
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.main import main
from schemas.agreement import ProjectTerms
from schemas.api import ProjectView
from schemas.profile import EncodingProfile, Hardening
from schemas.upload import ContainerHeader, serialise_header

PROFILE = EncodingProfile(
    name="plain",
    recipe=None,
    linkage_schema=json.dumps({"clkConfig": {"l": 128}}),
    hardening=Hardening(kind="none"),
    nominal_fill="0.25",
)
TERMS = {
    "project": "pupils", "purpose": "testing", "providers": ["left", "right"], "recipients": [],
    "spaces": [], "profile": PROFILE.digest(), "population": "all",
    "policy": {"auto": "0.9", "review": "0.7", "margin": "0", "solver": "one-to-one"},
    "start": "2026-01-01", "end": "2026-12-31",
}  # fmt: skip


def container(
    path: Path, party: str, encodings: list[bytes], profile: EncodingProfile = PROFILE
) -> list[str]:
    handles = sorted(secrets.token_bytes(16) for _ in encodings)
    header = ContainerHeader(
        project="pupils", party=party, epoch=1, profile=profile.digest(), key_id="0" * 16,
        encoding_bits=128, records=len(encodings), encodings=len(encodings),
    )  # fmt: skip
    rows = [handle + b"\0" + encoding for handle, encoding in zip(handles, encodings, strict=True)]
    path.write_bytes(serialise_header(header) + b"".join(rows))
    return [handle.hex() for handle in handles]


@pytest.fixture
def papers(tmp_path: Path) -> list[str]:
    terms = ProjectTerms.from_json(TERMS)
    view = ProjectView(
        project="pupils", agreement=terms.digest(), terms=terms, profile=PROFILE, in_force=True
    )
    (tmp_path / "project.json").write_text(json.dumps(view.to_json(), indent=2))
    return ["--project", str(tmp_path / "project.json")]


def decide(papers: list[str], left: Path, right: Path, output: Path) -> tuple[int, str]:
    words = ["decide", *papers, str(left), str(right), "-o", str(output)]
    done = CliRunner().invoke(main, words)
    return done.exit_code, done.output


def test_equal_encodings_are_auto_and_near_ones_for_review(
    papers: list[str], tmp_path: Path
) -> None:
    same, near, far = (
        b"\xff" * 4 + bytes(12),
        bytes(4) + b"\xff" * 4 + bytes(8),
        bytes(12) + b"\xff" * 4,
    )
    left = container(tmp_path / "l.enc", "left", [same, near])
    nearly = bytes(4) + b"\xff" * 3 + bytes(9)
    right = container(tmp_path / "r.enc", "right", [same, nearly, far])
    code, output = decide(papers, tmp_path / "l.enc", tmp_path / "r.enc", tmp_path / "out.csv")
    assert code == 0, output
    with (tmp_path / "out.csv").open(encoding="utf-8") as text:
        rows = [(row["band"], row["party"], row["handle"]) for row in csv.DictReader(text)]
    assert sorted(rows) == sorted(
        [
            ("auto", "left", left[0]), ("auto", "right", right[0]),
            ("review", "left", left[1]), ("review", "right", right[1]),
        ]
    )  # fmt: skip


def test_container_of_another_profile_is_refused(papers: list[str], tmp_path: Path) -> None:
    other = PROFILE.model_copy(update={"name": "other"})
    container(tmp_path / "l.enc", "left", [b"\xff" * 16], other)
    container(tmp_path / "r.enc", "right", [b"\xff" * 16])
    code, output = decide(papers, tmp_path / "l.enc", tmp_path / "r.enc", tmp_path / "out.csv")
    assert code != 0
    assert "another encoding profile" in output
    assert not (tmp_path / "out.csv").exists()


def test_truncated_container_is_refused(papers: list[str], tmp_path: Path) -> None:
    container(tmp_path / "l.enc", "left", [b"\xff" * 16])
    container(tmp_path / "r.enc", "right", [b"\xff" * 16])
    whole = (tmp_path / "r.enc").read_bytes()
    (tmp_path / "r.enc").write_bytes(whole[:-1])
    code, output = decide(papers, tmp_path / "l.enc", tmp_path / "r.enc", tmp_path / "out.csv")
    assert code != 0
    assert "length differs" in output
