"""`blindlink privacy-audit`, alone and as a step of `refresh`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rigs.desk import Desk

from encoding.cli.main import main
from encoding.project.uploading import file_audit
from encoding.synth import write_rehearsal


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of 2,500 rehearsal students."""
    folder = tmp_path_factory.mktemp("students")
    return write_rehearsal(
        folder, seed=6, n_children=300, n_students=2_500, overlap=0.6, error_level="mid"
    ).k12


def audit(folder: Path, file: Path, *words: str) -> Result:
    """Audit a file without settings."""
    where = ("--config", str(folder / "blindlink.toml"), "privacy-audit", str(file))
    return CliRunner().invoke(main, [*where, "--preset", "rehearsal-k12", "--quick", *words])


def test_a_file_needs_no_settings_to_be_attacked(tmp_path: Path, students: Path) -> None:
    page = tmp_path / "audit.html"
    result = audit(tmp_path, students, "--json", "--html", str(page))
    found = json.loads(result.stdout)
    assert result.exit_code == (0 if all(goal["is_reached"] for goal in found["goals"]) else 1)
    assert len(found["digest"]) == 64
    assert found["side"] == "larger"
    assert "What was tried" in page.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["audit.html"]


def test_the_side_is_the_agreements_unless_it_is_said_and_a_handful_is_not_attacked(
    welfare: Desk,
) -> None:
    result = welfare.ok("privacy-audit", "--side", "smaller")
    assert "too few" in result.stdout
    assert not list((welfare.folder / "workspace" / "reports").iterdir())

    def side(*words: str) -> str:
        return str(json.loads(welfare.ok("privacy-audit", "--json", *words).stdout)["side"])

    assert side() == "smaller"
    assert side("--side", "larger") == "larger"


def test_the_rehearsed_partner_is_no_larger_than_the_agreement_lets_it_be(
    welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    rehearse = file_audit.audit_file

    def watched(*given: Any, **named: Any) -> Any:
        sizes.append(named["most_partner"])
        return rehearse(*given, **named)

    monkeypatch.setattr(file_audit, "audit_file", watched)
    for side in ("smaller", "larger"):
        welfare.ok("privacy-audit", "--side", side)
    assert sizes == [2000] * 3 + [None] * 3
