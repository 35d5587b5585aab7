"""The commands of docs/secret.md, typed by two agencies in the order in which they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.near_broker import NearBroker, two_agencies

GUIDE = (Path(__file__).parents[2] / "docs/secret.md").read_text("utf-8")
OTHER = {"welfare": "schools", "schools": "welfare"}


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NearBroker]:
    monkeypatch.chdir(tmp_path)
    with two_agencies(tmp_path) as made:
        yield made


def commands(section: str) -> list[str]:
    text = GUIDE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [line.removeprefix("blindlink ") for block in blocks for line in block.splitlines()]


def type_all(rig: NearBroker, section: str) -> None:
    """Have both agencies type each command; the guide is written for one of them."""
    for command in commands(section):
        for party, other in OTHER.items():
            names = {"schools": other, "welfare": party}
            said = re.sub(r"schools|welfare", lambda found, n=names: n[found[0]], command)
            fingerprint = rig.people[other].public.fingerprint()
            rig.desks[party].ok(*said.replace("FINGERPRINT", fingerprint).split())


def test_the_guide_leads_to_one_secret_through_the_broker(rig: NearBroker) -> None:
    type_all(rig, "Before you begin")
    type_all(rig, "Through the broker")
    said = rig.desks["welfare"].ok("secret", "status").stdout
    assert "schools: has confirmed the secret, and encodes as you do" in said
    assert "`schools: has confirmed the secret, and encodes as you do`" in GUIDE
    for desk in rig.desks.values():
        desk.ok("round", "--ready")
    rig.desks["welfare"].ok("encode")
    type_all(rig, "A new secret")
    assert rig.secret_status("welfare") == rig.secret_status("schools")
    assert rig.secret_status("welfare")["epoch"] == 2


def test_the_guide_leads_to_one_secret_by_files(rig: NearBroker, tmp_path: Path) -> None:
    for party, person in rig.people.items():
        (tmp_path / f"{party}.json").write_bytes(person.signed.to_canonical())
    for one in rig.desks.values():
        one.ok("status")
    n_requests = len(rig.courier.seen)
    type_all(rig, "By files, without the broker")
    assert len(rig.courier.seen) == n_requests
    assert rig.secret_status("welfare") == rig.secret_status("schools")
    assert rig.secret_status("welfare")["key_id"] is not None
