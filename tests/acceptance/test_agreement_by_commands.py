"""An agreement by typed commands at a real broker: signed, linked under, halted, amended, left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rigs.agreement import COUNSEL, PROJECT, AgreementRig, agreement_rig
from rigs.agreement_moments import refused
from rigs.desk import NOW, Desk
from rigs.near_broker import near_broker
from rigs.persons import enrol_keys

from encoding.cli.main import main
from encoding.cli.terminal import prompts
from encoding.people.peers import read_peers
from encoding.project.session import Session
from schemas.agreement.chapters import grouped

pytestmark = pytest.mark.long


def typing(desk: Desk, monkeypatch: pytest.MonkeyPatch, typed: str, *words: str) -> Result:
    """Type a command and answer its questions."""
    monkeypatch.setattr(prompts, "is_interactive", lambda: True)
    session = Session(transport=desk.near.courier, now=lambda: desk.now, sleep=desk.slept.append)
    config = str(desk.folder / "blindlink.toml")
    return CliRunner().invoke(main, ["--config", config, *words], obj=session, input=typed)


def state(desk: Desk, number: int = 1) -> str:
    listed = desk.json("agreement", "status")["agreements"]
    return str(next(one["state"] for one in listed if one["number"] == number))


def run_state(desk: Desk) -> str:
    (run,) = desk.json("round", "--runs")["runs"]
    return str(run["state"])


def test_an_agreement_is_signed_by_all_and_linked_under(rig: AgreementRig) -> None:
    fingerprint = rig.agree()
    kim, ann, bob = rig.desks["kim"], rig.desks["ann"], rig.desks["bob"]
    shown = kim.ok("agreement", "status").stdout
    assert "signed by all" in shown
    assert fingerprint in shown
    assert "counsel: Dana Cole, General counsel, 2026-11-19" in shown
    kim_first = kim.ok("round", "--ready").stderr
    assert fingerprint not in kim_first
    assert refused(bob.type("agreement", "accept", "0" * 64))
    bob.ok("agreement", "accept", *fingerprint.split())
    assert fingerprint not in bob.ok("round", "--ready").stderr
    assert "no run waits" in refused(ann.type("approve", "--yes"))
    assert "no agreement waits" in refused(ann.type("agreement", "sign"))
    rig.upload()
    (asked,) = bob.json("round", "--runs")["runs"]
    assert asked["state"] == "awaiting"
    assert "blindlink approve" in bob.ok("status").stdout
    assert "waits until it is approved" in refused(bob.type("round", "--wait"), 7)
    given = ann.ok("approve", "--yes")
    for part in (
        "asked for by schools",
        "match probability is 0.9",
        "schools receives",
        "it still waits for schools",
    ):
        assert part in given.stderr
    assert f"run {asked['run']} waits for schools" in kim.ok("approve", "--list").stdout
    kim.ok("approve", asked["run"], "--yes")
    rig.work()
    bob.ok("round", "--wait")
    rig.agree_on_links()
    assert len((bob.folder / "links.csv").read_text().splitlines()) == 3


def test_another_sheet_or_uncompared_keys_sign_nothing(
    rig: AgreementRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = rig.desks["ann"]
    fingerprint = rig.draft()
    path = str(ann.folder / "first.json")
    assert "does not match counsel's sheet" in refused(rig.sign("ann", "0" * 64, path))
    assert "64 characters" in refused(rig.sign("ann", "0" * 63, path))
    words = ("agreement", "sign", path)
    assert "64 characters" in refused(typing(ann, monkeypatch, f"{fingerprint[:8]}\n", *words))
    # Anyone who drafts can make two agreements that share any few characters.
    alike = f"{fingerprint[:-1]}{int(fingerprint[-1], 16) ^ 1:x}"
    said = refused(typing(ann, monkeypatch, f"{alike}\n", *words))
    assert "does not match counsel's sheet: the fingerprint is different (group 8 of 8)" in said
    assert "compare these groups with the sheet and type them again" in said
    typed = typing(ann, monkeypatch, f"{fingerprint}\nn\n", *words)
    assert "must be compared first" in refused(typed)
    given = (*words, "--fingerprint", fingerprint, "--keys-compared")
    assert "in the future" in refused(ann.type(*given, *COUNSEL[:-1], "2026-11-21"), 2)
    monkeypatch.undo()
    assert "--counsel-name" in refused(ann.type(*given, "--counsel-name", "", *COUNSEL[2:]), 2)
    assert "agreements" not in {name.split("/")[0] for name in ann.files()}
    assert ann.json("agreement", "status")["agreements"] == []


def test_whoever_signs_reads_it_and_compares_the_sheet_and_the_keys(
    rig: AgreementRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = rig.desks["ann"]
    fingerprint = rig.draft()
    path = str(ann.folder / "first.json")
    words = ("agreement", "sign", path)
    assert fingerprint == ann.ok("agreement", "send", path).stdout.strip()
    answers = f"{grouped(fingerprint)}\ny\nDana Cole\nGeneral counsel\n\n"
    signed = typing(ann, monkeypatch, answers, *words)
    assert signed.exit_code == 0, signed.output
    assert "WHO COULD LEARN WHAT" in signed.stdout
    kim = rig.people["kim"].public.fingerprint()
    assert f"schools (analyst, approver, recipient, steward): {kim}" in signed.stderr
    assert "it binds once operator and schools have signed" in signed.stderr
    trusted = read_peers(ann.folder / "workspace" / "peers.json")
    assert [peer.party for peer in trusted.peers] == ["operator", "schools"]
    assert "was signed before" in ann.ok(*words).stderr
    other = refused(ann.type(*words, "--fingerprint", "0" * 64, *COUNSEL))
    assert "does not match counsel's sheet" in other
    ann.ok(*words, "--fingerprint", fingerprint)
    # Before all have signed, nothing is encoded or linked.
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    assert "no agreement waits" in refused(rig.sign("bob", fingerprint))
    assert rig.sign("kim", fingerprint).exit_code == 0
    assert state(ann) == "waits for the signature of operator"
    for desk, asked in (
        (bob, ("round", "--ready")),
        (bob, ("encode",)),
        (kim, ("round", "--wait")),
    ):
        assert refused(desk.type(*asked))
    assert rig.sign("eve", fingerprint).exit_code == 0
    assert state(ann) == "signed by all"
    assert fingerprint in bob.ok("round", "--ready").stderr


def test_any_party_halts_alone_and_lifts_its_own_halt(agreed: AgreementRig) -> None:
    rig = agreed
    kim, bob = rig.desks["kim"], rig.desks["bob"]
    rig.get_ready()
    bob.ok("encode")
    kim.ok("agreement", "halt", "--reason", "A suspected breach.", "--yes")
    assert state(bob) == "suspended by schools"
    for words in (("encode",), ("upload",), ("round", "--wait"), ("links",), ("refresh",)):
        assert "schools has suspended the linkage" in refused(bob.type(*words))
    assert "--reason or --yes" in refused(kim.type("agreement", "halt"), 2)
    assert "schools has suspended at" in bob.ok("agreement", "status").stdout
    halted = bob.ok("status").stdout
    assert "not in force" in halted
    assert "Agreement 1, the last one that all have signed, is halted" in halted
    rig.pass_time(minutes=1)
    kim.ok("agreement", "halt", "--lift", "--reason", "It was nothing.", "--yes")
    bob.ok("upload")
    eve = rig.desks["eve"]
    key_file = str(eve.folder / "identity.key")
    unnamed = eve.type("agreement", "status", "--key-file", key_file)
    assert "--project" in refused(unnamed, 2)
    left = ("agreement", "leave", "--reason", "We close.", "--yes", *rig.unlocked("eve"))
    eve.ok(*left)
    assert state(bob) == "ended, since operator has left"
    assert "operator has left agreement 1" in refused(bob.type("upload"))


def test_runs_are_approved_in_advance_until_an_amendment_that_all_sign(
    agreed: AgreementRig,
) -> None:
    rig = agreed
    ann, kim, bob = rig.desks["ann"], rig.desks["kim"], rig.desks["bob"]
    beyond = ("approve", "--standing", "--until", "2028-01-01", "--runs", "3", "--yes")
    assert "ends on 2027-08-31" in refused(ann.type(*beyond), 2)
    for desk in (ann, kim):
        made = desk.ok("approve", "--standing", "--until", "2027-08-31", "--runs", "3", "--yes")
        assert made.stdout.startswith("apv-")
    rig.upload()
    assert run_state(bob) == "queued"
    bob.ok("round", "--wait")
    rig.agree_on_links()
    assert "1 of 3 runs used" in bob.ok("approve", "--list").stdout
    kim.ok("approve", "--revoke", "--yes")
    none = kim.type("approve", "--revoke", "--yes")
    assert "schools has no standing approval" in refused(none)
    rig.upload()
    assert run_state(bob) == "awaiting"
    before, after = (str(ann.folder / f"{name}.json") for name in ("first", "second"))
    second = rig.draft("second.json", "--amends", before, "--set", "end=2028-08-31")
    signed = rig.sign("ann", second, after)
    assert "WHAT CHANGES AGAINST AGREEMENT 1" in signed.stdout
    assert "+ " in signed.stdout
    assert (state(ann), state(ann, 2)) == (
        "signed by all",
        "waits for the signature of operator and schools",
    )
    bob.ok("round", "--runs")
    # What changes is shown also where the version before is not kept.
    (kim.folder / "workspace" / "agreements" / f"{PROJECT}.json").unlink()
    waits = "Agreement 2 waits for the signature of a steward of schools."
    assert waits in kim.ok("status").stdout
    assert "waits for the signature" not in ann.ok("status").stdout
    shown = rig.sign("kim", second).stdout
    assert waits not in kim.ok("status").stdout
    assert "2028-08-31" in shown.split("WHAT CHANGES AGAINST AGREEMENT 1")[1]
    assert rig.sign("eve", second).exit_code == 0
    assert state(bob, 2) == "signed by all"
    # Bob has not signed it; the same steward has, as for the agreement that he keeps.
    bob.ok("round", "--runs")
    kept = json.loads((bob.folder / "workspace" / "agreements" / f"{PROJECT}.json").read_text())
    assert [one["agreement"]["number"] for one in kept["agreements"]] == [1, 2]


def test_nobody_approves_under_an_old_agreement_by_mistake(agreed: AgreementRig) -> None:
    ann = agreed.desks["ann"]
    first, second = (str(ann.folder / f"{name}.json") for name in ("first", "second"))
    fingerprint = agreed.draft("second.json", "--amends", first, "--set", "end=2027-07-31")
    assert agreed.sign("ann", fingerprint, second).exit_code == 0
    waited = refused(ann.type("agreement", "sign", *STANDING))
    assert "operator and schools have yet to sign the next agreement" in waited
    assert standing(ann) == []


def test_a_party_that_joins_signs_though_the_version_before_is_not_its_to_see(
    tmp_path: Path,
) -> None:
    with agreement_rig(tmp_path, uma=("inspectors", ("auditor", "steward"))) as rig:
        rig.agree()
        ann = rig.desks["ann"].folder
        answers = ann / "answers.toml"
        answers.write_text(answers.read_text().replace("[[directions]]", JOINING, 1))
        chosen = ("--from", str(answers), "--amends", str(ann / "first.json"))
        second = rig.draft("second.json", *chosen)
        rig.sign("ann", second, str(ann / "second.json"))
        signed = rig.sign("uma", second)
        assert signed.exit_code == 0, signed.output
        assert "WHAT CHANGES" not in signed.stdout


JOINING = """[[parties]]
name = "inspectors"
kind = "auditor"
title = "Office of the Inspector General"
capacity = "audits the linkage"
contact = "Duty officer, 555-0103"
identities = ["uma.json"]

