"""A secret is replaced, by typed commands at a real broker: from the amendment to links of the new epoch."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from oracles.agreement_rig import PROJECT, AgreementRig, agreement_rig
from oracles.desk import Desk

from schemas.upload import parse_header

pytestmark = pytest.mark.long
ANALYSTS = ("bob", "kim")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[AgreementRig]:
    with agreement_rig(tmp_path) as made:
        for name in ANALYSTS:
            (made.desks[name].folder / "secret.txt").unlink()
        yield made


def compare(rig: AgreementRig) -> None:
    """Have the analysts compare their fingerprints."""
    for name, other in (ANALYSTS, ANALYSTS[::-1]):
        person = rig.people[other].public
        words = person.fingerprint().split()
        rig.desks[name].ok("identity", "trust", person.party, *words, "--also")


def share(rig: AgreementRig, begin: str) -> None:
    """Agree on a secret through the broker; `begin` is `share` or `rotate`."""
    for step in (begin, "accept", "accept"):
        for name in ANALYSTS:
            rig.desks[name].ok("secret", step)


def refresh(rig: AgreementRig) -> None:
    """Encode and upload at both desks, approve, and link."""
    rig.upload()
    run = rig.desks["bob"].json("run")["run"]
    for name in ("ann", "kim"):
        rig.desks[name].ok("approve", "run", run, "--yes")
    rig.work()
    for name in ANALYSTS:
        rig.desks[name].ok("links")


def links(desk: Desk) -> dict[str, str]:
    with (desk.folder / "links.csv").open(encoding="utf-8", newline="") as file:
        return {row["record_id"]: row["link_id"] for row in csv.DictReader(file)}


def encodings(desk: Desk) -> set[bytes]:
    """Return the encodings, each with its handle, in what the desk has made last."""
    raw = (desk.folder / "workspace/outbox" / f"{PROJECT}.enc").read_bytes()
    parsed = parse_header(raw)
    width = parsed.header.record_bytes
    return {raw[at : at + width] for at in range(parsed.body_offset, len(raw), width)}


def amend(rig: AgreementRig, *changes: str) -> None:
    """Let ann draft the next agreement, and all sign it."""
    folder = rig.desks["ann"].folder
    words = ("--amends", str(folder / "first.json"), *changes)
    fingerprint = rig.draft("second.json", *words)
    for name, source in (("ann", (str(folder / "second.json"),)), ("kim", ()), ("eve", ())):
        signed = rig.sign(name, fingerprint, *source)
        assert signed.exit_code == 0, signed.output


def status(desk: Desk) -> tuple[int, str]:
    shown = desk.json("secret", "status")
    assert all(holder["confirmed"] and not holder["differences"] for holder in shown["holders"])
    return shown["epoch"], shown["key_id"]


def test_all_is_encoded_anew_under_a_new_secret_and_former_links_stay_readable(
    rig: AgreementRig,
) -> None:
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    fingerprint = rig.agree()
    bob.ok("agreement", "accept", *fingerprint.split())
    compare(rig)
    share(rig, "share")
    first = status(bob)
    assert first == status(kim)
    refresh(rig)
    former, sent = {name: links(rig.desks[name]) for name in ANALYSTS}, encodings(bob)
    former_run = bob.json("status")["run"]
    assert len(former["bob"]) == 2

    # The next secret is made beside the one in use.
    share(rig, "rotate")
    assert status(bob)[0] == 2
    assert bob.json("encode")["key_id"] == first[1]

    amend(rig, "--set", "new_secret=true")
    rig.pass_time(minutes=1)
    for name in ANALYSTS:
        # What was made under the former secret is not taken any more.
        assert rig.desks[name].type("upload").exit_code == 1
    refresh(rig)
    assert status(bob) == status(kim)
    assert bob.json("encode")["key_id"] == status(bob)[1] != first[1]
    again = encodings(bob)
    handles = {record[:16] for record in sent} & {record[:16] for record in again}
    assert not handles
    assert not {record[16:] for record in sent} & {record[16:] for record in again}
    for name in ANALYSTS:
        assert set(links(rig.desks[name])) == set(former[name])
    bob.ok("links", "--run", former_run, "-o", str(bob.folder / "former.csv"))
    with (bob.folder / "former.csv").open(encoding="utf-8", newline="") as file:
        assert {row["record_id"]: row["link_id"] for row in csv.DictReader(file)} == former["bob"]
    receipts = bob.json("receipt", "verify")
    assert [one["kind"] for one in receipts].count("upload-received") == 2
    disclosed = bob.json("disclosures", "--record", "7")["disclosures"]
    assert [line["what"] for line in disclosed].count("encodings") == 2


def test_an_amendment_of_anything_else_keeps_the_secret(rig: AgreementRig) -> None:
    bob = rig.desks["bob"]
    fingerprint = rig.agree()
    bob.ok("agreement", "accept", *fingerprint.split())
    compare(rig)
    share(rig, "share")
    refresh(rig)
    first = status(bob)
    before = encodings(bob)
    amend(rig, "--set", "end=2028-08-31")
    rig.pass_time(minutes=1)
    refresh(rig)
    assert status(bob) == first
    assert encodings(bob) == before
