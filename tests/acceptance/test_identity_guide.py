"""The commands of docs/identity.md, typed by a person and the operator in the order of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import httpx2
import pytest
from click.testing import Result
from rigs.office import Office, enrolled, office
from services.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, openid_provider

from app.agencies.duties import role_of
from encoding.people.identity import read_identity
from encoding.workspace.config import read_config
from schemas.shared.trust import trust_only
from schemas.signing.identity import Duty

__all__ = ["office"]

GUIDE = (Path(__file__).parents[2] / "docs" / "identity.md").read_text("utf-8")
ADDRESS = "https://broker.example.org"
PASSPHRASE = "seven odd words for a test"


def commands(section: str) -> list[list[str]]:
    text = GUIDE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [line.split() for kind, block in blocks if not kind for line in block.splitlines()]


class Reader:
    """Anyone who follows the guide, and remembers what the operator printed last."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.code = ""

    def type(self, words: list[str]) -> Result:
        public = (
            read_identity(self.office.folder / "identity.txt").public if self.has_keys else None
        )
        for i, word in enumerate(words):
            if word == "PERSON" and public:
                words[i] = public.person
            if word == "FINGERPRINT" and public:
                words[i] = public.fingerprint()
        if words[0] == "blindlink-broker":
            return self.operate(words[1:])
        given = list(words[1:])
        if ADDRESS in given:
            given[given.index(ADDRESS)] = self.office.address
            given += ["--ca-file", str(self.office.ca_file)]
        return self.office.type(*given, typed=self.answers(given))

    @property
    def has_keys(self) -> bool:
        return (self.office.folder / "identity.txt").exists()

    def operate(self, words: list[str]) -> Result:
        done = self.office.type_as_operator(*words)
        if "invite" in words:
            self.code = done.stdout
        return done

    def answers(self, words: list[str]) -> str:
        """Return what the command asks for."""
        if words[0] == "start":
            return f"{PASSPHRASE}\n{PASSPHRASE}\n"
        if words[:2] == ["people", "passphrase"]:
            return f"{PASSPHRASE}\n" * 3
        return self.code if words[:2] == ["people", "enrol"] else f"{PASSPHRASE}\n"


@pytest.fixture
def reader(office: Office, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.chdir(office.folder)
    return Reader(office)


def follow(reader: Reader, section: str) -> list[Result]:
    done = []
    for words in commands(section):
        done.append(reader.type(words))
        assert done[-1].exit_code == 0, (words, done[-1].stderr)
    return done


def test_the_guide_leads_from_an_invitation_to_new_keys(reader: Reader) -> None:
    office = reader.office
    office.invitation("analyst")
    shown = follow(reader, "Begin")
    before = read_identity(office.folder / "identity.txt").public
    assert " ".join(before.fingerprint().split()[:4]) in shown[-1].stdout
    link, token = follow(reader, "Use them")
    assert f"{office.address}/sign-in#" in link.stdout
    assert (office.folder / "auditor.token").exists(), token.stderr
    follow(reader, "Another passphrase")
    assert read_identity(office.folder / "identity.txt").public == before
    follow(reader, "Replace them")
    after = read_identity(office.folder / "identity.txt").public
    assert after.fingerprint() != before.fingerprint()
    follow(reader, "When something happens")
    refused = reader.type(["blindlink", "people", "rotate"])
    assert refused.exit_code == 4
    assert "the sign-in is refused" in refused.stderr


def test_without_an_invitation_file_the_same_is_done_by_hand(reader: Reader) -> None:
    follow(reader, "By hand")
    folder = reader.office.folder
    made = read_identity(folder / "by-hand.txt")
    assert made.lock.kind == "key-file"
    (lines,) = re.findall(r"^```toml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    (folder / "blindlink.toml").write_text(lines + settings(reader.office), "utf-8")
    kept = read_config(folder / "blindlink.toml").sections.identity
    assert kept.file == "identity.txt"


@pytest.fixture
def openid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenIdProvider]:
    """A provider that the broker's settings name."""
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET)
    with openid_provider(tmp_path / "openid", lambda: datetime.now(UTC)) as made:
        named = {
            "ISSUER": made.issuer,
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET_FILE": str(secret),
            "CA_FILE": str(made.certificate),
            "REQUIRE": '{"amr": ["otp"]}',
        }
        for name, value in named.items():
            monkeypatch.setenv(f"BLINDLINK_SSO_{name}", value)
        yield made


def test_a_sign_on_is_linked_as_the_guide_says_listed_checked_and_ended(
    openid: OpenIdProvider, reader: Reader
) -> None:
    office = reader.office
    enrolled(office, "auditor")
    checked = office.type_as_operator("doctor").stdout
    assert f"ok     sign-on: {openid.issuer} answers, and shows keys: 1" in checked
    (words,) = commands("Sign in with your organization's account")
    printed = reader.type([*words, *office.unlock()])
    assert printed.exit_code == 0, printed.stderr
    (link,) = [line for line in printed.stdout.splitlines() if line.startswith("https:")]
    page, _, code = link.partition("#")
    assert page == f"{office.address}/sign-on/link"
    with (
        httpx2.Client(base_url=office.address, verify=trust_only(office.ca_file)) as browser,
        httpx2.Client(verify=trust_only(openid.certificate)) as at_provider,
    ):
        begun = browser.post("/sign-on/link", json={"code": code}).json()["location"]
        back = at_provider.get(begun).headers["location"]
        assert browser.get(back).status_code == 200
        assert browser.get("/log").status_code == 200
        listed = office.type_as_operator("person", "list").stdout
        assert "auditor; linked with a sign-on since" in listed
        person = read_identity(office.folder / "identity.txt").public.person
        assert office.type_as_operator("person", "unlink", person).exit_code == 0
        assert browser.get("/log").status_code == 401
    again = office.type_as_operator("person", "unlink", person)
    assert again.exit_code == 1
    assert "has linked no sign-on" in again.stderr
    openid.bends.discovery = lambda _: b"down"
    checked = office.type_as_operator("doctor").stdout
    assert f"WRONG  sign-on: {openid.issuer} does not answer as it should: json" in checked


def settings(office: Office) -> str:
    """Return what settings say beside the lines that the guide shows."""
    return f"""
[broker]
url = "{office.address}"
[project]
name = "foster-pupils"
party = "child-welfare"
"""


def test_the_guide_names_every_duty_and_says_which_stand_alone() -> None:
    for duty in get_args(Duty):
        assert f"\n| `{duty}` | " in GUIDE
    assert role_of(("auditor", "steward")) == "auditor"
    assert role_of(("operator", "steward")) == "operator"
