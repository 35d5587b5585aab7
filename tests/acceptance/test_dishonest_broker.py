"""A broker that does not keep to what was signed: the agency's command line refuses, with a reason."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rigs.agreement import PROJECT, AgreementRig, agreement_rig
from rigs.agreement_moments import refused
from rigs.desk import NOW
from rigs.near_broker import POLICY, answer_with
from samples.agreement import digest_of

from encoding.people.identity import new_identity
from encoding.secret.agreement import SUITE
from schemas.documents.canonical import canonical_bytes
from schemas.documents.ids import utc_text
from schemas.matchlog.checkpoint import parse_checkpoint, sign_checkpoint
from schemas.signing.identity import PublicIdentity, base64_text
from schemas.signing.note import NoteSigner
from schemas.signing.secret_share import SignedShare, share_info

Change = Callable[[Any], Any]


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgreementRig]:
    with agreement_rig(tmp_path_factory.mktemp("rig")) as made:
        made.agree()
        yield made


@pytest.fixture
def rig(agreed: AgreementRig) -> Iterator[AgreementRig]:
    """One broker for all of these tests; after each it behaves again."""
    yield agreed
    agreed.behave()


def changed(**fields: Any) -> Change:
    return lambda document: {**document, **fields}


def run_with(**fields: Any) -> Change:
    """Change the specification of a run, with the digest that then follows."""

    def change(document: Any) -> Any:
        if "specification" not in document:
            return document
        specification = {**document["specification"], **fields}
        return {
            **document,
            "specification": specification,
            "specification_sha256": digest_of(specification),
        }

    return change


def about(kind: str) -> str:
    return f"projects/{PROJECT}/{kind}"


def test_a_profile_or_terms_that_nobody_signed_are_refused(rig: AgreementRig) -> None:
    bob = rig.desks["bob"]

    def bend_project(change: Change) -> None:
        rig.meddle(f"projects/{PROJECT}", lambda d: change(d) if "terms" in d else d)

    def swap(document: Any) -> Any:
        profile = {**document["profile"], "name": "weaker"}
        terms = {**document["terms"], "profile": digest_of(profile)}
        return {**document, "profile": profile, "terms": terms}

    def own_terms(document: Any) -> Any:
        terms = {**document["terms"], "floor": 2}
        return {**document, "terms": terms, "agreement": digest_of(terms)}

    bend_project(swap)
    assert "different terms from those of agreement 1: profile" in refused(bob.type("encode"))
    bend_project(lambda d: {**d, "profile": {**d["profile"], "name": "weaker"}})
    assert "a different encoding profile" in refused(bob.type("encode"))
    bend_project(own_terms)
    for words in (("encode",), ("upload",), ("round", "--wait"), ("links",), ("status",)):
        assert "an agreement that this agency does not have" in refused(bob.type(*words))


@pytest.mark.campaign("receipts", database="sqlite")
def test_a_dropped_or_forged_signature_is_noticed(rig: AgreementRig) -> None:
    bob, ann = rig.desks["bob"], rig.desks["ann"]

    def drop(document: Any) -> Any:
        if "consents" not in document:
            return document
        kept = [c for c in document["consents"] if not of(c, "schools")]
        return {**document, "consents": kept}

    def forge(document: Any) -> Any:
        made = copy.deepcopy(document)
        for signed in made.get("consents", ()):
            if of(signed, "schools"):
                signed["statement"]["counsel"]["name"] = "Someone Else"
        return made

    rig.meddle(about("agreements/"), drop)
    for desk, words in ((bob, ("encode",)), (ann, ("agreement", "status"))):
        assert "the signature of schools is not there" in refused(desk.type(*words))
    rig.meddle(about("agreements/"), forge)
    assert "of schools that does not count" in refused(bob.type("encode"))


def test_a_hidden_halt_is_noticed(rig: AgreementRig) -> None:
    rig.desks["kim"].ok("agreement", "halt", "--reason", "A breach.", "--yes")
    bob = rig.desks["bob"]
    assert "has suspended" in refused(bob.type("encode"))
    shown = bob.json("agreement", "status")["agreements"]
    (first,) = [one["fingerprint"] for one in shown if one["number"] == 1]
    hide = {"notices": [], "suspended_by": [], "state": "in-force"}
    rig.meddle(about("agreements/"), lambda d: {**d, **hide} if "notices" in d else d)
    for words in (("encode",), ("agreement", "accept", first)):
        assert "no longer shows a notice of schools" in refused(bob.type(*words))
    rig.behave()
    rig.pass_time(minutes=1)
    rig.desks["kim"].ok("agreement", "halt", "--lift", "--reason", "It was nothing.", "--yes")
    bob.ok("round", "--ready")


def test_an_agreement_with_swapped_keys_is_not_signed(rig: AgreementRig) -> None:
    """The broker puts its own keys in place of those of the other agency's steward."""
    ann = rig.desks["ann"]
    first, path = (str(ann.folder / name) for name in ("first.json", "second.json"))
    second = rig.draft("second.json", "--amends", first, "--set", "end=2028-08-31")
    seen: list[Any] = []

    def look(document: Any) -> Any:
        seen.append(document)
        return document

    rig.meddle(about("consents"), look)
    assert rig.sign("ann", second, path).exit_code == 0
    own = new_identity("welfare", ("approver", "steward"), NOW).public.to_json()
    person = rig.people["ann"].public.person
    swapped = copy.deepcopy(seen[-1]) | {"consents": [], "missing": ["operator", "schools"]}
    persons = swapped["agreement"]["parties"][2]["persons"]
    place = [one["person"] for one in persons].index(person)
    persons[place] = {**own, "person": person}
    evil = digest_of(swapped["agreement"])

    def show(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path.endswith(f"/agreements/{evil}"):
            return httpx2.Response(200, json=swapped)
        if not request.url.path.endswith("/agreements"):
            return response
        listed = response.read().decode().replace(digest_of(seen[-1]["agreement"]), evil)
        return answer_with(response, json.loads(listed))

    rig.near.courier.after = show
    reason = refused(rig.sign("kim", second))
    assert "different keys" in reason or "no keys of welfare that you trust" in reason
    for public in (rig.people["ann"].public, PublicIdentity.from_json(persons[place])):
        assert public.fingerprint() in reason


def test_an_agreement_of_another_log_is_neither_signed_nor_kept(rig: AgreementRig) -> None:
    """Anyone who runs two logs could have what is signed for the one count in the other."""
    ann, kim = rig.desks["ann"], rig.desks["kim"]
    path = ann.folder / "rehearsed.json"
    drafted = json.loads((ann.folder / "first.json").read_bytes())
    drafted["agreement"]["log"] = "rehearsal.test/log"
    path.write_bytes(canonical_bytes(drafted))
    rehearsed = digest_of(drafted["agreement"])
    nothing = {name: [] for name in ("consents", "notices", "missing", "suspended_by")}
    frame = {"state": "proposed", "proposed": utc_text(NOW), "proposed_by": "welfare"}
    shown = {**drafted, **frame, **nothing}

    def show(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        is_asked = request.url.path.endswith(f"/agreements/{rehearsed}")
        return httpx2.Response(200, json=shown) if is_asked else response

    rig.near.courier.after = show
    for said in (
        ann.type("agreement", "send", str(path)),
        rig.sign("ann", rehearsed, str(path)),
        kim.type("agreement", "accept", rehearsed),
    ):
        reason = refused(said)
        assert "made for another log: rehearsal.test/log; " in reason
        assert "has pinned broker.test/log" in reason


def test_a_round_that_the_log_does_not_show_gets_no_encodings(rig: AgreementRig) -> None:
    """The broker puts a nonce of its own, or one that served before, in the place of an agency's."""
    rig.get_ready()
    bob = rig.desks["bob"]

    def swap(found: Any) -> Any:
        if "pairs" in found:
            found["pairs"][0]["nonce_smaller"]["nonce"] = "0" * 64
        return found

    def swap_all(document: Any) -> Any:
        return {**swap(document), "rounds": [swap(one) for one in document.get("rounds", ())]}

    rig.meddle(about("rounds"), lambda d: swap_all(d) if "rounds" in d else swap(d))
    said = refused(bob.type("encode"))
    assert "the match log and the broker show different rounds" in said
    assert not any(name.endswith(".enc") for name in bob.files())


def waiting(rig: AgreementRig) -> None:
    """See to it that a run waits for approvals; the round of a test before goes on."""
    rounds = rig.desks["bob"].json("round")["rounds"]
    if not rounds or rounds[0]["progress"][0]["run"] is None:
        rig.upload()


def test_a_run_for_a_stranger_or_by_another_policy_is_refused(rig: AgreementRig) -> None:
    waiting(rig)
    stranger = {"party": "operator", "mode": "linked", "space": "shared"}
    recipients = [{"party": p, "mode": "linked", "space": "shared"} for p in ("schools", "welfare")]
    policy = POLICY.model_copy(update={"auto": "0.6", "review": "0.6"}).to_json()
    for fields, reason in (
        ({"recipients": [stranger, *recipients]}, "hands match IDs to operator"),
        ({"policy": policy}, "its matching policy"),
    ):
        rig.meddle("runs/", run_with(**fields))
        assert reason in refused(rig.desks["bob"].type("round", "--runs"))


def test_what_is_approved_is_held_against_the_agreement_and_the_own_upload(
    rig: AgreementRig,
) -> None:
    waiting(rig)

    def other_upload(document: Any) -> Any:
        uploads = copy.deepcopy(document["specification"]["uploads"])
        for upload in uploads:
            upload["manifest_sha256"] = "0" * 64
        return run_with(uploads=uploads)(document)

    for bend, reason in (
        (run_with(floor=0), "smaller counts"),
        (run_with(recipients=[]), "the approval is for a different run"),
        (run_with(agreement="0" * 64), "does not have, and does not show it"),
        (run_with(profile="0" * 64), "a different encoding profile"),
        (run_with(epoch=2), "a different project or epoch"),
        (other_upload, "not the way this agency sent it"),
    ):

        def swap(document: Any, bend: Change = bend) -> Any:
            return {**document, "pending": [bend(one) for one in document["pending"]]}

        rig.meddle(about("pending-approvals"), swap)
        assert reason in refused(rig.desks["kim"].type("approve", "--yes"))


def of(signed: Any, party: str) -> bool:
    return bool(signed["statement"]["party"] == party)


def shared(rig: AgreementRig) -> None:
    for name, other in (("bob", "kim"), ("kim", "bob")):
        desk = rig.desks[name]
        person = rig.people[other].public
        desk.ok("people", "trust", person.party, *person.fingerprint().split())
        desk.ok("secret", "share")


def test_a_swapped_contribution_is_refused(rig: AgreementRig) -> None:
    """The broker seals bytes of its own to an agency, in the other one's name, to know the secret."""
    shared(rig)
    recipient = rig.people["kim"].public
    own = new_identity("welfare", ("analyst", "recipient"), NOW).keys.signing_key

    def swap(document: Any) -> Any:
        true = SignedShare.from_json(document).share
        info = share_info(true.holders, true.sender, true.recipient)
        sealed = SUITE.encrypt(bytes(32), recipient.receiver(), info)
        return SignedShare.of(
            true.model_copy(update={"sealed": base64_text(sealed)}), own
        ).to_json()

    rig.meddle("shares/", swap)
    said = refused(rig.desks["kim"].type("secret", "accept"))
    assert "the share of welfare was not made by the person that you trust there" in said
    rig.behave()
    rig.desks["kim"].ok("secret", "accept")


def test_a_log_by_a_key_to_which_nobody_handed_it_is_refused(rig: AgreementRig) -> None:
    bob = rig.desks["bob"]
    key = bob.json("pin")["log_key"]
    own = NoteSigner(key.partition("+")[0], Ed25519PrivateKey.generate())

    def sign_anew(document: Any) -> Any:
        checkpoint, _ = parse_checkpoint(document["checkpoint"].encode())
        note = sign_checkpoint(checkpoint, own).decode()
        return {**document, "checkpoint": note, "log_key": own.verifier_key.text}

    rig.meddle("log/checkpoint", sign_anew)
    for words in (("pin",), ("upload",), ("status",)):
        assert "signed by a different key from the one this agency knows" in refused(
            bob.type(*words)
        )
    rig.behave()
    bob.ok("pin")
