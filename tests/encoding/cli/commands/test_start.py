"""`blindlink start`: from an invitation to keys and settings, at a broker that is really served."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rigs.office import PARTY, Office, office
from vectors.invitation import log_key

import encoding.project.invitations as invitations
from app.cli.self_signed import write_certificate
from encoding.people.identity import read_identity
from encoding.people.identity_lock import Passphrase, read_key_file
from encoding.people.peers import read_peers
from encoding.workspace.config import read_config
from schemas.signing.invitation import Invitation

__all__ = ["office"]

PASSPHRASE = "seven odd words for a test"
MADE = {"identity.txt", "blindlink.toml", "broker.crt", "broker-log.vkey", "workspace"}


@pytest.fixture(autouse=True)
def _in_ones_own_folder(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(office.folder)


def start(office: Office, *more: str, typed: str | None = None) -> Result:
    return office.type("start", "ann.invitation", *more, typed=typed)


def left(office: Office) -> set[str]:
    return {path.name for path in office.folder.iterdir()} - {"ann.invitation"}


def bent(office: Office, **changes: Any) -> None:
    """Change the invitation as someone does who writes it anew."""
    path = office.folder / "ann.invitation"
    given = {**Invitation.from_file(path.read_bytes()).to_json(), **changes}
    del given["check"], given["version"]
    path.write_bytes(Invitation.of(**given).to_file())


def states(office: Office) -> list[str]:
    listed = office.type_as_operator("person", "list", PARTY).stdout
    # A thread of this process serves, and may log its last request meanwhile: that line begins with the time.
    return [line.split()[0] for line in listed.splitlines() if line[:1].isalpha()]


def test_an_invitation_leads_to_keys_settings_and_a_pinned_log(office: Office) -> None:
    office.invitation("analyst", "recipient")
    done = start(office, typed=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert done.exit_code == 0, done.stderr
    assert left(office) == MADE
    locked = read_identity("identity.txt")
    locked.unlock(Passphrase(PASSPHRASE))
    assert " ".join(locked.public.fingerprint().split()[:4]) in done.stdout
    assert "call the operator" in done.stderr
    assert PASSPHRASE not in done.output
    sections = read_config(Path("blindlink.toml")).sections
    invited = Invitation.from_file(Path("ann.invitation").read_bytes())
    assert (sections.project.name, sections.project.party) == ("foster-k12", PARTY)
    assert (sections.broker.url, sections.broker.log_key) == (office.address, invited.log_key)
    assert Path("broker-log.vkey").read_text().strip() == invited.log_key
    assert Path("workspace/log.vkey").read_text().strip() == invited.log_key
    if os.name == "posix":
        assert all(Path(name).stat().st_mode & 0o077 == 0 for name in MADE)
    assert invited.code not in done.output
    assert not [p for p in Path().rglob("*") if p.is_file() and p.name != "ann.invitation"
                and invited.code.encode() in p.read_bytes()]  # fmt: skip
    # The commands that follow need no more than the settings.
    office.confirm()
    link = office.type("people", "sign-in", typed=f"{PASSPHRASE}\n")
    assert link.exit_code == 0, link.stderr


def test_a_job_begins_with_a_key_file_and_then_names_its_file(office: Office) -> None:
    office.invitation("analyst")
    done = start(office, "--key-file", "identity.key")
    assert done.exit_code == 0, done.stderr
    assert "can act as this person" in done.stderr
    assert "blindlink init" in done.stderr
    Path("people.csv").write_text("ID,FIRST\n1,Ann\n")
    named = office.type("init", "--file", "people.csv", "--id-column", "ID",
                        "--population", "in-care")  # fmt: skip
    assert named.exit_code == 0, named.stderr
    sections = read_config(Path("blindlink.toml")).sections
    assert sections.identity.key_file == "identity.key"
    assert sections.broker.ca_file == "broker.crt"
    assert sections.input is not None
    again = office.type("init", "--file", "other.csv", "--id-column", "ID", "--population", "x")
    assert again.exit_code == 1
    office.confirm()
    assert office.type("people", "sign-in").exit_code == 0


def test_settings_are_opened_by_the_passphrase_file_that_was_named(office: Office) -> None:
    office.invitation("steward")
    Path("passphrase.txt").write_text(PASSPHRASE)
    Path("passphrase.txt").chmod(0o600)
    done = start(office, "--passphrase-file", "passphrase.txt")
    assert done.exit_code == 0, done.stderr
    assert "blindlink agreement show" in done.stderr
    office.confirm()
    assert office.type("people", "sign-in").exit_code == 0


class KilledError(Exception):
    pass


@pytest.mark.parametrize("step", ["write_identity", "require_same_keys", "write_durably", "settle"])
def test_what_was_killed_anywhere_is_finished_by_the_next_call(
    office: Office, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    office.invitation("analyst")

    def killed(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(invitations, step, killed)
        if step == "settle":
            patched.setattr("encoding.cli.commands.start.settle", killed)
        assert start(office, "--key-file", "identity.key").exit_code != 0
    before = Path("identity.key").read_bytes()
    kept = Path("identity.txt").read_bytes() if Path("identity.txt").exists() else None
    done = start(office, "--key-file", "identity.key")
    assert done.exit_code == 0, done.stderr
    assert left(office) == MADE | {"identity.key"}
    assert Path("identity.key").read_bytes() == before
    assert kept in (None, Path("identity.txt").read_bytes())
    read_identity("identity.txt").unlock(read_key_file("identity.key"))
    assert states(office) == ["awaiting"]


def test_once_more_changes_nothing_and_a_code_that_was_used_leaves_nothing_behind(
    office: Office, tmp_path: Path
) -> None:
    office.invitation("analyst")
    assert start(office, "--key-file", "identity.key").exit_code == 0
    before = {name: Path(name).read_bytes() for name in MADE - {"workspace"}}
    assert start(office, "--key-file", "identity.key").exit_code == 0
    office.confirm()
    again = start(office)
    assert again.exit_code == 0, again.stderr
    assert "active" in again.stderr
    assert {name: Path(name).read_bytes() for name in before} == before
    invitation = Path("ann.invitation").read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    (other / "stolen.invitation").write_bytes(invitation)
    late = office.type(
        "--config", str(other / "blindlink.toml"), "start", str(other / "stolen.invitation"),
        "--key-file", str(other / "identity.key"),
    )  # fmt: skip
    assert late.exit_code == 1
    assert "was used for other keys, or has expired" in late.stderr
    assert [path.name for path in other.iterdir()] == ["stolen.invitation"]


def test_an_invitation_that_has_ended_or_was_changed_is_refused_before_anything_is_asked(
    office: Office,
) -> None:
    path = office.invitation("analyst")
    good = path.read_bytes()
    path.write_bytes(good.replace(b'"analyst"', b'"steward"'))
    done = start(office)
    assert (done.exit_code, "was changed" in done.stderr) == (1, True)
    path.write_text("not an invitation")
    assert "ask for a new one" in start(office).stderr
    assert office.type("start", "nothing.invitation").exit_code == 1
    path.write_bytes(good)
    bent(office, expires="2020-01-01T00:00:00Z")
    done = start(office)
    assert done.exit_code == 1
    assert "the invitation expired at 2020-01-01T00:00:00Z" in done.stderr
    # The broker says it, too.
    with office.broker.database.write() as session:
        from app.agencies import persons

        now = office.broker.clock() - timedelta(days=8)
        old = persons.invite_person(session, party=PARTY, duties=("analyst",), label="", now=now)
    path.write_bytes(good)
    bent(office, code=old.code)
    done = start(office, "--key-file", "identity.key")
    assert (done.exit_code, "has expired" in done.stderr) == (1, True)
    assert left(office) == set()


def test_the_broker_takes_the_duties_and_the_party_that_were_invited_alone(office: Office) -> None:
    office.invitation("analyst")
    for changes in ({"duties": ["analyst", "approver"]}, {"party": "operator"}):
        invitation = Path("ann.invitation").read_bytes()
        bent(office, **changes)
        done = start(office, "--key-file", "identity.key")
        assert done.exit_code == 1, changes
        assert "does not accept the invitation" in done.stderr, changes
        assert left(office) == set(), changes
        assert states(office) == ["invited"], changes
        Path("ann.invitation").write_bytes(invitation)
    # A key file that was there stays where the code is refused.
    made = office.type(
        "people", "new", PARTY, "--duty", "steward", "--identity", "other.txt",
        "--key-file", "identity.key",
    )  # fmt: skip
    assert made.exit_code == 0
    bent(office, duties=["approver"])
    assert start(office, "--key-file", "identity.key").exit_code == 1
    assert left(office) == {"other.txt", "identity.key"}
    read_identity("other.txt").unlock(read_key_file("identity.key"))


def test_a_broker_with_another_log_is_found_out_by_the_first_command(office: Office) -> None:
    office.invitation("steward")
    bent(office, log_key=log_key())
    assert start(office, "--key-file", "identity.key").exit_code == 0
    office.confirm()
    done = office.type("agreement", "status")
    assert done.exit_code == 1
    assert "signed by a different key" in done.stderr
    assert not Path("workspace/pins/checkpoints").exists()


def test_a_broker_with_another_certificate_is_not_reached(office: Office, tmp_path: Path) -> None:
    office.invitation("analyst")
    write_certificate(tmp_path / "false")
    bent(office, certificate=(tmp_path / "false" / "broker.crt").read_text("ascii"))
    done = start(office, "--key-file", "identity.key")
    assert done.exit_code == 5
    assert left(office) == set()


def test_what_is_somebody_elses_stays(office: Office) -> None:
    office.invitation("analyst")
    for name, sentence in (
        ("broker.crt", "is there already"),
        ("broker-log.vkey", "is there already"),
        ("identity.txt", "cannot be used"),
        ("blindlink.toml", "is not TOML"),
    ):
        Path(name).write_text("mine")
        Path(name).chmod(0o600)
        done = start(office, "--key-file", "identity.key")
        assert done.exit_code in (1, 2), name
        assert sentence in done.stderr, name
        assert left(office) == {name}
        assert Path(name).read_text() == "mine"
        Path(name).unlink()
    # Keys with other duties stay.
    made = office.type("people", "new", PARTY, "--duty", "steward", "--key-file", "identity.key")
    assert made.exit_code == 0
    before = Path("identity.txt").read_bytes()
    done = start(office, "--key-file", "identity.key")
    assert (done.exit_code, "with other duties" in done.stderr) == (1, True)
    assert Path("identity.txt").read_bytes() == before


def test_an_invitation_of_another_project_or_none_leaves_the_settings(office: Office) -> None:
    office.invitation("analyst")
    bent(office, project=None)
    assert start(office).exit_code == 2
    assert start(office, "--key-file", "identity.key", "--project", "foster-k12").exit_code == 0
    office.invitation("analyst")
    assert start(office, "--project", "other").exit_code == 2
    office.invitation("analyst", project="other-project")
    done = start(office, "--key-file", "identity.key")
    assert done.exit_code == 1
    assert "settings of another broker, project or party" in done.stderr


def test_whom_the_operator_has_confirmed_is_on_the_sheet_and_several_are_trusted_at_once(
    office: Office,
) -> None:
    office.invitation("steward")
    assert start(office, "--key-file", "identity.key").exit_code == 0
    refused = office.type("people", "list")
    assert refused.exit_code == 4
    office.confirm()
    done = office.type("people", "list", "--json")
    assert done.exit_code == 0, done.stderr
    public = read_identity("identity.txt").public
    # The rig's broker writes its log to the same place.
    (row,) = json.loads(done.stdout[done.stdout.index('{\n  "project"') :])["persons"]
    assert (row["fingerprint"], row["compared"]) == (public.fingerprint(), True)
    assert "[x] compared here" in office.type("people", "list").stdout
    first, second = "12345 " * 12, "54321 " * 12
    done = office.type("people", "trust", "k12", *first.split(), *second.split())
    assert done.exit_code == 0, done.stderr
    peers = read_peers(Path("workspace/peers.json")).of("k12")
    assert {peer.fingerprint for peer in peers} == {first.strip(), second.strip()}
    assert office.type("people", "trust", "k12", *first.split()).exit_code == 0
    assert len(read_peers(Path("workspace/peers.json")).of("k12")) == 1
    short = office.type("people", "trust", "k12", *first.split(), *second.split()[:-1])
    assert short.exit_code == 1
