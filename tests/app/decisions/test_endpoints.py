"""A run's match record over HTTP: auditors read it, it is what the log says, agencies open their own part."""

from __future__ import annotations

import io
from collections import Counter
from hashlib import sha256

from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    Linkage,
    MakeLinkage,
    either_database,
)
from twins.match_record import record_root

from app.worker.sweeper import Sweeper
from schemas.api.bodies import MatchRecordPage
from schemas.linkage.run import IdSpace, Recipient
from schemas.rounds.match_record import (
    MatchRecordReader,
    OpeningsHeader,
    Row,
    opens,
    parse_openings,
)
from schemas.rounds.release import parse_release

__all__ = ["either_database"]


def run_once(linkage: Linkage) -> str:
    linkage.upload_both(30, 12, 8)
    run = linkage.run_id()
    linkage.work()
    return run


def page_of(linkage: Linkage, run: str, **query: int) -> MatchRecordPage:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = linkage.get(f"/v1/runs/{run}/match-record?{asked}", AUDITOR, "auditor")
    assert answer.status_code == 200, answer.text
    return MatchRecordPage.from_json(answer.json())


def record_of(linkage: Linkage, run: str, limit: int = 7) -> bytes:
    """Return the whole record, asked for page by page."""
    page = page_of(linkage, run, limit=limit)
    lines = [page.header.to_canonical() + b"\n", *page.lines()]
    while page.next is not None:
        page = page_of(linkage, run, first=page.next, limit=limit)
        lines.extend(page.lines())
    return b"".join(lines)


def rows_of(record: bytes) -> list[Row]:
    return list(MatchRecordReader(io.BytesIO(record)).rows())


def openings_of(linkage: Linkage, party: str):
    releases = linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
    answer = linkage.get(f"/v1/releases/{releases[0]['release']}/openings", party)
    assert answer.status_code == 200, answer.text
    return parse_openings(answer.content)


def finished_entry(linkage: Linkage) -> dict:
    (found,) = [entry for entry in linkage.log_entries() if entry["kind"] == "run-finished"]
    return found["body"]


