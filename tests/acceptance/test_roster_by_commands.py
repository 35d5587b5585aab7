"""A steward changes who acts for their party, by typed commands at a real broker; the others go on."""

from __future__ import annotations

import json

import httpx2
import pytest
from rigs.agreement import PROJECT, AgreementRig
from rigs.agreement_moments import verified
from rigs.desk import Desk
from rigs.persons import lay_down_keys
from rigs.weeks import links

from encoding.people.identity import Identity


def stand(rig: AgreementRig) -> None:
    for name in ("ann", "kim"):
        rig.desks[name].ok("approve", "--standing", "--until", "2027-08-31", "--runs", "9", "--yes")


def round_by_itself(rig: AgreementRig) -> None:
    """Do a round that nobody approves by hand."""
    rig.upload()
    rig.work()
    rig.agree_on_links()


@pytest.fixture
def rig(agreed: AgreementRig) -> AgreementRig:
    return agreed


def take_over(desk: Desk, person: Identity, *more: str) -> None:
    """Let someone with keys of their own sit down at a desk."""
    for name in ("identity.txt", "identity.key", *more):
        (desk.folder / name).unlink()
    lay_down_keys(desk.folder, person)


def change(rig: AgreementRig, *words: str) -> str:
    """Let ann change who acts for child welfare; returns what is said."""
    result = rig.desks["ann"].type("people", "change", *words, *rig.unlocked("ann"))
    assert result.exit_code == 0, result.output
    return str(result.stderr)


def joins(person: Identity) -> tuple[str, ...]:
    public = person.public
    return "--add", public.person, "--fingerprint", public.fingerprint()


def test_somebody_joins_and_the_next_round_goes_by_the_approvals_of_before(
    rig: AgreementRig,
) -> None:
    stand(rig)
    round_by_itself(rig)
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    former = links(bob)
    rae = rig.near.person("welfare", "recipient")
    # Before, the list of authorized users shows who has keys and no place; and an analyst changes nobody.
    shown = json.loads(bob.ok("people", "list", "--json").stdout)
    place = {one["person"]: one["listed"] for one in shown["persons"]}
    assert place[rae.public.person] is False
    assert all(place[one.public.person] for one in rig.people.values())
    plain = bob.ok("people", "list").stdout
    assert f"{rae.public.person} (recipient); not on the list of authorized users" in plain
    assert rae.public.fingerprint() in plain
    result = bob.type("people", "change", *joins(rae))
    assert (result.exit_code != 0, "duty" in result.stderr) == (True, True)
    said = change(rig, *joins(rae))
    assert "agreement 2 holds from now on" in said
    assert "secret" not in said
    rig.pass_time(days=1)
    told = kim.ok("round", "--ready")
    assert f"welfare changed who acts for it: {rae.public.person} acts for it" in told.stderr
    assert "blindlink agreement halt" in told.stderr
    # It is told once.
    assert "changed who acts" not in kim.ok("round", "--ready").stderr
    # A computer that keeps the newest version alone goes by the approvals of before, too.
    (bob.folder / "workspace" / "agreements" / f"{PROJECT}.json").unlink()
    second, first = bob.json("agreement", "status")["agreements"]
    assert (second["number"], first["number"]) == (2, 1)
    bob.ok("agreement", "accept", second["fingerprint"])
    round_by_itself(rig)
    assert links(bob) == former
    # They are taken back after someone joined, too.
    kim.ok("approve", "--revoke", "--yes")
    rig.upload()
    assert bob.json("round", "--runs")["runs"][0]["state"] == "awaiting"


