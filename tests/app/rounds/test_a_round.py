"""A round from its nonces to its closing, as two agencies live it."""

from __future__ import annotations

from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage

from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import verify_receipt
from schemas.rounds.receipt import Receipt
from schemas.rounds.release import parse_release
from schemas.rounds.rounds import RoundView


def test_a_round_links_and_closes_with_the_last_claims(linkage: Linkage) -> None:
    left, right = linkage.upload_both(20, 12)
    linkage.work()
    run = linkage.run()
    assert (run["state"], run["failure"]) == ("succeeded", None)
    assert run["counts"]["auto_pairs"] == 12
    releases = linkage.get(f"/v1/projects/{linkage.terms.project}/releases").json()["releases"]
    assert [(one["recipient"], one["partner"], one["matches"]) for one in releases] == [
        (CHILD_WELFARE, SCHOOL, 12)
    ]
    files = {}
    for party, made in ((CHILD_WELFARE, left), (SCHOOL, right)):
        listed = linkage.get(f"/v1/projects/{linkage.terms.project}/releases", party).json()
        raw = linkage.get(f"/v1/releases/{listed['releases'][0]['release']}/file", party).content
        _, matches = parse_release(raw)
        files[party] = [matches[handle].match_id for handle in made.handles[:12]]
        for match in matches.values():
            assert 0 <= match.row < made.header.rows
    assert files[CHILD_WELFARE] == files[SCHOOL]
    assert linkage.put_claims(CHILD_WELFARE, SCHOOL).json()["sequence"] == 1
    assert linkage.round()["state"] == "open"
    assert linkage.put_claims(SCHOOL, CHILD_WELFARE).status_code == 200
    closed = linkage.round()
    assert closed["state"] == "closed"
    view = RoundView.from_json(closed)
    assert view.closing is not None
    entry, _ = verify_receipt(
        Receipt.from_json(view.closing.to_json()), [linkage.broker.log.key], KINDS
    )
    assert (entry.kind, entry.body.claims) == ("round-closed", view.progress[0].claims)
    assert {one.party for one in entry.body.claims} == {CHILD_WELFARE, SCHOOL}
    assert linkage.log_kinds()[-4:] == [
        "release-fetched", "claims-received", "claims-received", "round-closed"
    ]  # fmt: skip
