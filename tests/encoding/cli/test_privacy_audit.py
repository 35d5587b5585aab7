"""`blindlink privacy-audit`, alone and as a step of `refresh`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from oracles.desk import Desk
from oracles.near_broker import NearBroker

from encoding.linkage import NO_HARDENING, load_shipped
from encoding.synth import K12_LAYOUT, write_rehearsal
from schemas.profile import EncodingProfile, Hardening

WEAK = Hardening(kind="eld1", taps=2, output_bits=1024)


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of 800 rehearsal students."""
    folder = tmp_path_factory.mktemp("students")
    return write_rehearsal(
        folder, seed=6, n_children=100, n_students=800, overlap=0.6, error_level="mid"
    ).k12


@pytest.fixture
def desk(tmp_path: Path, students: Path, broker: NearBroker, view_of, secret) -> Desk:
    """A school agency with the students' file and the shipped profile."""
    broker.view = view_of(load_shipped("children"))
    desk = Desk(tmp_path / "schools", broker, "schools", now=datetime(2025, 10, 1, tzinfo=UTC))
    settings = {"id_column": K12_LAYOUT.id_column, "date_format": K12_LAYOUT.date_format}
    desk.set_up(students, secret, input=settings, columns=dict(K12_LAYOUT.inputs))
    return desk


def use(broker: NearBroker, profile: EncodingProfile, view_of) -> None:
    broker.view = view_of(profile)


def test_what_reaches_its_goals_ends_with_0_and_its_digest_goes_into_the_manifest(
    desk: Desk,
) -> None:
    found = desk.json("privacy-audit", "--quick")
    assert [goal["is_reached"] for goal in found["goals"]] == [True, True, True]
    desk.ok("encode")
    manifest = next((desk.folder / "workspace" / "outbox").glob("*.json"))
    assert json.loads(manifest.read_bytes())["privacy_audit_digest"] == found["digest"]


@pytest.mark.parametrize("hardening", [NO_HARDENING, WEAK], ids=["none", "two taps"])
def test_what_misses_a_goal_ends_with_1_and_is_reported_all_the_same(
    desk: Desk, broker: NearBroker, view_of, hardening: Hardening
) -> None:
    use(broker, load_shipped("children", hardening=hardening), view_of)
    page = desk.folder / "audit.html"
    result = desk.type("privacy-audit", "--quick", "--json", "--html", str(page))
    assert result.exit_code == 1
    assert not json.loads(result.stdout)["goals"][0]["is_reached"]
    assert "can name" in result.stderr
    assert "can name" in page.read_text("utf-8")
    assert not list((desk.folder / "workspace" / "reports").iterdir())


@pytest.mark.long
def test_refresh_audits_once_and_again_when_the_file_has_changed_much(
    desk: Desk, broker: NearBroker, students: Path, tmp_path: Path
) -> None:
    def audits() -> int:
        return desk.type("refresh").stderr.count("privacy audit: ")

    assert audits() == 1
    assert audits() == 0
    lines = students.read_text("utf-8").splitlines(keepends=True)
    shorter = tmp_path / "shorter.csv"
    shorter.write_text("".join(lines[:650]), "utf-8")
    config = desk.folder / "blindlink.toml"
    config.write_text(config.read_text().replace(students.as_posix(), shorter.as_posix()))
    desk.ok("check", "--accept")
    assert audits() == 1


def test_refresh_stops_at_a_profile_that_protects_too_little(
    desk: Desk, broker: NearBroker, view_of
) -> None:
    use(broker, load_shipped("children", hardening=WEAK), view_of)
    result = desk.type("refresh")
    assert result.exit_code in {1, 3}
    assert not broker.uploads


def test_a_handful_of_records_is_not_attacked(welfare: Desk) -> None:
    result = welfare.ok("privacy-audit")
    assert "too few" in result.stdout
    assert not list((welfare.folder / "workspace" / "reports").iterdir())