[[directions]]"""
STANDING = ("--standing", "--yes")


def standing(desk: Desk) -> list[tuple[str, int, str]]:
    given = desk.json("approve", "--list")["standing"]
    return sorted((one["party"], one["runs"], one["until"]) for one in given)


def test_whoever_signs_last_approves_in_advance_at_once(rig: AgreementRig) -> None:
    ann, bob, kim = rig.desks["ann"], rig.desks["bob"], rig.desks["kim"]
    fingerprint = rig.draft()
    path = str(ann.folder / "first.json")
    signed = rig.sign("ann", fingerprint, path, *STANDING)
    assert signed.exit_code == 0, signed.output
    assert "runs are not approved yet" in signed.stderr
    assert "no agreement binds" in refused(ann.type("agreement", "sign", *STANDING))
    assert "needs the duty approver" in refused(bob.type("agreement", "sign", *STANDING), 2)
    assert rig.sign("eve", fingerprint).exit_code == 0
    last = rig.sign("kim", fingerprint, *STANDING)
    assert last.exit_code == 0, last.output
    assert "up to 52 runs are approved in advance until 2027-08-31" in last.stderr
    # The same command again, by the person who had signed before.
    ann.ok("agreement", "sign", *STANDING, "--runs", "9")
    assert standing(kim) == [("schools", 52, "2027-08-31"), ("welfare", 9, "2027-08-31")]
    assert "already exists" in refused(ann.type("agreement", "sign", *STANDING, "--runs", "9"))
    late = ann.type("agreement", "sign", *STANDING, "--until", "2027-09-01")
    assert "ends on 2027-08-31" in refused(late, 2)


def test_the_first_refresh_takes_the_agreement_and_makes_the_secret(rig: AgreementRig) -> None:
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    for desk in (bob, kim):
        (desk.folder / "secret.txt").unlink()
    fingerprint = rig.draft()
    path = str(rig.desks["ann"].folder / "first.json")
    words = ("refresh", "--begin", "--agreement", fingerprint)
    assert rig.sign("ann", fingerprint, path).exit_code == 0
    early = refused(bob.type(*words), 7)
    assert "operator has not signed this agreement yet" in early
    for name, more in (("eve", ()), ("kim", STANDING)):
        assert rig.sign(name, fingerprint, *more).exit_code == 0
    rig.desks["ann"].ok("agreement", "sign", *STANDING)
    assert refused(bob.type("refresh", "--begin", "--agreement", "0" * 64))
    assert refused(bob.type("refresh", "--begin", "--agreement", "0" * 63))
    assert "nothing has been agreed on" in refused(bob.type("secret", "status"))
    # Bob's part is sent once, and he waits for Kim's.
    assert "part of the secret" in refused(bob.type(*words), 7)
    for _ in range(6):
        for desk in (kim, bob):
            assert desk.type(*words).exit_code in {0, 7}
            rig.work()
        if all((desk.folder / "links.csv").exists() for desk in (kim, bob)):
            break
    assert len((bob.folder / "links.csv").read_text().splitlines()) == 3
    assert "confirmed" in bob.ok("secret", "status").stdout


def test_whoever_has_no_settings_names_a_workspace_for_each_broker(
    rig: AgreementRig, tmp_path: Path
) -> None:
    eve = rig.desks["eve"]
    ask = ("agreement", "status", *rig.unlocked("eve"))
    eve.ok(*ask)
    (tmp_path / "another").mkdir()
    with near_broker(tmp_path / "another") as another:
        away = Desk(eve.folder, another, "operator")
        enrol_keys(another.broker, another.operator, rig.people["eve"], NOW)
        said = refused(away.type(*ask))
        assert "signed by a different key" in said
        assert "ask the operator" in said
        assert "if this is another broker than before, name a workspace for it: --workspace" in said
        # There is no such project; the log is that of the workspace.
        own = away.type(*ask, "--workspace", str(eve.folder / "another"))
        assert "signed by a different key" not in refused(own)
    eve.ok(*ask)


def test_status_names_an_approval_to_whoever_has_yet_to_give_it(rig: AgreementRig) -> None:
    answers = rig.desks["ann"].folder / "answers.toml"
    answers.write_text(
        answers.read_text().replace('runs = "standing"', 'runs = "standing"\nreleases = true')
    )
    fingerprint = rig.agree()
    ann, kim, bob = rig.desks["ann"], rig.desks["kim"], rig.desks["bob"]
    bob.ok("agreement", "accept", *fingerprint.split())
    rig.upload()
    waiting = "The run waits until it is approved by {}, as the agreement asks."
    assert waiting.format("schools and welfare") in ann.ok("status").stdout
    for desk, done, left in ((ann, None, "schools"), (kim, "blindlink round --wait", "")):
        assert desk.json("status")["next"] == "blindlink approve"
        desk.ok("approve", "--yes")
        found = desk.json("status")
        assert found["next"] == done
        assert (waiting.format(left) in found["sentences"]) is bool(left)
    rig.work()
    assert bob.json("status")["next"] == "blindlink approve --release"
    ann.ok("approve", "--release", "--yes")
    found = bob.json("status")
    assert (found["stage"], found["next"]) == ("awaiting", None)
    let_go = (
        "What the run found is handed out once it is approved by schools, as the agreement asks."
    )
    assert let_go in found["sentences"]
    assert "not approved yet by schools" in refused(bob.type("links"), 7)
    # Kim has uploaded: someone else approves.
    assert refused(kim.type("approve", "--release", "--yes"))
    again = ann.type("approve", "--release", "--yes")
    assert "no release waits for the approval of welfare" in refused(again)
