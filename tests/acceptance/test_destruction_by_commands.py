"""Destruction by typed commands at a real broker: certificates, statements, holds, a withdrawn record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.agreement import PROJECT, AgreementRig
from rigs.agreement_moments import agree, refused, rig_at
from rigs.desk import Desk
from rigs.moments import Moments

from schemas.reports.certificate import CertificateFile
from schemas.rounds.destruction import SignedDestruction

pytestmark = pytest.mark.long


@pytest.fixture
def uploaded(tmp_path: Path, moments: Moments) -> Iterator[AgreementRig]:
    """Everyone has agreed, and a run waits for approvals."""
    with rig_at(tmp_path, moments, *UPLOADED) as made:
        yield made


def link(rig: AgreementRig) -> None:
    rig.approve()
    rig.agree_on_links()


UPLOADED = (("agreed", agree), ("uploaded", AgreementRig.upload))


@pytest.fixture
def rig(tmp_path: Path, moments: Moments) -> Iterator[AgreementRig]:
    """Everyone has agreed and a round is over."""
    with rig_at(tmp_path, moments, *UPLOADED, ("linked by hand", link)) as made:
        yield made


def certificate_of(desk: Desk, number: str) -> CertificateFile:
    path = desk.folder / "workspace" / "certificates" / f"{number}.json"
    return CertificateFile.from_canonical(path.read_bytes())


def test_a_party_has_its_part_destroyed_and_counter_signs(rig: AgreementRig) -> None:
    ann, kim = rig.desks["ann"], rig.desks["kim"]
    page = ann.folder / "certificate.html"
    done = ann.ok("destroy", "--yes", "--html", str(page))
    number = done.stdout.strip()
    assert "all uploads of welfare and what was made of it will be destroyed" in done.stderr
    assert "1 upload" in done.stderr
    assert "2 releases" in done.stderr
    assert "outstanding: welfare, files of link IDs" in done.stderr
    assert "outstanding: schools, files of link IDs" in done.stderr
    assert "counter-signed by: welfare" in done.stderr
    assert number in page.read_text("utf-8")
    file = certificate_of(ann, number)
    assert [signed.said.party for signed in file.countersignatures] == ["welfare"]
    (other,) = kim.json("certificate", "--list")
    assert (other["certificate"], other["countersigned"]) == (number, ["welfare"])
    signed = kim.json("certificate", "--sign")
    assert signed["countersigned"] == ["schools", "welfare"]
    offline = kim.json("certificate", "--offline")
    assert offline["sha256"] == signed["sha256"]
    again = ann.ok("destroy", "--yes")
    assert again.stdout.strip() == number


def test_a_certificate_is_held_against_the_own_receipts(rig: AgreementRig) -> None:
    bob = rig.desks["bob"]
    (upload,) = [one["subject"] for one in bob.json("receipts") if one["kind"] == "upload-received"]
    shown = bob.json("destroy", "--upload", upload, "--yes")
    # His release was of it, too.
    assert (shown["scope"], shown["receipts_compared"]) == ("upload", 2)
    # An analyst counter-signs nothing.
    assert shown["countersigned"] == []
    assert "you cannot sign this" in refused(bob.type("certificate", "--sign"))


def test_a_certificate_that_the_broker_changes_is_refused(rig: AgreementRig) -> None:
    ann = rig.desks["ann"]
    ann.ok("destroy", "--yes")
    changes: tuple[tuple[Any, str], ...] = (
        (lambda file: {**file, "signature": "A" * 86 + "=="}, "proves nothing"),
        (lambda file: _with(file, objects=[]), "proves nothing"),
        (lambda file: _with(file, project="elsewhere"), "not the one that you asked for"),
    )
    for change, said in changes:
        rig.meddle("destructions/crt-", change)
        assert said in refused(ann.type("certificate"))


def _with(file: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**file, "certificate": {**file["certificate"], **changes}}


def test_what_lies_here_is_listed_removed_and_stated(rig: AgreementRig) -> None:
    kim, ann = rig.desks["kim"], rig.desks["ann"]
    received = kim.folder / "from-welfare.csv"
    received.write_text("link_id,grade\n")
    kim.ok("links", "-o", str(kim.folder / "copy.csv"))
    number = kim.ok("destroy", "--yes").stdout.strip()
    words = (
        "destroy",
        "--local",
        "--also",
        f"received={received}",
        "--keep",
        "secret=The next year.",
    )
    assert "--yes" in refused(kim.type(*words), 2)
    assert received.exists()
    done = kim.ok(*words, "--yes")
    for part in ("This will be removed for good:", "links.csv", "This is kept: the secret"):
        assert part in done.stderr
    left = kim.files()
    assert not {name for name in left if "/handles/" in name or "/disclosed/" in name}
    gone = {
        "links.csv",
        "copy.csv",
        "from-welfare.csv",
        "workspace/outbox/foster-k12.1.welfare.enc",
    }
    assert gone.isdisjoint(left)
    assert "secret.txt" in left
    assert [name for name in left if name.startswith("workspace/receipts/upl-")]
    (owing,) = [one["outstanding"] for one in ann.json("certificate", "--list")]
    assert {"party": "schools", "what": "secret"} in owing
    assert {"party": "schools", "what": "link-table"} not in owing
    shown = ann.json("certificate", number)
    assert {one["what"] for one in shown["outstanding"] if one["party"] == "schools"} == {"secret"}


def test_a_removal_that_was_interrupted_goes_on_and_states_all_of_it(
    rig: AgreementRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoding.destruction import local_destruction

    kim = rig.desks["kim"]
    number = kim.ok("destroy", "--yes").stdout.strip()
    unlink = Path.unlink
    gone: list[str] = []

    def killed(path: Path, missing_ok: bool = False) -> None:
        if path.name == "secret.txt":
            raise PermissionError(13, "Permission denied")
        gone.append(path.name)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(local_destruction.Path, "unlink", killed)
    assert "cannot be removed" in refused(kim.type("destroy", "--local", "--yes"))
    monkeypatch.undo()
    assert (kim.folder / "secret.txt").exists()
    assert "has yet to delete its own copies" in kim.ok("status").stdout
    done = kim.json("destroy", "--local", "--yes")
    assert "links.csv" in gone
    assert done["removed"] > 1
    assert done["certificate"] == number
    assert "handle-map" in done["none_left"]
    (kept,) = (kim.folder / "workspace" / "statements").iterdir()
    stated = json.loads(kept.read_bytes())["said"]
    assert len(stated["deleted"]) == done["removed"]
    assert not list((kim.folder / "workspace").glob("destroying-*"))


def test_while_a_hold_stands_nothing_is_destroyed_anywhere(rig: AgreementRig) -> None:
    ann, bob, kim = rig.desks["ann"], rig.desks["bob"], rig.desks["kim"]
    order = ("Order of 20 November",)
    assert "you cannot sign this" in refused(bob.type("hold", "--set", *order, "--yes"))
    ann.ok("hold", "--set", *order, "--yes")
    assert "Order of 20 November" in kim.ok("hold").stdout
    for words in (("destroy", "--yes"), ("destroy", "--local", "--yes")):
        assert "a legal hold of welfare forbids" in refused(kim.type(*words))
    rig.pass_time(days=40)
    rig.near.sweep()
    assert kim.json("certificate", "--list") == []
    refused(kim.type("hold", "--lift", *order, "--yes"))
    # The operator's steward has no settings.
    eve, seat = rig.desks["eve"], rig.unlocked("eve")
    assert "--project" in refused(eve.type("hold"), 2)
    eve.ok("hold", "--set", "Case 26-17", "--yes", *seat)
    assert "Case 26-17" in eve.ok("hold", *seat).stdout
    lifted = eve.ok("hold", "--lift", "Case 26-17", "--yes", *seat).stderr
    assert "the legal holds of operator are lifted; others are still in force" in lifted
    ann.ok("hold", "--lift", *order, "--yes")
    rig.near.sweep()
    (found,) = kim.json("certificate", "--list")
    assert found["reason"] == "retention"
    assert kim.json("certificate")["objects"] == 2


def test_a_withdrawn_record_is_linked_no_more_and_not_encoded_again(rig: AgreementRig) -> None:
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    before = (bob.folder / "links.csv").read_text("utf-8").splitlines()[1:]
    record = before[0].split(",")[0]
    assert "--yes" in refused(bob.type("withdraw-record", "--record", record), 2)
    done = bob.json("withdraw-record", "--record", record, "--yes")
    # No round is open, so that the broker need not be told.
    assert done == {"was_encoded": True, "told": False, "cancelled": 0}
    rig.get_ready()
    (encoded,) = bob.json("encode")["containers"]
    assert encoded["rows_withdrawn"] == 1
    assert encoded["records"] == encoded["rows_of_file"] - 1
    rig.link()
    after = (bob.folder / "links.csv").read_text("utf-8").splitlines()[1:]
    assert after == before[1:]
    assert len((kim.folder / "links.csv").read_text("utf-8").splitlines()) == len(before)
    said = refused(bob.type("withdraw-record", "--record", "4711-CANARY", "--yes"))
    assert "no record of this number was ever encoded here" in said
    assert "CANARY" not in said
    assert "will be" not in said
    early = bob.json("withdraw-record", "--record", "not yet", "--in-advance", "--yes")
    assert early == {"was_encoded": False, "told": False, "cancelled": 0}


def test_a_run_that_waits_does_without_a_record_that_is_withdrawn(uploaded: AgreementRig) -> None:
    bob = uploaded.desks["bob"]
    done = bob.json("withdraw-record", "--record", "7", "--yes")
    assert done == {"was_encoded": True, "told": True, "cancelled": 1}
    bob.ok("round", "--again")
    # The broker must log a withdrawal as it answers.
    uploaded.meddle(f"projects/{PROJECT}/withdrawals", lambda taken: {**taken, "index": 0})
    said = refused(bob.type("withdraw-record", "--record", "8", "--yes"))
    assert "doesn't have the withdrawal" in said
    uploaded.behave()
    bob.ok("round", "--again")
    uploaded.approve()
    uploaded.agree_on_links()
    written = (bob.folder / "links.csv").read_text("utf-8")
    assert len(written.splitlines()) == 2
    assert "7," not in written


def test_after_a_party_has_left_everything_still_ends_on_its_day(rig: AgreementRig) -> None:
    ann, kim = rig.desks["ann"], rig.desks["kim"]
    kim.ok("agreement", "leave", "--reason", "The study is over.", "--yes")
    rig.pass_time(days=31)
    rig.near.sweep()
    (expired,) = ann.json("certificate", "--list")
    assert (expired["reason"], expired["objects"], expired["outstanding"]) == ("retention", 2, [])
    # The agreement wants all destroyed by 31 August 2028.
    rig.pass_time(days=750)
    rig.near.sweep()
    ended = ann.json("certificate")
    assert list(rig.broker.keystore.object_ids()) == []
    assert (ended["scope"], ended["reason"]) == ("project", "destroy-by")
    owed = {(one["party"], one["what"]) for one in ended["outstanding"]}
    assert {("schools", "handle-map"), ("welfare", "link-table")} <= owed
    assert ann.json("status")["next"] == "blindlink destroy --local"
    for name in ("bob", "kim"):
        rig.desks[name].ok("destroy", "--local", "--yes")
    assert ann.json("certificate", "--sign")["outstanding"] == []
    assert "has yet to delete" not in ann.ok("status").stdout


def test_where_the_broker_is_gone_the_statement_is_kept_to_hand_over(rig: AgreementRig) -> None:
    kim = rig.desks["kim"]

    def gone(_: httpx2.Request) -> httpx2.Response | None:
        raise httpx2.ConnectError("nobody listens")

    rig.near.courier.before = gone
    assert kim.type("destroy", "--local", "--yes").exit_code == 5
    assert (kim.folder / "links.csv").exists()
    assert "need --local" in refused(kim.type("destroy", "--offline"), 2)
    done = kim.ok("destroy", "--local", "--offline", "--yes")
    assert "you state that you know of none" in done.stderr
    assert not (kim.folder / "links.csv").exists()
    (kept,) = (kim.folder / "workspace" / "statements").iterdir()
    signed = SignedDestruction.from_canonical(kept.read_bytes())
    assert signed.verify() == rig.people["kim"].public
    assert "link-table" in signed.said.to_json()["none_left"]