def test_without_a_floor_every_decision_is_shown_and_each_agency_opens_its_own_links(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(floor=0)
    run = run_once(linkage)
    record = record_of(linkage, run)
    rows = rows_of(record)
    view = linkage.get(f"/v1/runs/{run}", AUDITOR, "auditor").json()["counts"]
    bands = Counter(row.decision.band for row in rows if row.decision is not None)
    assert all(row.decision is not None for row in rows)
    assert (bands["auto"], bands["review"]) == (view["auto_pairs"], view["review_pairs"]) == (12, 8)
    # Each agency opens each of its linked records once and nothing else.
    # The larger file's agency comes first.
    for place, party in enumerate((SCHOOL, CHILD_WELFARE)):
        header, openings = openings_of(linkage, party)
        releases = linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
        file = linkage.get(f"/v1/releases/{releases[0]['release']}/file", party).content
        assert [opening.handle for opening in openings] == sorted(parse_release(file)[1])
        for opening in openings:
            decision = rows[opening.number - 1].decision
            assert decision is not None
            assert decision.band == "auto"
            assert opens(opening, header, place, decision)
            assert not opens(opening, header, 1 - place, decision)


def test_the_record_is_the_one_that_the_log_names_and_each_part_of_it_is_for_whom_it_should_be(
    linkage: Linkage, run: str
) -> None:
    digests = {each["party"]: each["sha256"] for each in finished_entry(linkage)["openings"]}
    for party in (CHILD_WELFARE, SCHOOL):
        releases = linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
        answer = linkage.get(f"/v1/releases/{releases[0]['release']}/openings", party)
        assert digests[party] == sha256(answer.content).hexdigest()
        assert answer.headers["content-length"] == str(len(answer.content))
        header, _ = parse_openings(answer.content)
        assert header == OpeningsHeader(
            project=PROJECT,
            run=run,
            party=party,
            upload=header.upload,
            match_record=finished_entry(linkage)["match_record_root"],
            openings=12,
        )
    assert linkage.log_kinds().count("release-fetched") == 2
    # The record is the one that the log names.
    record = record_of(linkage, run)
    reader = MatchRecordReader(io.BytesIO(record))
    assert sum(1 for _ in reader.rows()) == reader.header.rows
    root = finished_entry(linkage)["match_record_root"]
    assert reader.root() == root == record_root(record)
    view = linkage.get(f"/v1/runs/{run}").json()
    assert view["match_record"] == root
    assert reader.header.specification == view["specification_sha256"]
    # Only multiples of the floor are shown.
    rows = rows_of(record_of(linkage, run))
    kinds = Counter(
        str(row.decision.model_copy(update={"commitments": ("", "")}))
        for row in rows
        if row.decision is not None
    )
    assert kinds
    assert all(count % 3 == 0 for count in kinds.values())
    n_withheld = sum(row.decision is None for row in rows)
    assert n_withheld % 3 == 0
    assert n_withheld >= 6
    # The record says by which weights was decided.
    stated = page_of(linkage, run).header
    assert (stated.round, [one.party for one in stated.uploads]) == (1, [SCHOOL, CHILD_WELFARE])
    levels = {field.name: len(field.levels) for field in linkage.profile.fields}
    assert {one.field: len(one.levels) for one in stated.weights} == levels
    assert stated.prior < 0
    for one in stated.weights:
        assert one.levels[0] > 0 > one.levels[-1]
    # That a record was read is in the log.
    page_of(linkage, run)
    entry = linkage.log_entries()[-1]
    assert (entry["kind"], entry["body"]["what"]) == ("exported", "match-record")
    assert (entry["actor"]["party"], entry["project"]) == (AUDITOR, PROJECT)
    # A page holds as many rows as asked for.
    page = page_of(linkage, run, first=3, limit=4)
    assert (page.first, len(page.rows), page.next) == (3, 4, 7)
    last = page_of(linkage, run, first=page.header.rows, limit=4)
    assert (len(last.rows), last.next) == (1, None)
    beyond = page_of(linkage, run, first=page.header.rows + 1)
    assert (beyond.rows, beyond.next) == ((), None)


def test_a_recipient_of_a_count_gets_no_openings(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(
        recipients=(
            Recipient(party=CHILD_WELFARE, mode="count", space="shared"),
            Recipient(party=SCHOOL, mode="linked", space="shared"),
        ),
        spaces=(IdSpace(name="shared", lifetime="round"),),
    )
    run_once(linkage)
    releases = linkage.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    assert linkage.get(f"/v1/releases/{releases[0]['release']}/openings").status_code == 404
    assert [each["party"] for each in finished_entry(linkage)["openings"]] == [SCHOOL]


def test_a_run_that_has_not_ended_has_no_record(uploaded: Linkage) -> None:
    linkage, run = uploaded, uploaded.run_id()
    assert linkage.get(f"/v1/runs/{run}/match-record", AUDITOR, "auditor").status_code == 404
    assert linkage.get(f"/v1/runs/{run}").json()["match_record"] is None


def test_a_record_goes_with_its_runs_link_ids(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.run_id()
    linkage.work()
    answer = linkage.get(f"/v1/runs/{run}/match-record", AUDITOR, "auditor")
    assert answer.status_code == 200
    assert objects_of_records(linkage)
    linkage.founded.clock.move(days=91)
    Sweeper(linkage.broker).sweep()
    (gone,) = [e for e in linkage.log_entries() if e["kind"] == "match-record-destroyed"]
    assert (gone["object"], gone["body"]["root"]) == (run, answer.json()["root"])
    answer = linkage.get(f"/v1/runs/{run}/match-record", AUDITOR, "auditor")
    assert (answer.status_code, answer.json()["type"]) == (
        410,
        "urn:blindlink:problem:match-record-gone",
    )
    assert not objects_of_records(linkage)
    assert not list(linkage.broker.blobs.digests())


def objects_of_records(linkage: Linkage) -> list[str]:
    names = linkage.broker.keystore.object_ids()
    return [name for name in names if name.startswith("mrc-")]
