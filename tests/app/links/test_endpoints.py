"""Releases over HTTP: who sees what, and what is logged before a byte leaves."""

from __future__ import annotations

import pytest
from rigs.answers import code_of, refusal
from rigs.destroying import destroy
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage

from app.matching.blocks.rows import read_rows
from app.worker.sweeper import Sweeper
from schemas.linkage.run import IdSpace, Recipient
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import verify_receipt
from schemas.rounds.receipt import Receipt
from schemas.rounds.release import parse_release, release_digest


def linked(linkage: Linkage, n_records: int = 20, n_common: int = 12):
    """Upload two files, let the run be made, and return their containers."""
    files = linkage.upload_both(n_records, n_common)
    linkage.work()
    return files


def release_of(linkage: Linkage, party: str) -> dict:
    return linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"][0]


def file_of(linkage: Linkage, party: str) -> bytes:
    answer = linkage.get(f"/v1/releases/{release_of(linkage, party)['release']}/file", party)
    assert answer.status_code == 200
    return answer.content


def matches_of(linkage: Linkage, party: str) -> dict:
    return parse_release(file_of(linkage, party))[1]


def ids_of(linkage: Linkage, party: str) -> dict:
    return {handle: match.match_id for handle, match in matches_of(linkage, party).items()}


def test_each_agency_gets_what_it_can_join_and_what_view_and_log_say_and_nothing_of_others(
    released: Linkage,
) -> None:
    linkage = released
    for made, party in zip(linkage.containers, (CHILD_WELFARE, SCHOOL), strict=True):
        assert set(matches_of(linkage, party)) == set(made.handles[:12])
    # Two recipients in one space can join what they receive.
    of_left, of_right = ids_of(linkage, CHILD_WELFARE), ids_of(linkage, SCHOOL)
    joined = {(h, g) for h, one in of_left.items() for g, other in of_right.items() if one == other}
    assert joined == set(
        zip(linkage.containers[0].handles[:12], linkage.containers[1].handles[:12], strict=True)
    )
    # A match names the row of each container in which the two met.
    tokens: dict[bytes, set[bytes]] = {}
    for made, party in zip(linkage.containers, (CHILD_WELFARE, SCHOOL), strict=True):
        rows = read_rows(b"".join(made.parts[1:])[16 * made.header.records :])
        for handle, match in matches_of(linkage, party).items():
            row = rows[match.row]
            assert sorted(made.handles)[row["record"]] == handle
            tokens.setdefault(match.match_id, set()).add(row["token"].tobytes())
    assert [len(found) for found in tokens.values()] == [1] * 12
    # The file is what the view and the log say.
    release = release_of(linkage, CHILD_WELFARE)
    content = file_of(linkage, CHILD_WELFARE)
    header, links = parse_release(content)
    assert (release["sha256"], release["size_bytes"]) == (release_digest(content), len(content))
    assert (release["matches"], header.matches) == (12, len(links))
    receipt = linkage.get(f"/v1/releases/{release['release']}/receipt")
    entry, _ = verify_receipt(Receipt.from_json(receipt.json()), [linkage.broker.log.key], KINDS)
    assert (entry.kind, entry.body.sha256) == ("release-prepared", release["sha256"])
    # The answer carries length and digest.
    release = release_of(linkage, CHILD_WELFARE)
    answer = linkage.get(f"/v1/releases/{release['release']}/file")
    assert answer.headers["etag"] == f'"{release["sha256"]}"'
    assert answer.headers["content-length"] == str(release["size_bytes"])
    assert answer.headers["cache-control"] == "no-store"
    # A release that is not the callers leaves no entry.
    linkage.as_party(SCHOOL)
    before = linkage.log_kinds()
    assert linkage.get(f"/v1/releases/{release['release']}/file", SCHOOL).status_code == 404
    assert linkage.log_kinds() == before
    # Watchers see that a release is there.
    for party, role in ((AUDITOR, "auditor"), ("operator", "operator")):
        seen = linkage.get(f"/v1/projects/{PROJECT}/releases", party, role).json()["releases"]
        assert sorted(one["recipient"] for one in seen) == [CHILD_WELFARE, SCHOOL]


