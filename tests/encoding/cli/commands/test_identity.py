"""`blindlink people` as the analyst meets it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from encoding.cli.main import main
from encoding.people.identity import read_identity
from encoding.people.identity_lock import Passphrase, read_key_file, read_passphrase
from encoding.people.key_rotation import begin_rotation, finish_rotation
from encoding.people.peers import read_peers
from encoding.workspace.workspace import open_workspace

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PASSPHRASE = "five words drawn at random"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["people", *arguments], input=typed, prog_name="blindlink")


def test_new_locks_the_keys_by_a_passphrase_that_is_typed_twice_or_comes_from_a_file(
    tmp_path: Path,
) -> None:
    result = call(
        "new", "child-welfare", "--duty", "analyst", typed=f"{PASSPHRASE}\n{PASSPHRASE}\n"
    )
    assert result.exit_code == 0, result.stderr
    assert PASSPHRASE not in result.output
    read_identity("identity.txt").unlock(Passphrase(PASSPHRASE))
    (tmp_path / "identity.txt").unlink()
    (tmp_path / "p").write_text(PASSPHRASE + "\n")
    (tmp_path / "p").chmod(0o600)
    result = call("new", "education", "--duty", "approver", "--passphrase-file", "p")
    assert result.exit_code == 0, result.stderr
    read_identity("identity.txt").unlock(Passphrase(PASSPHRASE))


def test_new_with_a_key_file_asks_nothing_and_warns() -> None:
    result = call("new", "child-welfare", "--duty", "analyst", "--key-file", "identity.key")
    assert result.exit_code == 0, result.stderr
    assert "warning" in result.stderr
    read_identity("identity.txt").unlock(read_key_file("identity.key"))


def test_new_overwrites_nothing_and_leaves_no_key_file_behind(tmp_path: Path) -> None:
    (tmp_path / "identity.txt").write_text("precious")
    result = call("new", "education", "--duty", "approver", "--key-file", "k")
    assert result.exit_code == 1
    assert (tmp_path / "identity.txt").read_text() == "precious"
    assert not (tmp_path / "k").exists()


def test_new_refuses_what_no_broker_takes_of_one_person_and_what_locks_nothing(
    tmp_path: Path,
) -> None:
    for other in ("analyst", "operator"):
        result = call("new", "office", "--duty", other, "--duty", "auditor", "--key-file", "k")
        assert result.exit_code == 2, other
        said = "the duty auditor can be combined only with the duty steward"
        assert said in result.stderr, other
    approver = ("new", "education", "--duty", "approver")
    assert call(*approver, "--key-file", "k", "--passphrase-file", "p").exit_code == 2
    assert call("new", "education", "--duty", "director").exit_code == 2
    assert call(*approver, typed="short\nshort\n").exit_code == 1
    assert list(tmp_path.iterdir()) == []
    beside = call("new", "office", "--duty", "steward", "--duty", "auditor", "--key-file", "k")
    assert beside.exit_code == 0, beside.stderr


def test_me_prints_the_fingerprint_in_three_lines_of_four_groups_and_what_json_needs() -> None:
    result = call("me")
    assert result.exit_code == 1
    assert "hint: make one with: blindlink people new" in result.stderr
    made = call("new", "education", "--duty", "approver", "--key-file", "k")
    shown = call("me")
    assert shown.stdout == made.stdout
    groups = read_identity("identity.txt").public.fingerprint().split()
    lines = shown.stdout.splitlines()[-3:]
    assert [line[13:] for line in lines] == [" ".join(groups[i : i + 4]) for i in (0, 4, 8)]
    signed = read_identity("identity.txt").signed
    expected = {"fingerprint": signed.identity.fingerprint(), **signed.to_json()}
    assert json.loads(call("me", "--json").stdout) == expected


def test_whoever_signs_without_settings_trusts_in_the_folder_where_they_have_signed(
    tmp_path: Path,
) -> None:
    said = ("trust", "schools", *["01234"] * 12)
    elsewhere = call(*said)
    assert (elsewhere.exit_code, "no settings file" in elsewhere.stderr) == (2, True), elsewhere
    assert list(tmp_path.iterdir()) == []
    # As the first command about an agreement leaves it.
    open_workspace(tmp_path / "workspace")
    trusted = call(*said)
    assert trusted.exit_code == 0, trusted.stderr
    (peer,) = read_peers(tmp_path / "workspace" / "peers.json").peers
    assert (peer.party, peer.fingerprint) == ("schools", " ".join(["01234"] * 12))


def test_keys_that_were_replaced_open_with_the_new_passphrase_too(tmp_path: Path) -> None:
    for name, words in (("p", PASSPHRASE), ("q", "five other words drawn at random")):
        (tmp_path / name).write_text(words + "\n")
        (tmp_path / name).chmod(0o600)
    old = ("--passphrase-file", "p")
    assert call("new", "education", "--duty", "approver", *old).exit_code == 0
    path = tmp_path / "identity.txt"
    first = read_identity(path).unlock(Passphrase(PASSPHRASE))
    kept = finish_rotation(begin_rotation(path, first, Passphrase(PASSPHRASE), NOW))
    done = call("passphrase", "--new-passphrase-file", "q", *old)
    assert done.exit_code == 0, done.stderr
    for file in (path, kept):
        read_identity(file).unlock(read_passphrase(tmp_path / "q"))
