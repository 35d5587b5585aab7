"""Shares over HTTP: who may send, fetch and withdraw what, and what is logged of it."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response
from rigs.agreed import amend
from rigs.holders import Holders, holders_at, make_holders
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    Linkage,
    MakeLinkage,
)

from app.ids import new_id
from app.shares import service
from schemas.document import Document
from schemas.run import Recipient
from schemas.secret_share import SignedConfirmation, SignedShare

SHARES = f"/v1/projects/{PROJECT}/shares"
CONFIRMATIONS = f"/v1/projects/{PROJECT}/confirmations"


def post(linkage: Linkage, path: str, document: Document, party: str = CHILD_WELFARE) -> Response:
    headers = linkage.as_party(party)
    return linkage.client.post(path, json=document.to_json(), headers=headers)


def send(linkage: Linkage, signed: SignedShare) -> dict[str, Any]:
    answer = post(linkage, SHARES, signed, signed.share.sender)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


def confirm(linkage: Linkage, signed: SignedConfirmation) -> dict[str, Any]:
    answer = post(linkage, CONFIRMATIONS, signed, signed.confirmation.party)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def listed(linkage: Linkage, party: str = SCHOOL, epoch: int = 1) -> list[dict[str, Any]]:
    answer = linkage.get(f"{SHARES}?epoch={epoch}", party)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["shares"]
    return found


def fetch(linkage: Linkage, view: dict[str, Any], party: str = SCHOOL) -> Response:
    return linkage.get(f"/v1/shares/{view['share']}", party)


def withdraw(linkage: Linkage, party: str, epoch: int = 1) -> Response:
    return linkage.client.delete(f"{SHARES}?epoch={epoch}", headers=linkage.as_party(party))


def code_of(answer: Response) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


def share_entries(linkage: Linkage) -> list[str]:
    kinds = linkage.log_kinds()
    return [kind for kind in kinds if kind.startswith(("share", "secret-"))]


def test_a_share_reaches_its_recipient_to_the_byte(linkage: Linkage, holders: Holders) -> None:
    signed = holders.share(CHILD_WELFARE, SCHOOL)
    view = send(linkage, signed)
    answer = fetch(linkage, view)
    assert answer.status_code == 200
    assert SignedShare.from_json(answer.json()) == signed
    assert view["sha256"] == signed.digest()


def test_both_agencies_make_one_secret_of_what_the_broker_carried(
    linkage: Linkage, holders: Holders
) -> None:
    secrets = []
    for sender, recipient in ((CHILD_WELFARE, SCHOOL), (SCHOOL, CHILD_WELFARE)):
        view = send(linkage, holders.share(sender, recipient))
        carried = SignedShare.from_json(fetch(linkage, view, recipient).json())
        secrets.append(holders.secret_of(recipient, [carried]))
    assert secrets == [holders.secret()] * 2


def test_all_holders_see_who_sent_what_to_whom(linkage: Linkage, holders: Holders) -> None:
    views = [
        send(linkage, holders.share(CHILD_WELFARE, SCHOOL)),
        send(linkage, holders.share(SCHOOL, CHILD_WELFARE)),
    ]
    for party in (CHILD_WELFARE, SCHOOL):
        assert listed(linkage, party) == views
    assert listed(linkage, SCHOOL, epoch=2) == []


def test_the_list_shows_no_share(linkage: Linkage, holders: Holders) -> None:
    signed = holders.share(CHILD_WELFARE, SCHOOL)
    send(linkage, signed)
    text = linkage.get(f"{SHARES}?epoch=1", CHILD_WELFARE).text
    assert signed.share.sealed[:20] not in text
    assert signed.signature[:20] not in text


def test_the_same_share_again_changes_nothing(linkage: Linkage, holders: Holders) -> None:
    signed = holders.share(CHILD_WELFARE, SCHOOL)
    first = send(linkage, signed)
    fetch(linkage, first)
    again = send(linkage, signed)
    assert again["share"] == first["share"]
    assert share_entries(linkage) == ["share-relayed", "share-fetched"]


def test_before_it_is_fetched_a_share_may_be_replaced(linkage: Linkage, holders: Holders) -> None:
    first = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    second = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    assert [view["share"] for view in listed(linkage)] == [second["share"]]
    assert fetch(linkage, first).status_code == 404
    assert fetch(linkage, second).status_code == 200


def test_once_it_is_fetched_it_stays(linkage: Linkage, holders: Holders) -> None:
    first = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    fetch(linkage, first)
    answer = post(linkage, SHARES, holders.share(CHILD_WELFARE, SCHOOL))
    assert (answer.status_code, code_of(answer)) == (409, "share-fetched")
    assert [view["share"] for view in listed(linkage)] == [first["share"]]


def test_that_it_was_fetched_is_logged_once(linkage: Linkage, holders: Holders) -> None:
    view = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    assert listed(linkage)[0]["fetched"] is None
    for _ in range(2):
        assert fetch(linkage, view).status_code == 200
    assert listed(linkage)[0]["fetched"] is not None
    assert share_entries(linkage) == ["share-relayed", "share-fetched"]


@pytest.mark.parametrize("party", [CHILD_WELFARE, "stranger"])
def test_nobody_but_the_recipient_fetches_a_share(
    party: str, linkage: Linkage, holders: Holders
) -> None:
    linkage.founded.enrol("stranger")
    view = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    foreign = fetch(linkage, view, party)
    none = fetch(linkage, {"share": new_id("shr")}, party)
    assert foreign.status_code == none.status_code == 404
    assert foreign.json()["detail"] == none.json()["detail"]
    assert share_entries(linkage) == ["share-relayed"]


def test_a_share_in_anothers_name_is_refused(linkage: Linkage, holders: Holders) -> None:
    answer = post(linkage, SHARES, holders.share(SCHOOL, CHILD_WELFARE), CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (422, "share-refused")
    assert share_entries(linkage) == []


@pytest.mark.parametrize(
    ("more", "changes"),
    [((), {"project": "other-project"}), (("third-agency",), {}), ((), {"epoch": 3})],
    ids=["another project", "other holders", "a far epoch"],
)
def test_a_share_for_another_secret_is_refused(
    more: tuple[str, ...], changes: dict[str, Any], linkage: Linkage
) -> None:
    others = holders_at(linkage, *more, **changes)
    answer = post(linkage, SHARES, others.share(CHILD_WELFARE, SCHOOL))
    assert (answer.status_code, code_of(answer)) == (422, "share-refused")


def test_a_person_sends_only_what_its_own_keys_have_signed(
    linkage: Linkage, holders: Holders
) -> None:
    strangers = make_holders(PROJECT, CHILD_WELFARE, SCHOOL)
    for path, document in (
        (SHARES, strangers.share(CHILD_WELFARE, SCHOOL)),
        (CONFIRMATIONS, strangers.confirmation(CHILD_WELFARE)),
    ):
        answer = post(linkage, path, document)
        assert (answer.status_code, code_of(answer)) == (422, "share-refused")
    send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    confirm(linkage, holders.confirmation(CHILD_WELFARE))


def test_the_next_epochs_secret_may_be_shared_before_the_terms_name_it(linkage: Linkage) -> None:
    later = holders_at(linkage, epoch=2)
    view = send(linkage, later.share(CHILD_WELFARE, SCHOOL))
    assert view["epoch"] == 2
    assert [one["share"] for one in listed(linkage, epoch=2)] == [view["share"]]


def test_a_party_that_does_not_encode_holds_no_secret(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(
        recipients=(
            Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),
            Recipient(party="ministry", mode="count", space="shared"),
        )
    )
    answer = linkage.get(f"{SHARES}?epoch=1", "ministry")
    assert (answer.status_code, code_of(answer)) == (409, "not-a-holder")
    assert linkage.get(f"{CONFIRMATIONS}?epoch=1", "ministry").status_code == 409
    assert withdraw(linkage, "ministry").status_code == 409


@pytest.mark.parametrize("role", ["auditor", "operator"])
def test_neither_auditor_nor_operator_sees_a_share(
    role: str, linkage: Linkage, holders: Holders
) -> None:
    view = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    party = {"auditor": AUDITOR, "operator": "operator"}[role]
    for path in (f"{SHARES}?epoch=1", f"/v1/shares/{view['share']}", f"{CONFIRMATIONS}?epoch=1"):
        assert linkage.get(path, party, role).status_code == 403


def test_confirmations_reach_all_holders(linkage: Linkage, holders: Holders) -> None:
    first = holders.confirmation(CHILD_WELFARE)
    confirm(linkage, first)
    shown = confirm(linkage, holders.confirmation(SCHOOL))
    parties = [one["confirmation"]["party"] for one in shown["confirmations"]]
    assert parties == [CHILD_WELFARE, SCHOOL]
    again = linkage.get(f"{CONFIRMATIONS}?epoch=1", CHILD_WELFARE).json()
    assert again == shown
    assert SignedConfirmation.from_json(again["confirmations"][0]) == first


def test_a_confirmation_twice_is_logged_once(linkage: Linkage, holders: Holders) -> None:
    signed = holders.confirmation(CHILD_WELFARE)
    for _ in range(2):
        confirm(linkage, signed)
    assert share_entries(linkage) == ["secret-confirmed"]


def test_a_later_confirmation_takes_the_place_of_an_earlier_one(
    linkage: Linkage, holders: Holders
) -> None:
    confirm(linkage, holders.confirmation(CHILD_WELFARE))
    other = holders_at(linkage).confirmation(CHILD_WELFARE)
    shown = confirm(linkage, other)
    assert [SignedConfirmation.from_json(one) for one in shown["confirmations"]] == [other]
    assert share_entries(linkage) == ["secret-confirmed"] * 2


def test_a_confirmation_in_anothers_name_or_of_a_far_epoch_is_refused(
    linkage: Linkage, holders: Holders
) -> None:
    far = holders_at(linkage, epoch=7)
    elsewhere = holders_at(linkage, project="other-project")
    for signed in (
        holders.confirmation(SCHOOL),
        far.confirmation(CHILD_WELFARE),
        elsewhere.confirmation(CHILD_WELFARE),
    ):
        answer = post(linkage, CONFIRMATIONS, signed)
        assert (answer.status_code, code_of(answer)) == (422, "share-refused")
    assert share_entries(linkage) == []


def test_what_has_served_is_not_kept(linkage: Linkage, holders: Holders) -> None:
    signed = holders.share(CHILD_WELFARE, SCHOOL)
    view = send(linkage, signed)
    fetch(linkage, view)
    confirm(linkage, holders.confirmation(SCHOOL))
    answer = fetch(linkage, view)
    assert (answer.status_code, code_of(answer)) == (410, "share-served")
    assert listed(linkage)[0]["sha256"] == signed.digest()


def test_a_holder_may_begin_anew_and_that_is_logged(linkage: Linkage, holders: Holders) -> None:
    view = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    other = send(linkage, holders.share(SCHOOL, CHILD_WELFARE))
    fetch(linkage, view)
    confirm(linkage, holders.confirmation(CHILD_WELFARE))
    answer = withdraw(linkage, CHILD_WELFARE)
    assert [one["share"] for one in answer.json()["shares"]] == [other["share"]]
    assert linkage.get(f"{CONFIRMATIONS}?epoch=1", SCHOOL).json() == {"confirmations": []}
    assert fetch(linkage, view).status_code == 404
    send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    assert share_entries(linkage)[-2:] == ["shares-withdrawn", "share-relayed"]


def test_who_has_sent_nothing_withdraws_nothing(linkage: Linkage) -> None:
    assert withdraw(linkage, CHILD_WELFARE).json() == {"shares": []}
    assert share_entries(linkage) == []


def test_what_all_have_confirmed_is_not_begun_anew(linkage: Linkage, holders: Holders) -> None:
    send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    for party in (CHILD_WELFARE, SCHOOL):
        confirm(linkage, holders.confirmation(party))
    answer = withdraw(linkage, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "secret-confirmed")


def test_holders_with_different_secrets_may_begin_anew(linkage: Linkage, holders: Holders) -> None:
    confirm(linkage, holders.confirmation(CHILD_WELFARE))
    confirm(linkage, holders_at(linkage).confirmation(SCHOOL))
    assert withdraw(linkage, CHILD_WELFARE).status_code == 200
    left = linkage.get(f"{CONFIRMATIONS}?epoch=1", SCHOOL).json()["confirmations"]
    assert [one["confirmation"]["party"] for one in left] == [SCHOOL]


@pytest.mark.parametrize("epoch", ["", "?epoch=0", "?epoch=x", "?epoch=1000001"])
def test_an_epoch_must_be_named(epoch: str, linkage: Linkage) -> None:
    for path in (SHARES, CONFIRMATIONS):
        assert linkage.get(f"{path}{epoch}", SCHOOL).status_code == 422


def test_a_body_that_breaks_its_format_is_refused_without_being_repeated(
    linkage: Linkage, holders: Holders
) -> None:
    document = holders.share(CHILD_WELFARE, SCHOOL).to_json()
    headers = linkage.as_party(CHILD_WELFARE)
    for broken in ({**document, "note": "CANARY"}, {**document, "signature": "CANARY" * 14}):
        answer = linkage.client.post(SHARES, json=broken, headers=headers)
        assert answer.status_code == 422
        assert "CANARY" not in answer.text


def test_the_log_holds_ids_and_digests_and_nothing_sealed(
    linkage: Linkage, holders: Holders
) -> None:
    signed = holders.share(CHILD_WELFARE, SCHOOL)
    fetch(linkage, send(linkage, signed))
    confirm(linkage, holders.confirmation(SCHOOL))
    entries = [e for e in linkage.log_entries() if e["kind"].startswith(("share", "secret-"))]
    assert [set(entry["body"]) for entry in entries] == [
        {"epoch", "share", "sender", "recipient", "holders", "sha256"},
        {"epoch", "share", "sha256"},
        {"epoch", "holders", "key_id", "sha256"},
    ]
    assert signed.share.sealed[:20] not in str(entries)


def test_a_share_of_an_epoch_that_is_over_is_not_handed_out(
    linkage: Linkage, holders: Holders
) -> None:
    view = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    people = [linkage.person(party).identity for party in (CHILD_WELFARE, SCHOOL)]
    people += [linkage.person(AUDITOR, "auditor").identity]
    people += [linkage.person("operator", "operator").identity]
    linkage.agreement = amend(linkage.broker, linkage.agreement, linkage.profile, people, epoch=2)
    answer = fetch(linkage, view)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].endswith(":share-refused")
    assert linkage.log_kinds()[-1] == "agreement-in-force"


def test_a_share_at_midnight_names_the_agreement_that_let_it_in(
    linkage: Linkage, holders: Holders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one may have a party that halts the linkage."""
    people = [linkage.person(party).identity for party in (CHILD_WELFARE, SCHOOL)]
    people += [linkage.person(AUDITOR, "auditor").identity]
    people += [linkage.person("operator", "operator").identity]
    amend(linkage.broker, linkage.agreement, linkage.profile, people, start="2026-09-02")
    signed, clock = holders.share(CHILD_WELFARE, SCHOOL), linkage.founded.clock
    clock.now = clock.now.replace(hour=23, minute=59, second=59)
    linkage.sign_in_anew()

    def at_midnight(prefix: str) -> str:
        clock.move(seconds=1)
        return new_id(prefix)

    monkeypatch.setattr(service, "new_id", at_midnight)
    send(linkage, signed)
    relayed = linkage.log_entries()[-1]
    assert (relayed["kind"], relayed["time"]) == ("share-relayed", "2026-09-02T00:00:00Z")
    assert relayed["agreement"] == linkage.agreement.digest()
