"""The link IDs of a blind recipient, by the vectors of its spec page; what is refused changes nothing."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

import pytest
from samples.refusals import raises
from vectors.file import read_vectors

from encoding.errors import AgencyError, WorkspaceError
from encoding.ledger.errors import ReplayedMatchError
from encoding.sharing.blind_ledger import BlindLedger, RowsOf, rows_of
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.documents.ids import MatchId
from schemas.rounds.blind import BlindHeader

VECTORS = read_vectors("blind-rows")
HEADER = BlindHeader.from_json(read_vectors("blind-release")["good"][0]["header"])
LINKS = [one["links"] for one in VECTORS["rounds"]]


def files_of(vector: dict[str, Any], **changes: Any) -> list[RowsOf]:
    found = []
    for file in vector["files"]:
        stated = {name: file[name] for name in ("round", "agency", "partner", "run")}
        header = HEADER.model_copy(update=stated | changes)
        rows = [(MatchId(bytes.fromhex(match)), record) for match, record in file["rows"]]
        found.append(rows_of(header, rows))
    return found


def link(workspace: Workspace, files: list[RowsOf]) -> dict[str, str]:
    return BlindLedger.of(workspace, files[0].header).link(files)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


@pytest.fixture
def used(workspace: Workspace) -> Workspace:
    """A workspace in which all rounds of the vectors were opened."""
    for vector in VECTORS["rounds"]:
        link(workspace, files_of(vector))
    return workspace


def test_link_ids_over_the_rounds_are_those_of_the_vectors(workspace: Workspace) -> None:
    assert [link(workspace, files_of(vector)) for vector in VECTORS["rounds"]] == LINKS


def both(number: int, rows: list[tuple[MatchId, str]]) -> list[RowsOf]:
    """Return the rows of both agencies of a pair, all of whose records match."""
    stated = {"round": number, "run": f"run-{number:032x}"}
    ends = (("schools", "welfare"), ("welfare", "schools"))
    return [
        rows_of(HEADER.model_copy(update=stated | {"agency": one, "partner": other}), rows)
        for one, other in ends
    ]


def test_match_ids_of_eight_rounds_are_refused_however_often_agencies_delivered_in_one(
    workspace: Workspace,
) -> None:
    replayed = [(MatchId(b"r" * 16), "f" * 32)]
    link(workspace, both(1, replayed))
    for n_delivered in range(1, 20):
        rows = [(MatchId(bytes([one]) * 16), f"{one:032x}") for one in range(n_delivered)]
        link(workspace, both(2, rows))
    with raises(ReplayedMatchError):
        link(workspace, both(3, replayed))
    for number in range(3, 10):
        link(workspace, both(number, [(MatchId(bytes([100 + number]) * 16), "a" * 32)]))
    assert link(workspace, both(10, replayed))


def test_the_vectors_keep_link_ids_of_right_matches() -> None:
    assert LINKS[3] == LINKS[0]
    assert LINKS[1].keys() & LINKS[0].keys()
    assert all(LINKS[1][one] == LINKS[0][one] for one in LINKS[1].keys() & LINKS[0].keys())


@pytest.mark.parametrize("vector", VECTORS["bad_rounds"], ids=lambda vector: vector["name"])
def test_bad_rows_are_refused_and_change_nothing(used: Workspace, vector: dict[str, Any]) -> None:
    kept = {path: path.read_bytes() for path in (used.folder / "ledgers").iterdir()}
    with pytest.raises(AgencyError):
        link(used, files_of(vector))
    assert {path: path.read_bytes() for path in (used.folder / "ledgers").iterdir()} == kept


def test_the_same_rows_again_change_nothing(used: Workspace) -> None:
    (path,) = (used.folder / "ledgers").iterdir()
    kept = path.read_bytes()
    assert link(used, files_of(VECTORS["rounds"][-1])) == LINKS[-1]
    assert path.read_bytes() == kept


def test_two_recipients_that_share_a_space_have_no_link_id_in_common(
    workspace: Workspace, tmp_path: Path
) -> None:
    found = link(workspace, files_of(VECTORS["rounds"][0]))
    board = open_workspace(tmp_path / "board")
    others = link(board, files_of(VECTORS["rounds"][0], recipient="school-board"))
    assert not {*found.values()} & {*others.values()}


def test_a_ledger_that_was_changed_is_not_read(used: Workspace) -> None:
    (path,) = (used.folder / "ledgers").iterdir()
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(WorkspaceError):
        link(used, files_of(VECTORS["rounds"][-1]))


def test_of_three_agencies_one_person_has_one_link_id(workspace: Workspace) -> None:
    files = []
    for agency, partner in itertools.permutations(("courts", "schools", "welfare"), 2):
        pair = " ".join(sorted((agency, partner)))
        stated = {"agency": agency, "partner": partner, "run": pair}
        match = MatchId(hashlib.sha256(pair.encode()).digest()[:16])
        files.append(rows_of(HEADER.model_copy(update=stated), [(match, f"child of {agency}")]))
    found = link(workspace, files)
    assert found.keys() == {"child of courts", "child of schools", "child of welfare"}
    assert len(set(found.values())) == 1
