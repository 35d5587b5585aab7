"""Which disclosures concern one child: from the agency's own workspace, each line proved, nothing guessed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samples.log import SampleLog
from samples.parties import CW, K12

from encoding.evidence.disclosed_records import DisclosedRecords
from encoding.evidence.person_disclosures import (
    PersonDisclosure,
    disclosures_of,
    find_record,
    proof_files,
)
from encoding.log.log_copy import LogCopy, read_log_copy
from encoding.packing.handles import (
    MapName,
    derive_map_keys,
    draw_handles,
    record_keys,
    write_handle_map,
)
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.proof import parse_proof, verify_proof
from schemas.matchlog.release_kinds import ReleaseFetched


class Agency:
    """The child-welfare agency of the sample log: what it kept of its containers and of matches."""

    def __init__(self, folder: Path, project: str = "foster") -> None:
        self.workspace: Workspace = open_workspace(folder)
        self.project = project
        self.kept = DisclosedRecords(self.workspace, project)
        self.log = SampleLog(4)
        self.log.enrol(CW, K12)

    def encoded(self, upload: Entry, *names: str) -> None:
        """Keep the handle map of an upload's container, with these people."""
        body: Any = upload.body
        name = MapName(self.project, body.round, body.partner)
        keys = derive_map_keys(self.workspace.key(), self.project)
        drawn = draw_handles(name, record_keys(keys, names))
        write_handle_map(self.workspace.handle_map(*name), drawn, keys)

    def matched(self, number: int, *names: str) -> None:
        """Keep whom a round matched."""
        of = (find_record(self.workspace, self.project, name).key for name in names)
        self.kept.keep_matches(number, of)

    def copy(self) -> LogCopy:
        raw = self.log.bundle(self.project)
        return read_log_copy(io.BytesIO(raw), LogKeys.only(self.log.signers[-1].verifier_key), ())

    def ask(self, name: str) -> list[PersonDisclosure]:
        known = find_record(self.workspace, self.project, name)
        return disclosures_of(self.workspace, self.copy(), self.project, "county-cw", known)


def linked(agency: Agency, *, kept: bool = True) -> list[Entry]:
    """A linkage of ann and ben, of whom ann was linked; both agencies fetched."""
    log = agency.log
    log.create_project("foster")
    uploads = [log.upload("foster", CW), log.upload("foster", K12)]
    if kept:
        agency.encoded(uploads[0], "ann", "ben")
    asked = log.ask(log.specification("foster", uploads))
    log.start(asked)
    prepared = log.finish_run(asked)
    if kept:
        agency.matched(1, "ann")
    return [uploads[0], log.fetch(prepared[0], CW), log.fetch(prepared[1], K12)]


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    return Agency(tmp_path / "workspace")


def shown(lines: list[PersonDisclosure]) -> list[tuple[Any, ...]]:
    return [(line.what, line.certainty, line.giver, line.receiver) for line in lines]


def test_a_linked_record_is_in_its_upload_and_in_what_both_fetched_and_others_are_not(
    agency: Agency,
) -> None:
    entries = linked(agency)
    lines = agency.ask("ann")
    assert shown(lines) == [
        ("encodings", "yes", "county-cw", "data-center"),
        ("link-ids", "yes", "school-district", "county-cw"),
        ("link-ids", "yes", "county-cw", "school-district"),
    ]
    assert [line.entry for line in lines] == [entry.seq for entry in entries]
    # One that was not linked is in its upload alone; one that was not sent or is not known in nothing.
    assert shown(agency.ask("ben")) == [("encodings", "yes", "county-cw", "data-center")]
    assert agency.ask("cat") == agency.ask("nobody") == []
    assert find_record(agency.workspace, "foster", "nobody").handles == {}


def test_what_was_not_kept_is_said_to_be_possible_and_no_more(agency: Agency) -> None:
    first, *_ = linked(agency, kept=False)
    lines = agency.ask("ann")
    assert ({line.certainty for line in lines}, len(lines)) == ({"may"}, 3)
    # A container of another round is not taken for this one.
    body: Any = first.body
    agency.encoded(first.model_copy(update={"body": body.model_copy(update={"round": 7})}), "ann")
    assert {line.certainty for line in agency.ask("ann")} == {"may"}


def test_under_blind_it_says_only_that_the_record_was_in_a_file(tmp_path: Path) -> None:
    agency = Agency(tmp_path / "workspace", "hidden")
    log = agency.log
    log.create_blind_project("hidden", recipient="school-district")
    asked = log.finish_blind("hidden")
    upload = next(
        e for e in log.entries if e.kind == "upload-received" and e.actor.party == "county-cw"
    )
    agency.encoded(upload, "ann")
    prepared = log.release_blind(asked, "county-cw")
    body = ReleaseFetched(recipient="county-cw", sha256=prepared.body.sha256)  # type: ignore[attr-defined]
    log.append(body, project="hidden", object=prepared.object, actor=CW)
    lines = agency.ask("ann")
    assert shown(lines)[-1] == ("sealed-link-ids", "in-file", "county-cw", "school-district")
    assert "whether it was linked is not known here" in lines[-1].sentence
    assert agency.ask("ben") == []


def test_each_line_is_proved_by_an_inclusion_proof(agency: Agency) -> None:
    linked(agency)
    lines, copy = agency.ask("ann"), agency.copy()
    proofs = dict(proof_files(copy, lines))
    assert set(proofs) == {f"entry-{line.entry}.tlog-proof" for line in lines}
    for line in lines:
        proof = parse_proof(proofs[f"entry-{line.entry}.tlog-proof"])
        entry, _ = verify_proof(proof, [agency.log.signers[-1].verifier_key], KINDS)
        assert (entry.seq, entry.time) == (line.entry, line.time)
