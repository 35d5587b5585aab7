"""A secret is replaced, by typed commands at a real broker: from the amendment to links of the new epoch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.agreement import PROJECT, AgreementRig, agreement_rig
from rigs.agreement_moments import Reach, agree, refused, rig_at
from rigs.desk import Desk
from rigs.moments import Moments
from rigs.weeks import links, opens

from schemas.documents.ids import HANDLE_BYTES
from schemas.linkage.profile import ROW_BYTES, TOKEN_BYTES
from schemas.linkage.row_layout import STORED_ROW_BYTES
from schemas.rounds.upload import parse_header

pytestmark = pytest.mark.long
ANALYSTS = ("bob", "kim")
VERSIONS = ("first", "second", "third")
LOST = (
    "blindlink: error: this agency has confirmed the secret of epoch 2, by what the broker shows, and this"
    " workspace does not have it: it was restored from a backup that was made before\n"
    "hint: restore a later backup; if there is none, all agencies type: blindlink secret share --next, and sign"
    " an agreement with a new secret: blindlink agreement draft --amends AGREEMENT --set new_secret=true\n"
)


def without_secrets(rig: AgreementRig) -> None:
    for name in ANALYSTS:
        (rig.desks[name].folder / "secret.txt").unlink()
    agree(rig)


def share(rig: AgreementRig, *begin: str) -> None:
    """Agree on a secret through the broker."""
    for words in (("share", *begin), ("accept",), ("accept",)):
        for name in ANALYSTS:
            rig.desks[name].ok("secret", *words)


SHARED: tuple[tuple[str, Reach], ...] = (("agreed, no secret", without_secrets), ("shared", share))


@pytest.fixture
def rig(tmp_path: Path, moments: Moments) -> Iterator[AgreementRig]:
    """Both analysts have made a secret through the broker."""
    with rig_at(tmp_path, moments, *SHARED) as made:
        yield made


@pytest.fixture
def linked(tmp_path: Path, moments: Moments) -> Iterator[AgreementRig]:
    """The first round is over."""
    with rig_at(tmp_path, moments, *SHARED, ("linked", AgreementRig.link)) as made:
        yield made


def sent(desk: Desk, number: int) -> tuple[set[bytes], set[bytes], set[bytes]]:
    """Return handles, tokens and sealed parts of rows in the desk's only container of a round."""
    (path,) = (desk.folder / "workspace" / "outbox").glob(f"{PROJECT}.{number}.*.enc")
    raw = path.read_bytes()
    parsed = parse_header(raw)
    table = parsed.body_offset + parsed.header.records * HANDLE_BYTES
    handles = {raw[at : at + HANDLE_BYTES] for at in range(parsed.body_offset, table, HANDLE_BYTES)}
    rows = [raw[at : at + STORED_ROW_BYTES] for at in range(table, len(raw), STORED_ROW_BYTES)]
    return handles, {row[:TOKEN_BYTES] for row in rows}, {row[-ROW_BYTES:] for row in rows}


def amend(rig: AgreementRig, *changes: str, number: int = 2) -> None:
    """Let ann draft the agreement of this number, and all sign it."""
    folder = rig.desks["ann"].folder
    former, draft = (folder / f"{name}.json" for name in VERSIONS[number - 2 : number])
    fingerprint = rig.draft(draft.name, "--amends", str(former), *changes)
    for name, source in (("ann", (str(draft),)), ("kim", ()), ("eve", ())):
        signed = rig.sign(name, fingerprint, *source)
        assert signed.exit_code == 0, signed.output


def status(desk: Desk) -> tuple[int, str]:
    shown = desk.json("secret", "status")
    assert all(holder["confirmed"] and not holder["differences"] for holder in shown["holders"])
    return shown["epoch"], shown["key_id"]


def test_all_is_encoded_anew_under_a_new_secret_and_link_ids_stay(linked: AgreementRig) -> None:
    rig, bob, kim = linked, linked.desks["bob"], linked.desks["kim"]
    first = status(bob)
    assert first == status(kim)
    former = {name: links(rig.desks[name]) for name in ANALYSTS}
    assert len(former["bob"]) == 2

    # The next secret is made beside the one in use.
    share(rig, "--next")
    assert status(bob)[0] == 2
    rig.get_ready()
    assert key_of(bob) == first[1]

    amend(rig, "--set", "new_secret=true")
    rig.pass_time(minutes=1)
    # What was made under the former secret is not taken any more.
    assert bob.type("upload").exit_code == 1
    rig.link()
    assert status(bob) == status(kim) != first
    for before, after in zip(sent(bob, 1), sent(bob, 2), strict=True):
        assert before
        assert not before & after
    # Ledgers do not hang on the secret.
    assert {name: links(rig.desks[name]) for name in ANALYSTS} == former
    receipts = bob.json("receipts")
    assert [one["kind"] for one in receipts].count("upload-received") == 2
    disclosed = bob.json("disclosures", "--record", "7")["disclosures"]
    assert [line["what"] for line in disclosed].count("encodings") == 2

    # An amendment of anything else keeps the secret, and keys of a round are of its own all the same.
    second = status(bob)
    amend(rig, "--set", "end=2028-08-31", number=3)
    rig.pass_time(minutes=1)
    rig.link()
    assert status(bob) == second
    for before, after in zip(sent(bob, 2), sent(bob, 3), strict=True):
        assert not before & after
    assert {name: links(rig.desks[name]) for name in ANALYSTS} == former
    # Round 2 was encoded under the former secret first: what opens that goes with the round's container.
    assert opens(bob, epoch=1) == ({2}, 3)
    assert opens(bob) == ({2, 3}, 4)