def test_the_holder_of_the_secret_is_replaced_and_the_jobs_do_the_rest(rig: AgreementRig) -> None:
    for name in ("bob", "kim"):
        (rig.desks[name].folder / "secret.txt").unlink()
    for step in ("share", "accept", "accept"):
        for name in ("bob", "kim"):
            rig.desks[name].ok("secret", step)
    claims: list[bytes] = []

    def note(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method == "PUT" and "/claims/" in request.url.path:
            claims.append(request.read())
        return response

    rig.near.courier.after = note
    stand(rig)
    round_by_itself(rig)
    former = links(rig.desks["bob"])
    # Its first line names the persons who can open it.
    assert any(rig.people["bob"].public.person.encode() in one for one in claims)
    cleo = rig.near.person("welfare", "analyst", "recipient")
    bob = rig.people["bob"].public.person
    said = change(rig, *joins(cleo), "--remove", bob)
    assert "the agencies' next refresh makes a new one" in said
    assert f"blindlink-broker person revoke {bob}" in said
    # Bob is told what to do, and no more than anybody who is not of the project.
    told = rig.desks["bob"].type("round", "--ready")
    assert (told.exit_code, "there is nothing here" in told.stderr) == (1, True), told.output
    assert (
        "ask a steward of your party whether the list of authorized users names you" in told.stderr
    )
    # Cleo takes over bob's computer, with keys of her own.
    take_over(rig.desks["bob"], cleo)
    rig.people["bob"] = cleo
    rig.pass_time(days=1)
    first = rig.desks["kim"].type("refresh")
    assert f"welfare changed who acts for it: {cleo.public.person} acts for it" in first.stderr
    assert "this agency's part of the secret is at the broker" in first.stderr
    claims.clear()
    for name in ("bob", "kim", "bob", "kim"):
        rig.desks[name].type("refresh")
        rig.work()
    for name in ("bob", "kim"):
        assert rig.desks[name].json("secret", "status")["epoch"] == 2
        assert rig.desks[name].ok("refresh").exit_code == 0
    assert links(rig.desks["bob"]) == former
    rig.pass_time(days=1)
    round_by_itself(rig)
    assert claims
    assert not any(bob.encode() in one for one in claims)


def test_what_is_typed_wrong_changes_nothing(rig: AgreementRig) -> None:
    ann, rae = rig.desks["ann"], rig.near.person("welfare", "recipient")
    other = rig.people["kim"].public
    cases = [
        ((), 2, "say who joins or leaves"),
        (("--add", rae.public.person), 2, "--fingerprint"),
        (
            ("--add", rae.public.person, "--fingerprint", other.fingerprint()),
            1,
            "shows different keys",
        ),
        (("--add", rae.public.person, "--fingerprint", "12345"), 1, "12 groups"),
        (("--add", other.person, "--fingerprint", other.fingerprint()), 1, "has no person"),
        (("--remove", other.person), 2, "does not list"),
        (("--remove", rig.people["bob"].public.person), 2, "--holder PERSON"),
        (("--remove", rig.people["ann"].public.person), 2, "steward"),
        ((*joins(rae), "--fingerprint", "12345"), 2, "one --fingerprint for each --add"),
    ]
    for words, code, said in cases:
        result = ann.type("people", "change", *words, *rig.unlocked("ann"))
        assert (result.exit_code, said in result.stderr) == (code, True), (words, result.output)
    shown = json.loads(ann.ok("agreement", "status", "--json", *rig.unlocked("ann")).stdout)
    assert [one["number"] for one in shown["agreements"]] == [1]


def test_dates_change_without_counsel_and_what_begins_later_is_approved_once_it_has_begun(
    rig: AgreementRig,
) -> None:
    ann, kim = rig.desks["ann"], rig.desks["kim"]
    first, second = (str(ann.folder / f"{name}.json") for name in ("first", "second"))
    words = ("--amends", first, "--set", "start=2026-12-01")
    made = ann.ok("agreement", "draft", *words, "-o", second)
    assert "every party signs it; counsel doesn't have to" in made.stderr
    unasked = ann.type("agreement", "sign", second, *rig.unlocked("ann"))
    assert (unasked.exit_code, "--yes" in unasked.stderr) == (2, True)
    for name, file in (("ann", (second,)), ("kim", ()), ("eve", ())):
        signed = rig.desks[name].type("agreement", "sign", *file, "--yes", *rig.unlocked(name))
        assert signed.exit_code == 0, signed.output
        assert "counsel" not in signed.stderr.lower()
    state = rig.desks["bob"].json("agreement", "status")
    assert [one["missing"] for one in state["agreements"]] == [[], []]
    assert state["project"] == PROJECT
    rig.pass_time(minutes=1)
    rig.desks["bob"].ok("round", "--ready")
    words = ("agreement", "sign", "--standing", "--yes")
    early = kim.ok(*words).stderr
    assert "runs are not approved yet: agreement 2 begins on 2026-12-01" in early
    assert kim.json("approve", "--list")["standing"] == []
    # The list of authorized users changes while the next version waits for its first day.
    said = change(rig, *joins(rig.near.person("welfare", "recipient")))
    assert "agreement 3 holds from 2026-12-01 on" in said
    listed = kim.json("agreement", "status")["agreements"]
    assert [one["number"] for one in listed] == [3, 2, 1]
    rig.pass_time(days=12)
    kim.ok(*words)
    (given,) = kim.json("approve", "--list")["standing"]
    assert given["agreement"] == listed[0]["fingerprint"]


def test_a_party_without_stewards_gets_new_ones_by_an_amendment_with_counsel(
    rig: AgreementRig,
) -> None:
    """Kim, the only steward of the schools, is gone; ann of the other agency drafts."""
    ann, folder = rig.desks["ann"], rig.desks["ann"].folder
    lee = rig.near.person("schools", "analyst", "approver", "recipient", "steward")
    (folder / "stewards.toml").write_text(
        f"""
        [[parties]]
        name = "welfare"

        [[parties]]
        name = "schools"
        identities = ["{lee.public.person}"]

        [[parties]]
        name = "operator"
        """,
        "utf-8",
    )
    first, alone, second = (str(folder / f"{name}.json") for name in ("first", "alone", "second"))
    words = ("agreement", "draft", "--amends", first, "--from", str(folder / "stewards.toml"))
    assert "schools alone signs it" in ann.ok(*words, "-o", alone).stderr
    sent = ann.type("agreement", "send", alone)
    assert (sent.exit_code, "only a steward of a party can change" in sent.stderr) == (1, True)
    fingerprint = ann.ok(*words, "--set", "counsel=true", "-o", second).stdout.strip()
    ann.ok("agreement", "send", second)
    # Lee takes over kim's computer, with keys of her own.
    take_over(rig.desks["kim"], lee)
    for name in ("ann", "eve"):
        unknown = rig.sign(name, fingerprint)
        assert "lists no keys of schools that you trust" in unknown.stderr
    # Eve has no settings.
    for name in ("ann", "eve", "bob"):
        compared = lee.public.fingerprint().split()
        rig.desks[name].ok("people", "trust", "schools", *compared, "--also")
    for name in ("ann", "kim", "eve"):
        signed = rig.sign(name, fingerprint)
        assert signed.exit_code == 0, signed.output
    rig.desks["bob"].ok("agreement", "accept", *fingerprint.split())
    state = json.loads(rig.desks["bob"].ok("agreement", "status", "--json").stdout)
    assert {one["number"]: one["missing"] for one in state["agreements"]} == {1: [], 2: []}
    assert rig.desks["kim"].ok("round", "--ready").exit_code == 0
    # The auditor is told.
    told = [one.text for one in verified(rig).caveats if one.code == "new-stewards"]
    assert len(told) == 1
    assert f"agreement 2 of {PROJECT} was signed for schools by someone who was not" in told[0]


def test_older_versions_are_shown_to_whoever_trusts_people_of_the_newest_alone(
    rig: AgreementRig,
) -> None:
    kim, bob = rig.desks["kim"], rig.desks["bob"]
    lee = rig.near.person("schools", "analyst", "approver", "recipient", "steward")
    gone = rig.people["kim"].public.person
    kim.ok("people", "change", *joins(lee))
    take_over(kim, lee)
    rig.pass_time(minutes=1)
    kim.ok("people", "change", "--remove", gone, "--holder", lee.public.person)
    bob.ok("round", "--ready")
    # Kim's keys were stolen, and Lee reads hers.
    bob.ok("people", "trust", "schools", *lee.public.fingerprint().split())
    shown = bob.json("agreement", "status")
    assert [one["number"] for one in shown["agreements"]] == [3, 2, 1]
    assert "Agreement 1" in bob.ok("agreement", "status").stdout
    assert bob.ok("agreement", "show", "--number", "1").exit_code == 0


def test_an_analyst_who_does_not_hold_the_secret_shares_none(rig: AgreementRig) -> None:
    rae, bob = rig.near.person("welfare", "analyst", "recipient"), rig.desks["bob"]
    holder = rig.people["bob"].public.person
    change(rig, *joins(rae))
    rig.pass_time(minutes=1)
    take_over(bob, rae, "secret.txt")
    for words in (("secret", "share"), ("secret", "share", "--next")):
        refused = bob.type(*words)
        assert refused.exit_code == 1
        assert f"lets {holder} hold the secret for welfare, and not you" in refused.stderr
        assert f"blindlink people change --holder {rae.public.person}" in refused.stderr
