"""What the database itself decides about shares, on each kind of database."""

from __future__ import annotations

from rigs.holders import Holders
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, either_database

__all__ = ["either_database"]


def test_a_share_goes_all_its_way(linkage: Linkage, holders: Holders) -> None:
    mine, theirs = linkage.as_party(CHILD_WELFARE), linkage.as_party(SCHOOL)
    shares = f"/v1/projects/{PROJECT}/shares"
    confirmations = f"/v1/projects/{PROJECT}/confirmations"

    def send() -> str:
        document = holders.share(CHILD_WELFARE, SCHOOL).to_json()
        answer = linkage.client.post(shares, json=document, headers=mine)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["share"])

    def fetch(share: str) -> int:
        return int(linkage.client.get(f"/v1/shares/{share}", headers=theirs).status_code)

    replaced, fetched = send(), send()
    assert [fetch(replaced), fetch(fetched), fetch(fetched)] == [404, 200, 200]
    withdrawn = linkage.client.delete(f"{shares}?epoch=1", headers=mine)
    assert withdrawn.json() == {"shares": []}
    served = send()
    assert fetch(served) == 200
    for _ in range(2):
        document = holders.confirmation(SCHOOL).to_json()
        answer = linkage.client.post(confirmations, json=document, headers=theirs)
        assert len(answer.json()["confirmations"]) == 1
    assert fetch(served) == 410
    kinds = [k for k in linkage.log_kinds() if k.startswith(("share", "secret-"))]
    assert kinds == [
        "share-relayed",
        "share-relayed",
        "share-fetched",
        "shares-withdrawn",
        "share-relayed",
        "share-fetched",
        "secret-confirmed",
    ]
