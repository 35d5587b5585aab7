"""No command puts its output in the place of a file that it did not write."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner
from rigs.desk import Desk
from rigs.near_broker import NearBroker
from samples.refusals import is_one

from encoding.cli.commands.synth import synth
from encoding.errors import OutputExistsError
from encoding.project.session import Session

STRANGE = b"someone's thesis"
# Every command that writes a file where its user says, and has no --force.
COMMANDS = [
    ("check", "--html", "{}"),
    ("check", "--duplicates", "{}"),
    ("calibrate", "--partner-records", "1", "--html", "{}"),
    ("privacy-audit", "--html", "{}"),
    ("encode", "--skip-invalid", "{}"),
    ("refresh", "--skip-invalid", "{}"),
    ("disclosures", "--record", "1", "--csv", "{}"),
    ("pin", "-o", "{}"),
    ("audit-pack", "-o", "{}"),
    ("people", "sign-in", "--token", "{}"),
    ("people", "enrol", "--out", "{}"),
    ("certificate", "-o", "{}"),
    ("certificate", "--html", "{}"),
    ("rollback", "1", "--reason", "why", "-o", "{}"),
    ("destroy", "--yes", "-o", "{}"),
    ("destroy", "--yes", "--html", "{}"),
]


def test_strange_file_is_left_alone_before_any_work(welfare: Desk, broker: NearBroker) -> None:
    def nobody_is_asked(_: object) -> None:
        raise AssertionError

    broker.courier.before = nobody_is_asked
    strange = welfare.folder / "strange"
    for words, content in product(COMMANDS, (STRANGE, b'{"a":1}', b"")):
        strange.write_bytes(content)
        result = welfare.type(*(word.format(strange) for word in words))
        assert result.exit_code == 1, words
        assert "the file strange is there already" in result.stderr, words
        assert "--force" not in result.stderr, words
        assert strange.read_bytes() == content, words


def test_no_place_is_taken_that_the_settings_name_or_a_strange_proof_has(
    welfare: Desk, people, write_people
) -> None:
    people_file: Path = write_people([*people, ("5", "Eve", "May", "31.12.2010")])
    names = ("blindlink.toml", "secret.txt", "links.csv")
    targets = (people_file, *(welfare.folder / name for name in names))
    for command, target in product(("encode", "refresh"), targets):
        before = target.read_bytes() if target.exists() else None
        result = welfare.type(command, "--skip-invalid", str(target))
        assert result.exit_code == 1, (command, target)
        assert (target.read_bytes() if target.exists() else None) == before, (command, target)
    strange = welfare.folder / "proofs" / "entry-7.tlog-proof"
    strange.parent.mkdir()
    strange.write_bytes(STRANGE)
    result = welfare.type("disclosures", "--record", "1", "--proofs", str(strange.parent))
    assert result.exit_code == 1
    assert strange.read_bytes() == STRANGE


@pytest.mark.parametrize("name", ["child_welfare.csv", "k12.csv", "truth.csv", "look_alikes.csv"])
def test_rehearsal_leaves_a_strange_file_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(STRANGE)
    result = CliRunner().invoke(synth, [str(tmp_path), "--children", "3"], obj=Session())
    assert is_one(result.exception, OutputExistsError)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == STRANGE


def test_what_a_command_wrote_before_is_replaced(
    near: NearBroker, welfare: Desk, people, write_people
) -> None:
    write_people([*people, ("5", "Eve", "May", "31.12.2010")])
    for _ in range(2):
        welfare.ok("encode", "--skip-invalid", str(welfare.folder / "skipped.csv"))
        welfare.ok("pin", "-o", str(welfare.folder / "county.pin"))
        rehearsal = [str(welfare.folder), "--children", "3", "--students", "9"]
        assert CliRunner().invoke(synth, rehearsal, obj=Session()).exit_code == 0
