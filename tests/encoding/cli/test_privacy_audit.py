"""`blindlink privacy-audit`, alone and as a step of `refresh`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from oracles.broker import BrokerDouble
from oracles.desk import Desk

from encoding.linkage import NO_HARDENING, load_shipped
from encoding.privacy_audit import Audit
from encoding.privacy_audit.kept import keep_audit
from encoding.privacy_audit.report import AuditReport
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
def desk(tmp_path: Path, students: Path, broker: BrokerDouble, view_of, secret) -> Desk:
    """A school agency with the students' file and the shipped profile."""
    broker.view = view_of(load_shipped("children"))
    desk = Desk(tmp_path / "schools", broker, "schools", now=datetime(2025, 10, 1, tzinfo=UTC))
    settings = {"id_column": K12_LAYOUT.id_column, "date_format": K12_LAYOUT.date_format}
    desk.set_up(students, secret, input=settings, columns=dict(K12_LAYOUT.inputs))
    return desk


def use(broker: BrokerDouble, profile: EncodingProfile, view_of) -> None:
    broker.view = view_of(profile)


def test_the_digest_of_a_kept_audit_goes_into_the_manifest(desk: Desk) -> None:
    # Every profile of this version misses its goals, so that a report that reached them has to be made up.
    report = AuditReport(
        load_shipped("children").digest(), Audit(800, 900, (), None, None, None), ()
    )
    reports = desk.folder / "workspace" / "reports"
    desk.ok("encode")
    (project,) = (path.name for path in (desk.folder / "workspace" / "outbox").glob("*.json"))
    keep_audit(reports / f"{project.partition('.')[0]}.privacy-audit.json", report, 800)
    desk.ok("encode")
    manifest = desk.folder / "workspace" / "outbox" / project
    assert json.loads(manifest.read_bytes())["privacy_audit_digest"] == report.digest()


@pytest.mark.parametrize(
    "hardening",
    [
        NO_HARDENING,
        pytest.param(WEAK, marks=pytest.mark.long),
        pytest.param(load_shipped("children").hardening, marks=pytest.mark.long),
    ],
    ids=["none", "two taps", "children"],
)
def test_what_misses_a_goal_ends_with_1_and_is_reported_all_the_same(
    desk: Desk, broker: BrokerDouble, view_of, hardening: Hardening
) -> None:
    use(broker, load_shipped("children", hardening=hardening), view_of)
    page = desk.folder / "audit.html"
    result = desk.type("privacy-audit", "--quick", "--json", "--html", str(page))
    assert result.exit_code == 1
    assert not json.loads(result.stdout)["goals"][0]["is_reached"]
    assert ("can name" if hardening.kind == "none" else "secret structure") in result.stderr
    assert "can name" in page.read_text("utf-8")
    assert not list((desk.folder / "workspace" / "reports").iterdir())


@pytest.mark.long
@pytest.mark.parametrize("hardening", [NO_HARDENING, None], ids=["none", "eld1"])
def test_refresh_goes_on_with_a_warning_where_nothing_protects(
    desk: Desk, broker: BrokerDouble, view_of, hardening: Hardening | None
) -> None:
    use(broker, load_shipped("children", hardening=hardening), view_of)
    result = desk.type("refresh")
    assert broker.uploads
    assert "privacy audit" not in result.stderr
    assert "whoever" in result.stderr
    assert "can find out" in result.stderr


def test_refresh_stops_at_a_profile_that_protects_too_little(
    desk: Desk, broker: BrokerDouble, view_of
) -> None:
    use(broker, load_shipped("children", hardening=WEAK), view_of)
    result = desk.type("refresh")
    assert result.exit_code in {1, 3}
    assert not broker.uploads


def test_a_handful_of_records_is_not_attacked(welfare: Desk) -> None:
    result = welfare.ok("privacy-audit")
    assert "too few" in result.stdout
    assert not list((welfare.folder / "workspace" / "reports").iterdir())
