"""Mode `blind` under an agreement that all parties have signed, the recipient among them, by typed commands."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.agreement import ANSWERS, PROJECT, AgreementRig, agreement_rig
from rigs.agreement_moments import share_columns
from rigs.near_broker import ADDRESS

RESEARCH = "research-office"
RECIPIENT = f"""
[[parties]]
name = "{RESEARCH}"
kind = "recipient"
title = "State University, Office of Research"
capacity = "studies placements and schooling"
contact = "Principal investigator, 555-0103"
identities = ["rex.json"]

[[directions]]
giver = "schools"
receiver = "{RESEARCH}"
basis = "ferpa-studies"

[[directions]]
giver = "welfare"
receiver = "{RESEARCH}"
basis = "other"
citation = "Example Code 12.5"

[[elements]]
party = "schools"
name = "born"
use = "shared"

[[elements]]
party = "welfare"
name = "born"
use = "shared"

[[recipients]]
party = "{RESEARCH}"
mode = "blind"
"""


def blind_answers() -> str:
    """Return the answers with the recipient in place of the agencies as such."""
    before, _, rest = ANSWERS.partition("[[recipients]]")
    _, limits, after = rest.partition("[limits]")
    kept = before.split("[[directions]]")
    directions = [part for part in kept[1:] if 'receiver = "operator"' in part]
    last = kept[-1].partition("[population]")
    text = kept[0] + "".join(f"[[directions]]{part}" for part in directions)
    return text + last[1] + last[2] + RECIPIENT + limits + after


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[AgreementRig]:
    with agreement_rig(tmp_path, rex=(RESEARCH, ("recipient", "steward"))) as made:
        ann = made.desks["ann"].folder
        (ann / "answers.toml").write_text(blind_answers(), "utf-8")
        yield made


def sign_all(rig: AgreementRig) -> str:
    fingerprint = rig.draft()
    path = str(rig.desks["ann"].folder / "first.json")
    for name, source in (("ann", (path,)), ("kim", ()), ("eve", ()), ("rex", ())):
        signed = rig.sign(name, fingerprint, *source)
        assert signed.exit_code == 0, (name, signed.output)
    rig.desks["bob"].ok("agreement", "accept", *fingerprint.split())
    return fingerprint


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_recipient_signs_receives_and_opens_what_agencies_cannot(rig: AgreementRig) -> None:
    fingerprint = sign_all(rig)
    rig.upload()
    bob, kim, rex = rig.desks["bob"], rig.desks["kim"], rig.desks["rex"]
    rig.approve()
    bob.ok("round", "--wait")
    keys = (rig.people["rex"].public.fingerprint()).split()
    for desk in (bob, kim):
        desk.ok("people", "trust", RESEARCH, *keys, "--also")
        said = desk.ok("links").stderr
        assert f"only {RESEARCH} can open" in said
        assert "warning" not in said
        share_columns(desk.folder, "born")
        desk.ok("deliver", RESEARCH)
    rex.ok(
        "init", "--without-file", "--broker", ADDRESS, "--project", PROJECT, "--party", RESEARCH,
        "--identity", "identity.txt", "--key-file", "identity.key",
    )  # fmt: skip
    rex.ok("agreement", "accept", *fingerprint.split())
    rex.ok("attach")
    left, right = (
        {row["link_id"]: row["born"] for row in rows(rex.folder / f"from-{party}.csv")}
        for party in ("schools", "welfare")
    )
    common = left.keys() & right.keys()
    assert (len(left), len(right), len(common)) == (3, 3, 2)
    assert {left[link] for link in common} == {"2011-04-09", "2015-01-15"}
    assert "match IDs that you alone can open" in rex.ok("status").stdout
    assert rex.type("links").exit_code == 1


def test_refresh_waits_until_the_release_of_what_is_sealed_is_approved(rig: AgreementRig) -> None:
    approvals = '[approvals]\nparties = ["welfare"]\nasker_suffices = true\nreleases = true\n'
    answers = blind_answers().replace('[approvals]\nruns = "standing"\n', approvals)
    (rig.desks["ann"].folder / "answers.toml").write_text(answers, "utf-8")
    sign_all(rig)
    ann, bob, kim = rig.desks["ann"], rig.desks["bob"], rig.desks["kim"]
    rig.get_ready()
    # Anyone who uploads first waits for the other; the run is asked for with the second upload.
    assert kim.type("refresh").exit_code == 7
    assert bob.type("refresh").exit_code == 7
    run = rig.run()
    ann.ok("approve", run, "--yes")
    rig.work()
    waited = bob.type("refresh")
    assert waited.exit_code == 7, waited.output
    assert "warning: the match IDs for research-office could not be fetched" in waited.stderr
    assert "not approved yet" in waited.stderr
    ann.ok("approve", "--release", run, "--yes")
    # The round is closed meanwhile; what it made is fetched all the same. The next one waits to be asked for.
    sealed = bob.folder / f"links-for-{RESEARCH}.csv"
    assert not sealed.exists()
    assert "nothing is due" in bob.ok("refresh").stderr
    assert len(sealed.read_text("utf-8").splitlines()) > 3