@pytest.mark.parametrize("is_kept", [True, False])
def test_claims_are_proven_with_the_secret_of_their_round_though_the_next_one_counts_by_then(
    rig: AgreementRig, is_kept: bool
) -> None:
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    rig.upload()
    rig.approve()
    assert bob.type("links").exit_code == 7
    share(rig, "--next")
    amend(rig, "--set", "new_secret=true")
    rig.pass_time(minutes=1)
    if not is_kept:
        (kim.folder / "workspace" / "secrets" / f"{PROJECT}-1.sealed").unlink()
    for desk in (kim, bob):
        assert ("have no proof" not in desk.ok("links").stderr) == is_kept
    former = {name: links(rig.desks[name]) for name in ANALYSTS}
    assert len(former["bob"]) == 2
    rig.link()
    assert status(bob)[0] == 2
    assert {name: links(rig.desks[name]) for name in ANALYSTS} == former


@pytest.mark.parametrize(
    "backed_up",
    [pytest.param("before the rotation", marks=pytest.mark.soak), "before the others' parts came"],
)
def test_a_workspace_that_was_restored_without_the_new_secret_says_what_to_do_and_it_works(
    linked: AgreementRig, backed_up: str, tmp_path: Path
) -> None:
    rig, bob, kim = linked, linked.desks["bob"], linked.desks["kim"]
    former = {name: links(rig.desks[name]) for name in ANALYSTS}
    backup = tmp_path / "bob.backup"
    bob.ok("workspace", "protect")
    bob.ok("workspace", "backup", str(backup))
    for desk in (bob, kim):
        desk.ok("secret", "share", "--next")
    if backed_up != "before the rotation":
        bob.ok("workspace", "backup", str(backup), "--force")
    for step in ("accept", "accept"):
        for desk in (bob, kim):
            desk.ok("secret", step)
    amend(rig, "--set", "new_secret=true")
    rig.pass_time(minutes=1)
    shutil.rmtree(bob.folder / "workspace")
    bob.ok("workspace", "restore", str(backup))

    for words in (("refresh",), ("secret", "accept", "--epoch", "2"), ("secret", "share")):
        told, error, what = refused(bob.type(*words)).partition("blindlink: error:")
        assert error + what == LOST
        # The restored workspace meets the second agreement anew, and says so once.
        is_first = words == ("refresh",)
        assert told.startswith("blindlink: warning: agreement 2 is kept now") == is_first
        assert (told == "") != is_first
    # Nothing was written, and last week's links are in force.
    assert {name: links(rig.desks[name]) for name in ANALYSTS} == former

    # As it says.
    share(rig, "--next")
    amend(rig, "--set", "new_secret=true", number=3)
    rig.pass_time(minutes=1)
    rig.link()
    assert status(bob)[0] == 3
    assert status(bob) == status(kim)
    assert {name: links(rig.desks[name]) for name in ANALYSTS} == former


def test_a_secret_that_not_all_have_confirmed_is_begun_anew_after_a_restore(tmp_path: Path) -> None:
    with agreement_rig(tmp_path) as rig:
        without_secrets(rig)
        bob, kim = rig.desks["bob"], rig.desks["kim"]
        backup = tmp_path / "bob.backup"
        bob.ok("workspace", "protect")
        bob.ok("workspace", "backup", str(backup))
        for desk in (bob, kim):
            desk.ok("secret", "share")
        bob.ok("secret", "accept")
        shutil.rmtree(bob.folder / "workspace")
        bob.ok("workspace", "restore", str(backup))
        said = refused(bob.type("secret", "share"))
        assert said.endswith("all agencies type: blindlink secret share --again\n")
        for desk in (bob, kim):
            desk.ok("secret", "share", "--again")
        for _ in range(2):
            for desk in (bob, kim):
                desk.ok("secret", "accept")
        assert status(bob) == status(kim)


def key_of(desk: Desk) -> str:
    """Encode, and return the id of the secret that the container was made with."""
    (made,) = desk.json("encode")["containers"]
    return str(made["key_id"])
