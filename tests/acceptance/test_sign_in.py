"""Persons and a broker that is really served: enrolled, confirmed, signed in, with new keys, revoked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from rigs.office import PARTY, Office, enrolled, office
from samples.refusals import raises

from encoding.errors import IdentityLockedError
from encoding.owner_only import is_readable_by_others
from encoding.people.identity import read_identity
from encoding.people.identity_lock import Passphrase, read_key_file
from encoding.people.key_rotation import begin_rotation
from schemas.shared.trust import trust_only
from schemas.signing.identity import PublicIdentity

__all__ = ["office"]


def test_a_person_enrols_is_confirmed_signs_in_and_is_revoked(office: Office) -> None:
    office.new_person("analyst")
    shown = json.loads(office.type("people", "me", "--json").stdout)
    assert shown["identity"]["party"] == PARTY
    code = office.invite("analyst")
    # A slip in the code is found before it is sent.
    slipped = ("0" if code[0] != "0" else "1") + code[1:]
    refused = office.at_broker("people", "enrol", typed=slipped + "\n")
    assert refused.exit_code == 1
    assert "letter of the code is wrong" in refused.stderr
    assert code[5:] not in refused.stderr.splitlines()[-1]
    # It may lie in a file.
    code_file = office.folder / "code.txt"
    code_file.write_text(code.lower() + "\n")
    public = read_identity(office.folder / "identity.txt").public
    for _ in range(2):
        sent = office.at_broker("people", "enrol", "--code-file", str(code_file))
        assert sent.exit_code == 0, sent.stderr
        assert public.fingerprint().split()[0] in sent.stdout
    missing = office.at_broker("people", "enrol", "--code-file", "nowhere")
    assert missing.exit_code == 4
    early = office.token()
    assert early.exit_code == 4
    assert "has to confirm your keys" in early.stderr
    office.confirm()
    assert office.token().exit_code == 0
    # The token of a program is for its owner only.
    path = office.folder / "token.txt"
    assert path.read_text().startswith("bl_")
    assert path.stat().st_mode & 0o077 == 0
    # Another address of the same broker is not the one that is signed, and one that is none no address.
    other = replace(office, address=office.address.replace("localhost", "127.0.0.1"))
    refused = other.token()
    assert refused.exit_code == 4
    assert "127.0.0.1" in refused.stderr
    words = ("--out", "t", "--broker", "http://localhost", *office.unlock())
    assert office.type("people", "sign-in", "--token", *words).exit_code == 2
    office.revoke()
    assert office.token().exit_code == 4
    assert office.at_broker("people", "rotate", *office.unlock()).exit_code == 4


def test_new_keys_take_the_place_of_the_old_ones_though_their_change_was_cut_off(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(office, "analyst")
    path = office.folder / "identity.txt"
    key = read_key_file(office.folder / "identity.key")

    def rotated() -> PublicIdentity:
        done = office.at_broker("people", "rotate", *office.unlock())
        assert done.exit_code == 0, done.stderr
        assert office.token().exit_code == 0
        return read_identity(path).public

    def files() -> set[str]:
        return {found.name for found in office.folder.glob("identity.txt*")}

    before, after = read_identity(path).public, rotated()
    assert (after.person, after.duties) == (before.person, before.duties)
    assert after.fingerprint() != before.fingerprint()
    (kept,) = office.folder.glob("identity.txt.*")
    assert read_identity(kept).unlock(key).public == before
    # One that was begun long ago is signed anew.
    old = read_identity(path).unlock(key)
    begun = begin_rotation(path, old, key, datetime.now(UTC) - timedelta(days=3))
    assert rotated() == begun.new.public

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    # After the keys are drawn, and after the broker took them.
    for place in (
        "encoding.broker.client.BrokerClient.change_keys",
        "encoding.cli.commands.people_enrol.finish_rotation",
    ):
        former = files()
        with monkeypatch.context() as patch:
            patch.setattr(place, die)
            assert office.at_broker("people", "rotate", *office.unlock()).exit_code == 130
        drawn = (office.folder / "identity.txt.next").read_bytes()
        rotated()
        assert path.read_bytes() == drawn
        assert len(files() - former) == 1, place
    # One that belongs to other keys is not sent.
    (office.folder / "identity.txt.change").write_text("{}")
    refused = office.at_broker("people", "rotate", *office.unlock())
    assert refused.exit_code == 1
    assert "was begun before" in refused.stderr


def test_another_passphrase_opens_the_same_keys(office: Office) -> None:
    old, new = "seven odd words for a test", "eight other words, chosen for a test"
    path = office.folder / "identity.txt"
    office.type("people", "new", PARTY, "--duty", "analyst", typed=f"{old}\n{old}\n")
    before, raw = read_identity(path).public, path.read_bytes()
    wrong = office.type("people", "passphrase", typed=f"{new}\n{new}\n{new}\n")
    short = office.type("people", "passphrase", typed=f"{old}\nshort\nshort\n")
    assert (wrong.exit_code, short.exit_code) == (1, 1)
    change = path.with_name("identity.txt.change")
    change.write_text("begun")
    begun = office.type("people", "passphrase", typed=f"{old}\n{new}\n{new}\n")
    assert "people rotate" in begun.stderr
    change.unlink()
    assert path.read_bytes() == raw
    done = office.type("people", "passphrase", typed=f"{old}\n{new}\n{new}\n")
    assert done.exit_code == 0, done.stderr
    assert read_identity(path).unlock(Passphrase(new)).public == before
    with raises(IdentityLockedError):
        read_identity(path).unlock(Passphrase(old))
    assert [file.name for file in office.folder.glob("identity.txt*")] == ["identity.txt"]
    assert not is_readable_by_others(path)
    assert not any(word in done.output for word in (old, new))


def test_an_auditor_opens_the_pages_with_keys_alone(office: Office) -> None:
    enrolled(office, "auditor")
    printed = office.at_broker("people", "sign-in", *office.unlock())
    assert printed.exit_code == 0, printed.stderr
    # The broker is in this process, and its log lines are between.
    (link,) = [line for line in printed.stdout.splitlines() if line.startswith("https:")]
    page, _, code = link.partition("#")
    assert page == f"{office.address}/sign-in"
    tls = trust_only(office.ca_file)
    with httpx2.Client(base_url=office.address, verify=tls) as browser:
        assert browser.get("/log").status_code == 401
        assert browser.post("/session", json={"code": code}).status_code == 204
        assert browser.get("/log").status_code == 200
        assert browser.post("/session", json={"code": code}).status_code == 401


def test_settings_with_an_identity_need_no_options(office: Office) -> None:
    enrolled(office, "analyst")
    (office.folder / "people.csv").write_text("ID,first\n1,Ann\n")
    made = office.type(
        "init", "--broker", office.address, "--ca-file", str(office.ca_file), "--party", PARTY,
        "--project", "foster-school", "--identity", "identity.txt", "--key-file", "identity.key",
        "--file", "people.csv", "--id-column", "ID", "--population", "pupils",
    )  # fmt: skip
    assert made.exit_code == 0, made.stderr
    out = str(office.folder / "token.txt")
    assert office.type("people", "sign-in", "--token", out).exit_code == 0
    # No project yet: the person is known, and there is nothing to see.
    asked = office.type("status", "--json")
    assert asked.exit_code == 1
    assert "there is nothing here" in asked.stderr
