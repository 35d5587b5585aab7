"""Shares over HTTP: who may send, fetch and withdraw what, and what is logged of it."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response
from rigs.agreed import amend
from rigs.holders import Holders, holders_at, make_holders
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage
from rigs.refused_calls import refused

from app.ids import new_id
from app.shares import service
from schemas.documents.document import Document
from schemas.linkage.run import Recipient
from schemas.signing.secret_share import SignedConfirmation, SignedShare

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


def share_entries(linkage: Linkage) -> list[str]:
    kinds = linkage.log_kinds()
    return [kind for kind in kinds if kind.startswith(("share", "secret-"))]


def test_a_share_reaches_its_recipient_alone_and_to_the_byte_until_it_has_served(
    linkage: Linkage, holders: Holders
) -> None:
    signed = holders.share(CHILD_WELFARE, SCHOOL)
    view = send(linkage, signed)
    assert view["sha256"] == signed.digest()
    text = linkage.get(f"{SHARES}?epoch=1", CHILD_WELFARE).text
    assert signed.share.sealed[:20] not in text
    assert signed.signature[:20] not in text
    none = fetch(linkage, {"share": new_id("shr")})
    foreign = fetch(linkage, view, CHILD_WELFARE)
    assert foreign.status_code == none.status_code == 404
    assert foreign.json()["detail"] == none.json()["detail"]
    assert listed(linkage)[0]["fetched"] is None
    for _ in range(2):
        answer = fetch(linkage, view)
        assert answer.status_code == 200
        assert SignedShare.from_json(answer.json()) == signed
    assert listed(linkage)[0]["fetched"] is not None
    # The same share again changes nothing.
    assert send(linkage, signed)["share"] == view["share"]
    assert share_entries(linkage) == ["share-relayed", "share-fetched"]
    confirm(linkage, holders.confirmation(SCHOOL))
    assert refused(fetch(linkage, view)) == (410, "share-served")
    assert listed(linkage)[0]["sha256"] == signed.digest()
    # The log holds ids and digests, and nothing sealed.
    entries = [e for e in linkage.log_entries() if e["kind"].startswith(("share", "secret-"))]
    assert [set(entry["body"]) for entry in entries] == [
        {"epoch", "share", "sender", "recipient", "holders", "sha256"},
        {"epoch", "share", "sha256"},
        {"epoch", "holders", "key_id", "sha256"},
    ]
    assert signed.share.sealed[:20] not in str(entries)


def test_both_agencies_make_one_secret_of_what_the_broker_carried_and_see_who_sent_what(
    linkage: Linkage, holders: Holders
) -> None:
    secrets, views = [], []
    for sender, recipient in ((CHILD_WELFARE, SCHOOL), (SCHOOL, CHILD_WELFARE)):
        views.append(send(linkage, holders.share(sender, recipient)))
    for party in (CHILD_WELFARE, SCHOOL):
        assert listed(linkage, party) == views
    for recipient, view in zip((SCHOOL, CHILD_WELFARE), views, strict=True):
        carried = SignedShare.from_json(fetch(linkage, view, recipient).json())
        secrets.append(holders.secret_of(recipient, [carried]))
    assert secrets == [holders.secret()] * 2
    # The next epoch's secret may be shared before the terms name it.
    assert listed(linkage, SCHOOL, epoch=2) == []
    later = send(linkage, holders_at(linkage, epoch=2).share(CHILD_WELFARE, SCHOOL))
    assert later["epoch"] == 2
    assert [one["share"] for one in listed(linkage, epoch=2)] == [later["share"]]


def test_before_it_is_fetched_a_share_may_be_replaced_and_then_it_stays(
    linkage: Linkage, holders: Holders
) -> None:
    first = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    second = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    assert [view["share"] for view in listed(linkage)] == [second["share"]]
    assert fetch(linkage, first).status_code == 404
    assert fetch(linkage, second).status_code == 200
    answer = post(linkage, SHARES, holders.share(CHILD_WELFARE, SCHOOL))
    assert refused(answer) == (409, "share-fetched")
    assert [view["share"] for view in listed(linkage)] == [second["share"]]


def test_a_share_for_another_secret_or_that_its_person_has_not_signed_is_refused(
    linkage: Linkage, holders: Holders
) -> None:
    strangers = make_holders(PROJECT, CHILD_WELFARE, SCHOOL)
    elsewhere = holders_at(linkage, project="other-project")
    signed: dict[str, tuple[str, Any]] = {
        "in another's name": (SHARES, holders.share(SCHOOL, CHILD_WELFARE)),
        "for another project": (SHARES, elsewhere.share(CHILD_WELFARE, SCHOOL)),
        "for other holders": (
            SHARES,
            holders_at(linkage, "third-agency").share(CHILD_WELFARE, SCHOOL),
        ),
        "for a far epoch": (SHARES, holders_at(linkage, epoch=3).share(CHILD_WELFARE, SCHOOL)),
        "under other keys": (SHARES, strangers.share(CHILD_WELFARE, SCHOOL)),
        "confirmed in another's name": (CONFIRMATIONS, holders.confirmation(SCHOOL)),
        "confirmed for another project": (CONFIRMATIONS, elsewhere.confirmation(CHILD_WELFARE)),
        "confirmed for a far epoch": (
            CONFIRMATIONS,
            holders_at(linkage, epoch=7).confirmation(CHILD_WELFARE),
        ),
        "confirmed under other keys": (CONFIRMATIONS, strangers.confirmation(CHILD_WELFARE)),
    }
    for name, (path, document) in signed.items():
        assert refused(post(linkage, path, document)) == (422, "share-refused"), name
    for path in (SHARES, CONFIRMATIONS):
        for epoch in ("", "?epoch=0", "?epoch=x", "?epoch=1000001"):
            assert linkage.get(f"{path}{epoch}", SCHOOL).status_code == 422, epoch
    document = holders.share(CHILD_WELFARE, SCHOOL).to_json()
    headers = linkage.as_party(CHILD_WELFARE)
    for broken in ({**document, "note": "CANARY"}, {**document, "signature": "CANARY" * 14}):
        answer = linkage.client.post(SHARES, json=broken, headers=headers)
        assert answer.status_code == 422
        assert "CANARY" not in answer.text
    assert share_entries(linkage) == []


def test_a_party_that_does_not_encode_holds_no_secret(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(
        recipients=(
            Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),
            Recipient(party="ministry", mode="count", space="shared"),
        )
    )
    answer = linkage.get(f"{SHARES}?epoch=1", "ministry")
    assert refused(answer) == (409, "not-a-holder")
    assert linkage.get(f"{CONFIRMATIONS}?epoch=1", "ministry").status_code == 409
    assert withdraw(linkage, "ministry").status_code == 409


def test_confirmations_reach_all_holders_and_a_later_one_takes_the_place_of_an_earlier(
    linkage: Linkage, holders: Holders
) -> None:
    confirm(linkage, holders_at(linkage).confirmation(CHILD_WELFARE))
    first = holders.confirmation(CHILD_WELFARE)
    for _ in range(2):
        confirm(linkage, first)
    assert share_entries(linkage) == ["secret-confirmed"] * 2
    shown = confirm(linkage, holders.confirmation(SCHOOL))
    parties = [one["confirmation"]["party"] for one in shown["confirmations"]]
    assert parties == [CHILD_WELFARE, SCHOOL]
    again = linkage.get(f"{CONFIRMATIONS}?epoch=1", CHILD_WELFARE).json()
    assert again == shown
    assert SignedConfirmation.from_json(again["confirmations"][0]) == first


def test_a_holder_may_begin_anew_until_all_have_confirmed_and_that_is_logged(
    linkage: Linkage, holders: Holders
) -> None:
    # Who has sent nothing withdraws nothing.
    assert withdraw(linkage, CHILD_WELFARE).json() == {"shares": []}
    assert share_entries(linkage) == []
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
    # Holders with different secrets may.
    confirm(linkage, holders.confirmation(CHILD_WELFARE))
    confirm(linkage, holders_at(linkage).confirmation(SCHOOL))
    assert withdraw(linkage, CHILD_WELFARE).status_code == 200
    left = linkage.get(f"{CONFIRMATIONS}?epoch=1", SCHOOL).json()["confirmations"]
    assert [one["confirmation"]["party"] for one in left] == [SCHOOL]
    send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    for party in (CHILD_WELFARE, SCHOOL):
        confirm(linkage, holders.confirmation(party))
    assert refused(withdraw(linkage, CHILD_WELFARE)) == (409, "secret-confirmed")


def test_a_share_of_an_epoch_that_is_over_is_not_handed_out(
    linkage: Linkage, holders: Holders
) -> None:
    view = send(linkage, holders.share(CHILD_WELFARE, SCHOOL))
    people = [linkage.person(party).identity for party in (CHILD_WELFARE, SCHOOL)]
    people += [linkage.person(AUDITOR, "auditor").identity]
    people += [linkage.person("operator", "operator").identity]
    linkage.agreement = amend(linkage.broker, linkage.agreement, linkage.profile, people, epoch=2)
    answer = fetch(linkage, view)
    assert refused(answer) == (422, "share-refused")
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