def test_different_spaces_share_no_match_id(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(
        recipients=(
            Recipient(party=CHILD_WELFARE, mode="linked", space="one"),
            Recipient(party=SCHOOL, mode="linked", space="two"),
        ),
        spaces=(IdSpace(name="one", lifetime="lasting"), IdSpace(name="two", lifetime="lasting")),
    )
    linked(linkage)
    of_left, of_right = ids_of(linkage, CHILD_WELFARE), ids_of(linkage, SCHOOL)
    assert len(of_left) == len(of_right) == 12
    assert not set(of_left.values()) & set(of_right.values())
    # Nobody owes claims, so the round closes with its run.
    assert linkage.round()["state"] == "closed"


def test_match_ids_are_new_in_every_round(released: Linkage) -> None:
    linkage = released
    first = ids_of(linkage, CHILD_WELFARE)
    linkage.exchange_claims()
    linked(linkage)
    second = ids_of(linkage, CHILD_WELFARE)
    assert not set(first) & set(second)
    assert not set(first.values()) & set(second.values())


def test_a_fetch_that_cannot_be_logged_gives_no_byte(released: Linkage) -> None:
    linkage = released
    release = release_of(linkage, CHILD_WELFARE)["release"]
    (linkage.broker.settings.log_key_file.parent / "last-checkpoint").write_text("spoilt")
    linkage.is_log_spoilt = True
    answer = linkage.get(f"/v1/releases/{release}/file")
    assert answer.status_code >= 500
    assert code_of(answer)
    assert linkage.log_kinds().count("release-fetched") == 0


def test_watchers_learn_no_count_below_the_floor(linkage: Linkage) -> None:
    linked(linkage, 20, 2)
    own = release_of(linkage, CHILD_WELFARE)
    assert own["matches"] == 2
    seen = linkage.get(f"/v1/releases/{own['release']}", AUDITOR, "auditor").json()
    assert seen["matches"] is None
    assert seen["size_bytes"] % 65536 == 0
    entries = [e for e in linkage.log_entries() if e["kind"] == "release-prepared"]
    assert {entry["body"]["matches"] for entry in entries} == {None}


def test_a_recipient_of_mode_none_gets_no_release(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(
        recipients=(
            Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),
            Recipient(party=SCHOOL, mode="none", space="shared"),
        )
    )
    linked(linkage)
    assert len(matches_of(linkage, CHILD_WELFARE)) == 12
    assert linkage.get(f"/v1/projects/{PROJECT}/releases", SCHOOL).json()["releases"] == []


@pytest.mark.parametrize(("n_common", "total"), [(12, 12), (3, 3), (2, None), (0, None)])
def test_a_recipient_of_mode_count_gets_a_total_that_is_not_below_the_floor(
    make_linkage: MakeLinkage, n_common: int, total: int | None
) -> None:
    counting = "research-office"
    linkage = make_linkage(recipients=(Recipient(party=counting, mode="count", space="shared"),))
    linked(linkage, 20, n_common)
    header, links = parse_release(file_of(linkage, counting))
    assert (header.total, header.matches, header.upload, links) == (total, 0, None, {})


@pytest.mark.parametrize(("floor", "logged"), [(0, 0), (3, None)])
def test_the_log_has_the_number_of_match_ids_and_no_total(
    make_linkage: MakeLinkage, floor: int, logged: int | None
) -> None:
    modes = {CHILD_WELFARE: "linked", "research-office": "count", SCHOOL: "linked"}
    recipients = tuple(Recipient(party=p, mode=m, space="shared") for p, m in modes.items())
    linkage = make_linkage(recipients=recipients, floor=floor)
    linked(linkage)
    said = [e["body"] for e in linkage.log_entries() if e["kind"] == "release-prepared"]
    assert {one["mode"]: one["matches"] for one in said} == {"linked": 12, "count": logged}


def test_nothing_is_fetched_after_the_end_of_the_terms(released: Linkage) -> None:
    linkage = released
    release = release_of(linkage, CHILD_WELFARE)["release"]
    linkage.founded.clock.now = linkage.founded.clock.now.replace(year=2028)
    answer = linkage.get(f"/v1/releases/{release}/file")
    assert code_of(answer) in {"not-in-force", "release-destroyed"}
    entry = linkage.log_entries()[-1]
    assert (entry["kind"], entry["outcome"]) == ("release-fetched", "refused")
    assert (entry["object"], entry["actor"]["party"]) == (release, CHILD_WELFARE)


def test_nothing_is_fetched_after_the_keeping_time_nor_said_to_be_whole(released: Linkage) -> None:
    linkage = released
    release = release_of(linkage, CHILD_WELFARE)
    file_of(linkage, CHILD_WELFARE)
    linkage.founded.clock.move(days=90)
    answer = linkage.get(f"/v1/releases/{release['release']}/file")
    assert refusal(answer) == (410, "release-destroyed")
    assert linkage.get(f"/v1/releases/{release['release']}/receipt").status_code == 200
    # Nobody says of a release that is gone that it is whole.
    Sweeper(linkage.broker).sweep()
    gone = found_whole(linkage, release, release["sha256"])
    assert refusal(gone) == (410, "release-destroyed")


@pytest.mark.parametrize("what", ["file", "openings"])
def test_a_release_asked_for_in_vain_is_named_once_an_hour_and_then_counted(
    released: Linkage, what: str
) -> None:
    linkage = released
    releases = {party: release_of(linkage, party)["release"] for party in (CHILD_WELFARE, SCHOOL)}
    linkage.founded.clock.move(days=90)
    for _ in range(2):
        for party, release in releases.items():
            for _ in range(3):
                answer = linkage.get(f"/v1/releases/{release}/{what}", party)
                assert refusal(answer) == (410, "release-destroyed")
        linkage.founded.clock.move(hours=1)
    Sweeper(linkage.broker).sweep()
    entries = [entry for entry in linkage.log_entries() if entry["outcome"] == "refused"]
    named = [(e["actor"]["party"], e["object"]) for e in entries if e["kind"] == "release-fetched"]
    assert named == [*releases.items(), *releases.items()]
    bodies = [entry["body"] for entry in entries if entry["kind"] == "request-refused"]
    counted = [(body["party"], body["why"], body["count"]) for body in bodies]
    assert counted == [(party, "release-destroyed", 2) for party in releases] * 2


def found_whole(linkage: Linkage, release: dict, sha256: str, party: str = CHILD_WELFARE):
    return linkage.client.post(
        f"/v1/releases/{release['release']}/verification",
        json={"sha256": sha256},
        headers=linkage.as_party(party),
    )


def test_every_fetch_is_logged_and_who_has_fetched_a_release_says_once_that_it_is_whole(
    released: Linkage,
) -> None:
    linkage = released
    assert release_of(linkage, CHILD_WELFARE)["fetched"] is None
    release = release_of(linkage, CHILD_WELFARE)
    early = found_whole(linkage, release, release["sha256"])
    assert refusal(early) == (409, "not-fetched")
    file_of(linkage, CHILD_WELFARE)
    other = found_whole(linkage, release, "0" * 64)
    assert refusal(other) == (422, "other-file")
    foreign = found_whole(linkage, release, release["sha256"], SCHOOL)
    assert refusal(foreign) == (404, "not-found")
    said = [found_whole(linkage, release, release["sha256"]) for _ in range(2)]
    assert [answer.status_code for answer in said] == [200, 200]
    assert said[0].json() == said[1].json() == release_of(linkage, CHILD_WELFARE)
    assert said[0].json()["verified"] is not None
    (entry,) = [e for e in linkage.log_entries() if e["kind"] == "release-verified"]
    assert (entry["object"], entry["actor"]["party"]) == (release["release"], CHILD_WELFARE)
    assert entry["body"] == {"recipient": CHILD_WELFARE, "sha256": release["sha256"]}
    # Every fetch is logged.
    file_of(linkage, CHILD_WELFARE)
    fetches = [e for e in linkage.log_entries() if e["kind"] == "release-fetched"]
    assert [fetch["actor"]["party"] for fetch in fetches] == [CHILD_WELFARE] * 2
    assert release_of(linkage, CHILD_WELFARE)["fetched"] is not None


def test_a_release_destroyed_on_request_is_not_said_to_have_been_kept_as_long_as_agreed(
    released: Linkage,
) -> None:
    linkage = released
    release = release_of(linkage, CHILD_WELFARE)
    assert destroy(linkage).status_code == 200
    for answer in (
        linkage.get(f"/v1/releases/{release['release']}/file"),
        found_whole(linkage, release, release["sha256"]),
    ):
        assert refusal(answer) == (410, "release-destroyed")
        assert "before its time was over" in answer.json()["detail"]
        assert "certificate" in answer.json()["hint"]
